//! Limits, statistics and the end of a container's cgroup. (root; v1 with a v2 tree, and v2 in the virtual machine)

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{root, run, skip, try_run};
use minicontain::cgroup::Version;
use minicontain::spec::{Limits, Size};
use minicontain::{Cgroup, Code, Container, Plan, Reason, Spec};
use serde_json::{Value, json};

/// Whether this caller can have cgroups, as root or in what is delegated to him, or else says so.
fn cgroups(test: &str) -> bool {
    let probe = Cgroup::create(&format!("minicontain-test-probe-{test}"), &Limits::default());
    let can = probe.and_then(|probe| probe.remove());
    if let Err(error) = &can {
        assert!(!root(), "{error}");
        skip(test, &error.to_string());
    }
    can.is_ok()
}

fn spec(fields: Value) -> Spec {
    Spec::from_value(fields).expect("a spec")
}

fn start(fields: Value) -> Container {
    Container::start(Plan::new(spec(fields)).expect("a plan")).expect("a start")
}

/// A program that wants ever more memory, and begins at once; should no limit hold, it has an end all the same.
fn hog(mut fields: Value) -> Value {
    fields["args"] = json!(["tail", "/dev/zero"]);
    fields["ulimits"] = json!({"data": 256 << 20});
    fields
}

fn directories(container: &Container) -> Vec<PathBuf> {
    let cgroup = container.cgroup().expect("a cgroup");
    cgroup.directories().iter().map(|directory| directory.path.clone()).collect()
}

#[test]
fn who_wants_more_memory_than_the_limit_is_killed_and_that_is_told() {
    if !cgroups("who_wants_more_memory_than_the_limit_is_killed_and_that_is_told") {
        return;
    }
    let run = run(hog(json!({"memory": "16M"})));
    assert_eq!((run.outcome.reason, run.outcome.signal), (Reason::Oom, Some(libc::SIGKILL)));
    assert_eq!(run.outcome.oom_kills, 1);
    // The kernel's log leaves some out when many are killed at a time.
    let victims = &run.outcome.oom_victims;
    assert!(victims.iter().all(|victim| victim.name == "tail") && victims.len() <= 1, "{victims:?}");
    let memory = run.outcome.stats.expect("statistics").memory.expect("of memory");
    assert_eq!(memory.limit, Some(16 << 20));
    assert!(memory.limit_hits > 0 && memory.peak.is_none_or(|peak| peak <= 16 << 20), "{memory:?}");
}

#[test]
fn a_victim_that_is_not_the_program_does_not_end_it() {
    if !cgroups("a_victim_that_is_not_the_program_does_not_end_it") {
        return;
    }
    let mut fields = hog(json!({"memory": "16M"}));
    fields["args"] = json!(["sh", "-c", "tail /dev/zero; exit 3"]);
    let run = run(fields);
    assert_eq!((run.outcome.reason, run.outcome.status), (Reason::Exited, Some(3)));
    assert_eq!(run.outcome.oom_kills, 1);
}

#[test]
fn a_kill_is_not_taken_for_want_of_memory() {
    if !cgroups("a_kill_is_not_taken_for_want_of_memory") {
        return;
    }
    let run = run(json!({"args": ["sh", "-c", "kill -9 $$"], "memory": "16M"}));
    assert_eq!((run.outcome.reason, run.outcome.oom_kills), (Reason::Signaled, 0));
    let container = start(json!({"args": ["sleep", "600"], "memory": "16M"}));
    container.kill().expect("a kill");
    let outcome = container.wait().expect("an end");
    assert_eq!((outcome.reason, outcome.oom_kills), (Reason::Killed, 0));
}

