//! Runs a scenario of `pytests/conformance` through the Rust face.
//!
//! ```sh
//! conformance [-i INPUT] [-t MILLISECONDS] [SPEC]
//! ```
//!
//! SPEC is a spec in JSON; it is read from standard input where it is not given. INPUT goes to the program's
//! standard input. Standard output and error are captured where the spec does not send them elsewhere. One JSON
//! object is printed, of the same form as that of `pytests/c/conformance.c`.

use std::io::Read;
use std::time::Duration;

use minicontain::error::errno_name;
use minicontain::spec::Stdio;
use minicontain::{Command, Error, Run, Spec};
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let (mut input, mut timeout, mut given) = (None, None, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-i" => input = words.next(),
            "-t" => timeout = words.next().and_then(|millis| millis.parse().ok()).map(Duration::from_millis),
            _ => given = Some(word),
        }
    }
    let spec = match given {
        Some(spec) => spec,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
    };
    println!("{}", run(&spec, input, timeout).map_or_else(|error| show_error(&error), |run| show_run(&run)));
    Ok(())
}

fn run(spec: &str, input: Option<String>, timeout: Option<Duration>) -> Result<Run, Error> {
    let mut spec = Spec::from_json(spec)?;
    for stream in [&mut spec.stdout, &mut spec.stderr] {
        if *stream == Stdio::Inherit {
            *stream = Stdio::Pipe;
        }
    }
    let mut command = Command::from(spec);
    if let Some(input) = input {
        command.input(input);
    }
    if let Some(timeout) = timeout {
        command.timeout(timeout);
    }
    command.run()
}

fn show_run(run: &Run) -> Value {
    json!({
        "reason": run.outcome.reason.name(),
        "status": run.outcome.status,
        "signal": run.outcome.signal,
        "stdout": String::from_utf8_lossy(&run.stdout),
        "stderr": String::from_utf8_lossy(&run.stderr),
        "error_code": null,
    })
}

fn show_error(error: &Error) -> Value {
    let step = error.step();
    json!({
        "reason": null,
        "status": null,
        "signal": null,
        "stdout": "",
        "stderr": "",
        "error_code": error.code().name(),
        "errno": if error.errno() == 0 { String::new() } else { errno_name(error.errno()) },
        "step": step.map_or(-1, |step| step.index as i64),
        "syscall": step.map_or("", |step| step.syscall),
        "path": error.path().unwrap_or_default(),
        "message": error.to_string(),
        "hint": error.hint(),
        "fields": error.faults().iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(),
    })
}
