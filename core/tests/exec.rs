//! Programs that join a running container, or any process. (root and ordinary user; no cgroups)

mod common;

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use common::{root, skip};
use minicontain::{Code, Container, Plan, Reason, Spec, enter};
use nix::sys::ptrace;
use nix::sys::wait::WaitPidFlag;
use nix::unistd::Pid;
use serde_json::{Value, json};

fn spec(fields: Value) -> Spec {
    Spec::from_value(fields).expect("a spec")
}

fn start(fields: Value) -> Container {
    Container::start(Plan::new(spec(fields)).expect("a plan")).expect("a start")
}

fn sleeper() -> Container {
    start(json!({"args": ["sleep", "600"], "hostname": "box"}))
}

fn output(mut container: Container) -> String {
    let mut text = String::new();
    let pipe = container.stdout.take().expect("a pipe");
    std::fs::File::from(pipe).read_to_string(&mut text).expect("its output");
    container.wait().expect("an end");
    text.trim().into()
}

fn sh(container: &Container, command: &str) -> String {
    let fields = json!({"args": ["sh", "-c", command], "stdout": "pipe"});
    output(container.exec(spec(fields)).expect("a start"))
}

#[test]
fn it_leaves_the_callers_keys_unless_the_container_kept_them() {
    let joins = |fields: Value| {
        let container = start(fields);
        let plan = container.plan_exec(spec(json!({"args": ["true"]}))).expect("a plan");
        plan.steps.iter().any(|step| step.call.name() == "keyctl")
    };
    assert!(joins(json!({"args": ["sleep", "600"]})));
    assert!(!joins(json!({"args": ["sleep", "600"], "new_keyring": false})));
}

#[test]
fn it_sees_the_containers_names_processes_and_files() {
    let container = sleeper();
    assert_eq!(sh(&container, "hostname; id -u; cat /proc/2/comm; echo made > /tmp/made"), "box\n0\nsleep");
    assert_eq!(sh(&container, "cat /tmp/made"), "made");
}

#[test]
fn every_namespace_is_the_containers() {
    let container = sleeper();
    for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"] {
        let theirs = std::fs::read_link(format!("/proc/{}/ns/{kind}", container.pid())).expect("a namespace");
        assert_eq!(sh(&container, &format!("readlink /proc/self/ns/{kind}")), theirs.display().to_string());
    }
}

#[test]
fn it_has_no_more_rights_than_the_container() {
    let container = start(json!({"args": ["sleep", "600"], "cap_drop": ["ALL"]}));
    let own = sh(&container, "grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs' /proc/2/status");
    assert_eq!(sh(&container, "grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs' /proc/self/status"), own);
}

#[test]
fn ends_are_told_apart() {
    let container = sleeper();
    let run =
        |args: &[&str]| container.exec(Spec::new(args.to_vec())).expect("a start").wait().expect("an end");
    assert_eq!(run(&["sh", "-c", "exit 3"]).status, Some(3));
    assert_eq!(run(&["sh", "-c", "kill -9 $$"]).signal, Some(9));
    let error = container.exec(Spec::new(["no-such-program"])).expect_err("no start");
    assert_eq!(error.code(), Code::ProgramNotFound);
    let error = container.exec(spec(json!({"args": ["true"], "cwd": "/no/such"}))).expect_err("no start");
    assert_eq!(error.code(), Code::CwdNotFound);
}

#[test]
fn sigkill_ends_the_program_and_not_only_the_init_outside() {
    let container = sleeper();
    let beside = container.exec(Spec::new(["sleep", "600"])).expect("a start");
    let shared = start(json!({"args": ["sleep", "600"], "namespaces": {"pid": "host"}}));
    for run in [&beside, &shared] {
        let program = format!("/proc/{}", run.program_pid().expect("a process"));
        assert!(std::path::Path::new(&program).exists());
        run.send_signal(libc::SIGKILL).expect("sent");
        let outcome = run.wait().expect("an end");
        assert_eq!((outcome.reason, outcome.signal), (Reason::Signaled, Some(libc::SIGKILL)));
        assert!(!std::path::Path::new(&program).exists(), "{program} lives on");
    }
}

#[test]
fn what_the_container_is_cannot_be_chosen_again() {
    let container = sleeper();
    let error = container.exec(spec(json!({"args": ["true"], "hostname": "x", "volumes": ["/usr:/x"]})));
    let faults: Vec<String> =
        error.expect_err("faults").faults().iter().map(|fault| fault.field.clone()).collect();
    assert_eq!(faults, ["hostname", "volumes"]);
}

#[test]
fn it_ends_with_the_container() {
    let container = sleeper();
    let beside = container.exec(Spec::new(["sleep", "600"])).expect("a start");
    drop(container);
    assert_eq!(beside.wait().expect("an end").signal, Some(9));
}

