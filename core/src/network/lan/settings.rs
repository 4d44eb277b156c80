//! Settings of the kernel where a network's bridge is, and what of the host's containers are told.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use super::program;
use super::record::Record;
use crate::error::{Code, Error};
use crate::spec::Fault;

const FORWARD: &str = "ipv4/ip_forward";
/// Where a container's resolver answers: Docker's is there, too.
pub(crate) const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

/// Sees to it that the host forwards packets, which changes the host only when that was asked for.
pub(super) fn forwarding(record: &Record, switch_on: bool) -> Result<(), Error> {
    let all = [(FORWARD, true), ("ipv6/conf/all/forwarding", record.gateway6.is_some())];
    for (name, _) in all.into_iter().filter(|(_, needed)| *needed) {
        if record.inside.is_none() && is_on(name) {
            continue;
        }
        if switch_on || record.inside.is_some() {
            setting(record, name, "1")?;
        } else {
            let setting = format!("net.{}", name.replace('/', "."));
            let problem = format!("nat: this host does not forward packets ({setting} is 0)");
            let hint =
                format!("say forward=true to have it switched on, or do it yourself: sysctl -w {setting}=1");
            return Err(Error::call(Code::ForwardingOff, problem, 0, hint));
        }
    }
    Ok(())
}

/// Whether the host forwards packets.
pub(crate) fn forwards() -> bool {
    is_on(FORWARD)
}

fn is_on(name: &str) -> bool {
    fs::read_to_string(format!("/proc/sys/net/{name}")).is_ok_and(|text| text.trim() != "0")
}

/// Writes a setting below `/proc/sys/net`, where the network's bridge is.
pub(super) fn setting(record: &Record, name: &str, value: &str) -> Result<(), Error> {
    let path = format!("/proc/sys/net/{name}");
    let failed = |said: &str, errno| {
        let problem = format!("could not set {path} to {value}{said}");
        Error::call(Code::PermissionDenied, problem, errno, "").about(&path)
    };
    match &record.inside {
        None => fs::write(&path, value).map_err(|error| failed("", error.raw_os_error().unwrap_or(0))),
        Some(inside) => {
            let script = format!("echo {value} > {path}");
            let (success, said) = program::inside(inside, &["sh", "-c", &script], b"")?;
            if success { Ok(()) } else { Err(failed(&format!(": {}", said.trim()), 0)) }
        }
    }
}

/// The servers for a resolv.conf of the network's own: those asked for; or the host's, where one of those cannot be reached
/// from a container; none where the host's file will do. What leads nowhere is not asked: a server that cannot be reached
/// is waited for.
pub(super) fn servers(asked: &[IpAddr], nat: bool) -> Option<Vec<IpAddr>> {
    if !asked.is_empty() || !nat {
        return Some(asked.to_vec());
    }
    let will_do = named_in("/etc/resolv.conf").iter().all(|server| !server.is_loopback());
    if will_do { None } else { Some(servers_of_host()) }
}

/// The host's own servers that can be reached from a container.
pub(super) fn servers_of_host() -> Vec<IpAddr> {
    let reachable =
        |servers: Vec<IpAddr>| servers.into_iter().filter(|server| !server.is_loopback()).collect();
    let own: Vec<IpAddr> = reachable(named_in("/etc/resolv.conf"));
    // systemd-resolved keeps the servers that it asks itself here.
    if own.is_empty() { reachable(named_in("/run/systemd/resolve/resolv.conf")) } else { own }
}

/// The servers that a file in the form of resolv.conf(5) names.
fn named_in(path: &str) -> Vec<IpAddr> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    servers.filter_map(|server| server.trim().parse().ok()).collect()
}

/// What the containers of a network have as resolv.conf(5), where that is not the host's.
pub(super) fn resolv_conf(record: &Record) -> Option<String> {
    if record.resolver {
        // A name without a dot is one of the network's, and not of a domain that the C library makes up.
        return Some(format!("nameserver {RESOLVER}\noptions ndots:0\n"));
    }
    let servers = record.servers.as_ref()?;
    Some(servers.iter().map(|server| format!("nameserver {server}\n")).collect())
}

/// A resolver does not ask itself.
pub(super) fn check_servers(asked: &[IpAddr]) -> Result<(), Error> {
    if asked.iter().all(|server| server.to_canonical() != RESOLVER) {
        return Ok(());
    }
    let problem = format!("{RESOLVER} is the network's own resolver");
    Err(Error::Spec(vec![Fault::new("dns", problem, "name servers that it asks, or leave resolver out")]))
}
