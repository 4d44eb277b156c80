//! The host's mounts that a default file system shows: proc_pid_mountinfo(5).

use std::collections::BTreeMap;
use std::fs;

/// A mount of the host below `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostMount {
    pub target: String,
    pub directory: bool,
    pub read_only: bool,
}

/// Below these the container has its own, or nothing.
pub(crate) const OWN: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];
/// The state of other containers, and file systems that are not files.
const SKIPPED: [&str; 9] =
    ["overlay", "nsfs", "autofs", "binfmt_misc", "cgroup", "cgroup2", "proc", "sysfs", "devtmpfs"];

/// The mounts below `/` that hold the host's files, parents first.
pub(crate) fn visible_mounts(table: &str) -> Vec<HostMount> {
    select(table, |path| fs::symlink_metadata(path).ok().map(|meta| meta.is_dir()))
}

/// Whether anything is mounted below a directory, of whatever kind.
pub(crate) fn any_below(table: &str, directory: &str) -> bool {
    let targets = table.lines().filter_map(|line| line.split(' ').nth(4));
    let mut below = targets.filter_map(|target| target.strip_prefix(directory));
    below.any(|rest| rest.starts_with('/'))
}

fn select(mountinfo: &str, is_directory: impl Fn(&str) -> Option<bool>) -> Vec<HostMount> {
    let mut found = BTreeMap::new();
    for line in mountinfo.lines() {
        let mut fields = line.split(' ');
        let (Some(target), Some(options)) = (fields.nth(4), fields.next()) else { continue };
        // Most are of these.
        let own = OWN
            .iter()
            .any(|own| target.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
        if target == "/" || own || target.contains('\\') {
            continue;
        }
        let Some(kind) = fields.skip_while(|field| *field != "-").nth(1) else { continue };
        if SKIPPED.contains(&kind) {
            continue;
        }
        let Some(directory) = is_directory(target) else { continue };
        let read_only = options.split(',').any(|option| option == "ro");
        found.insert(target.to_string(), HostMount { target: target.into(), directory, read_only });
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
28 27 8:1 / /home rw,relatime shared:2 - ext4 /dev/sdb rw
29 27 8:2 /hosts /etc/hosts ro,relatime - ext4 /dev/sdc rw
30 28 0:44 / /home/merged rw - overlay overlay rw
31 27 0:45 / /run/user/0 rw - tmpfs tmpfs rw
";

    #[test]
    fn files_of_the_host_are_found_and_kernel_file_systems_are_not() {
        let mounts = select(TABLE, |path| Some(path != "/etc/hosts"));
        let targets: Vec<&str> = mounts.iter().map(|mount| mount.target.as_str()).collect();
        assert_eq!(targets, ["/etc/hosts", "/home"]);
        assert!(mounts[0].read_only && !mounts[0].directory);
    }

    #[test]
    fn every_mount_below_a_directory_counts() {
        let below = ["/home", "/run", "/etc", "/ho"].map(|directory| any_below(TABLE, directory));
        assert_eq!(below, [true, true, true, false]);
    }
}
