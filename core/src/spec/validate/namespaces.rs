//! What belongs to a namespace: names, maps of ids, clocks, settings.

use crate::namespace::Kind;
use crate::spec::fault::shorten;
use crate::spec::{Fault, IdMap, Spec, TimeOffsets};

pub(super) fn faults(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    for (field, name, kind) in
        [("hostname", &spec.hostname, Kind::Uts), ("domainname", &spec.domainname, Kind::Uts)]
    {
        let Some(name) = name else { continue };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) || name.starts_with(['-', '.']) {
            fault(
                field,
                format!("'{}' is not a valid name", shorten(name)),
                "use 1 to 64 letters, digits, '-' and '.'",
            );
        }
        if spec.namespaces.host(kind) {
            fault(field, "it would rename the host".into(), "give the container a uts namespace of its own");
        }
    }
    for (field, maps, kind) in [("uidmap", &spec.uidmap, Kind::User), ("gidmap", &spec.gidmap, Kind::User)] {
        if !maps.is_empty() && !spec.namespaces.new_one(kind) {
            fault(field, "there is no new user namespace to map".into(), "leave namespaces.user new");
        }
        if maps.len() > 340 {
            fault(field, format!("{} ranges", maps.len()), "the kernel takes at most 340");
        }
        for (i, map) in maps.iter().enumerate() {
            let overlaps = |start: fn(&IdMap) -> u32| {
                maps[..i].iter().any(|other| {
                    let (a, b) = (u64::from(start(map)), u64::from(start(other)));
                    a < b + u64::from(other.size) && b < a + u64::from(map.size)
                })
            };
            if map.size == 0 || overlaps(|m| m.container) || overlaps(|m| m.host) {
                fault(field, format!("the range {map} is empty or overlaps another"), "use separate ranges");
            }
        }
        if !maps.is_empty() && !maps.iter().any(|map| map.contains(0)) {
            fault(field, "the container's root is not mapped".into(), "map id 0");
        }
    }
    let offsets = spec.time_offsets;
    if offsets != TimeOffsets::default() && !spec.namespaces.new_one(Kind::Time) {
        fault("time_offsets", "there is no new time namespace".into(), "leave namespaces.time new");
    }
    if !(offsets.monotonic.abs() < 4e9 && offsets.boottime.abs() < 4e9) {
        fault("time_offsets", "an offset is not a sensible number of seconds".into(), "use less than 4e9");
    }
    for (name, value) in &spec.sysctls {
        let kind = match name.split('.').collect::<Vec<_>>()[..] {
            ["net", _, ..] => Some(Kind::Net),
            ["kernel", key] if key.starts_with("msg") || key.starts_with("sem") || key.starts_with("shm") => {
                Some(Kind::Ipc)
            }
            ["fs", "mqueue", _] => Some(Kind::Ipc),
            ["kernel", "domainname" | "hostname"] => Some(Kind::Uts),
            _ => None,
        };
        let plain = |text: &str| !text.contains(['\0', '/']) && !text.contains("..");
        match kind {
            _ if !plain(name) || value.contains('\0') => fault(
                "sysctls",
                format!("'{name}' is not a setting"),
                "write it as sysctl(8) does: net.ipv4.ip_forward",
            ),
            None => fault(
                "sysctls",
                format!("'{name}' belongs to the whole host"),
                "only net.*, kernel.msg*, kernel.sem*, kernel.shm* and fs.mqueue.* belong to a namespace",
            ),
            Some(kind) if !spec.namespaces.new_one(kind) => {
                fault(
                    "sysctls",
                    format!("'{name}' would change a {kind} namespace that is not the container's own"),
                    "leave that namespace new",
                );
            }
            Some(_) => {}
        }
    }
}
