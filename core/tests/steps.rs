//! Plans as data, and executing them one step at a time. (root and ordinary user; no cgroups)

mod common;

use minicontain::{Code, Plan, Spec};
use serde_json::json;

fn plan(spec: serde_json::Value) -> Plan {
    Plan::new(Spec::from_value(spec).expect("a spec")).expect("a plan")
}

#[test]
fn making_a_plan_changes_nothing_and_the_plan_is_told_in_full() {
    let plan = plan(json!({"args": ["true"], "hostname": "box"}));
    let explained = plan.explain();
    for part in
        ["sethostname(\"box\", 3)", "pivot_root(\".\", \".\")", "execve(\"/usr/bin/true\"", "CAP_SYS_ADMIN"]
    {
        assert!(explained.contains(part), "{part} in {explained}");
    }
    let value = plan.to_value();
    assert_eq!(value["steps"].as_array().map(Vec::len), Some(plan.steps.len()));
    assert_eq!(value["enforced"]["root"]["state"], "enforced");
    assert!(plan.acts.iter().all(|act| !act.why.is_empty()));
}

#[test]
fn the_trace_is_the_plan_with_results() {
    let run = common::run(json!({"args": ["true"]}));
    let performed = run.trace.entries();
    assert!(
        performed
            .iter()
            .all(|entry| entry.value >= 0 || entry.syscall == "execve" || entry.result == "-1 EINVAL"),
        "{}",
        run.trace.render()
    );
    let last = performed.iter().rfind(|entry| entry.syscall == "execve").expect("an execve");
    assert_eq!(last.result, "0");
    assert!(run.trace.setup_ns() > 0 && run.trace.setup_ns() < run.outcome.usage.wall_ns);
}

#[test]
fn a_container_can_be_made_step_by_step() {
    let mut stepper = plan(json!({"args": ["true"], "hostname": "box"})).start_paused().expect("a start");
    let own = std::fs::read_link("/proc/self/ns/uts").expect("a namespace");
    let mut seen = Vec::new();
    while let Some(entry) = stepper.step().expect("a step") {
        if entry.syscall == "sethostname" {
            let pid = stepper.pid().expect("a process");
            assert_ne!(std::fs::read_link(format!("/proc/{pid}/ns/uts")).expect("its namespace"), own);
        }
        seen.push(entry.syscall);
    }
    assert!(seen.contains(&"pivot_root"));
    assert_eq!(stepper.finish().expect("a container").wait().expect("an end").returncode(), 0);
}

#[test]
fn stepping_with_a_second_process_works_too() {
    let mut stepper =
        plan(json!({"args": ["true"], "namespaces": {"pid": "host"}})).start_paused().expect("a start");
    let mut last = None;
    while let Some(entry) = stepper.step().expect("a step") {
        last = Some(entry.syscall);
    }
    assert_eq!(last, Some("execve"), "the steps inside are told to the end");
    assert_eq!(stepper.finish().expect("a container").wait().expect("an end").returncode(), 0);
}

#[test]
fn a_stepper_that_is_dropped_leaves_no_process() {
    let mut stepper = plan(json!({"args": ["true"]})).start_paused().expect("a start");
    while stepper.pid().is_none() {
        stepper.step().expect("a step");
    }
    stepper.step().expect("one more");
    let proc = format!("/proc/{}", stepper.pid().expect("a process"));
    assert!(std::path::Path::new(&proc).exists());
    drop(stepper);
    assert!(!std::path::Path::new(&proc).exists());
}

#[test]
fn a_step_that_fails_while_stepping_is_told() {
    let mut stepper = plan(json!({"args": ["true"], "cwd": "/no/such"})).start_paused().expect("a start");
    let error = loop {
        match stepper.step() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it went on"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::CwdNotFound);
}

#[test]
fn who_is_killed_between_two_tries_to_execute_was_killed() {
    // It is looked for in each directory of PATH.
    let fields = json!({"args": ["no-such-program"], "init": false});
    let mut stepper = plan(fields).start_paused().expect("a start");
    while stepper.step().expect("a step").expect("one more").syscall != "execve" {}
    let pid = nix::unistd::Pid::from_raw(stepper.pid().expect("a process"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("killed");
    assert_eq!(stepper.finish().expect_err("it was killed").code(), Code::KilledInSetup);
}
