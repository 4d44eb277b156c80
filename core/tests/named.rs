//! Containers with names: found by other processes, and outliving their creators. (root and ordinary user; no cgroups)

mod common;

use std::process::Command as Process;
use std::time::Duration;

use common::soon;
use minicontain::{Code, Command, Container, Plan, Reason, Spec, containers};
use serde_json::{Value, json};

fn try_start(fields: Value) -> Result<Container, minicontain::Error> {
    Container::start(Plan::new(Spec::from_value(fields)?)?)
}

fn start(fields: Value) -> Container {
    try_start(fields).expect("a start")
}

fn name(what: &str) -> String {
    format!("test-{what}-{}", std::process::id())
}

/// An ordinary user's state needs a directory; where the tests run there may be none.
fn state_directory() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if !common::root() && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
            let path = std::env::temp_dir().join(format!("minicontain-runtime-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a directory");
            // SAFETY: nothing else of this test reads the environment before this.
            unsafe { std::env::set_var("XDG_RUNTIME_DIR", path) };
        }
    });
}

#[test]
fn a_detached_container_outlives_its_handle_and_is_found_by_name() {
    state_directory();
    let name = name("detached");
    let script = "echo said; trap 'exit 7' TERM; while :; do sleep 0.05; done";
    drop(start(json!({"args": ["sh", "-c", script], "name": name, "detach": true})));
    let found = Container::attach(&name).expect("found");
    let listed =
        containers().expect("a list").into_iter().find(|status| status.name == name).expect("listed");
    assert_eq!((listed.pid, listed.paused, listed.outcome), (Some(found.pid()), false, None));
    let log = found.log_path().expect("a log");
    assert!(soon(|| std::fs::read(&log).is_ok_and(|said| said == b"said\n")));
    let run = found.exec(Spec::new(["sh", "-c", "exit 5"])).expect("a start").wait().expect("an end");
    assert_eq!(run.status, Some(5));
    assert_eq!(Container::remove(&name).expect_err("it runs").code(), Code::StillRuns);
    let outcome = found.stop(Duration::from_secs(5)).expect("an end");
    assert_eq!((outcome.reason, outcome.status), (Reason::Exited, Some(7)));
    assert_eq!(Container::attach(&name).expect_err("ended").code(), Code::Ended);
    let listed =
        containers().expect("a list").into_iter().find(|status| status.name == name).expect("listed");
    assert_eq!(listed.outcome.map(|outcome| outcome.status), Some(Some(7)));
    Container::remove(&name).expect("removed");
    assert_eq!(Container::attach(&name).expect_err("gone").code(), Code::NoSuchContainer);
}

#[test]
fn a_detached_containers_program_may_take_its_time_to_begin() {
    state_directory();
    // Every directory is tried, by the program's process, when the one that joined namespaces has long ended.
    let path = format!("{}/usr/bin:/bin", "/no/such/place/to/look/for/a/program/in:".repeat(2500));
    let container = Command::new("sleep").arg("600").env("PATH", path).detach(true).spawn().expect("a start");
    let name = container.name().expect("a name").to_string();
    container.kill().expect("killed");
    container.wait().expect("an end");
    Container::remove(&name).expect("removed");
}

#[test]
fn a_detached_container_is_nobodys_child() {
    state_directory();
    let container = start(json!({"args": ["sleep", "600"], "detach": true}));
    let name = container.name().expect("a name").to_string();
    let status = std::fs::read_to_string(format!("/proc/{}/status", container.pid())).expect("a process");
    let own = format!("PPid:\t{}\n", std::process::id());
    assert!(!status.contains(&own), "{status}");
    container.kill().expect("killed");
    assert_eq!(container.wait().expect("an end").reason, Reason::Killed);
    Container::remove(&name).expect("removed");
}

#[test]
fn a_name_is_taken_once_and_free_again_after() {
    state_directory();
    let name = name("taken");
    let fields = json!({"args": ["sleep", "600"], "name": name});
    let first = start(fields.clone());
    assert_eq!(try_start(fields.clone()).expect_err("taken").code(), Code::NameTaken);
    assert_eq!(Container::attach(&name).expect("found").pid(), first.pid());
    drop(first);
    drop(start(fields));
    assert_eq!(Container::attach(&name).expect_err("gone").code(), Code::NoSuchContainer);
}

#[test]
fn a_start_that_fails_frees_its_name() {
    state_directory();
    let name = name("failed");
    for detach in [false, true] {
        let fields = json!({"args": ["no-such-program"], "name": name, "detach": detach});
        assert_eq!(try_start(fields).expect_err("no start").code(), Code::ProgramNotFound);
        assert_eq!(Container::attach(&name).expect_err("gone").code(), Code::NoSuchContainer);
    }
}

#[test]
fn what_a_killed_creator_left_is_swept() {
    state_directory();
    let name = name("killed");
    let example = std::env::current_exe().expect("this test").with_file_name("../examples/run");
    let fields = json!({"args": ["sleep", "600"], "name": name}).to_string();
    let mut creator = Process::new(example).arg(fields).spawn().expect("the example is built with the tests");
    assert!(soon(|| Container::attach(&name).is_ok()));
    let container = Container::attach(&name).expect("found");
    creator.kill().expect("killed");
    creator.wait().expect("an end");
    assert_eq!(container.wait().expect("it ended with its creator").reason, Reason::Killed);
    assert!(containers().expect("a list").iter().all(|status| status.name != name));
    assert_eq!(Container::attach(&name).expect_err("swept").code(), Code::NoSuchContainer);
}

#[test]
fn names_are_checked() {
    for bad in ["", "a/b", ".hidden", "-x", "x y"] {
        let error = Spec::from_value(json!({"args": ["true"], "name": bad})).expect_err("a fault");
        assert_eq!(error.faults()[0].field, "name", "{bad}");
    }
    let error = Spec::from_value(json!({"args": ["true"], "detach": true, "stdout": "pipe", "init": false}));
    let fields: Vec<String> =
        error.expect_err("faults").faults().iter().map(|fault| fault.field.clone()).collect();
    assert_eq!(fields, ["detach", "stdout"]);
}
