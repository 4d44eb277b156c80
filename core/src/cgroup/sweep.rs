//! The names of containers' cgroups, and removing those that a killed process left.
//!
//! A name says who made it, so nothing needs to be written down before: whoever comes next sees whether its maker is
//! still there.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::control::remove_tree;
use super::place::LEAF;
use super::{Cgroup, Directory};
use crate::host::cgroups::Version;
use crate::host::{Maker, own_pid_namespace};

const PREFIX: &str = "minicontain-";

/// The name of a container's cgroup but for its number, which it gets when it is made:
/// `minicontain-NAMESPACE-PID-STARTED-NUMBER`, `d` after it for a detached one, or a detached program in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub before: String,
    pub after: &'static str,
    /// The process that it names.
    pub maker: u32,
}

impl Name {
    pub(crate) fn new(detached: bool) -> Self {
        let maker = Maker::this();
        Self { before: format!("{PREFIX}{maker}-"), after: if detached { "d" } else { "" }, maker: maker.pid }
    }
}

/// Whether ids are here as the kernel's log has them.
pub(crate) fn in_first_pid_namespace() -> bool {
    // Its inode is fixed: PROC_PID_INIT_INO.
    own_pid_namespace() == 0xefff_fffc
}

/// Who made a cgroup, as its name says, and whether for what outlives him.
fn parse(name: &str) -> Option<(Maker, bool)> {
    let (maker, number) = name.strip_prefix(PREFIX)?.rsplit_once('-')?;
    Some((Maker::parse(maker)?, number.ends_with('d')))
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

/// Removes the containers' cgroups below a directory whose makers are gone, with what still runs in them; that of what
/// is detached once it is empty.
fn sweep(parent: &Path, version: Version) {
    // Where callers once went, and nobody is any more.
    let _ = fs::remove_dir(parent.join(LEAF));
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter_map(|entry| Some((entry.path(), parse(entry.file_name().to_str()?)?)));
    let left = ours.filter(|(_, (maker, _))| maker.is_gone());
    for (path, (_, detached)) in left.collect::<Vec<_>>() {
        if remove_tree(&path).is_err() && !detached {
            let directory = Directory { path, version, controllers: Vec::new() };
            let cgroup = Cgroup::from_directories(vec![directory]);
            let _ = cgroup.kill().and_then(|()| cgroup.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{ProcessStat, next_number};

    #[test]
    fn a_name_tells_its_maker() {
        let name = |detached: bool| {
            let Name { before, after, .. } = Name::new(detached);
            format!("{before}{}{after}", next_number())
        };
        let (first, second) = (name(false), name(true));
        assert_ne!(first, second);
        let (maker, detached) = parse(&first).expect("a maker");
        assert_eq!((maker.pid, detached), (std::process::id(), false));
        assert_eq!(Some(maker.started), ProcessStat::of(maker.pid as i32).map(|stat| stat.started));
        assert!(parse(&second).expect("a maker").1);
    }

    #[test]
    fn other_names_are_nobodys() {
        for name in ["minicontain-callers", "minicontain-a-b", "minicontain-1-2-3-4-5", "system.slice"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