#[test]
fn a_kill_after_another_was_killed_for_want_of_memory_is_still_a_kill() {
    if !cgroups("a_kill_after_another_was_killed_for_want_of_memory_is_still_a_kill") {
        return;
    }
    let mut fields = hog(json!({"memory": "16M"}));
    fields["args"] = json!(["sh", "-c", "tail /dev/zero; echo; sleep 600"]);
    fields["stdout"] = json!("pipe");
    let mut container = start(fields.clone());
    let mut line = String::new();
    let out = std::fs::File::from(container.stdout.take().expect("a pipe"));
    BufReader::new(out).read_line(&mut line).expect("a line");
    container.kill().expect("a kill");
    let outcome = container.wait().expect("an end");
    assert_eq!((outcome.reason, outcome.oom_kills), (Reason::Killed, 1));

    fields["args"] = json!(["sh", "-c", "tail /dev/zero; kill -9 $$"]);
    let outcome = run(fields).outcome;
    // Who it was is in the kernel's log, as far as that may be read, and with ids of the first PID namespace.
    let first = std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.ends_with("pid:[4026531836]"));
    if first && outcome.oom_victims.len() == 1 {
        assert_eq!(outcome.reason, Reason::Signaled);
    }
}

#[test]
fn a_program_that_joined_is_killed_for_want_of_the_containers_memory() {
    if !cgroups("a_program_that_joined_is_killed_for_want_of_the_containers_memory") {
        return;
    }
    let container = start(json!({"args": ["sleep", "600"], "memory": "16M"}));
    let mut hungry = spec(hog(json!({})));
    hungry.limits = Limits::default();
    let outcome = container.exec(hungry).expect("a start").wait().expect("an end");
    assert_eq!((outcome.reason, outcome.oom_kills), (Reason::Oom, 1));
    let after = container.exec(spec(json!({"args": ["sh", "-c", "kill -9 $$"]}))).expect("a start");
    assert_eq!(after.wait().expect("an end").reason, Reason::Signaled);
}

#[test]
fn the_kernels_rounding_is_seen_in_the_trace_and_in_the_statistics() {
    if !cgroups("the_kernels_rounding_is_seen_in_the_trace_and_in_the_statistics") {
        return;
    }
    let run = run(json!({"args": ["true"], "memory": 4_000_000}));
    let shown = run.trace.render();
    assert!(shown.contains("\"4000000\", 7) = 7") && shown.contains("\"3997696\\n\""), "{shown}");
    assert_eq!(run.outcome.stats.and_then(|stats| stats.memory?.limit), Some(3_997_696));
}

#[test]
fn the_limit_holds_for_the_first_thing_that_the_program_does() {
    if !cgroups("the_limit_holds_for_the_first_thing_that_the_program_does") {
        return;
    }
    for init in [true, false] {
        let run = run(hog(json!({"memory": "4M", "init": init})));
        assert_eq!(run.outcome.reason, Reason::Oom, "with init {init}");
    }
}

#[test]
fn a_fork_bomb_is_held() {
    if !cgroups("a_fork_bomb_is_held") {
        return;
    }
    let bomb = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait";
    let run = run(json!({"args": ["sh", "-c", bomb], "pids_limit": 8}));
    assert_ne!(run.outcome.returncode(), 0);
    let pids = run.outcome.stats.and_then(|stats| stats.pids).expect("of processes");
    assert_eq!((pids.limit, pids.limit_hits > 0), (Some(8), true));
    assert!(pids.peak.is_none_or(|peak| peak == 8), "{pids:?}");
}

#[test]
fn nothing_of_the_cgroup_is_left_whoever_ends_it() {
    if !cgroups("nothing_of_the_cgroup_is_left_whoever_ends_it") {
        return;
    }
    let fields = json!({"args": ["sleep", "600"], "cgroup": true, "memory": "64M"});
    let ways: [fn(Container); 3] = [
        |container| {
            container.stop(Duration::from_millis(1)).expect("a stop");
        },
        |container| {
            container.kill().expect("a kill");
            container.wait().expect("an end");
        },
        drop,
    ];
    for end in ways {
        let container = start(fields.clone());
        let paths = directories(&container);
        assert!(paths.iter().all(|path| path.is_dir()));
        end(container);
        assert!(!paths.iter().any(|path| path.exists()), "{paths:?}");
    }
}

#[test]
fn what_runs_on_without_a_pid_namespace_ends_with_the_program() {
    if !cgroups("what_runs_on_without_a_pid_namespace_ends_with_the_program") {
        return;
    }
    let script = "setsid sleep 600 & exit 0";
    let container =
        start(json!({"args": ["sh", "-c", script], "cgroup": true, "namespaces": {"pid": "host"}}));
    let paths = directories(&container);
    assert_eq!(container.wait().expect("an end").returncode(), 0);
    assert!(!paths.iter().any(|path| path.exists()));
}

