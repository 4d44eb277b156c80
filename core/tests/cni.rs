//! Attaching containers to networks of CNI plugins: of scripts that tell what they were asked, and of the real ones.
//! (root, on any version of cgroups; the parts without attaching as anybody)

mod common;

use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::{root, skip};
use minicontain::network::cni::{Attached, Attachment, Bandwidth, Config, PortMapping, sweep};
use minicontain::{Code, Error};
use nix::sched::{CloneFlags, unshare};
use serde_json::{Value, json};

/// A directory with plugins of this test's own, and a name that no other test has.
struct Lab {
    dir: PathBuf,
    id: String,
}

impl Lab {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("cni{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(format!("minicontain-{id}"));
        fs::create_dir_all(&dir).expect("a directory");
        Self { dir, id }
    }

    /// Writes a plugin that notes what it is asked, and then does as the script says.
    fn plugin(&self, name: &str, script: &str) {
        let file = self.dir.join(name);
        let log = self.dir.join("log");
        let text = format!(
            "#!/bin/sh\nexec 3<&0\nlog() {{ echo \"$1\" >> {log}; }}\nlog \"{name} $CNI_COMMAND\"\n\
             cat <&3 > {dir}/{name}.$CNI_COMMAND.json\nenv > {dir}/{name}.$CNI_COMMAND.env\n{script}\n",
            log = log.display(),
            dir = self.dir.display(),
        );
        // Written by another process: a file that this one has open for writing cannot be executed meanwhile.
        let quoted = format!("cat > {0} && chmod 755 {0}", file.display());
        let mut child = Command::new("sh").args(["-c", &quoted]).stdin(Stdio::piped()).spawn().expect("sh");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
        assert!(child.wait().expect("an end").success());
    }

    fn network(&self, version: &str, plugins: &Value) -> Config {
        let text = json!({"cniVersion": version, "name": self.id, "plugins": plugins}).to_string();
        Config::parse(&text).expect("a configuration")
    }

    fn attachment(&self) -> Attachment {
        Attachment::new("box", "/proc/self/ns/net").plugin_dirs(&[&self.dir]).timeout(Duration::from_secs(20))
    }

    /// What was asked of which plugin, since this was asked last.
    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let _ = fs::remove_file(self.dir.join("log"));
        text.lines().map(str::to_string).collect()
    }

    fn input(&self, call: &str) -> Value {
        let text = fs::read_to_string(self.dir.join(format!("{call}.json"))).expect("an input");
        serde_json::from_str(&text).expect("JSON")
    }

    fn environment(&self, call: &str) -> String {
        fs::read_to_string(self.dir.join(format!("{call}.env"))).expect("an environment")
    }

    fn record(&self) -> PathBuf {
        let state = if root() {
            "/run/minicontain".into()
        } else {
            format!("{}/minicontain", std::env::var("XDG_RUNTIME_DIR").unwrap_or_default())
        };
        Path::new(&state).join(format!("cni/results/{}-box-eth0", self.id))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        let left = fs::remove_file(self.record()).is_ok();
        assert!(!left || std::thread::panicking(), "something is still written down");
    }
}

/// Whether this caller has a place for state, or else says so.
fn state(test: &str) -> bool {
    let can = root() || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(&dir).is_dir());
    if !can {
        skip(test, "no XDG_RUNTIME_DIR");
    }
    can
}

const FIRST: &str = r#"[ $CNI_COMMAND = ADD ] && echo '{"cniVersion": "1.0.0", "interfaces": [{"name": "eth0",
    "sandbox": "/x"}], "ips": [{"address": "10.9.8.7/24", "interface": 0}], "own": [1, {"a": null}]}'; exit 0"#;
const SECOND: &str = r#"[ $CNI_COMMAND = ADD ] && echo '{"cniVersion": "1.0.0", "ips": [{"address": "10.9.8.8/24"}]}'
    exit 0"#;

fn chain(lab: &Lab) -> Config {
    lab.plugin("first", FIRST);
    lab.plugin("second", SECOND);
    let first = json!({"type": "first", "deep": {"own": [1, 2.5, null, "ü"]}});
    let second =
        json!({"type": "second", "name": "another's", "capabilities": {"portMappings": true, "mac": false}});
    lab.network("1.0.0", &json!([first, second]))
}

