//! What this host offers to this caller. Reading it changes nothing.

mod accounts;
pub(crate) mod bus;
pub(crate) mod cgroups;
mod mount_table;
mod mounts;
mod process_stat;
mod state;
mod text;

pub(crate) use accounts::{Account, resolve_user};
pub(crate) use mount_table::mount_table;
pub(crate) use mounts::{HostMount, OWN, any_below, visible_mounts};
pub(crate) use process_stat::{ProcessStat, is_ending};
pub(crate) use state::{Maker, hold, next_number, own_pid_namespace, state_directory};
pub(crate) use text::read_text;

use std::cell::OnceCell;
use std::fs;
use std::sync::Arc;

use crate::spec::{IdMap, bit};
use crate::sys::process;

/// The last range of 65536 ids in what systemd reserves for containers (524288 to 1879048191).
const CONTAINER_IDS: u32 = 1_878_982_656;
/// How many ids a container of a privileged caller has.
const CONTAINER_ID_COUNT: u32 = 65_536;

/// What the caller is and may do here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub uid: u32,
    pub gid: u32,
    /// The caller's effective capabilities, as a bit mask.
    pub capabilities: u64,
    pub clone3: bool,
    /// Signals that the caller ignores, and that it handles, as bit masks.
    pub ignored: u64,
    pub handled: u64,
    /// Whether the caller has supplementary groups.
    pub groups: bool,
    /// Whether detached mounts can be layers, and be taken apart: since Linux 6.15.
    pub detached: bool,
    /// Whether /proc can be mounted for another PID namespace than one's own: since Linux 6.18.
    pub proc_of_another: bool,
    /// Whether a process comes into its new time namespace by execve, and not only its children do: since Linux 6.3.
    pub time_on_exec: bool,
    mounts: OnceCell<Arc<str>>,
}

impl Host {
    /// Looks at the calling thread and the kernel.
    pub(crate) fn read() -> Self {
        let capabilities = process::effective_capabilities();
        let (ignored, handled) = process::signal_dispositions();
        let name = nix::sys::utsname::uname();
        let release = name.map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default();
        Self {
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            capabilities,
            clone3: process::has_clone3(),
            ignored,
            handled,
            groups: process::has_groups(),
            detached: at_least(&release, (6, 15)),
            proc_of_another: at_least(&release, (6, 18)),
            time_on_exec: at_least(&release, (6, 3)),
            mounts: OnceCell::new(),
        }
    }

    /// The caller's mounts: proc_pid_mountinfo(5). It is read once.
    pub(crate) fn mount_table(&self) -> &str {
        self.mounts.get_or_init(mount_table)
    }

    /// Whether descriptors 0, 1 and 2 are all open, so that new ones are 3 or above.
    pub(crate) fn standard_open() -> bool {
        (0..3).all(process::is_open)
    }

    /// The range that the caller may map a container to, if it is privileged: able to do that and to mount.
    pub(crate) fn range(&self) -> Option<IdMap> {
        if self.can(bit::SYS_ADMIN | bit::SETUID | bit::SETGID | bit::CHOWN) { own_range() } else { None }
    }

    /// Whether the caller has all of these capabilities, given as bits.
    pub(crate) fn can(&self, bits: u64) -> bool {
        self.capabilities & bits == bits
    }
}

/// The ids that a container of this privileged caller may have.
fn own_range() -> Option<IdMap> {
    // The first user namespace has a fixed inode, and all ids: that is cheaper to see than the map.
    if fs::read_link("/proc/self/ns/user").is_ok_and(|link| link.as_os_str() == "user:[4026531837]") {
        return Some(IdMap { container: 0, host: CONTAINER_IDS, size: CONTAINER_ID_COUNT });
    }
    range(&read_text("/proc/self/uid_map").ok()?)
}

/// The highest 65536 ids that the caller itself has, in the reserved range where all ids are there.
fn range(uid_map: &str) -> Option<IdMap> {
    let mut maps = uid_map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    let host = maps.find_map(|(inside, _, size)| match inside.checked_add(size) {
        Some(end) if inside <= CONTAINER_IDS && end >= CONTAINER_IDS + CONTAINER_ID_COUNT => {
            Some(CONTAINER_IDS)
        }
        Some(end) if size >= 2 * CONTAINER_ID_COUNT => Some(end - CONTAINER_ID_COUNT),
        _ => None,
    })?;
    Some(IdMap { container: 0, host, size: CONTAINER_ID_COUNT })
}

/// Whether a kernel's release is of this version or a later one: uname(2).
fn at_least(release: &str, version: (u32, u32)) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_with_all_ids_gets_the_reserved_range() {
        let map = range("         0          0 4294967295\n").expect("a range");
        assert_eq!((map.host, map.size), (CONTAINER_IDS, 65_536));
    }

    #[test]
    fn a_kernels_release_says_its_version() {
        assert!(
            at_least("6.15.0-rc1", (6, 15)) && at_least("6.18.44-x", (6, 15)) && at_least("7.0", (6, 15))
        );
        assert!(
            !at_least("6.1.0-32-amd64", (6, 15)) && !at_least("5.19.1", (6, 15)) && !at_least("", (6, 15))
        );
    }

    #[test]
    fn a_nested_caller_gets_the_top_of_its_own_range() {
        assert_eq!(range("0 100000 200000").map(|map| map.host), Some(134_464));
        assert_eq!(range("0 1000 1"), None);
    }
}
