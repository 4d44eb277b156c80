//! Who the program is, what it may, and what must hold.

use crate::spec::fault::shorten;
use crate::spec::{Fault, Spec, capability_number};

/// The features that `require` may name.
const FEATURES: [&str; 17] = [
    "namespaces",
    "user_mapping",
    "root",
    "read_only",
    "masked_paths",
    "capabilities",
    "no_new_privileges",
    "seccomp",
    "memory",
    "cpu",
    "cpuset",
    "pids",
    "io",
    "hugetlb",
    "devices",
    "network",
    "published_ports",
];

pub(super) fn faults(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    for (field, names) in [("cap_add", &spec.cap_add), ("cap_drop", &spec.cap_drop)] {
        for name in names {
            if !name.eq_ignore_ascii_case("ALL") && capability_number(name).is_none() {
                fault(
                    field,
                    format!("'{}' is not a capability", shorten(name)),
                    "see capabilities(7), or use ALL",
                );
            }
        }
    }
    if let Some(user) = &spec.user {
        let parts: Vec<&str> = user.split(':').collect();
        if parts.len() > 2
            || parts.iter().any(|part| part.is_empty() || part.starts_with('-') || part.contains(['\0', '/']))
        {
            fault(
                "user",
                format!("'{}' is not a user", shorten(user)),
                "write uid, uid:gid, name or name:group",
            );
        }
    }
    if let Some(parent) = &spec.cgroup_parent {
        if parent.is_empty() || parent.contains('\0') || parent.split('/').any(|part| part == "..") {
            fault(
                "cgroup_parent",
                format!("'{}' is no path of a cgroup", shorten(parent)),
                "write it as /web or web/a",
            );
        }
    }
    for name in &spec.require {
        if !FEATURES.contains(&name.as_str()) {
            fault(
                "require",
                format!("'{}' is not a feature", shorten(name)),
                &format!("use one of {}", FEATURES.join(", ")),
            );
        }
    }
}
