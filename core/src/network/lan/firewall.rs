//! A network's rules: nft(8), one table for each network, so that all of them go at once.
//!
//! The rules keep networks apart, hide the containers behind the host's address, and lead published ports to them. The
//! table is made once for a network; a published port is an element of a map in it.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::super::Cidr;
use super::program;
use super::record::Record;
use crate::error::{Code, Error};
use crate::spec::Publish;

/// What a network's table is called: after its bridge as it is, since `a.b` and `a-b` are two networks. The names of nft(8)
/// may have all that those of networks have.
pub(super) fn table(record: &Record) -> String {
    format!("minicontain_{}", record.bridge)
}

/// Makes the table.
pub(super) fn create(record: &Record) -> Result<(), Error> {
    run(record, &rules(record))
}

/// Removes the table with everything in it. That it is gone already is no error.
pub(super) fn remove(record: &Record) -> Result<(), Error> {
    // Adding one that is there changes nothing; deleting one that is not would fail.
    let table = table(record);
    run(record, &format!("add table inet {table}\ndelete table inet {table}\n"))
}

/// Leads ports of the host to a container.
pub(super) fn publish(record: &Record, address: Ipv4Addr, ports: &[Publish]) -> Result<(), Error> {
    run(record, &elements("create", record, address, ports)).map_err(|error| {
        if !error.to_string().contains("No such file or directory") {
            return error;
        }
        let problem = format!("publish: the rules of '{}' are gone", record.name);
        Error::call(Code::NetworkNotFound, problem, 0, "somebody removed them: make the network anew")
    })
}

/// Leads them there no longer.
pub(super) fn unpublish(record: &Record, address: Ipv4Addr, ports: &[Publish]) -> Result<(), Error> {
    run(record, &elements("delete", record, address, ports))
}

/// What the table holds now, as nft(8) lists it.
pub(super) fn list(record: &Record) -> Result<String, Error> {
    listed(record, &[])
}

/// The same as data: libnftables-json(5).
pub(super) fn as_json(record: &Record) -> Result<Value, Error> {
    let said = listed(record, &["--json"])?;
    serde_json::from_str(&said).map_err(|error| {
        Error::call(Code::NotSupported, format!("nft lists rules in JSON that is none: {error}"), 0, "")
    })
}

fn listed(record: &Record, options: &[&str]) -> Result<String, Error> {
    let table = table(record);
    let (success, said) = nft(record, &[options, &["list", "table", "inet", &table]].concat(), "")?;
    if success {
        return Ok(said);
    }
    Err(Error::call(
        Code::NetworkNotFound,
        format!("the rules of '{}' are gone: {}", record.name, said.trim()),
        0,
        "",
    ))
}

fn elements(verb: &str, record: &Record, address: Ipv4Addr, ports: &[Publish]) -> String {
    let table = table(record);
    let mut script = String::new();
    for Publish { address: host_address, host, container, protocol } in ports {
        let protocol = protocol.name();
        let (map, key) = match host_address {
            None => ("published", format!("{protocol} . {host}")),
            Some(own) => ("published_at", format!("{own} . {protocol} . {host}")),
        };
        let value = if verb == "delete" { String::new() } else { format!(" : {address} . {container}") };
        let _ = writeln!(script, "{verb} element inet {table} {map} {{ {key}{value} }}");
    }
    script
}

/// The whole table as nft(8) reads it.
fn rules(record: &Record) -> String {
    let (table, bridge) = (table(record), &record.bridge);
    let network = record.gateway.network();
    let mut hide = String::new();
    let mut outside = "drop";
    if record.nat {
        outside = "accept";
        let _ = write!(hide, "ip saddr {network} oifname != \"{bridge}\" masquerade");
        if let Some(network6) = record.gateway6.as_ref().map(Cidr::network) {
            let _ = write!(hide, "\n    ip6 saddr {network6} oifname != \"{bridge}\" masquerade");
        }
    }
    format!(
        r#"add table inet {table}
delete table inet {table}
table inet {table} {{
  map published {{
    type inet_proto . inet_service : ipv4_addr . inet_service
  }}
  map published_at {{
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
  }}
  chain to_published {{
    dnat ip to ip daddr . meta l4proto . th dport map @published_at
    dnat ip to meta l4proto . th dport map @published
  }}
  chain loopback {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{bridge}" ip daddr 127.0.0.0/8 drop
  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local meta nfproto ipv4 meta l4proto {{ tcp, udp }} jump to_published
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    fib daddr type local meta nfproto ipv4 meta l4proto {{ tcp, udp }} jump to_published
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "{bridge}" ct status dnat ip saddr {{ 127.0.0.0/8, {network} }} masquerade
    {hide}
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname "{bridge}" oifname "{bridge}" accept
    oifname "{bridge}" ct state established,related accept
    oifname "{bridge}" ct status dnat accept
    oifname "{bridge}" drop
    iifname "{bridge}" ct state established,related accept
    iifname "{bridge}" {outside}
  }}
}}
"#
    )
}

/// Gives nft a script.
fn run(record: &Record, script: &str) -> Result<(), Error> {
    let (success, said) = nft(record, &["-f", "-"], script)?;
    if success {
        return Ok(());
    }
    let said = said.trim();
    if said.contains("File exists") {
        let hint = "choose another port, or end the container that has it";
        return Err(Error::call(
            Code::AddressInUse,
            "publish: a port is another container's already",
            libc::EEXIST,
            hint,
        ));
    }
    let denied = said.contains("Operation not permitted");
    let code = if denied { Code::PermissionDenied } else { Code::NotSupported };
    let hint = if denied {
        "rules need CAP_NET_ADMIN"
    } else {
        "the kernel needs nf_tables, nft_nat, nft_masq and nft_fib: see modprobe"
    };
    Err(Error::call(code, format!("nft refused the rules of '{}': {said}", record.name), 0, hint))
}

/// Runs nft in the network's own namespaces: whether it succeeded, and what it said.
fn nft(record: &Record, args: &[&str], script: &str) -> Result<(bool, String), Error> {
    match &record.inside {
        None => program::here("nft", args, script.as_bytes()).map_err(|error| missing(&error)),
        Some(inside) => program::inside(inside, &[&["nft"], args].concat(), script.as_bytes()),
    }
}

fn missing(error: &std::io::Error) -> Error {
    let errno = error.raw_os_error().unwrap_or(0);
    let (code, hint) = match errno {
        libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::ENOMEM => {
            (Code::OutOfResources, "a limit on descriptors, processes or memory is reached: see ulimit -a")
        }
        _ => (
            Code::NotSupported,
            "install nftables (apt install nftables); a network without nat and publish needs none",
        ),
    };
    Error::call(code, "could not run nft", errno, hint)
}