#[test]
fn one_that_ended_or_is_paused_is_told() {
    let container = sleeper();
    container.pause().expect("paused");
    assert_eq!(container.exec(Spec::new(["true"])).expect_err("paused").code(), Code::Paused);
    container.resume().expect("resumed");
    container.kill().expect("killed");
    container.wait().expect("an end");
    assert_eq!(container.exec(Spec::new(["true"])).expect_err("ended").code(), Code::Ended);
}

#[test]
fn a_container_that_ends_meanwhile_gives_an_error_and_leaves_nothing() {
    for delay in [0, 200, 400, 800, 1600] {
        let container = start(json!({"args": ["sleep", "600"], "init": delay % 400 == 0}));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(delay));
                container.kill().expect("killed");
            });
            match container.exec(Spec::new(["true"])) {
                Ok(beside) => drop(beside.wait().expect("an end")),
                Err(error) => assert!(
                    [Code::Ended, Code::KilledInSetup].contains(&error.code()),
                    "after {delay} us: {error:?}"
                ),
            }
        });
    }
}

#[test]
fn a_container_that_is_ending_is_told_like_one_that_ended() {
    let args = ["sh", "-c", "sleep 600 & echo; wait"];
    let mut container = start(json!({"args": args, "init": false, "stdout": "pipe"}));
    let mut said = std::fs::File::from(container.stdout.take().expect("a pipe"));
    said.read_exact(&mut [0]).expect("the program begins");
    let pid = container.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("read");
    let child = Pid::from_raw(children.trim().parse().expect("one child"));
    // The first process of a PID namespace ends after all others, and this one stops at its end.
    ptrace::seize(child, ptrace::Options::PTRACE_O_TRACEEXIT).expect("held");
    container.kill().expect("killed");
    nix::sys::wait::waitpid(child, Some(WaitPidFlag::__WALL)).expect("stopped");
    while std::fs::exists(format!("/proc/{pid}/root")).is_ok_and(|there| there) {
        std::thread::sleep(Duration::from_millis(1));
    }

    let ended = container.try_wait().expect("asked").is_some();
    let said = [
        container.exec(Spec::new(["true"])).map(drop).map_err(|error| error.code()),
        container.put("/tmp/x", b"", 0o600).map_err(|error| error.code()),
    ];
    // Before anything can fail here: as long as it is held, it does not end.
    ptrace::detach(child, None).expect("let go");
    assert!(!ended);
    assert_eq!(said, [Err(Code::Ended), Err(Code::Ended)]);
    assert_eq!(container.wait().expect("an end").signal, Some(libc::SIGKILL));
}

#[test]
fn a_container_without_a_pid_namespace_can_be_joined() {
    let container =
        start(json!({"args": ["sleep", "600"], "hostname": "box", "namespaces": {"pid": "host"}}));
    assert_eq!(sh(&container, "hostname"), "box");
    assert_eq!(sh(&container, "hostname"), "box");
}

#[test]
fn any_process_can_be_entered() {
    if !root() {
        return skip("any_process_can_be_entered", "a process in the caller's own namespaces needs root");
    }
    let mut command = std::process::Command::new("unshare");
    let mut other =
        command.args(["--uts", "sh", "-c", "hostname other; exec sleep 600"]).spawn().expect("unshare");
    let pid = i32::try_from(other.id()).expect("an id");
    let named = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let fields = json!({"args": ["hostname"], "stdout": "pipe"});
        output(enter(pid, spec(fields)).expect("a start")) == "other"
    });
    other.kill().expect("killed");
    other.wait().expect("an end");
    assert!(named);
    assert_eq!(enter(pid, Spec::new(["true"])).expect_err("gone").code(), Code::Ended);
}

#[test]
fn a_container_by_chroot_is_entered_at_its_root() {
    let base = std::env::temp_dir().join(format!("minicontain-exec-{}", std::process::id()));
    let busybox = base.join("bin");
    if !Path::new("/usr/bin/busybox").exists() {
        return skip("a_container_by_chroot_is_entered_at_its_root", "no busybox here");
    }
    std::fs::create_dir_all(&busybox).expect("a directory");
    common::copy_program("/usr/bin/busybox", &busybox.join("busybox"));
    let container =
        start(json!({"args": ["/bin/busybox", "sleep", "600"], "rootfs": base, "root_change": "chroot"}));
    let fields = json!({"args": ["/bin/busybox", "ls", "/"], "stdout": "pipe"});
    let seen = output(container.exec(spec(fields)).expect("a start"));
    assert_eq!(seen.split_whitespace().collect::<Vec<_>>(), ["bin", "dev", "proc", "sys", "tmp"]);
    drop(container);
    std::fs::remove_dir_all(&base).expect("removed");
}
