//! Standard streams, input, output, ends. (root and ordinary user; no cgroups)

mod common;

use std::time::{Duration, Instant};

use common::{root, run, sh, sh_with, skip};
use minicontain::spec::Stdio;
use minicontain::{Command, Reason};
use serde_json::json;

#[test]
fn output_and_error_are_captured_apart_or_merged() {
    let out = run(json!({"args": ["sh", "-c", "echo out; echo err >&2"]}));
    assert_eq!((out.stdout.as_slice(), out.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    let mut command = Command::new("sh");
    let out = command
        .args(["-c", "echo out; echo err >&2"])
        .stdout(Stdio::Pipe)
        .stderr(Stdio::Stdout)
        .run()
        .expect("a run");
    assert_eq!(out.stdout, b"out\nerr\n");
}

#[test]
fn large_input_and_output_do_not_deadlock() {
    let data = vec![b'x'; 20 << 20];
    let out = Command::new("cat").input(data.clone()).output().expect("a run");
    assert_eq!(out.stdout.len(), data.len());
}

#[test]
fn a_program_that_does_not_read_its_input_is_no_error() {
    let out = Command::new("true").input(vec![b'x'; 1 << 20]).output().expect("a run");
    assert_eq!(out.outcome.returncode(), 0);
}

#[test]
fn ends_are_told_apart() {
    let end =
        |script: &str| run(json!({"args": ["sh", "-c", script], "namespaces": {"pid": "host"}})).outcome;
    assert_eq!(end("exit 137").status, Some(137));
    assert_eq!(end("kill -9 $$").signal, Some(libc::SIGKILL));
    assert_eq!(end("kill -15 $$").signal, Some(libc::SIGTERM));
    assert_eq!(end("python3 -c 'import os; os.abort()'; exit $?").status, Some(134));
    assert_eq!(
        run(json!({"args": ["python3", "-c", "import os; os.abort()"], "namespaces": {"pid": "host"}}))
            .outcome
            .returncode(),
        -libc::SIGABRT
    );
}

#[test]
fn a_container_whose_time_is_up_is_killed_with_all_its_processes() {
    let began = Instant::now();
    let run = Command::new("sh")
        .args(["-c", "sleep 60 & sleep 60"])
        .timeout(Duration::from_millis(200))
        .output()
        .expect("a run");
    assert_eq!(run.outcome.reason, Reason::TimedOut);
    assert_eq!(run.outcome.signal, Some(libc::SIGKILL));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn it_can_be_waited_for_by_many_threads_and_signalled() {
    let container = Command::new("sh")
        .args(["-c", "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done"])
        .stdout(Stdio::Pipe)
        .spawn()
        .expect("a start");
    let mut byte = [0; 6];
    nix::unistd::read(container.stdout.as_ref().expect("a pipe"), &mut byte).expect("ready");
    assert!(container.wait_timeout(Duration::from_millis(10)).expect("a look").is_none());
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..4).map(|_| scope.spawn(|| container.wait().expect("an end"))).collect();
        container.send_signal(libc::SIGUSR1).expect("a signal");
        assert!(waiters.into_iter().all(|waiter| waiter.join().expect("a thread").status == Some(7)));
    });
    assert_eq!(
        container.send_signal(libc::SIGTERM).expect_err("it has ended").code(),
        minicontain::Code::Ended
    );
    container.kill().expect("killing what has ended is fine");
}

#[test]
fn dropping_a_container_ends_it() {
    let container = Command::new("sleep").arg("60").spawn().expect("a start");
    let proc = format!("/proc/{}", container.pid());
    drop(container);
    assert!(!std::path::Path::new(&proc).exists());
}

#[test]
fn usage_is_reported() {
    let usage =
        run(json!({"args": ["python3", "-c", "x = bytearray(400_000_000); [i for i in range(300_000)]"]}))
            .outcome
            .usage;
    assert!(
        usage.user_ns > 1_000_000
            && usage.wall_ns > usage.user_ns / 4
            && usage.peak_memory > Some(400_000_000),
        "{usage:?}"
    );
}

#[test]
fn namespaces_can_be_shared_with_the_caller() {
    if !root() {
        return skip(
            "namespaces_can_be_shared_with_the_caller",
            "without a user namespace of its own, an ordinary caller may make none",
        );
    }
    let own = |kind: &str| {
        std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace").display().to_string()
    };
    let all = json!({"namespaces": {"user": "host", "mnt": "host", "pid": "host", "net": "host", "ipc": "host", "uts": "host", "cgroup": "host", "time": "host"}});
    for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"] {
        assert_eq!(sh_with(&format!("readlink /proc/self/ns/{kind}"), all.clone()), own(kind));
        let one = json!({"namespaces": {kind: "host"}});
        assert_eq!(sh_with(&format!("readlink /proc/self/ns/{kind}"), one), own(kind), "{kind} alone");
    }
}

#[test]
fn namespaces_of_another_container_can_be_joined() {
    let other = Command::new("sleep").arg("60").hostname("other").spawn().expect("a start");
    let pid = other.pid();
    let spec = json!({"namespaces": {"user": {"pid": pid}, "uts": {"pid": pid}, "pid": {"pid": pid}, "net": {"path": format!("/proc/{pid}/ns/net")}}});
    assert_eq!(sh_with("hostname; ps -e -o comm= | grep -c sleep", spec), "other\n1");
    assert_eq!(sh("hostname"), "minicontain");
}

#[test]
fn descriptors_are_passed_on_by_number_and_only_open_ones() {
    use std::os::fd::AsRawFd;
    let (read, write) = nix::unistd::pipe().expect("a pipe");
    let fd = write.as_raw_fd();
    let run =
        run(json!({"args": ["sh", "-c", format!("echo hi >&{fd}; ls /proc/self/fd")], "pass_fds": [fd]}));
    assert_eq!(
        String::from_utf8_lossy(&run.stdout).lines().filter(|line| line.len() > 1 || line > &"2").count(),
        2
    );
    let mut text = [0; 3];
    assert_eq!(nix::unistd::read(&read, &mut text), Ok(3));
    assert_eq!(&text, b"hi\n");
    let error = common::try_run(json!({"args": ["true"], "pass_fds": [4096]}))
        .expect_err("a descriptor that is not open");
    assert_eq!((error.code(), error.errno()), (minicontain::Code::Io, libc::EBADF));
}

#[test]
fn a_pipe_can_be_opened_again_through_dev_stdout() {
    assert_eq!(sh("echo again > /dev/stdout"), "again");
    if root() {
        assert_eq!(sh_with("echo again > /dev/stdout", json!({"user": "1000"})), "again");
    }
}