#[test]
fn a_frozen_container_can_be_killed() {
    if !cgroups("a_frozen_container_can_be_killed") {
        return;
    }
    let container = start(json!({"args": ["sleep", "600"], "cgroup": true}));
    let cgroup = container.cgroup().expect("a cgroup").clone();
    cgroup.freeze().expect("frozen");
    assert_eq!(cgroup.frozen(), Some(true));
    drop(container);
    assert!(!cgroup.directories().iter().any(|directory| directory.path.exists()));
}

#[test]
fn an_exec_is_counted_with_its_container_and_may_have_less() {
    if !cgroups("an_exec_is_counted_with_its_container_and_may_have_less") {
        return;
    }
    let container = start(json!({"args": ["sleep", "600"], "cgroup": true, "memory": "64M"}));
    let inside = container.exec(spec(json!({"args": ["sleep", "600"]}))).expect("a start");
    let members = container.cgroup().expect("a cgroup").processes().expect("its processes");
    assert!(members.contains(&inside.pid()), "{members:?} without {}", inside.pid());
    inside.kill().expect("a kill");
    inside.wait().expect("an end");

    let limited = hog(json!({"memory": "8M"}));
    let limited = container.exec(spec(limited)).expect("a start").wait().expect("an end");
    assert_eq!(limited.reason, Reason::Oom);
    assert!(container.try_wait().expect("a look").is_none(), "the container goes on");
    // And once more, now that the container's processes may have been moved.
    let again = container.exec(spec(json!({"args": ["true"]}))).expect("a start").wait().expect("an end");
    assert_eq!(again.returncode(), 0);
    let paths = directories(&container);
    drop(container);
    assert!(!paths.iter().any(|path| path.exists()));
}

#[test]
fn the_container_sees_its_cgroup_as_the_root_of_all() {
    if !cgroups("the_container_sees_its_cgroup_as_the_root_of_all") {
        return;
    }
    let run = run(json!({"args": ["sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup"], "cgroup": true}));
    let shown = String::from_utf8_lossy(&run.stdout).into_owned();
    let tree = shown.lines().find(|line| line.starts_with("0::"));
    assert!(tree.is_none_or(|line| line == "0::/"), "{shown}");
    assert!(shown.contains("memory"), "{shown}");
}

#[test]
fn a_delegated_cgroup_can_be_divided_but_not_widened() {
    if !cgroups("a_delegated_cgroup_can_be_divided_but_not_widened") {
        return;
    }
    let script = "
        cd /sys/fs/cgroup; [ -e cgroup.procs ] || cd memory
        mkdir mine && echo 0 > mine/cgroup.procs && grep -q mine /proc/self/cgroup && echo divided
        for file in memory.max memory.limit_in_bytes; do
            if [ -e $file ]; then (echo 1000000000 > $file) 2>/dev/null; fi
        done
        tail /dev/zero; [ $? = 137 ] && echo held";
    let mut fields = hog(json!({"cgroup_delegate": true, "memory": "32M"}));
    fields["args"] = json!(["sh", "-c", script]);
    let run = run(fields);
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert_eq!(out, "divided\nheld\n", "{err}");
}

#[test]
fn a_value_that_this_host_cannot_have_names_what_it_can() {
    if !cgroups("a_value_that_this_host_cannot_have_names_what_it_can") {
        return;
    }
    for (fields, field, range) in [
        (json!({"cpus": 9999}), "cpus", "0.01 to"),
        (json!({"cpuset_cpus": "0-4095"}), "cpuset_cpus", "use some of 0"),
        (json!({"device_read_bps": {"/dev/null": 1}}), "device_read_bps", "name one, as /dev/sda"),
    ] {
        let mut spec = json!({"args": ["true"]});
        for (name, value) in fields.as_object().expect("fields") {
            spec[name] = value.clone();
        }
        let error = try_run(spec).expect_err("an error");
        // systemd delegates neither CPUs by name nor disks.
        if error.code() == Code::NotEnforced && !root() {
            skip("a_value_that_this_host_cannot_have_names_what_it_can", &error.to_string());
            continue;
        }
        let fault = error.faults().first().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(fault.field, field);
        assert!(error.to_string().contains(range), "{error}");
    }
}

