//! The networks that a container is on, and the ports that lead to it.

use crate::namespace::Kind;
use crate::spec::{Fault, NamespaceSource, Publish, Spec, is_host_name};

pub(super) fn faults(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    for (i, attachment) in spec.networks.iter().enumerate() {
        let name = &attachment.network;
        if !(name.starts_with('/') || is_host_name(name)) {
            let problem = format!("'{}' is no name of a network", name.escape_debug());
            fault(
                "networks",
                problem,
                "name one that was made, or give the absolute path of a CNI configuration",
            );
        }
        if spec.networks[..i].iter().any(|other| other.network == *name) {
            fault(
                "networks",
                format!("'{name}' is there twice"),
                "name it once, with aliases where it has several names",
            );
        }
        for alias in attachment.aliases.iter().filter(|alias| !is_host_name(alias)) {
            fault(
                "networks",
                format!("'{}' is no name of a host", alias.escape_debug()),
                "use letters, digits and '-'",
            );
        }
    }
    if !spec.networks.is_empty() && *spec.namespaces.get(Kind::Net) != NamespaceSource::New {
        fault(
            "networks",
            "its network namespace is another's".into(),
            "leave namespaces.net out, or the networks",
        );
    }
    if spec.networks.len() > 8 {
        fault("networks", format!("{} of them are too many", spec.networks.len()), "name up to 8");
    }
    if spec.networks.iter().any(|attachment| attachment.rate.is_some_and(|rate| rate < 8)) {
        fault(
            "networks",
            "less than a byte in a second is no rate".into(),
            "give bits in a second: rate=10mbit",
        );
    }
    if spec.networks.is_empty() && !spec.publish.is_empty() {
        fault("publish", "it is on no network that the ports could lead to".into(), "name a network");
    }
    for (i, port) in spec.publish.iter().enumerate() {
        let same = |other: &&Publish| {
            (other.address, other.host, other.protocol) == (port.address, port.host, port.protocol)
        };
        if spec.publish[..i].iter().any(|other| same(&other)) {
            fault("publish", format!("port {} of the host is there twice", port.host), "choose another one");
        }
    }
}
