//! The shell commands that do the same, as ip(8) and tc(8) have them; to be run in the network namespace.

use std::fmt::Write;
use std::time::Duration;

use crate::namespace::Namespace;

use super::{Cidr, Delay, LinkKind, Mac, RateLimit, Route};

/// `ip link add`, and for TAP and TUN devices `ip tuntap add`.
#[must_use]
pub fn create(name: &str, kind: &LinkKind) -> String {
    if matches!(kind, LinkKind::Tap | LinkKind::Tun) {
        return format!("ip tuntap add dev {name} mode {}", kind.name());
    }
    let below = match kind {
        LinkKind::Vxlan { .. } => String::new(),
        kind => kind.parent().map(|parent| format!("link {parent} name ")).unwrap_or_default(),
    };
    let mut text = format!("ip link add {below}{name} type {}", kind.name());
    let mut option = |name: &str, value: &dyn std::fmt::Display| {
        let _ = write!(text, " {name} {value}");
    };
    match kind {
        LinkKind::Veth { peer, peer_namespace } => {
            option("peer name", peer);
            if let Some(namespace) = peer_namespace {
                option("netns", &shown(namespace));
            }
        }
        LinkKind::Macvlan { mode, .. } => option("mode", &mode.name()),
        LinkKind::Ipvlan { mode, .. } => option("mode", &mode.name()),
        LinkKind::Vlan { id, .. } => option("id", id),
        LinkKind::Vxlan { id, local, remote, port, parent } => {
            option("id", id);
            if let Some(local) = local {
                option("local", local);
            }
            if let Some(remote) = remote {
                option(if remote.is_multicast() { "group" } else { "remote" }, remote);
            }
            if let Some(parent) = parent {
                option("dev", parent);
            }
            option("dstport", port);
        }
        LinkKind::Bridge | LinkKind::Dummy | LinkKind::Tap | LinkKind::Tun => {}
    }
    text
}

/// What ip(8) can be told of a namespace: its name, or where this process holds it.
pub(super) fn shown(namespace: &Namespace) -> String {
    namespace.name().map_or_else(|| namespace.path(), Into::into)
}

/// `ip link del`.
#[must_use]
pub fn delete(link: &str) -> String {
    format!("ip link del dev {link}")
}

/// `ip link set … up`.
#[must_use]
pub fn up(link: &str) -> String {
    format!("ip link set dev {link} up")
}

/// `ip link set … down`.
#[must_use]
pub fn down(link: &str) -> String {
    format!("ip link set dev {link} down")
}

/// `ip link set … name`.
#[must_use]
pub fn rename(link: &str, name: &str) -> String {
    format!("ip link set dev {link} name {name}")
}

/// `ip link set … mtu`.
#[must_use]
pub fn mtu(link: &str, mtu: u32) -> String {
    format!("ip link set dev {link} mtu {mtu}")
}

/// `ip link set … address`.
#[must_use]
pub fn mac(link: &str, mac: Mac) -> String {
    format!("ip link set dev {link} address {mac}")
}

/// `ip link set … master`, or `nomaster`.
#[must_use]
pub fn master(link: &str, master: Option<&str>) -> String {
    match master {
        Some(master) => format!("ip link set dev {link} master {master}"),
        None => format!("ip link set dev {link} nomaster"),
    }
}

/// `ip link set … netns`; the namespace is a name, a process or a path.
#[must_use]
pub fn move_to(link: &str, namespace: &str) -> String {
    format!("ip link set dev {link} netns {namespace}")
}

/// `ip address add`.
#[must_use]
pub fn add_address(link: &str, address: &Cidr) -> String {
    let broadcast = if address.broadcast().is_some() { " broadcast +" } else { "" };
    format!("ip address add {address}{broadcast} dev {link}")
}

/// `ip address del`.
#[must_use]
pub fn remove_address(link: &str, address: &Cidr) -> String {
    format!("ip address del {address} dev {link}")
}

/// `ip route add`.
#[must_use]
pub fn add_route(route: &Route) -> String {
    format!("ip {}route add {route}", family(route))
}

/// `ip route del`.
#[must_use]
pub fn remove_route(route: &Route) -> String {
    format!("ip {}route del {route}", family(route))
}

fn family(route: &Route) -> &'static str {
    if route.destination.address().is_ipv6() { "-6 " } else { "" }
}

/// `tc qdisc replace … tbf`.
#[must_use]
pub fn limit(link: &str, limit: &RateLimit) -> String {
    let RateLimit { rate, burst, latency } = limit;
    format!(
        "tc qdisc replace dev {link} root tbf rate {rate}bit burst {burst} latency {}us",
        latency.as_micros()
    )
}

/// `tc qdisc replace … netem`.
#[must_use]
pub fn delay(link: &str, delay: &Delay) -> String {
    let jitter = if delay.jitter == Duration::ZERO {
        String::new()
    } else {
        format!(" {}us", delay.jitter.as_micros())
    };
    format!("tc qdisc replace dev {link} root netem delay {}us{jitter}", delay.delay.as_micros())
}

/// `tc qdisc del`.
#[must_use]
pub fn unlimit(link: &str) -> String {
    format!("tc qdisc del dev {link} root")
}