#[test]
fn huge_pages_are_limited_by_their_size() {
    if !cgroups("huge_pages_are_limited_by_their_size") {
        return;
    }
    let fields = |size: &str| json!({"args": ["true"], "hugetlb": {size: "4M"}});
    match try_run(fields("2MB")) {
        Err(error) if error.code() == Code::NotEnforced => {
            skip("huge_pages_are_limited_by_their_size", &error.to_string());
        }
        ended => {
            assert!(ended.expect("a start").trace.render().contains("\"4194304\""));
            let error = try_run(fields("3MB")).expect_err("an error").to_string();
            assert!(error.starts_with("hugetlb: this host has no pages of 3MB (use one of"), "{error}");
        }
    }
}

#[test]
fn a_limit_that_the_version_does_not_have_is_an_error_unless_best_effort() {
    if !cgroups("a_limit_that_the_version_does_not_have_is_an_error_unless_best_effort") {
        return;
    }
    let fields = |best: bool| match version("memory") {
        Version::V1 => json!({"args": ["true"], "memory": "64M", "memory_high": "32M", "best_effort": best}),
        Version::V2 => {
            json!({"args": ["true"], "memory": "64M", "memory_swappiness": 1, "best_effort": best})
        }
    };
    let error = try_run(fields(false)).expect_err("an error");
    assert_eq!(error.code(), Code::NotEnforced, "{error}");
    let run = run(fields(true));
    assert_eq!(run.trace.plan.enforced["memory"].name(), "partial");
}

#[test]
fn a_limit_that_a_cgroup_has_no_controller_for_says_what_is_so() {
    let name = "a_limit_that_a_cgroup_has_no_controller_for_says_what_is_so";
    if !cgroups(name) || version("cpu") == Version::V2 || version("memory") == Version::V2 {
        return skip(name, "v2 gives a cgroup the controller");
    }
    let container = start(json!({"args": ["sleep", "60"], "memory": "64M"}));
    let limits = Limits { cpus: Some(0.5), ..Limits::default() };
    let error = container.cgroup().expect("a cgroup").set(&limits).expect_err("no such cgroup");
    assert_eq!(error.code(), Code::NotEnforced);
    assert!(error.to_string().contains("is in no cgroup of its hierarchy"), "{error}");
    assert!(error.hint().contains("cgroup=True"), "{error}");
}

#[test]
fn who_may_make_no_cgroup_is_told_nothing_that_does_not_exist_for_one() {
    let name = format!("minicontain-refused-{}", std::process::id());
    let limits = Limits { memory: Some(Size(64 << 20)), ..Limits::default() };
    match Cgroup::create(&name, &limits) {
        Ok(cgroup) => {
            cgroup.remove().expect("to clean up");
            skip("who_may_make_no_cgroup_is_told_nothing_that_does_not_exist_for_one", "this user may");
        }
        Err(error) => assert!(!error.hint().contains("best_effort"), "{error}"),
    }
}

/// The version that has a controller here.
fn version(controller: &str) -> Version {
    let own = Cgroup::of(std::process::id() as i32).expect("a cgroup");
    let found = own.directories().iter().find(|one| one.controllers().contains(&controller));
    found.map_or(Version::V2, |one| one.version)
}

#[test]
fn without_a_cgroup_what_means_nearly_the_same_holds_and_that_is_told() {
    if root() {
        return skip(
            "without_a_cgroup_what_means_nearly_the_same_holds_and_that_is_told",
            "root has cgroups",
        );
    }
    let limits = r"s/^Max (data size|processes) +([0-9]+) .*/\2/p";
    let limited =
        json!({"args": ["sed", "-nE", limits, "/proc/self/limits"], "memory": "64M", "pids_limit": 20});
    let Ok(run) = try_run(limited.clone()) else { panic!("{}", try_run(limited).expect_err("an error")) };
    let states = ["memory", "pids"].map(|feature| run.trace.plan.enforced[feature].name());
    if states == ["enforced"; 2] {
        return skip(
            "without_a_cgroup_what_means_nearly_the_same_holds_and_that_is_told",
            "a cgroup is delegated",
        );
    }
    assert_eq!(states, ["partial"; 2]);
    assert_eq!(String::from_utf8_lossy(&run.stdout), "67108864\n20\n");
    let error = try_run(json!({"args": ["true"], "cpus": 0.5})).expect_err("an error");
    assert_eq!(error.code(), Code::NotEnforced, "{error}");
    let lax = common::run(json!({"args": ["true"], "cpus": 0.5, "best_effort": true}));
    assert_eq!(lax.trace.plan.enforced["cpu"].name(), "not_enforced");
    let strict = try_run(json!({"args": ["true"], "memory": "64M", "require": ["memory"]}));
    assert_eq!(strict.expect_err("an error").code(), Code::NotEnforced);
}

