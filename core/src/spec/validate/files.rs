//! The root and what is mounted below it.

use std::collections::BTreeSet;

use crate::namespace::Kind;
use crate::spec::fault::shorten;
use crate::spec::{Fault, HostAccess, Size, Spec};

pub(super) fn faults(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    let mut targets = BTreeSet::new();
    let mut target = |field: &str, path: &str| {
        if !clean(path) || path == "/" {
            return Some(Fault::new(
                field,
                format!("'{}' is not a place inside", shorten(path)),
                "use an absolute path without '..'",
            ));
        }
        let twice = !targets.insert(path.trim_end_matches('/').to_string());
        twice.then(|| Fault::new(field, format!("'{path}' is mounted twice"), "name each place once"))
    };
    let mut also = Vec::new();
    for volume in &spec.volumes {
        also.extend(target("volumes", &volume.target));
        if !clean(&volume.source) {
            fault(
                "volumes",
                format!("'{}' is not an absolute host path", shorten(&volume.source)),
                "start it with '/', without '..'",
            );
        }
    }
    for tmpfs in &spec.tmpfs {
        also.extend(target("tmpfs", &tmpfs.target));
        if tmpfs.mode > 0o7777 || tmpfs.size == Some(Size(0)) {
            fault(
                "tmpfs",
                format!("{}: no such size or mode", tmpfs.target),
                "use a size above 0 and an octal mode",
            );
        }
    }
    if spec.storage_size.0 < 64 << 10 || spec.storage_size.0 > 1 << 50 {
        fault("storage_size", format!("{} is not a sensible size", spec.storage_size), "use 64k to 1024T");
    }
    if let Some(root) = &spec.rootfs {
        if !clean(root) {
            fault(
                "rootfs",
                format!("'{}' is not an absolute host path", shorten(root)),
                "start it with '/', without '..'",
            );
        }
        if !spec.host_files.is_empty() {
            fault("host_files", "they are not seen when rootfs names another root".into(), "use volumes");
        }
    }
    for (path, access) in &spec.host_files {
        if !clean(path) {
            fault(
                "host_files",
                format!("'{}' is not an absolute path", shorten(path)),
                "start it with '/', without '..'",
            );
        }
        if path == "/" && *access == HostAccess::Hidden {
            fault(
                "host_files",
                "without any root no program can be found".into(),
                "hide single directories, or name a rootfs",
            );
        }
    }
    for (field, paths) in [("masked_paths", &spec.masked_paths), ("readonly_paths", &spec.readonly_paths)] {
        for path in paths.iter().flatten() {
            if !clean(path) || path == "/" {
                fault(
                    field,
                    format!("'{}' is not a place inside", shorten(path)),
                    "use an absolute path without '..'",
                );
            }
        }
    }
    if !spec.namespaces.new_one(Kind::Mnt) {
        let asked = [
            ("rootfs", spec.rootfs.is_some()),
            ("read_only", spec.read_only),
            ("host_files", !spec.host_files.is_empty()),
            ("volumes", !spec.volumes.is_empty()),
            ("tmpfs", !spec.tmpfs.is_empty()),
        ];
        for (field, _) in asked.into_iter().filter(|(_, asked)| *asked) {
            fault(
                field,
                "mounting needs a mount namespace of the container's own".into(),
                "leave namespaces.mnt new",
            );
        }
    }
    found.extend(also);
}

/// Whether a path is absolute, has no `..` and no NUL.
fn clean(path: &str) -> bool {
    path.starts_with('/')
        && path.len() < 4096
        && !path.contains(char::is_control)
        && !path.split('/').any(|part| part == "..")
}
