//! The host's cgroup hierarchies, and where the caller is in them: cgroups(7).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::read_text;

/// What a hierarchy controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Controller {
    Memory,
    Cpu,
    Cpuacct,
    Cpuset,
    Pids,
    Io,
    Hugetlb,
    Devices,
    Freezer,
}

impl Controller {
    pub(crate) const ALL: [Self; 9] = [
        Self::Memory,
        Self::Cpu,
        Self::Cpuacct,
        Self::Cpuset,
        Self::Pids,
        Self::Io,
        Self::Hugetlb,
        Self::Devices,
        Self::Freezer,
    ];

    /// Its name in a version.
    pub(crate) const fn name(self, version: Version) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
            Self::Cpuset => "cpuset",
            Self::Pids => "pids",
            Self::Io => match version {
                Version::V1 => "blkio",
                Version::V2 => "io",
            },
            Self::Hugetlb => "hugetlb",
            Self::Devices => "devices",
            Self::Freezer => "freezer",
        }
    }

    fn named(name: &str, version: Version) -> Option<Self> {
        Self::ALL.into_iter().find(|controller| controller.name(version) == name)
    }
}

/// The version of a hierarchy's interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Version {
    /// A hierarchy of one controller or two: the kernel's `cgroup-v1` documentation.
    V1,
    /// The one tree of them all: the kernel's `cgroup-v2` documentation.
    V2,
}

/// A hierarchy that is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub version: Version,
    /// What it controls; of v2, what its root has.
    pub controllers: Vec<Controller>,
    /// Where it is mounted, and which of its cgroups is seen there.
    pub mount: PathBuf,
    root: String,
    /// The caller's cgroup.
    own: String,
}

impl Hierarchy {
    /// The directory of a cgroup, where it is below what is mounted.
    pub(crate) fn directory(&self, path: &str) -> Option<PathBuf> {
        let below = match self.root.as_str() {
            "/" => path,
            root => path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'))?,
        };
        let below = below.trim_start_matches('/');
        // Joined with nothing, a path gets a slash at its end.
        Some(if below.is_empty() { self.mount.clone() } else { self.mount.join(below) })
    }

    /// The cgroup of this name that is nearest: below the caller's own, or below one above that. Whoever moved into a
    /// cgroup that it made finds it, too.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let own = self.own()?;
        let above = own.ancestors().take_while(|path| path.starts_with(&self.mount));
        above.map(|path| path.join(name)).find(|path| path.is_dir())
    }

    /// The directory of the caller's own cgroup.
    pub(crate) fn own(&self) -> Option<PathBuf> {
        self.directory(&self.own)
    }

    /// The same as it is now, where the caller may have been moved since this was read.
    pub(crate) fn own_now(&self) -> Option<PathBuf> {
        let text = read_text("/proc/self/cgroup").ok()?;
        self.directory(path_in(&text, self.version, &self.controllers)?)
    }
}

/// The hierarchies of this host; `mountinfo` is proc_pid_mountinfo(5). What the v2 tree controls is looked at where one
/// of the controllers that are wanted is on no hierarchy of v1.
pub(crate) fn hierarchies(mountinfo: &str, wanted: &[Controller]) -> Vec<Hierarchy> {
    let own = read_text("/proc/self/cgroup").unwrap_or_default();
    let mut found = select(mountinfo, &own);
    if wanted.iter().all(|one| found.iter().any(|hierarchy| hierarchy.controllers.contains(one))) {
        return found;
    }
    for hierarchy in found.iter_mut().filter(|hierarchy| hierarchy.version == Version::V2) {
        hierarchy.controllers = controllers_of(&hierarchy.mount);
    }
    found
}

/// What the children of a v2 cgroup could have.
pub(crate) fn controllers_of(directory: &Path) -> Vec<Controller> {
    listed(&directory.join("cgroup.controllers"))
}

/// What the children of a v2 cgroup have.
pub(crate) fn enabled_in(directory: &Path) -> Vec<Controller> {
    listed(&directory.join("cgroup.subtree_control"))
}

fn listed(file: &Path) -> Vec<Controller> {
    let text = read_text(file).unwrap_or_default();
    text.split_whitespace().filter_map(|name| Controller::named(name, Version::V2)).collect()
}

/// The path of a process's cgroup in a hierarchy, from proc_pid_cgroup(5): on v1 by what the hierarchy controls.
pub(crate) fn path_in<'a>(text: &'a str, version: Version, controllers: &[Controller]) -> Option<&'a str> {
    let wanted = match version {
        Version::V1 => Some(controllers.first()?.name(version)),
        Version::V2 => None,
    };
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, names, path) = (fields.next()?, fields.next()?, fields.next()?);
        match wanted {
            None => names.is_empty(),
            Some(wanted) => names.split(',').any(|name| name == wanted),
        }
        .then_some(path)
    })
}

fn select(mountinfo: &str, own: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mountinfo.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let mut fields = before.split(' ').skip(3);
        let (Some(root), Some(mount)) = (fields.next(), fields.next()) else { continue };
        let mut fields = after.split(' ');
        let version = match fields.next() {
            Some("cgroup") => Version::V1,
            Some("cgroup2") => Version::V2,
            _ => continue,
        };
        let options = fields.nth(1).unwrap_or_default();
        let controllers: Vec<Controller> = match version {
            Version::V1 => options.split(',').filter_map(|name| Controller::named(name, version)).collect(),
            Version::V2 => Vec::new(),
        };
        let own = path_in(own, version, &controllers);
        let (Some(own), false) = (own, mount.contains('\\')) else { continue };
        // What is mounted a second time is the same hierarchy.
        let same = |other: &Hierarchy| other.version == version && other.controllers == controllers;
        if !found.iter().any(same) {
            found.push(Hierarchy {
                version,
                controllers,
                mount: mount.into(),
                root: root.into(),
                own: own.into(),
            });
        }
    }
    found
}

/// The paths of a process's cgroups, below the mounts of the hierarchies.
pub(crate) fn directories_of(pid: i32, hierarchies: &[Hierarchy]) -> Option<Vec<(Hierarchy, PathBuf)>> {
    let text = read_text(format!("/proc/{pid}/cgroup")).ok()?;
    let place = |hierarchy: &Hierarchy| {
        let path = path_in(&text, hierarchy.version, &hierarchy.controllers)?;
        Some((hierarchy.clone(), hierarchy.directory(path)?))
    };
    Some(hierarchies.iter().filter_map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 24 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:29 /docker/1f /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
35 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
";
    const OWN: &str =
        "4:memory:/docker/1f/job\n3:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice\n0::/user.slice\n";

    #[test]
    fn hierarchies_are_found_where_they_are_mounted_with_the_callers_place() {
        let found = select(HYBRID, OWN);
        let own: Vec<_> = found.iter().map(|one| one.own().expect("a place")).collect();
        assert_eq!(
            own,
            [
                Path::new("/sys/fs/cgroup/cpu,cpuacct/user.slice"),
                Path::new("/sys/fs/cgroup/memory/job"),
                Path::new("/sys/fs/cgroup/unified/user.slice")
            ]
        );
        assert_eq!(found[0].controllers, [Controller::Cpu, Controller::Cpuacct]);
        assert_eq!(found[2].version, Version::V2);
    }

    #[test]
    fn a_cgroup_outside_of_what_is_mounted_has_no_directory() {
        let found = select(HYBRID, "4:memory:/docker/1fff\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].own(), None);
    }
}
