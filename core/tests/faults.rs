//! Every step is failed in turn: each failure is told as itself, and leaves nothing. (root and ordinary user)

mod common;

use minicontain::{Container, Plan, Spec};
use serde_json::json;

/// What a start could leave behind: descriptors, children, mounts, cgroups.
fn held() -> (usize, usize, usize, usize) {
    let count = |path: &str| std::fs::read_dir(path).expect("a directory").count();
    let children = std::fs::read_dir("/proc/self/task").expect("threads").flatten().map(|task| {
        std::fs::read_to_string(task.path().join("children")).unwrap_or_default().split_whitespace().count()
    });
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts").lines().count();
    (count("/proc/self/fd"), children.sum(), mounts, cgroups())
}

/// The cgroups that this process made for containers, one below the other.
fn cgroups() -> usize {
    let id = format!("-{}-", std::process::id());
    let own = minicontain::Cgroup::of(std::process::id() as i32).expect("a cgroup");
    let parents = own.directories().iter().flat_map(|one| one.path.ancestors().take(2));
    let names = parents.filter_map(|parent| std::fs::read_dir(parent).ok()).flatten().flatten();
    let ours = |name: &str| name.starts_with("minicontain-") && name.contains(&id);
    names.filter(|entry| entry.file_name().to_str().is_some_and(ours)).count()
}

fn sweep(plan: impl Fn() -> Plan) {
    Container::start(plan()).expect("a start").wait().expect("an end");
    let before = held();
    for (index, step) in plan().steps.iter().enumerate() {
        match Container::start_traced(plan(), Some((index, libc::EIO))) {
            Err((error, trace)) => {
                let failed = error.step().unwrap_or_else(|| panic!("step {index}: {error}"));
                assert_eq!(
                    (failed.index, failed.errno, failed.syscall),
                    (index, libc::EIO, step.call.name()),
                    "{error}"
                );
                assert!(trace.entries().iter().any(|entry| entry.index == index && entry.result == "-1 EIO"));
            }
            // A tolerated failure, or a step that a start which succeeds never comes to.
            Ok(container) => {
                container.wait().expect("an end");
                let late = step.tolerate != minicontain::plan::Tolerate::Nothing
                    || matches!(step.call.name(), "close" | "futex");
                assert!(late, "step {index}, {}, was not needed", step.call.name());
            }
        }
        // Other processes of the host mount things too: what is ours must go at once, what is theirs soon.
        let clean = (0..100).any(|_| {
            held() == before || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                false
            }
        });
        assert!(clean, "step {index}, {}, left something: {:?}, before {before:?}", step.call.name(), held());
    }
}

// One test, so that nothing else in this process opens descriptors meanwhile.
#[test]
fn whatever_fails_is_named_and_nothing_is_left() {
    let volume = std::env::temp_dir().display().to_string();
    let pipes = json!({"stdin": "pipe", "stdout": "pipe", "stderr": "null"});
    for mut spec in [
        json!({"volumes": [format!("{volume}:/data")], "tmpfs": ["/tmp/x"], "cwd": "/usr", "ulimits": {"nofile": 64}}),
        json!({"namespaces": {"pid": "host"}, "time_offsets": {"boottime": 5}}),
        json!({"namespaces": {"uts": {"path": "/proc/self/ns/uts"}}, "dev": false}),
    ] {
        if !common::root() && spec["namespaces"]["uts"].is_object() {
            common::skip(
                "fault sweep with a joined namespace",
                "an ordinary caller may not join its own uts namespace",
            );
            continue;
        }
        spec["args"] = json!(["true"]);
        for (key, value) in pipes.as_object().expect("an object") {
            spec[key] = value.clone();
        }
        let spec = Spec::from_value(spec).expect("a spec");
        sweep(|| Plan::new(spec.clone()).expect("a plan"));
    }
    if common::root() {
        let limits = json!({
            "args": ["true"], "cgroup": true, "memory": "64M", "pids_limit": 8, "cpus": 0.5,
            "device_cgroup_rules": [],
        });
        let limited = Spec::from_value(limits).expect("a spec");
        sweep(|| Plan::new(limited.clone()).expect("a plan"));
    } else {
        common::skip("fault sweep with limits", "an ordinary user has no cgroup here");
    }
    let terminal = Spec::from_value(json!({"args": ["true"], "tty": true})).expect("a spec");
    sweep(|| Plan::new(terminal.clone()).expect("a plan"));
    let container =
        Container::start(Plan::new(Spec::new(["sleep", "600"])).expect("a plan")).expect("a start");
    sweep(|| container.plan_exec(Spec::new(["true"])).expect("a plan"));
    let mut detached = Spec::new(["true"]);
    detached.detach = true;
    sweep(|| container.plan_exec(detached.clone()).expect("a plan"));
    assert_eq!(container.try_wait().expect("it runs"), None);
}
