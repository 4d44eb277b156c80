//! What reviews found once, and must not come back. (root and ordinary user; no cgroups)

mod common;

use std::fs;
use std::process::Command as Process;

use common::{root, run, sh, sh_with, skip, try_run};
use minicontain::{Code, Plan, Spec};
use serde_json::json;

/// A directory for one test.
fn directory(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("minicontain-{name}-{}", std::process::id()));
    fs::create_dir_all(&path).expect("a directory");
    path
}

#[test]
fn the_callers_memory_stays_closed_while_a_child_of_another_user_shares_it() {
    if !root() {
        return skip("the_callers_memory_stays_closed", "an ordinary caller's child is the same user");
    }
    // SAFETY: prctl with plain numbers.
    let dumpable = || unsafe { libc::prctl(libc::PR_GET_DUMPABLE) };
    let spec =
        json!({"args": ["true"], "user": "65534:65534", "namespaces": {"user": "host"}, "init": false});
    let mut stepper =
        Plan::new(Spec::from_value(spec).expect("a spec")).expect("a plan").start_paused().expect("a start");
    while stepper.step().expect("a step").expect("not the end").syscall != "setresuid" {}
    assert_eq!(dumpable(), 0);
    run(json!({"args": ["true"]}));
    assert_eq!(dumpable(), 0, "another start opened it again");
    stepper.finish().expect("a container").wait().expect("an end");
}

#[test]
fn sys_is_read_only() {
    for spec in [json!({}), json!({"namespaces": {"net": "host"}}), json!({"namespaces": {"user": "host"}})] {
        if spec["namespaces"]["user"] == "host" && !root() {
            skip("sys_is_read_only, user host", "an ordinary caller needs a user namespace");
            continue;
        }
        assert!(
            sh_with("grep ' /sys ' /proc/self/mounts | cut -d' ' -f4", spec.clone()).starts_with("ro,"),
            "{spec}"
        );
    }
}

#[test]
fn the_callers_keys_stay_outside_unless_asked_for() {
    let session = format!(
        "python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall({}, 0, -3, 0))'",
        libc::SYS_keyctl
    );
    // SAFETY: makes a session keyring for this thread and asks for its number.
    let own = unsafe {
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, 0);
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_GET_KEYRING_ID, -3, 0)
    };
    assert!(own > 0);
    assert_ne!(sh(&session), own.to_string());
    assert_eq!(sh_with(&session, json!({"new_keyring": false})), own.to_string());
}

#[test]
fn a_device_node_in_a_volume_is_no_device() {
    if !root() {
        return skip("a_device_node_in_a_volume_is_no_device", "only root can make one");
    }
    let dir = directory("nodes");
    assert!(
        Process::new("mknod").arg(dir.join("zero")).args(["c", "1", "5"]).status().expect("mknod").success()
    );
    let spec = json!({"volumes": [format!("{}:/v", dir.display())]});
    assert_eq!(sh_with("head -c 1 /v/zero 2>/dev/null | wc -c; head -c 1 /dev/zero | wc -c", spec), "0\n1");
    fs::remove_dir_all(dir).expect("to clean up");
}

#[test]
fn any_path_can_be_masked() {
    assert_eq!(sh_with("cat /etc/hostname", json!({"masked_paths": ["/etc/hostname"]})), "");
}

#[test]
fn an_account_file_that_cannot_be_trusted_is_an_error_and_never_root() {
    let dir = directory("accounts");
    fs::create_dir(dir.join("etc")).expect("a directory");
    let user = |name: &str| {
        try_run(json!({"args": ["true"], "rootfs": dir.display().to_string(), "user": name})).unwrap_err()
    };
    fs::write(dir.join("etc/passwd"), "joe:x:99999999999:5::/:/bin/sh\n").expect("a file");
    assert_eq!(user("joe").code(), Code::UserNotFound);
    fs::remove_file(dir.join("etc/passwd")).expect("to remove it");
    assert!(Process::new("mkfifo").arg(dir.join("etc/passwd")).status().expect("mkfifo").success());
    assert_eq!(user("joe").code(), Code::UserNotFound);
    fs::remove_file(dir.join("etc/passwd")).expect("to remove it");
    // Inside the root this link goes to the root's own /etc, which has no such file; on the host it does.
    std::os::unix::fs::symlink("/etc/group", dir.join("etc/passwd")).expect("a link");
    assert_eq!(user("daemon").code(), Code::UserNotFound);
    fs::remove_dir_all(dir).expect("to clean up");
}

#[test]
fn no_path_becomes_a_command_of_the_script() {
    let spec = Spec::from_value(json!({"args": ["true"], "volumes": ["/usr:/$(id >&2)"]})).expect("a spec");
    let script = Plan::new(spec).expect("a plan").to_shell();
    // Where it stands, it stands between single quotes, or in a comment.
    for line in script.lines().filter(|line| !line.starts_with('#')) {
        let unquoted: String = line.split('\'').step_by(2).collect();
        assert!(!unquoted.contains("$(id"), "{line}");
    }
    assert!(Spec::from_value(json!({"args": ["true"], "volumes": ["/usr:/y\necho injected"]})).is_err());
}

#[test]
fn a_volume_can_lie_below_the_containers_own_home() {
    assert_eq!(sh_with("test -d /root/u/bin && echo ok", json!({"volumes": ["/usr:/root/u"]})), "ok");
}