/// An example, which is built with the tests.
fn example(name: &str) -> Command {
    Command::new(std::env::current_exe().expect("a path").with_file_name(format!("../examples/{name}")))
}

/// The directories of containers' cgroups beside this process's, and below it.
fn containers_cgroups() -> Vec<PathBuf> {
    let own = Cgroup::of(std::process::id() as i32).expect("a cgroup");
    let parents = own.directories().iter().flat_map(|one| one.path.ancestors().take(2).map(PathBuf::from));
    let entries = parents.filter_map(|parent| std::fs::read_dir(parent).ok()).flatten().flatten();
    let ours = |name: &str| name.starts_with("minicontain-") && name.ends_with(|c: char| c.is_ascii_digit());
    let found =
        entries.filter(|entry| entry.file_name().to_str().is_some_and(ours)).map(|entry| entry.path());
    found.collect()
}

#[test]
fn whenever_its_maker_is_killed_the_next_start_removes_what_is_left() {
    if !cgroups("whenever_its_maker_is_killed_the_next_start_removes_what_is_left") {
        return;
    }
    let fields = json!({"args": ["true"], "cgroup": true, "memory": "64M"});
    let count = Plan::new(spec(fields.clone())).expect("a plan").steps.len();
    let mut left = std::collections::BTreeSet::new();
    // Every one until there is a process for a while; what follows leaves the same. The machine with v2 is a slow one.
    let stride = if version("memory") == Version::V2 { 24 } else { 1 };
    for last in (1..120).step_by(stride).chain((120..count).step_by(16 * stride)) {
        let mut maker = example("step")
            .args(["-i", &fields.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("an example");
        let mut lines = BufReader::new(maker.stdout.take().expect("its output")).lines();
        let mut steps = maker.stdin.take().expect("its input");
        for _ in 0..last {
            // After the end of the plan it does not answer any more.
            if steps.write_all(b"\n").is_err() || lines.next().is_none_or(|line| line.is_err()) {
                break;
            }
        }
        maker.kill().expect("killed");
        maker.wait().expect("an end");
        let id = format!("-{}-", maker.id());
        left.extend(containers_cgroups().into_iter().filter(|path| path.display().to_string().contains(&id)));
    }
    assert!(!left.is_empty(), "a killed maker leaves its cgroups");
    // It is done once in a process: so by another one.
    let next = example("run").arg(json!({"args": ["true"], "memory": "64M"}).to_string()).output();
    assert!(next.expect("an example").status.success());
    let still: Vec<_> = left.iter().filter(|path| path.exists()).collect();
    assert!(still.is_empty(), "{still:?}");
}

#[test]
fn many_hogs_do_not_hurt_their_starter() {
    if !cgroups("many_hogs_do_not_hurt_their_starter") {
        return;
    }
    // Less than anything can begin in, so that the kernel kills in the middle of a start.
    for kilobytes in [512, 600, 700, 900] {
        for init in [true, false] {
            let fields = hog(json!({"memory": kilobytes * 1024, "init": init}));
            let ended = try_run(fields);
            assert!(!matches!(ended, Ok(ref run) if run.outcome.returncode() == 0), "{ended:?}");
        }
    }
}

#[test]
fn limits_of_a_cgroup_by_name_are_read_back() {
    if !cgroups("limits_of_a_cgroup_by_name_are_read_back") {
        return;
    }
    let name = format!("minicontain-test-{}", std::process::id());
    let limits = Limits { memory: Some(Size(4_000_000)), pids_limit: Some(3), ..Limits::default() };
    let cgroup = Cgroup::create(&name, &limits).expect("a cgroup");
    let stats = cgroup.stats().expect("statistics");
    assert_eq!(stats.memory.and_then(|memory| memory.limit), Some(3_997_696));
    assert_eq!(stats.pids.and_then(|pids| pids.limit), Some(3));
    let paths = |cgroup: &Cgroup| cgroup.directories().iter().map(|one| one.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&Cgroup::open(&name).expect("found")), paths(&cgroup));
    assert_eq!(Cgroup::create(&name, &limits).expect_err("taken").code(), Code::NameTaken);
    let held = cgroup.set(&Limits { pids_limit: Some(5), ..Limits::default() }).expect("set");
    assert_eq!((held[0].file.as_str(), held[0].held.as_str()), ("pids.max", "5"));
    cgroup.remove().expect("removed");
    assert_eq!(Cgroup::open(&name).expect_err("gone").code(), Code::CgroupNotFound);
}

#[test]
fn a_cgroup_is_filled_watched_frozen_and_killed() {
    if !cgroups("a_cgroup_is_filled_watched_frozen_and_killed") {
        return;
    }
    let name = format!("minicontain-test-life-{}", std::process::id());
    let cgroup = Cgroup::create(&name, &Limits::default()).expect("a cgroup");
    let mut watch = cgroup.watch().expect("a watch");
    let mut child =
        Command::new("sh").args(["-c", "while :; do sleep 0.01; done"]).spawn().expect("a process");
    cgroup.add(child.id() as i32).expect("added");
    assert!(cgroup.processes().expect("processes").contains(&(child.id() as i32)));
    assert!(cgroup.threads().expect("threads").contains(&(child.id() as i32)));
    let came = watch.wait(Duration::from_secs(10)).expect("events");
    assert!(came.iter().any(|event| event.name() == "populated"), "{came:?}");
    cgroup.freeze().expect("frozen");
    assert!(cgroup.events().frozen);
    cgroup.thaw().expect("thawed");
    assert_eq!(cgroup.remove().expect_err("in use").code(), Code::StillRuns);
    cgroup.kill().expect("killed");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&child.wait().expect("an end")),
        Some(libc::SIGKILL)
    );
    cgroup.remove().expect("removed");
}

