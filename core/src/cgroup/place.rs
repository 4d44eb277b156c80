//! Where a new cgroup can be made: below the caller's own on v1, beside or below it on v2, wherever the caller may.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::unistd::{AccessFlags, faccessat};

use super::directory::members;
use super::scope;
use crate::host::cgroups::{Controller, Hierarchy, Version, controllers_of, enabled_in};

/// Where the caller's own processes go when their cgroup is to have children with controllers: v2 has either.
pub(super) const LEAF: &str = "minicontain-callers";

/// Where a cgroup is made in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub version: Version,
    pub parent: PathBuf,
    /// What is controlled there.
    pub controllers: Vec<Controller>,
    /// Which of them must be enabled in the parent first: v2.
    pub enable: Vec<Controller>,
    /// Processes of the parent that must go into a leaf of it first, and that leaf: v2.
    pub leave: Option<(PathBuf, Vec<i32>)>,
}

impl Place {
    /// Makes the parent able to have such children.
    pub(super) fn prepare(&self) -> io::Result<()> {
        if let Some((leaf, pids)) = &self.leave {
            match fs::create_dir(leaf) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            for pid in pids {
                match fs::write(leaf.join("cgroup.procs"), pid.to_string()) {
                    Err(error) if error.raw_os_error() != Some(libc::ESRCH) => return Err(error),
                    _ => {}
                }
            }
        }
        self.enable()
    }

    /// Lets the parent's children have these controllers.
    pub(super) fn enable(&self) -> io::Result<()> {
        if self.enable.is_empty() {
            return Ok(());
        }
        fs::write(self.parent.join("cgroup.subtree_control"), enabling(&self.enable))
    }
}

/// What is written to a `cgroup.subtree_control` to enable controllers.
pub(crate) fn enabling(controllers: &[Controller]) -> String {
    let names: Vec<String> = controllers.iter().map(|one| format!("+{}", one.name(Version::V2))).collect();
    names.join(" ")
}

/// A controller that cannot be had, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub controller: Controller,
    pub reason: String,
}

/// The parent that was chosen in a hierarchy, or why it cannot be; `None` to find one.
pub(crate) type Given<'a> = &'a dyn Fn(&Hierarchy) -> Option<Result<PathBuf, String>>;

/// What is had in the v2 tree without being asked for: what counts.
const COUNTING: [Controller; 4] = [Controller::Memory, Controller::Cpu, Controller::Io, Controller::Pids];

/// Finds places for the controllers that are wanted; with `all`, for every other one too that there is. The v2 tree is
/// always among them: it freezes and kills without any.
pub(crate) fn find(
    hierarchies: &[Hierarchy],
    wanted: &[Controller],
    all: bool,
    given: Given<'_>,
) -> (Vec<Place>, Vec<Missing>) {
    let (mut places, mut missing) = (Vec::new(), Vec::new());
    let mut left: Vec<Controller> = wanted.to_vec();
    // On v2 devices are no controller: a BPF program decides, on whatever cgroup.
    let listed = hierarchies.iter().any(|one| one.controllers.contains(&Controller::Devices));
    let unified = hierarchies.iter().any(|one| one.version == Version::V2);
    for hierarchy in hierarchies {
        let tree = hierarchy.version == Version::V2;
        if tree && !listed {
            left.retain(|one| *one != Controller::Devices);
        }
        let asked = |one: &Controller| {
            // Without the tree, what a limit on CPU time takes is counted by another controller.
            let counts = *one == Controller::Cpuacct && !unified && wanted.contains(&Controller::Cpu);
            counts || left.contains(one) || all && !wanted.contains(one) && (!tree || COUNTING.contains(one))
        };
        let ours: Vec<Controller> = hierarchy.controllers.iter().copied().filter(asked).collect();
        if ours.is_empty() && !tree {
            continue;
        }
        left.retain(|one| !ours.contains(one));
        match place(hierarchy, &ours, given) {
            Ok((place, reasons)) => {
                missing.extend(reasons);
                places.push(place);
            }
            Err(reason) => {
                missing.extend(
                    ours.into_iter().map(|controller| Missing { controller, reason: reason.clone() }),
                );
            }
        }
    }
    let nowhere =
        "no hierarchy of this host has the controller: see /proc/cgroups, and whether cgroups are mounted";
    missing.extend(left.into_iter().map(|controller| Missing { controller, reason: nowhere.into() }));
    (places, missing)
}

