//! What the tests share.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod lan;

use std::time::Duration;

use minicontain::{Command, Error, Run, Spec};
use serde_json::{Value, json};

/// Whether the tests run as root. Each test that needs it says so and is counted as skipped otherwise.
pub fn root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Says on standard error that a test was skipped, and why; the test command counts these lines.
pub fn skip(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
}

/// Whether the tests run as root; otherwise says that this one was skipped.
pub fn needs_root(test: &str) -> bool {
    if !root() {
        skip(test, "needs root");
    }
    root()
}

/// Copies a program by a process of its own. By this one, the child of another test's thread would have the copy open
/// for writing for a moment, and nobody could execute it: ETXTBSY, execve(2).
pub fn copy_program(from: &str, to: &std::path::Path) {
    assert!(std::process::Command::new("cp").arg(from).arg(to).status().expect("cp").success());
}

/// Until it is so, for some seconds at most.
pub fn soon(is_so: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        is_so()
    })
}

/// Runs a spec with its output captured.
pub fn try_run(spec: Value) -> Result<Run, Error> {
    Command::from(Spec::from_value(spec)?).output()
}

/// Runs a spec that must start.
pub fn run(spec: Value) -> Run {
    try_run(spec).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a shell script with every default, and returns what it says.
pub fn sh(script: &str) -> String {
    sh_with(script, json!({}))
}

/// Runs a shell script with some fields of the spec set.
pub fn sh_with(script: &str, mut spec: Value) -> String {
    spec["args"] = json!(["sh", "-c", script]);
    let run = run(spec);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(run.outcome.returncode(), 0, "{} {}", text(&run.stdout), text(&run.stderr));
    text(&run.stdout).trim_end().to_string()
}
