//! Programs that join a running container, and outlive who started them. (root and ordinary user; with a cgroup: root)

mod common;

use std::fs;

use common::soon;
use minicontain::{Code, Container, Plan, Reason, Spec, enter};
use serde_json::{Value, json};

fn spec(fields: Value) -> Spec {
    Spec::from_value(fields).expect("a spec")
}

fn start(fields: Value) -> Container {
    Container::start(Plan::new(spec(fields)).expect("a plan")).expect("a start")
}

fn sleeper() -> Container {
    start(json!({"args": ["sleep", "600"]}))
}

fn detached(container: &Container, mut fields: Value) -> Container {
    fields["detach"] = json!(true);
    container.exec(spec(fields)).expect("a start")
}

/// A line of a process's status, while it is there.
fn status(pid: i32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_string()))
}

fn children() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("threads").flatten();
    let lists = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    lists.flat_map(|list| list.split_whitespace().map(str::to_string).collect::<Vec<_>>()).collect()
}

#[test]
fn it_goes_on_without_its_handle_and_is_nobodys_child() {
    let container = sleeper();
    let beside = detached(&container, json!({"args": ["sleep", "600"]}));
    let program = beside.program_pid().expect("a process");
    let parent: i32 = status(program, "PPid:").and_then(|pid| pid.parse().ok()).expect("a parent");
    // The joiner reaps it, and is not this process's to be reaped.
    let ours = children();
    assert!(!ours.contains(&program.to_string()) && !ours.contains(&parent.to_string()), "{ours:?}");
    let own = std::process::id().to_string();
    assert!(status(parent, "PPid:").is_some_and(|pid| pid != own));
    drop(beside);
    // The kernel names a process a moment after its memory is free.
    assert!(soon(|| status(program, "Name:").as_deref() == Some("sleep")));
    drop(container);
    assert!(soon(|| status(program, "Name:").is_none()), "it outlived the container");
    // Where nobody reaps the joiner, a zombie is left of it, as of any process that has lost its parent.
    assert!(soon(|| status(parent, "State:").is_none_or(|state| state.starts_with('Z'))));
}

#[test]
fn its_end_is_told_to_who_still_has_the_handle() {
    let container = sleeper();
    let beside = detached(&container, json!({"args": ["sh", "-c", "sleep 0.2; exit 3"]}));
    assert_eq!(beside.try_wait().expect("it runs"), None);
    assert_eq!(beside.wait().expect("an end").status, Some(3));
    let beside = detached(&container, json!({"args": ["sleep", "600"]}));
    let program = beside.program_pid().expect("a process");
    beside.send_signal(libc::SIGTERM).expect("sent");
    assert_eq!(beside.wait().expect("an end").signal, Some(libc::SIGTERM));
    assert!(soon(|| status(program, "Name:").is_none()));
    let beside = detached(&container, json!({"args": ["sleep", "600"]}));
    container.kill().expect("killed");
    let outcome = beside.wait().expect("an end");
    assert_eq!((outcome.reason, outcome.signal), (Reason::Signaled, Some(libc::SIGKILL)));
    assert_eq!(container.wait().expect("an end").reason, Reason::Killed);
}

#[test]
fn one_that_ends_at_once_was_started_all_the_same() {
    let container = sleeper();
    for _ in 0..50 {
        assert_eq!(detached(&container, json!({"args": ["true"]})).wait().expect("an end").status, Some(0));
    }
}

#[test]
fn its_streams_are_nobodys() {
    let container = sleeper();
    let script = "exec 3> /tmp/open; ls -l /proc/$$/fd >&3";
    detached(&container, json!({"args": ["sh", "-c", script]})).wait().expect("an end");
    let open = container.get("/tmp/open").expect("a file");
    let open = String::from_utf8_lossy(&open).into_owned();
    assert_eq!(open.matches("-> /dev/null").count(), 3, "{open}");
    for fields in [json!({"stdout": "pipe"}), json!({"tty": true})] {
        let mut wanted = fields.clone();
        (wanted["args"], wanted["detach"]) = (json!(["true"]), json!(true));
        let field = Spec::from_value(wanted).expect_err("a fault").faults()[0].field.clone();
        assert!(fields.get(&field).is_some(), "{field}");
    }
}

