//! What a program in a container with every default can see and do. (root and ordinary user; no cgroups)

mod common;

use common::{root, sh, sh_with, skip};
use serde_json::json;

#[test]
fn it_sees_no_process_but_init_and_its_own() {
    assert_eq!(sh("echo $$; ls /proc | grep -c '^[0-9]'; cat /proc/1/comm"), "2\n4\ninit");
}

#[test]
fn without_init_it_is_process_one() {
    assert_eq!(sh_with("echo $$; echo /proc/[0-9]*", json!({"init": false})), "1\n/proc/1");
}

#[test]
fn nothing_of_the_old_root_is_mounted() {
    for spec in
        [json!({}), json!({"init": false}), json!({"read_only": true}), json!({"dev": false, "tmp": false})]
    {
        let mounts = sh_with("cut -d' ' -f2 /proc/self/mounts", spec.clone());
        let mut seen = std::collections::BTreeSet::new();
        assert!(
            mounts.lines().all(|target| seen.insert(target)),
            "{spec}: one lies over another in\n{mounts}"
        );
        assert!(!seen.contains("/sys/fs/cgroup"), "{spec}: {mounts}");
    }
}

#[test]
fn every_namespace_is_new() {
    let own = |kind: &str| std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace");
    for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"] {
        assert_ne!(sh(&format!("readlink /proc/self/ns/{kind}")), own(kind).display().to_string(), "{kind}");
    }
}

#[test]
fn its_root_is_an_unprivileged_user_of_the_host() {
    let map = sh("cat /proc/self/uid_map");
    let host: u32 = map.split_whitespace().nth(1).and_then(|id| id.parse().ok()).expect("a map");
    assert_eq!(sh("id -u"), "0");
    assert!(if root() { host >= 65_536 } else { host == nix::unistd::geteuid().as_raw() }, "{map}");
}

#[test]
fn it_cannot_read_what_only_the_hosts_root_can() {
    assert_eq!(sh("cat /etc/shadow 2>/dev/null || echo no"), "no");
    assert_eq!(sh("ls -A /root"), "");
}

#[test]
fn what_it_writes_is_thrown_away() {
    let name = format!("minicontain-test-{}", std::process::id());
    assert_eq!(sh(&format!("echo x > /tmp/{name} && echo x > /{name} && cat /{name}")), "x");
    assert!(!std::path::Path::new(&format!("/tmp/{name}")).exists());
    assert!(!std::path::Path::new(&format!("/{name}")).exists());
}

#[test]
fn only_loopback_is_there_and_it_is_up() {
    assert_eq!(sh("ls /sys/class/net; cat /sys/class/net/lo/flags"), "lo\n0x9");
}

#[test]
fn the_environment_is_clean() {
    let names = sh("env | cut -d= -f1 | grep -v '^_$\\|^PWD$\\|^SHLVL$\\|^OLDPWD$' | sort | tr '\\n' ' '");
    assert_eq!(names, "HOME PATH TERM");
    assert_eq!(sh_with("echo $A$PATH", json!({"env": {"A": "b", "PATH": "/bin"}})), "b/bin");
}

#[test]
fn no_descriptor_comes_in() {
    let _open = std::fs::File::open("/dev/zero").expect("a file");
    // 3 is what ls itself opens.
    assert_eq!(sh("ls /proc/self/fd | tr '\\n' ' '"), "0 1 2 3");
}

#[test]
fn it_has_dockers_capabilities_and_no_way_to_more() {
    assert_eq!(
        sh("grep -E 'CapEff|CapBnd|NoNewPrivs|CapInh' /proc/self/status | cut -f2 | tr '\\n' ' '"),
        "0000000000000000 00000000a80425fb 00000000a80425fb 1"
    );
    assert_eq!(
        sh_with("grep CapEff /proc/self/status | cut -f2", json!({"cap_drop": ["ALL"]})),
        "0000000000000000"
    );
    assert_eq!(
        sh_with(
            "grep CapEff /proc/self/status | cut -f2",
            json!({"cap_drop": ["all"], "cap_add": ["net_admin"]})
        ),
        "0000000000001000"
    );
}

#[test]
fn kernel_paths_are_hidden_or_read_only() {
    assert_eq!(
        sh("cat /proc/interrupts /proc/timer_list; ls /sys/firmware /proc/acpi 2>/dev/null || true"),
        if std::path::Path::new("/proc/acpi").exists() {
            "/proc/acpi:\n\n/sys/firmware:"
        } else {
            "/sys/firmware:"
        }
    );
    assert_eq!(sh("{ echo 1 > /proc/sys/net/ipv4/ip_forward; } 2>/dev/null || echo refused"), "refused");
    assert_eq!(sh("{ echo b > /proc/sysrq-trigger; } 2>/dev/null || echo refused"), "refused");
}

#[test]
fn the_devices_are_the_harmless_ones() {
    assert_eq!(
        sh("ls /dev | tr '\\n' ' '"),
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"
    );
    assert_eq!(
        sh(
            "head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; echo x > /dev/null; echo y > /dev/shm/z; cat /dev/shm/z"
        ),
        "4\n4\ny"
    );
    assert_eq!(sh("python3 -c 'import os; m, s = os.openpty(); print(os.ttyname(s))'"), "/dev/pts/0");
}

#[test]
fn it_leads_a_session_of_its_own() {
    assert_eq!(sh("cut -d' ' -f6 /proc/self/stat"), "2");
}

#[test]
fn names_and_clocks_are_its_own() {
    assert_eq!(
        sh_with("hostname; cat /proc/sys/kernel/domainname", json!({"hostname": "box", "domainname": "lab"})),
        "box\nlab"
    );
    let uptime = sh_with("cut -d. -f1 /proc/uptime", json!({"time_offsets": {"boottime": 1_000_000}}));
    assert!(uptime.parse::<u64>().expect("a number") >= 1_000_000);
}

#[test]
fn limits_masks_directories_and_settings_are_as_asked() {
    let spec = json!({"ulimits": {"nofile": 123, "core": {"soft": 0, "hard": 0}}, "umask": 0o077, "cwd": "/usr", "sysctls": {"net.ipv4.ip_default_ttl": "33"}});
    assert_eq!(
        sh_with("ulimit -n; ulimit -c; umask; pwd; cat /proc/sys/net/ipv4/ip_default_ttl", spec),
        "123\n0\n0077\n/usr\n33"
    );
}

#[test]
fn another_user_has_no_capabilities() {
    if !root() {
        return skip("another_user_has_no_capabilities", "an ordinary caller maps only itself");
    }
    let spec = json!({"user": "1000:100", "group_add": [7]});
    assert_eq!(
        sh_with("id -u; id -g; id -G; grep CapEff /proc/self/status | cut -f2", spec),
        "1000\n100\n100 7\n0000000000000000"
    );
    assert_eq!(sh_with("id -un; echo $HOME", json!({"user": "nobody"})), "nobody\n/nonexistent");
}
