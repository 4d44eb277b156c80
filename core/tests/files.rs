//! Roots, volumes, tmpfs mounts, and how the host's directories are seen. (root and ordinary user; no cgroups)

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use common::{root, run, sh_with, skip, try_run};
use minicontain::{Code, Plan, Spec};
use serde_json::json;

/// A directory that goes away with the test.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("minicontain-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_volume_is_the_hosts_directory_with_the_hosts_ids() {
    let temp = Temp::new("volume");
    fs::write(temp.0.join("in"), "secret").expect("a file");
    fs::set_permissions(temp.0.join("in"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let spec = json!({"volumes": [format!("{}:/data/deep", temp.path())]});
    assert_eq!(
        sh_with("cat /data/deep/in; echo out > /data/deep/out; stat -c %u /data/deep/in", spec),
        "secret0"
    );
    assert_eq!(fs::read_to_string(temp.0.join("out")).expect("the program's file"), "out\n");
}

#[test]
fn ids_that_are_the_same_on_the_host_are_not_mapped_on_mounts() {
    if !root() {
        return skip(
            "ids_that_are_the_same_on_the_host_are_not_mapped_on_mounts",
            "an ordinary user has one id",
        );
    }
    let temp = Temp::new("same-ids");
    let mut fields = json!({"args": ["true"], "volumes": [format!("{}:/v", temp.path())]});
    let maps_mounts = |fields: &serde_json::Value| {
        let plan = Plan::new(Spec::from_value(fields.clone()).expect("a spec")).expect("a plan");
        plan.explain().contains("MOUNT_ATTR_IDMAP")
    };
    assert!(maps_mounts(&fields));
    fields["uidmap"] = json!(["0:0:1000"]);
    fields["gidmap"] = json!(["0:0:1000"]);
    assert!(!maps_mounts(&fields));
    let made = "touch /v/root /v/other; chown 500:600 /v/other; stat -c %u:%g /v/root /v/other";
    assert_eq!(sh_with(made, fields), "0:0\n500:600");
    let ids = |name| fs::metadata(temp.0.join(name)).map(|meta| (meta.uid(), meta.gid())).expect("a file");
    assert_eq!((ids("root"), ids("other")), ((0, 0), (500, 600)));
}

#[test]
fn a_read_only_volume_cannot_be_written() {
    let temp = Temp::new("readonly");
    let spec = json!({"volumes": [format!("{}:/data:ro", temp.path())]});
    assert_eq!(sh_with("touch /data/x 2>/dev/null || echo refused", spec), "refused");
}

#[test]
fn a_file_can_be_a_volume_and_lie_below_tmp() {
    let temp = Temp::new("file");
    fs::write(temp.0.join("f"), "here").expect("a file");
    let spec = json!({"volumes": [format!("{}/f:/tmp/a/b", temp.path())]});
    assert_eq!(sh_with("cat /tmp/a/b", spec), "here");
}

#[test]
fn a_place_to_mount_on_is_made_anywhere_without_changing_the_host() {
    let temp = Temp::new("places");
    for place in ["/new", "/usr/share/minicontain-new/deep", "/lib/minicontain-new"] {
        let spec = json!({"volumes": [format!("{}:{place}", temp.path())]});
        assert_eq!(
            sh_with(&format!("test -d {place} && touch {place}/x && ls /usr/share /lib/ | grep -c ."), spec)
                .lines()
                .count(),
            1
        );
        assert!(!std::path::Path::new(place).exists());
    }
    assert_eq!(
        sh_with("stat -c '%a %U' /usr/share", json!({"tmpfs": ["/usr/share/minicontain-new"]}))
            .split(' ')
            .next(),
        Some("755")
    );
}

#[test]
fn a_tmpfs_has_its_size_and_mode() {
    let spec = json!({"tmpfs": ["/scratch:size=1M,mode=700"]});
    assert_eq!(
        sh_with(
            "stat -c %a /scratch; df -k /scratch | tail -1 | awk '{print $2}'; head -c 2000000 /dev/zero > /scratch/x 2>/dev/null || echo full",
            spec
        ),
        "700\n1024\nfull"
    );
}

#[test]
fn a_read_only_root_has_no_writable_corner() {
    let script = "for d in / /usr /etc /opt /var/tmp /home /mnt /root; do touch $d/x 2>/dev/null && test $d != /root && echo $d; done; touch /tmp/x && echo ok";
    assert_eq!(sh_with(script, json!({"read_only": true, "require": ["read_only"]})), "ok");
}

#[test]
fn the_mounts_are_the_same_whoever_attaches_them() {
    // A privileged caller puts the root together, as far as it can: not with chroot(2), and with settings of the
    // container's own, the child write-protects the kernel's paths after it wrote those.
    let mounts = |spec| {
        let seen = sh_with("cut -d' ' -f4- /proc/self/mountinfo", spec);
        let line = |line: &str| {
            let fields: Vec<&str> = line.split(' ').collect();
            let kind = fields.iter().skip_while(|field| **field != "-").nth(1).copied().unwrap_or_default();
            (fields[1].to_string(), fields[0].to_string(), fields[2].to_string(), kind.to_string())
        };
        let mut lines: Vec<_> = seen.lines().map(line).collect();
        lines.sort();
        lines
    };
    let usual = mounts(json!({}));
    let targets: Vec<&str> = usual.iter().map(|(target, ..)| target.as_str()).collect();
    for own in ["/", "/dev", "/dev/pts", "/proc", "/proc/sys", "/proc/timer_list", "/sys", "/tmp"] {
        assert_eq!(targets.iter().filter(|target| **target == own).count(), 1, "{own}: {targets:?}");
    }
    let sysctl = json!({"sysctls": {"net.ipv4.ip_forward": "1"}});
    assert_eq!(mounts(sysctl), usual);
    let chroot = json!({"root_change": "chroot"});
    let inside = mounts(chroot);
    assert!(usual.iter().all(|mount| inside.contains(mount)), "{usual:#?}\n{inside:#?}");
}

#[test]
fn the_throw_away_layer_is_bounded() {
    let spec = json!({"storage_size": "1M"});
    assert_eq!(sh_with("head -c 2000000 /dev/zero > /tmp/x 2>/dev/null || echo full", spec), "full");
}

#[test]
fn a_directory_can_be_the_root_and_nothing_else_is_seen() {
    let temp = Temp::new("rootfs");
    fs::create_dir(temp.0.join("bin")).expect("a directory");
    // By another process: a descriptor open for writing here would be in the children of the other tests for a moment.
    let copied =
        std::process::Command::new("cp").arg("/bin/busybox").arg(temp.0.join("bin")).status().expect("cp");
    assert!(copied.success(), "busybox-static");
    let script = "/bin/busybox ls / | /bin/busybox tr '\\n' ' '; /bin/busybox touch /made; /bin/busybox stat -c %u /bin/busybox";
    let out = run(json!({"args": ["/bin/busybox", "sh", "-c", script], "rootfs": temp.path()}));
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "bin dev proc sys tmp 0\n",
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(temp.0.join("made").exists());
    let script = "/bin/busybox touch /again || /bin/busybox echo refused; /bin/busybox touch /tmp/x && /bin/busybox echo ok";
    let out =
        run(json!({"args": ["/bin/busybox", "sh", "-c", script], "rootfs": temp.path(), "read_only": true}));
    assert_eq!(String::from_utf8_lossy(&out.stdout), "refused\nok\n");
    let out = run(
        json!({"args": ["/bin/busybox", "ls", "/bin"], "rootfs": temp.path(), "root_change": "chroot", "read_only": true}),
    );
    assert_eq!(String::from_utf8_lossy(&out.stdout), "busybox\n");
}

#[test]
fn the_hosts_directories_are_seen_as_asked() {
    let temp = Temp::new("hostfiles");
    for name in ["hidden", "full", "readonly", "layer"] {
        fs::create_dir(temp.0.join(name)).expect("a directory");
        fs::write(temp.0.join(name).join("f"), name).expect("a file");
    }
    let at = |name: &str| format!("{}/{name}", temp.path());
    let spec = json!({"tmp": false, "host_files": {at("hidden"): "hidden", at("full"): "full", at("readonly"): "read-only", at("layer"): "overlay"}});
    let script = format!(
        "cd {}; ls hidden; for d in full readonly layer; do {{ echo new > $d/f; }} 2>/dev/null && echo $d; done",
        temp.path()
    );
    let script = script.replace(
        "for d in full readonly layer",
        if root() { "for d in full readonly" } else { "for d in full readonly layer" },
    );
    // A file of the host's root cannot be written through the layer by a container whose root is another user.
    assert_eq!(sh_with(&format!("{script}; true"), spec), if root() { "full" } else { "full\nlayer" });
    assert_eq!(fs::read_to_string(temp.0.join("full/f")).expect("a file"), "new\n");
    assert_eq!(fs::read_to_string(temp.0.join("layer/f")).expect("a file"), "layer");
    let spec = json!({"host_files": {"/": "read-only"}});
    assert_eq!(
        sh_with("touch /x /usr/x 2>/dev/null || echo refused; touch /tmp/x && echo ok", spec),
        "refused\nok"
    );
}

#[test]
fn what_is_missing_on_the_host_is_named() {
    let error = try_run(json!({"args": ["true"], "volumes": ["/no/such:/x"]})).unwrap_err();
    assert_eq!(error.code(), Code::SourceNotFound);
    assert!(error.to_string().contains("/no/such"), "{error}");
    let error = try_run(json!({"args": ["true"], "rootfs": "/no/such"})).unwrap_err();
    assert_eq!(error.code(), Code::SourceNotFound);
    assert!(error.to_string().contains("/no/such"), "{error}");
}

#[test]
fn the_hosts_directories_below_tmp_can_be_seen_in_the_containers_own_tmp() {
    let temp = Temp::new("belowtmp");
    fs::write(temp.0.join("f"), "here").expect("a file");
    let spec = json!({"host_files": {temp.path(): "read-only"}});
    assert_eq!(sh_with(&format!("cat {}/f; ls /tmp | wc -l", temp.path()), spec), "here1");
}