#[track_caller]
fn failed(result: Result<impl std::fmt::Debug, Error>, parts: &[&str]) -> Error {
    let error = result.expect_err("a failure");
    assert_eq!(error.code(), Code::CniFailed, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
    error
}

#[test]
fn plugins_run_in_order_with_what_came_before_and_go_in_reverse() {
    if !state("plugins_run_in_order_with_what_came_before_and_go_in_reverse") {
        return;
    }
    let lab = Lab::new();
    let network = chain(&lab);
    let result = lab.attachment().add(&network).expect("attached");
    assert_eq!(result.ips[0].address.to_string(), "10.9.8.8/24");
    assert_eq!(lab.log(), ["first ADD", "second ADD"]);
    let first = lab.input("first.ADD");
    assert_eq!(first["deep"], json!({"own": [1, 2.5, null, "ü"]}));
    assert_eq!((first["name"].as_str(), first["cniVersion"].as_str()), (Some(&*lab.id), Some("1.0.0")));
    assert!(first.get("prevResult").is_none() && first.get("runtimeConfig").is_none());
    let second = lab.input("second.ADD");
    assert_eq!(second["prevResult"]["own"], json!([1, {"a": null}]));
    assert_eq!(second["name"], lab.id.as_str());
    assert!(second.get("capabilities").is_none());

    lab.attachment().check(&network).expect("all is there");
    assert_eq!(lab.log(), ["first CHECK", "second CHECK"]);
    assert_eq!(lab.input("first.CHECK")["prevResult"], result.json);
    let all = Attached::all().expect("a list");
    assert_eq!(
        all.iter().find(|one| one.network() == lab.id).and_then(|one| one.result()),
        Some(result.clone())
    );

    assert!(lab.record().exists());
    lab.attachment().delete(&network).expect("detached");
    assert_eq!(lab.log(), ["second DEL", "first DEL"]);
    assert_eq!(lab.input("first.DEL")["prevResult"], result.json);
    assert_eq!(lab.input("second.DEL")["prevResult"], result.json);
    assert!(!lab.record().exists());

    lab.attachment().delete(&network).expect("once more");
    assert_eq!(lab.log(), ["second DEL", "first DEL"]);
    assert!(lab.input("first.DEL").get("prevResult").is_none());
    failed(lab.attachment().check(&network), &["not attached"]);
}

#[test]
fn the_environment_is_clean_and_capabilities_go_to_who_takes_them() {
    if !state("the_environment_is_clean_and_capabilities_go_to_who_takes_them") {
        return;
    }
    let lab = Lab::new();
    let network = chain(&lab);
    let web = PortMapping { host_port: 8080, container_port: 80, ..PortMapping::default() };
    let attachment =
        lab.attachment().port_mappings(&[web]).aliases(&["web"]).arg("IgnoreUnknown", "1").arg("A", "b");
    attachment.add(&network).expect("attached");
    assert!(lab.input("first.ADD").get("runtimeConfig").is_none());
    let ports = json!({"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]});
    assert_eq!(lab.input("second.ADD")["runtimeConfig"], ports);
    let environment = lab.environment("first.ADD");
    for line in [
        "CNI_CONTAINERID=box",
        "CNI_IFNAME=eth0",
        &format!("CNI_NETNS=/proc/{}/ns/net", std::process::id()),
        "CNI_ARGS=IgnoreUnknown=1;A=b",
    ] {
        assert!(environment.lines().any(|own| own == line), "{line} in {environment}");
    }
    assert!(
        environment.contains(&format!("CNI_PATH={}", lab.dir.display())) && environment.contains("\nPATH=")
    );
    assert!(!environment.contains("CARGO"), "{environment}");
    // Deleted as it was added, by who knows less.
    lab.attachment().delete(&network).expect("detached");
    assert_eq!(lab.input("second.DEL")["runtimeConfig"], ports);
    assert!(lab.environment("second.DEL").contains("CNI_ARGS=IgnoreUnknown=1;A=b"));

    let error = lab.attachment().mac("02:00:00:00:00:01").add(&network).expect_err("nobody takes it");
    assert!(error.code() == Code::InvalidSpec && error.to_string().contains("'mac'"), "{error}");
    let error = lab.attachment().bandwidth(Bandwidth::default()).add(&network).expect_err("nobody takes it");
    assert!(error.hint().contains("\"bandwidth\": true"), "{error}");
}

#[test]
fn a_failure_deletes_what_was_begun_in_reverse_and_tells_all() {
    if !state("a_failure_deletes_what_was_begun_in_reverse_and_tells_all") {
        return;
    }
    let lab = Lab::new();
    lab.plugin("first", FIRST);
    lab.plugin(
        "broken",
        r#"[ $CNI_COMMAND = ADD ] || exit 0
           echo '{"cniVersion": "1.0.0", "code": 11, "msg": "no luck", "details": "none at all"}'; exit 1"#,
    );
    lab.plugin("never", "exit 0");
    let network = lab.network("1.0.0", &json!([{"type": "first"}, {"type": "broken"}, {"type": "never"}]));
    let error = failed(
        lab.attachment().add(&network),
        &["'broken'", "ADD", "no luck; none at all", "code 11", "box"],
    );
    assert!(
        error.hint().contains("later") && error.path().is_some_and(|path| path.ends_with("/broken")),
        "{error}"
    );
    assert_eq!(lab.log(), ["first ADD", "broken ADD", "broken DEL", "first DEL"]);
    assert!(lab.input("first.DEL")["prevResult"]["ips"].is_array());
    assert!(!lab.record().exists());
}

#[test]
fn what_cannot_be_undone_stays_written_down() {
    if !state("what_cannot_be_undone_stays_written_down") {
        return;
    }
    let lab = Lab::new();
    lab.plugin("stuck", r#"[ -e $0.free ] && exit 0; echo '{"code": 100, "msg": "stuck"}'; exit 1"#);
    let network = lab.network("0.4.0", &json!([{"type": "stuck"}]));
    let error = failed(lab.attachment().add(&network), &["stuck (code 100)"]);
    assert!(error.hint().contains("undoing it failed"), "{error}");
    let taken = lab.attachment().add(&network).expect_err("it is there");
    assert_eq!(taken.code(), Code::NameTaken, "{taken}");
    failed(lab.attachment().delete(&network), &["stuck"]);
    assert!(lab.record().exists());
    failed(lab.attachment().check(&network), &["not attached"]);
    fs::write(lab.dir.join("stuck.free"), "").expect("a file");
    lab.attachment().delete(&network).expect("detached");
    assert!(!lab.record().exists());
}

#[test]
fn of_many_who_delete_at_once_one_does() {
    if !state("of_many_who_delete_at_once_one_does") {
        return;
    }
    let lab = Lab::new();
    lab.plugin("slow", "[ $CNI_COMMAND = ADD ] && echo '{}' || sleep 0.1; exit 0");
    let network = lab.network("1.0.0", &json!([{"type": "slow"}]));
    lab.attachment().add(&network).expect("attached");
    let all = Attached::all().expect("a list");
    let attached = all.iter().find(|one| one.network() == lab.id).expect("it is there");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| attached.delete().expect("deleted"));
        }
    });
    assert_eq!(lab.log(), ["slow ADD", "slow DEL"]);
    // What was attached anew is another.
    lab.attachment().add(&network).expect("attached");
    attached.delete().expect("it is gone");
    assert_eq!(lab.log(), ["slow ADD"]);
    lab.attachment().delete(&network).expect("detached");
}