fn place(
    hierarchy: &Hierarchy,
    wanted: &[Controller],
    given: Given<'_>,
) -> Result<(Place, Vec<Missing>), String> {
    let own =
        || hierarchy.own().ok_or_else(|| "the caller's own cgroup is not below what is mounted".to_string());
    let given = given(hierarchy).transpose()?;
    match (hierarchy.version, given) {
        (Version::V1, given) => {
            let parent = given.map_or_else(own, Ok)?;
            writable(&parent)?;
            let place = Place {
                version: Version::V1,
                parent,
                controllers: hierarchy.controllers.clone(),
                enable: Vec::new(),
                leave: None,
            };
            Ok((place, Vec::new()))
        }
        (Version::V2, Some(parent)) => {
            writable(&parent)?;
            Ok(in_tree(&parent, wanted))
        }
        (Version::V2, None) => nearest(hierarchy, &own()?, wanted).or_else(|reason| {
            // Without a controller there is nothing to be had by being asked for.
            if wanted.is_empty() || nix::unistd::geteuid().is_root() {
                return Err(reason);
            }
            scope::ask().map_err(|why| format!("{reason}, and {why}"))?;
            let own = hierarchy.own_now().ok_or("the scope is not below what is mounted")?;
            nearest(hierarchy, &own, wanted)
        }),
    }
}

/// The nearest cgroup of v2 at or above the caller's own that is the caller's to change.
fn nearest(
    hierarchy: &Hierarchy,
    own: &Path,
    wanted: &[Controller],
) -> Result<(Place, Vec<Missing>), String> {
    // What is above a scope is systemd's, even where this user may write it.
    let top = scope::around(own).unwrap_or(&hierarchy.mount);
    let above = own.ancestors().take_while(|path| path.starts_with(top));
    let mut best: Option<(Place, Vec<Missing>)> = None;
    let mut refused = None;
    for parent in above {
        if let Err(reason) = writable(parent).and_then(|()| writable(&parent.join("cgroup.procs"))) {
            refused.get_or_insert(reason);
            continue;
        }
        let (place, reasons) = in_tree(parent, wanted);
        // The nearest; moving processes is the last resort.
        let cost = |(place, reasons): &(Place, Vec<Missing>)| {
            (reasons.len(), place.leave.is_some(), !place.enable.is_empty())
        };
        let found = (place, reasons);
        if best.as_ref().is_none_or(|best| cost(&found) < cost(best)) {
            best = Some(found);
        }
    }
    best.ok_or_else(|| {
        let reason = refused.unwrap_or_default();
        format!("{reason}: nothing is delegated to this user (systemd: Delegate=yes)")
    })
}

/// What it takes to have these controllers in children of a v2 cgroup.
pub(super) fn in_tree(parent: &Path, wanted: &[Controller]) -> (Place, Vec<Missing>) {
    let enabled = if wanted.is_empty() { Vec::new() } else { enabled_in(parent) };
    let lacking: Vec<Controller> = wanted.iter().copied().filter(|one| !enabled.contains(one)).collect();
    let (mut enable, mut missing, mut leave) = (Vec::new(), Vec::new(), None);
    if !lacking.is_empty() {
        let there = controllers_of(parent);
        let control = parent.join("cgroup.subtree_control");
        let refused = writable(&control).err();
        for controller in lacking {
            let name = controller.name(Version::V2);
            let reason = match &refused {
                _ if !there.contains(&controller) => {
                    Some(format!("{} lacks {name}", parent.join("cgroup.controllers").display()))
                }
                Some(refused) => Some(format!("cgroup.subtree_control lacks +{name}, and {refused}")),
                None => None,
            };
            match reason {
                Some(reason) => missing.push(Missing { controller, reason }),
                None => enable.push(controller),
            }
        }
        // Only the root of all may have both processes and children with controllers. It has no type.
        if !enable.is_empty() && parent.join("cgroup.type").exists() {
            let pids = members(parent);
            leave = (!pids.is_empty()).then(|| (parent.join(LEAF), pids));
        }
    }
    let controllers = wanted.iter().copied().filter(|one| !missing.iter().any(|no| no.controller == *one));
    let controllers = controllers.collect();
    (Place { version: Version::V2, parent: parent.into(), controllers, enable, leave }, missing)
}

/// Whether the caller may write there, or else why not.
fn writable(path: &Path) -> Result<(), String> {
    faccessat(nix::fcntl::AT_FDCWD, path, AccessFlags::W_OK, AtFlags::AT_EACCESS).map_err(|errno| {
        let path = path.display();
        match errno {
            Errno::ENOENT => format!("{path} is not there"),
            Errno::EROFS => format!("{path} is mounted read-only"),
            _ => format!("{path} is not this user's to write"),
        }
    })
}
