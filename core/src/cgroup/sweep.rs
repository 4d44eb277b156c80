//! The names of containers' cgroups, and removing those that a killed process left.
//!
//! A name says who made it, so nothing needs to be written down before: whoever comes next sees whether its maker is
//! still there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::control::remove_tree;
use super::place::LEAF;
use super::{Cgroup, Directory};
use crate::host::cgroups::Version;
use crate::host::{own_pid_namespace, start_time};

const PREFIX: &str = "minicontain-";

/// Whose a cgroup is, as its name says: `minicontain-NAMESPACE-PID-STARTED-NUMBER`, `d` after it for a detached one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Maker {
    /// The PID namespace that the id is of, as `/proc/self/ns/pid` has it.
    namespace: u64,
    pid: u32,
    /// When it began, as proc_pid_stat(5) has it: an id alone may become another's.
    started: u64,
    detached: bool,
}

/// The name of a container's cgroup but for its number, which it gets when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub before: String,
    pub after: &'static str,
    /// The process that it names.
    pub maker: u32,
}

impl Name {
    pub(crate) fn new(detached: bool) -> Self {
        let maker = std::process::id();
        let started = start_time(maker as i32).unwrap_or(0);
        Self {
            before: format!("{PREFIX}{:x}-{maker}-{started:x}-", own_pid_namespace()),
            after: if detached { "d" } else { "" },
            maker,
        }
    }
}

/// A number that no other cgroup of this process has.
pub(crate) fn next_number() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Whether ids are here as the kernel's log has them.
pub(crate) fn in_first_pid_namespace() -> bool {
    // Its inode is fixed: PROC_PID_INIT_INO.
    own_pid_namespace() == 0xefff_fffc
}

fn parse(name: &str) -> Option<Maker> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let hexadecimal = |text: &str| u64::from_str_radix(text, 16).ok();
    let maker = Maker {
        namespace: hexadecimal(parts.next()?)?,
        pid: parts.next()?.parse().ok()?,
        started: hexadecimal(parts.next()?)?,
        detached: parts.next()?.ends_with('d'),
    };
    parts.next().is_none().then_some(maker)
}

/// Removes what killed processes left beside these directories, once in a process's life.
pub(crate) fn sweep_once(directories: &[Directory]) {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.swap(true, Ordering::Relaxed) {
        for directory in directories {
            if let Some(parent) = directory.path.parent() {
                sweep(parent, directory.version);
            }
        }
    }
}

/// Removes the containers' cgroups below a directory whose makers are gone, with what still runs in them; that of a
/// detached container once it is empty.
fn sweep(parent: &Path, version: Version) {
    // Where callers once went, and nobody is any more.
    let _ = fs::remove_dir(parent.join(LEAF));
    let namespace = own_pid_namespace();
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter_map(|entry| Some((entry.path(), parse(entry.file_name().to_str()?)?)));
    let left = ours.filter(|(_, maker)| {
        maker.namespace == namespace && start_time(maker.pid as i32) != Some(maker.started)
    });
    for (path, maker) in left.collect::<Vec<(PathBuf, Maker)>>() {
        if remove_tree(&path).is_err() && !maker.detached {
            let directory = Directory { path, version, controllers: Vec::new() };
            let cgroup = Cgroup::from_directories(vec![directory]);
            let _ = cgroup.kill().and_then(|()| cgroup.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_maker() {
        let name = |detached: bool| {
            let Name { before, after, .. } = Name::new(detached);
            format!("{before}{}{after}", next_number())
        };
        let (first, second) = (name(false), name(true));
        assert_ne!(first, second);
        let maker = parse(&first).expect("a maker");
        assert_eq!((maker.pid, maker.detached), (std::process::id(), false));
        assert_eq!(Some(maker.started), start_time(maker.pid as i32));
        assert!(parse(&second).expect("a maker").detached);
    }

    #[test]
    fn other_names_are_nobodys() {
        for name in ["minicontain-callers", "minicontain-a-b", "minicontain-1-2-3-4-5", "system.slice"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