#[test]
fn plugins_that_misbehave_are_told_apart() {
    if !state("plugins_that_misbehave_are_told_apart") {
        return;
    }
    let lab = Lab::new();
    for (script, parts) in [
        ("echo garbage", &["no result", "garbage"][..]),
        ("exit 0", &["no result"]),
        ("echo '[]'", &["no JSON object"]),
        ("echo '{\"ips\": [{\"address\": \"x\"}]}'", &["cannot be read", "'x'"]),
        ("echo '{\"cniVersion\": \"0.3.1\"}'", &["version 0.3.1", "1.0.0 was asked"]),
        ("echo oops; echo sorry >&2; exit 3", &["status 3", "it said: sorry"]),
        ("kill -SEGV $$", &["SIGSEGV"]),
        ("exec cat /dev/zero", &["more than", "killed"]),
        ("head -c 5000000 /dev/zero >&2; echo at last >&2; exit 4", &["status 4", "at last"]),
        ("sleep 2 & echo '{}' ; kill -9 $$", &["SIGKILL"]),
    ] {
        lab.plugin("odd", &format!("[ $CNI_COMMAND = ADD ] || exit 0\n{script}"));
        let network = lab.network("1.0.0", &json!([{"type": "odd"}]));
        failed(lab.attachment().add(&network), parts);
        assert_eq!(lab.log(), ["odd ADD", "odd DEL"], "{script}");
        assert!(!lab.record().exists());
    }
}