#[test]
fn a_container_with_a_delegated_cgroup_can_limit_its_own_containers() {
    if !cgroups("a_container_with_a_delegated_cgroup_can_limit_its_own_containers") {
        return;
    }
    // The kernel lays no more than two overlays over each other, and the host may have one.
    let inner = json!({
        "args": ["sh", "-c", "echo inner"], "memory": "16M", "pids_limit": 20, "host_files": {"/": "read-only"},
        "tmp": false, "dev": false, "sys": false,
    })
    .to_string();
    let programs = std::env::current_exe().expect("a path").with_file_name("../examples");
    let programs = programs.canonicalize().expect("a directory").display().to_string();
    let run = run(json!({
        "args": ["/mnt/run", inner], "cgroup_delegate": true, "memory": "64M",
        "volumes": [format!("{programs}:/mnt:ro")],
        // A new /proc may only be mounted where the whole of one is seen.
        "masked_paths": [], "readonly_paths": [],
    }));
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert_eq!(out, "inner\n", "{err}");
    assert!(err.contains("limit: Some(16777216)"), "{err}");
}

/// A block device over a file of so many bytes, which goes with this.
struct Loop(String);

impl Loop {
    fn new(len: u64) -> Option<Self> {
        let path = std::env::temp_dir().join(format!("minicontain-loop-{}", std::process::id()));
        std::fs::File::create(&path).and_then(|file| file.set_len(len)).expect("a file");
        let made = Command::new("losetup").args(["--find", "--show"]).arg(&path).output();
        let _ = std::fs::remove_file(&path);
        let made = made.ok().filter(|made| made.status.success())?;
        Some(Self(String::from_utf8_lossy(&made.stdout).trim().into()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

#[test]
fn a_device_is_written_no_faster_than_the_limit() {
    let test = "a_device_is_written_no_faster_than_the_limit";
    let Some(device) = root().then(|| Loop::new(8 << 20)).flatten() else {
        return skip(test, "it takes root, and a loop device");
    };
    let run = run(json!({
        "args": ["dd", "if=/dev/zero", format!("of={}", device.0), "bs=128k", "count=24", "oflag=direct"],
        "device_write_bps": {device.0.clone(): "1M"}, "dev": false,
        "namespaces": {"user": "host", "mnt": "host"},
    }));
    assert_eq!(run.outcome.returncode(), 0, "{}", String::from_utf8_lossy(&run.stderr));
    // Three megabytes, of which the kernel lets the first part through at once.
    assert!(run.outcome.usage.wall_ns > 2_000_000_000, "{}", run.outcome.usage.wall_ns);
    let written = run.outcome.stats.and_then(|stats| stats.io).expect("of devices");
    assert!(written.values().any(|io| io.write_bytes == 3 << 20), "{written:?}");
}

#[test]
fn the_same_holds_with_v1_alone() {
    let test = "the_same_holds_with_v1_alone";
    let unified = "/sys/fs/cgroup/unified";
    if !root() || !std::path::Path::new(unified).join("cgroup.procs").exists() {
        return skip(test, "it takes root, and a v2 tree beside v1 that can be taken off");
    }
    let this = std::env::current_exe().expect("a path");
    let script = format!("umount {unified} && exec \"$0\" --skip {test} --skip whenever --skip a_device");
    let run = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .arg(this)
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("test result: ok. 2"), "{said}");
}

#[test]
fn only_the_devices_that_are_named_can_be_used() {
    if !root() {
        return skip("only_the_devices_that_are_named_can_be_used", "it takes root");
    }
    // The host's own devices, as the host's root: nothing else stands in the way.
    let script = "for d in null zero kmsg; do head -c0 /dev/$d 2>/dev/null && echo $d; done";
    let fields = json!({
        "args": ["sh", "-c", script], "cap_add": ["SYSLOG"], "dev": false,
        "namespaces": {"user": "host", "mnt": "host"},
    });
    let run_with = |rules: Value| {
        let mut fields = fields.clone();
        fields["device_cgroup_rules"] = rules;
        String::from_utf8_lossy(&run(fields).stdout).into_owned()
    };
    assert_eq!(run_with(json!([])), "null\nzero\n");
    assert_eq!(run_with(json!(["c 1:11 r"])), "null\nzero\nkmsg\n");
}

#[test]
fn a_container_is_made_below_a_cgroup_that_was_made_before() {
    if !cgroups("a_container_is_made_below_a_cgroup_that_was_made_before") {
        return;
    }
    let name = format!("minicontain-test-parent-{}", std::process::id());
    let limits = Limits { memory: Some(Size(16 << 20)), ..Limits::default() };
    let parent = Cgroup::create(&name, &limits).expect("a cgroup");
    let run = run(hog(json!({"memory": "1G", "cgroup_parent": name})));
    let missing = [json!({"memory": "64M"}), json!({})].map(|mut fields| {
        fields["args"] = json!(["true"]);
        fields["cgroup_parent"] = json!("not/there");
        try_run(fields)
    });
    let plain = start(json!({"args": ["sleep", "600"], "cgroup_parent": name}));
    let below =
        directories(&plain).iter().all(|path| path.parent().is_some_and(|above| above.ends_with(&name)));
    drop(plain);
    parent.remove().expect("removed");
    assert_eq!((run.outcome.returncode(), run.outcome.oom_kills), (-libc::SIGKILL, 1));
    assert!(below, "it is below the parent also without a limit");
    for missing in missing {
        let missing = missing.expect_err("an error");
        assert!(
            missing.code() == Code::CgroupNotFound && missing.to_string().contains("not/there"),
            "{missing}"
        );
    }
}

#[test]
fn children_divide_what_a_cgroup_has() {
    if !cgroups("children_divide_what_a_cgroup_has") {
        return;
    }
    let name = format!("minicontain-test-tree-{}", std::process::id());
    let half = Limits { memory: Some(Size(8 << 20)), ..Limits::default() };
    let above =
        Cgroup::create(&name, &Limits { memory: Some(Size(16 << 20)), ..Limits::default() }).expect("one");
    let below = above.child("inner", &half).expect("one below");
    assert_eq!(below.stats().expect("statistics").memory.and_then(|memory| memory.limit), Some(8 << 20));
    above.remove().expect("both removed");
    assert!(!below.directories().iter().any(|directory| directory.path.exists()));
}
