//! Callers of every kind: many threads, filters that know no clone3, closed descriptors. (root and ordinary user)

mod common;

use std::os::unix::process::CommandExt;
use std::process::Command as Process;

use common::run;
use minicontain::Code;
use serde_json::json;

#[test]
fn many_threads_start_containers_while_others_allocate() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::black_box(vec![1u8; 100_000]);
                }
            });
        }
        let starters: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..12).for_each(|_| assert_eq!(run(json!({"args": ["true"]})).outcome.returncode(), 0))
                })
            })
            .collect();
        let results: Vec<_> = starters.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        stop.store(true, Ordering::Relaxed);
        assert!(results.into_iter().all(|result| result.is_ok()));
    });
}

#[test]
fn the_callers_dumpable_flag_is_as_before() {
    // SAFETY: prctl with plain numbers.
    let dumpable = || unsafe { libc::prctl(libc::PR_GET_DUMPABLE) };
    run(json!({"args": ["true"]}));
    // Other tests of this process start containers at the same time: it is put back when the last has started.
    let back = (0..2000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        dumpable() == 1
    });
    assert!(back);
}

/// One instruction of a classic BPF program.
fn instruction(code: u32, yes: u8, no: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: yes, jf: no, k }
}

/// Runs one of this file's ignored tests again under the kind of filter that container engines have: clone3 answers
/// ENOSYS (its flags are behind a pointer, where a filter cannot look), and clone with a forbidden flag EPERM.
fn under_a_filter(test: &str, forbidden: i32) {
    let (load, equal, any) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K,
    );
    let answer = libc::BPF_RET | libc::BPF_K;
    let program = [
        instruction(load, 0, 0, 0),
        instruction(equal, 4, 0, libc::SYS_clone3 as u32),
        instruction(equal, 0, 2, libc::SYS_clone as u32),
        instruction(load, 0, 0, 16),
        instruction(any, 2, 0, forbidden as u32),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ];
    let mut process = Process::new(std::env::current_exe().expect("this test"));
    process.args(["--ignored", "--exact", test, "--nocapture"]);
    // SAFETY: the closure makes two system calls and touches only its own data.
    unsafe {
        process.pre_exec(move || {
            let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            match libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    let out = process.output().expect("a run");
    assert!(
        out.status.success(),
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn a_filter_that_knows_no_clone3_gets_clone() {
    under_a_filter("inner_without_clone3", 0);
}

#[test]
#[ignore = "run by a_filter_that_knows_no_clone3_gets_clone, under its filter"]
fn inner_without_clone3() {
    let spec = json!({"args": ["sh", "-c", "hostname; cut -d. -f1 /proc/uptime"], "hostname": "old", "time_offsets": {"boottime": 3_000_000}});
    let run = run(spec);
    assert!(run.trace.entries().iter().any(|entry| entry.syscall == "clone" && entry.value > 0));
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let (name, uptime) = text.trim_end().split_once('\n').expect("two lines");
    assert_eq!(name, "old");
    assert!(uptime.parse::<u64>().expect("a number") >= 3_000_000, "{uptime}");
}

#[test]
fn a_host_that_forbids_user_namespaces_is_named() {
    under_a_filter("inner_without_user_namespaces", libc::CLONE_NEWUSER);
}

#[test]
#[ignore = "run by a_host_that_forbids_user_namespaces_is_named, under its filter"]
fn inner_without_user_namespaces() {
    let error = common::try_run(json!({"args": ["true"]})).expect_err("no container");
    assert_eq!(error.code(), Code::UserNamespaceForbidden);
    assert!(error.hint().contains("seccomp"), "{error}");
}