#[test]
fn a_plugin_that_hangs_is_killed_with_what_it_started() {
    if !state("a_plugin_that_hangs_is_killed_with_what_it_started") {
        return;
    }
    let lab = Lab::new();
    lab.plugin("hung", "[ $CNI_COMMAND = ADD ] || exit 0\nsleep 600 & echo $! > $0.pid; wait");
    let network = lab.network("1.0.0", &json!([{"type": "hung"}]));
    let begun = Instant::now();
    let error =
        failed(lab.attachment().timeout(Duration::from_secs(1)).add(&network), &["had not ended within 1s"]);
    assert_eq!(error.errno(), libc::ETIMEDOUT);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(lab.log(), ["hung ADD", "hung DEL"]);
    let pid = fs::read_to_string(lab.dir.join("hung.pid")).expect("a pid");
    let stat = format!("/proc/{}/stat", pid.trim());
    let ended = || fs::read_to_string(&stat).map_or(true, |text| text.contains(") Z "));
    let limit = Instant::now() + Duration::from_secs(5);
    while !ended() {
        assert!(Instant::now() < limit, "it lives");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn one_that_leaves_a_process_with_its_output_is_not_waited_for() {
    if !state("one_that_leaves_a_process_with_its_output_is_not_waited_for") {
        return;
    }
    let lab = Lab::new();
    lab.plugin("daemon", "[ $CNI_COMMAND = ADD ] || exit 0\nsleep 12 & echo '{}'");
    let network = lab.network("1.0.0", &json!([{"type": "daemon"}]));
    let begun = Instant::now();
    lab.attachment().add(&network).expect("attached");
    assert!(begun.elapsed() < Duration::from_secs(10));
    lab.attachment().delete(&network).expect("detached");
}

#[test]
fn a_missing_plugin_is_told_before_anything_is_run() {
    if !state("a_missing_plugin_is_told_before_anything_is_run") {
        return;
    }
    let lab = Lab::new();
    lab.plugin("first", FIRST);
    let network = lab.network("1.0.0", &json!([{"type": "first"}, {"type": "not-there"}]));
    let dirs = [lab.dir.clone(), "/nowhere/cni".into()];
    let error = failed(lab.attachment().plugin_dirs(&dirs).add(&network), &["'not-there'", "/nowhere/cni"]);
    assert!(error.hint().contains("apt install containernetworking-plugins"), "{error}");
    assert!(lab.log().is_empty() && !lab.record().exists());
    fs::write(lab.dir.join("not-there"), "").expect("a file");
    failed(lab.attachment().add(&network), &["may not be executed"]);
}

#[test]
fn a_version_that_a_plugin_does_not_speak_is_told_with_those_it_does() {
    if !state("a_version_that_a_plugin_does_not_speak_is_told_with_those_it_does") {
        return;
    }
    let lab = Lab::new();
    lab.plugin(
        "old",
        r#"case $CNI_COMMAND in
           VERSION) echo '{"cniVersion": "0.4.0", "supportedVersions": ["0.3.1", "0.4.0"]}';;
           *) echo '{"code": 1, "msg": "incompatible CNI versions"}'; exit 1;;
           esac"#,
    );
    let network = lab.network("1.1.0", &json!([{"type": "old"}]));
    let error = failed(lab.attachment().add(&network), &["incompatible"]);
    assert!(error.hint().contains("0.3.1, 0.4.0"), "{error}");
    assert!(!error.hint().contains("undoing") && !lab.record().exists(), "{error}");
}

#[test]
fn older_versions_have_no_check_and_delete_without_a_result() {
    if !state("older_versions_have_no_check_and_delete_without_a_result") {
        return;
    }
    let lab = Lab::new();
    lab.plugin("old", "[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\": \"0.3.1\"}'; exit 0");
    let network = lab.network("0.3.1", &json!([{"type": "old"}]));
    lab.attachment().add(&network).expect("attached");
    let error = lab.attachment().check(&network).expect_err("no CHECK");
    assert_eq!(error.code(), Code::NotSupported);
    lab.attachment().delete(&network).expect("detached");
    assert!(lab.input("old.DEL").get("prevResult").is_none());

    lab.plugin("new", "[ $CNI_COMMAND = ADD ] && echo '{}'; [ $CNI_COMMAND != CHECK ]");
    let unchecked =
        json!({"cniVersion": "1.0.0", "name": lab.id, "disableCheck": true, "plugins": [{"type": "new"}]});
    let unchecked = Config::parse(&unchecked.to_string()).expect("a configuration");
    lab.attachment().add(&unchecked).expect("attached");
    lab.attachment().check(&unchecked).expect("it is switched off");
    lab.attachment().delete(&unchecked).expect("detached");
}