#[test]
fn what_cannot_be_started_is_told() {
    let container = sleeper();
    let refused = |args: Value| {
        let error = container.exec(spec(json!({"args": args, "detach": true}))).expect_err("no start");
        error.code()
    };
    assert_eq!(refused(json!(["no-such-program"])), Code::ProgramNotFound);
    container.pause().expect("paused");
    assert_eq!(refused(json!(["true"])), Code::Paused);
    container.resume().expect("resumed");
    container.kill().expect("killed");
    container.wait().expect("an end");
    assert_eq!(refused(json!(["true"])), Code::Ended);
}

#[test]
fn it_stops_and_goes_on_with_the_container() {
    let container = sleeper();
    let beside = detached(&container, json!({"args": ["sleep", "600"]}));
    let program = beside.program_pid().expect("a process");
    container.pause().expect("paused");
    assert!(soon(|| status(program, "State:").is_some_and(|state| state.starts_with('T'))));
    container.resume().expect("resumed");
    assert!(soon(|| status(program, "State:").is_some_and(|state| state.starts_with('S'))));
}

#[test]
fn beside_a_process_it_ends_by_itself() {
    let container = start(json!({"args": ["sleep", "600"], "namespaces": {"pid": "host"}}));
    let beside =
        enter(container.pid(), spec(json!({"args": ["sleep", "600"], "detach": true}))).expect("a start");
    drop(container);
    assert_eq!(beside.try_wait().expect("it runs"), None);
    beside.kill().expect("killed");
    assert_eq!(beside.wait().expect("an end").signal, Some(libc::SIGKILL));
}

#[test]
fn a_container_is_still_only_detached_with_processes_of_its_own() {
    let fields = json!({"args": ["true"], "detach": true, "namespaces": {"pid": "host"}});
    assert_eq!(Spec::from_value(fields).expect_err("a fault").faults()[0].field, "detach");
}

#[test]
fn its_cgroup_goes_with_its_end_or_with_the_container() {
    if !common::needs_root("its_cgroup_goes_with_its_end_or_with_the_container") {
        return;
    }
    let container = start(json!({"args": ["sleep", "600"], "cgroup": true}));
    let limited = json!({"args": ["sleep", "600"], "memory": "32M", "pids_limit": 5});
    let places = |beside: &Container| -> Vec<_> {
        let cgroup = beside.cgroup().expect("a cgroup");
        cgroup.directories().iter().map(|directory| directory.path.clone()).collect()
    };
    let beside = detached(&container, limited.clone());
    let made = places(&beside);
    assert!(!made.is_empty() && made.iter().all(|path| path.exists()), "{made:?}");
    beside.kill().expect("killed");
    assert!(beside.wait().expect("an end").stats.is_some());
    assert!(made.iter().all(|path| !path.exists()), "{made:?}");
    let left = places(&detached(&container, limited));
    assert!(left.iter().all(|path| path.exists()), "{left:?}");
    drop(container);
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
}

#[test]
fn it_can_be_started_step_by_step() {
    let container = sleeper();
    let wanted = spec(json!({"args": ["sh", "-c", "exit 4"], "detach": true}));
    let mut stepper = container.plan_exec(wanted.clone()).expect("a plan").start_paused().expect("a stepper");
    let mut clones = Vec::new();
    let mut steps = 0;
    while let Some(done) = stepper.step().expect("a step") {
        steps += 1;
        if done.syscall.starts_with("clone") {
            clones.push(steps);
        }
    }
    assert_eq!(stepper.finish().expect("a start").wait().expect("an end").status, Some(4));
    let [first, _, last] = clones[..] else { panic!("three processes are made: {clones:?}") };
    for steps in first..last + 2 {
        let mut stepper =
            container.plan_exec(wanted.clone()).expect("a plan").start_paused().expect("a stepper");
        let mut pid = None;
        for _ in 0..steps {
            if stepper.step().expect("a step").is_none() {
                break;
            }
            pid = stepper.pid().or(pid);
        }
        drop(stepper);
        let gone = |pid| status(pid, "State:").is_none_or(|state| state.starts_with('Z'));
        assert!(pid.is_none_or(|pid| soon(|| gone(pid))), "step {steps} left a process");
    }
}