#[test]
fn what_cannot_be_attached_is_told_before_anything_is_run() {
    let lab = Lab::new();
    let network = chain(&lab);
    let code = |attachment: Attachment| attachment.add(&network).expect_err("it cannot be").code();
    let dirs = [&lab.dir];
    assert_eq!(code(Attachment::new("a/b", "/proc/self/ns/net")), Code::InvalidSpec);
    assert_eq!(code(lab.attachment().ifname("much-too-long-a-name")), Code::InvalidSpec);
    assert_eq!(code(lab.attachment().ifname("a:b")), Code::InvalidSpec);
    assert_eq!(code(lab.attachment().arg("A;B", "c")), Code::InvalidSpec);
    assert_eq!(code(Attachment::new("box", "/not/there").plugin_dirs(&dirs)), Code::NamespaceNotFound);
    assert_eq!(code(Attachment::new("box", "/etc/passwd").plugin_dirs(&dirs)), Code::NamespaceNotFound);
    assert!(lab.log().is_empty());
}

#[test]
fn networks_are_found_by_name_in_order_and_past_broken_files() {
    let lab = Lab::new();
    let list = |name: &str, kind: &str| {
        json!({"cniVersion": "1.0.0", "name": name, "plugins": [{"type": kind}]}).to_string()
    };
    let single = json!({"cniVersion": "0.4.0", "name": "old", "type": "kept"}).to_string();
    for (file, text) in [
        ("10-a.conf", &*json!({"cniVersion": "1.0.0", "name": "twice", "type": "single"}).to_string()),
        ("20-b.conflist", &list("twice", "listed")),
        ("30-c.conflist", &list("twice", "later")),
        ("00-broken.conflist", "{"),
        ("40-old.json", &single),
        ("50-other.txt", &list("text", "x")),
    ] {
        fs::write(lab.dir.join(file), text).expect("a file");
    }
    let kind = |name: &str| Config::find(name, &[&lab.dir]).map(|found| found.plugins()[0].kind.clone());
    assert_eq!(kind("twice").as_deref(), Ok("listed"));
    assert_eq!(kind("old").as_deref(), Ok("kept"));
    let error = kind("text").expect_err("no such network");
    assert_eq!(error.code(), Code::NetworkNotFound);
    assert!(error.to_string().contains("00-broken.conflist: this is no JSON"), "{error}");
    let error = Config::load(lab.dir.join("00-broken.conflist")).expect_err("broken");
    assert!(error.path().is_some_and(|path| path.ends_with("00-broken.conflist")), "{error:?}");
    assert_eq!(Config::load(lab.dir.join("none")).expect_err("none").code(), Code::SourceNotFound);
}

/// Held by tests that look at what is left behind: each would sweep the other's.
static LEFT_BEHIND: Mutex<()> = Mutex::new(());

/// Attaches in another process, which is killed before it can delete.
#[test]
fn what_a_killed_process_left_is_swept() {
    const TEST: &str = "what_a_killed_process_left_is_swept";
    if !state(TEST) {
        return;
    }
    if let Some(dir) = std::env::var_os("MINICONTAIN_TEST_CNI_DIR") {
        let lab = std::mem::ManuallyDrop::new(Lab {
            dir: dir.into(),
            id: std::env::var("MINICONTAIN_TEST_CNI_ID").expect("an id"),
        });
        let network = lab.network("1.0.0", &json!([{"type": "first"}, {"type": "killer"}]));
        let _ = lab.attachment().add(&network);
        unreachable!("the plugin kills this process");
    }
    let _alone = LEFT_BEHIND.lock();
    let lab = Lab::new();
    lab.plugin("first", FIRST);
    lab.plugin("killer", "[ $CNI_COMMAND = ADD ] && kill -9 $PPID; exit 0");
    let status = Command::new(std::env::current_exe().expect("a path"))
        .args([TEST, "--exact", "--nocapture"])
        .env("MINICONTAIN_TEST_CNI_DIR", &lab.dir)
        .env("MINICONTAIN_TEST_CNI_ID", &lab.id)
        .stdout(Stdio::null())
        .status()
        .expect("an end");
    assert!(!status.success() && lab.record().exists());
    assert_eq!(lab.log(), ["first ADD", "killer ADD"]);
    let found = Attachment::left_behind().expect("a list");
    let found = found.iter().find(|found| found.network() == lab.id).expect("it is left behind");
    assert_eq!((found.container_id(), found.ifname()), ("box", "eth0"));
    found.delete().expect("deleted");
    assert_eq!(lab.log(), ["killer DEL", "first DEL"]);
    // Its network namespace was told by a process that is not there any more.
    assert!(lab.environment("first.DEL").lines().any(|line| line == "CNI_NETNS="));
    assert_eq!(lab.input("first.DEL")["prevResult"]["ips"][0]["address"], "10.9.8.7/24");
    assert!(!lab.record().exists());
    found.delete().expect("once more");
    assert!(lab.log().is_empty());
}

/// Does something on a thread with a new network namespace, which is the host to the plugins that it runs.
fn on_another_host<T: Send>(what: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
            sh("ip link set lo up");
            what()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[track_caller]
fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().expect("sh");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// A container's network namespace, as a descriptor and as the path that a program may enter it by.
fn container_namespace() -> (fs::File, String) {
    let file = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        fs::File::open("/proc/thread-self/ns/net").expect("the namespace")
    });
    let file = file.join().expect("a namespace");
    let path = format!("/proc/{}/fd/{}", std::process::id(), std::os::fd::AsRawFd::as_raw_fd(&file));
    (file, path)
}

/// Whether these real plugins are installed and can be run by this caller, or else says so.
fn real(test: &str, names: &[&str]) -> bool {
    let dirs = minicontain::network::cni::PLUGIN_DIRS;
    let missing = names.iter().find(|name| !dirs.iter().any(|dir| Path::new(dir).join(name).exists()));
    if !root() {
        skip(test, "needs root");
    } else if let Some(name) = missing {
        skip(test, &format!("the CNI plugin {name} is not installed"));
    }
    root() && missing.is_none()
}

fn bridge(lab: &Lab, masquerade: bool) -> Value {
    json!({
        "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": masquerade,
        "capabilities": {"ips": true, "mac": true},
        "ipam": {"type": "host-local", "subnet": "10.77.0.0/24", "dataDir": lab.dir.join("ipam"),
                 "routes": [{"dst": "0.0.0.0/0"}]},
    })
}

#[test]
fn the_real_bridge_attaches_and_detaches() {
    if !real("the_real_bridge_attaches_and_detaches", &["bridge", "host-local", "loopback"]) {
        return;
    }
    let lab = Lab::new();
    let newest = lab.network("1.1.0", &json!([bridge(&lab, false)]));
    on_another_host(|| {
        let (namespace, _) = container_namespace();
        // Plugins before 1.2 do not speak it.
        match Attachment::from_fd("box", namespace.as_fd()).add(&newest) {
            Ok(_) => Attachment::from_fd("box", namespace.as_fd()).delete(&newest).expect("detached"),
            Err(error) => assert!(error.hint().ends_with("0.4.0, 1.0.0"), "{error}"),
        }
    });
    for version in ["0.3.1", "0.4.0", "1.0.0"] {
        let network = lab.network(version, &json!([{"type": "loopback"}, bridge(&lab, false)]));
        let network =
            if version == "1.0.0" { lab.network(version, &json!([bridge(&lab, false)])) } else { network };
        on_another_host(|| {
            let (namespace, path) = container_namespace();
            let attachment = Attachment::from_fd("box", namespace.as_fd()).ifname("net1");
            let result = attachment.add(&network).expect("attached");
            let ip = result.ips.iter().find(|ip| ip.gateway.is_some()).expect("an address");
            assert_eq!(ip.gateway.map(|ip| ip.to_string()).as_deref(), Some("10.77.0.1"));
            assert_eq!(result.interface_of(ip).map(|found| &*found.name), Some("net1"));
            let inside = sh(&format!("nsenter --net={path} ip -4 -o address show net1"));
            assert!(inside.contains(&ip.address.to_string()), "{inside}");
            sh(&format!("nsenter --net={path} ping -c 1 -W 5 10.77.0.1"));
            assert!(sh("ip -4 -o address show cni0").contains("10.77.0.1/24"));
            if version != "0.3.1" {
                attachment.check(&network).expect("all is there");
                sh(&format!("nsenter --net={path} ip address flush dev net1"));
                failed(attachment.check(&network), &["CHECK"]);
            }
            attachment.delete(&network).expect("detached");
            assert!(!sh(&format!("nsenter --net={path} ip -o link")).contains("net1"));
            assert!(!sh("ip -o link").contains("veth"));
            attachment.delete(&network).expect("once more");
        });
        let kept = fs::read_dir(lab.dir.join("ipam").join(&lab.id)).expect("a directory").flatten();
        let kept: Vec<_> = kept
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().contains("10.77"))
            .collect();
        assert!(kept.is_empty(), "{kept:?}");
    }
}

#[test]
fn the_real_bridge_lets_go_of_an_address_when_the_namespace_is_gone() {
    if !real("the_real_bridge_lets_go_of_an_address_when_the_namespace_is_gone", &["bridge", "host-local"]) {
        return;
    }
    let _alone = LEFT_BEHIND.lock();
    let lab = Lab::new();
    let network = lab.network("1.0.0", &json!([bridge(&lab, false)]));
    on_another_host(|| {
        let (namespace, _) = container_namespace();
        let attachment = Attachment::from_fd("box", namespace.as_fd()).detached(true);
        attachment.add(&network).expect("attached");
        let kept = lab.dir.join("ipam").join(&lab.id).join("10.77.0.2");
        assert!(kept.exists());
        let ours =
            || Attachment::left_behind().expect("a list").iter().any(|found| found.network() == lab.id);
        assert!(!ours());
        drop(namespace);
        assert!(ours());
        sweep().expect("swept");
        assert!(!kept.exists() && !ours());
        attachment.delete(&network).expect("once more");
    });
}

#[test]
fn real_chains_publish_ports_and_limit_what_flows() {
    let plugins = ["bridge", "host-local", "portmap", "firewall", "bandwidth"];
    const TEST: &str = "real_chains_publish_ports_and_limit_what_flows";
    if !real(TEST, &plugins) {
        return;
    }
    if !on_another_host(|| {
        Command::new("sh").args(["-c", "iptables -t nat -S"]).output().is_ok_and(|out| out.status.success())
    }) {
        return skip(TEST, "iptables does not work in a network namespace here");
    }
    let lab = Lab::new();
    let network = lab.network(
        "1.0.0",
        &json!([
            bridge(&lab, true),
            {"type": "portmap", "capabilities": {"portMappings": true}},
            {"type": "firewall"},
            {"type": "bandwidth", "capabilities": {"bandwidth": true}},
        ]),
    );
    on_another_host(|| {
        let (namespace, path) = container_namespace();
        let web = PortMapping { host_port: 8080, container_port: 80, ..PortMapping::default() };
        let rate = 8_000_000;
        let limits =
            Bandwidth { ingress_rate: rate, ingress_burst: rate, egress_rate: rate, egress_burst: rate };
        let attachment = Attachment::from_fd("box", namespace.as_fd())
            .port_mappings(&[web])
            .bandwidth(limits)
            .ips(&["10.77.0.9/24".parse().expect("an address")])
            .mac("02:00:00:00:77:09");
        let result = attachment.add(&network).expect("attached");
        assert_eq!(result.ips[0].address.to_string(), "10.77.0.9/24");
        let inside = sh(&format!("nsenter --net={path} ip -o link show eth0"));
        assert!(inside.contains("02:00:00:00:77:09"), "{inside}");
        let rules = sh("iptables -t nat -S; iptables -S");
        assert!(rules.contains("--dport 8080") && rules.contains("10.77.0.9"), "{rules}");
        assert!(sh("tc qdisc").contains("tbf"));
        // portmap 1.1 looks for IPv6 rules where there is no IPv6 address, too.
        let checked = attachment.check(&network);
        assert!(
            checked.as_ref().map_or_else(|error| error.to_string().contains("ipv6 dnat"), |()| true),
            "{checked:?}"
        );
        // By who knows only its name.
        Attachment::from_fd("box", namespace.as_fd()).delete(&network).expect("detached");
        let rules = sh("iptables -t nat -S; iptables -S");
        assert!(!rules.contains("10.77.0.9"), "{rules}");
        assert!(!sh("ip -o link").contains("veth"));
        attachment.delete(&network).expect("once more");
    });
}
