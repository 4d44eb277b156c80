//! A container on a network: what is planned for it, and what of it outlives the steps.

use std::cell::OnceCell;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::home::Home;
use super::hosts::{self, Names};
use super::messages::{Interface, veth};
use super::pasta::Pasta;
use super::record::{Record, link_name, trouble};
use super::settings::servers_of_host;
use super::{addresses, firewall};
use crate::error::{Code, Error};
use crate::host::{Maker, next_number};
use crate::network::cni::is_config;
use crate::network::{Cidr, RateLimit};
use crate::plan::arg::{Message, Slot};
use crate::spec::{Attachment, Protocol, Publish, Spec};

/// What networks have for a container to see.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// What it has as `/etc/hosts`.
    pub hosts: String,
    /// What it has as `/etc/resolv.conf`, where that is not the root's own.
    pub resolv_conf: Option<String>,
    /// What its init answers questions for names with, where one of the networks has that.
    pub resolver: Option<Resolver>,
}

/// A container's resolver, as it is planned.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    /// The network that wants it.
    pub network: String,
    /// Who is asked for what is on none of the networks.
    pub servers: Vec<IpAddr>,
}

/// A container's place on a network, as it is planned.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub record: Record,
    pub address: Ipv4Addr,
    /// The number of the bridge.
    pub bridge: u32,
    pub interface: Interface,
    /// What it is called by the others. The first is its host's name, where that was not given.
    pub names: Vec<String>,
    pub publish: Vec<Publish>,
    /// A socket in the bridge's namespace, where that is not the caller's.
    pub socket: Option<Arc<OwnedFd>>,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        (&self.record, self.address, self.bridge, &self.interface, &self.names, &self.publish)
            == (&other.record, other.address, other.bridge, &other.interface, &other.names, &other.publish)
    }
}

impl Place {
    /// What makes the container's link, once its process is there; and the shell commands that do.
    pub(crate) fn link(&self, pid: Slot) -> (Message, Vec<String>) {
        let Record { bridge, mtu, .. } = &self.record;
        let host = link_name(self.address);
        veth(&host, self.address, (bridge, self.bridge), *mtu, &self.interface, pid)
    }

    /// The files that networks have for their containers.
    pub(crate) fn files(places: &[Self]) -> Result<Option<Files>, Error> {
        let Some(Self { record, .. }) = places.first() else { return Ok(None) };
        let hosts = if places.len() == 1 {
            record.file("hosts")?
        } else {
            hosts::combined(&places.iter().map(|place| &place.record).collect::<Vec<_>>())?
        };
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let with_resolver = places.iter().map(|place| &place.record).find(|record| record.resolver);
        let says = with_resolver.or(Some(record).filter(|record| record.servers.is_some()));
        let resolv_conf = says.map(|record| record.file("resolv.conf")).transpose()?.map(text);
        let resolver = with_resolver.map(|with| Resolver {
            network: with.name.clone(),
            // As for all that is on none of the networks, the first says where to ask.
            servers: record.servers.clone().unwrap_or_else(servers_of_host),
        });
        Ok(Some(Files { hosts: text(hosts), resolv_conf, resolver }))
    }

    /// A place on each of a container's networks. The first leads everywhere else, and has the published ports.
    pub(crate) fn on_all(spec: &Spec) -> Result<Vec<Self>, Error> {
        let ours = spec.networks.iter().filter(|attachment| !is_config(&attachment.network));
        ours.enumerate().map(|(n, attachment)| Self::on(spec, n, attachment)).collect()
    }

    fn on(spec: &Spec, n: usize, attachment: &Attachment) -> Result<Self, Error> {
        let record = Record::open(&attachment.network)?;
        let home = Home::of(&record)?;
        let bridge = home.index(&record.bridge)?.ok_or_else(|| super::bridge_gone(&record))?;
        let address = addresses::take(&record, &home, attachment.ip)?;
        let (name, index) = Interface::place(n);
        let interface = Interface {
            name,
            index,
            addresses: record.addresses(address)?,
            rate: attachment.rate.map(RateLimit::bits),
            routes: if n == 0 { record.routes() } else { Vec::new() },
        };
        let own = [&spec.name, &spec.hostname];
        let mut names: Vec<String> = own.into_iter().flatten().cloned().collect();
        if n == 0 && names.is_empty() {
            names.push(format!("ip-{address}").replace('.', "-"));
        }
        names.extend(attachment.aliases.iter().cloned());
        names.dedup();
        let publish = if n == 0 { spec.publish.clone() } else { Vec::new() };
        let socket = home.socket()?.map(Arc::new);
        Ok(Self { record, address, bridge, interface, names, publish, socket })
    }

    /// What is written down before the first step.
    pub(crate) fn enter(&self) -> Result<Member, Error> {
        let record = &self.record;
        let mut member = Member::default();
        if record.rules && record.inside.is_none() {
            // Whoever gets an address now would be reached by the ports of who had it before.
            sweep(record, |address| !self.publish.is_empty() || address == self.address);
        }
        if !self.names.is_empty() {
            let own: Vec<IpAddr> = self.interface.addresses.iter().map(Cidr::address).collect();
            member.names = Some(Names::add(record, &own, &self.names)?);
        }
        if !self.publish.is_empty() {
            let reserved = self.publish.iter().map(|port| reserve(record, port)).collect::<Result<_, _>>()?;
            if record.inside.is_some() {
                // They are free: pasta takes them when the container is there.
                member.awaited = Some((record.clone(), self.publish.clone()));
            } else {
                member.reserved = reserved;
                member.ports = Some(Ports::open(record, self.address, &self.publish)?);
            }
        }
        Ok(member)
    }
}

/// A container on a network. What was written down for it goes with this.
#[derive(Debug)]
pub(crate) struct Member {
    /// Ports of an ordinary user's network, which wait for the container.
    awaited: Option<(Record, Vec<Publish>)>,
    /// What leads those to it.
    pasta: Option<Pasta>,
    names: Option<Names>,
    ports: Option<Ports>,
    /// The published ports are taken on the host, too, as long as the creator lives.
    reserved: Vec<OwnedFd>,
    /// A fork's copy of this must not take anything back.
    owner: u32,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            awaited: None,
            pasta: None,
            names: None,
            ports: None,
            reserved: Vec::new(),
            owner: std::process::id(),
        }
    }
}

impl Member {
    /// Does what needs the container's process.
    pub(crate) fn follow(&mut self, pid: i32) -> Result<(), Error> {
        if let Some((record, publish)) = self.awaited.take() {
            self.pasta = Some(Pasta::ports(&record, pid, &publish)?);
        }
        Ok(())
    }

    /// The container outlives this process: what is written down stays, and is swept when its link is gone.
    pub(crate) fn outlive(mut self) {
        std::mem::forget(self.names.take());
        std::mem::forget(self.ports.take());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            std::mem::forget(self.names.take());
            std::mem::forget(self.ports.take());
        }
    }
}

/// Published ports, by the file that says so: `ports/ADDRESS-PID-NUMBER`. An address may be another container's when this
/// one has ended.
#[derive(Debug)]
struct Ports {
    record: Record,
    journal: PathBuf,
    address: Ipv4Addr,
    publish: Vec<Publish>,
}

/// What that file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    maker: Maker,
    publish: Vec<Publish>,
}

impl Ports {
    fn open(record: &Record, address: Ipv4Addr, publish: &[Publish]) -> Result<Self, Error> {
        if !record.rules {
            let problem =
                format!("publish: the network '{}' has no rules that could lead ports", record.name);
            let hint = "install nftables (apt install nftables), and make the network anew";
            return Err(Error::call(Code::NotSupported, problem, 0, hint));
        }
        let path = record.file("ports")?.join(format!("{address}-{}-{}", std::process::id(), next_number()));
        let journal = Journal { maker: Maker::this(), publish: publish.to_vec() };
        let json = serde_json::to_string(&journal).unwrap_or_default();
        fs::write(&path, json).map_err(|error| trouble("write", &path, &error))?;
        let ports = Self { record: record.clone(), journal: path, address, publish: publish.to_vec() };
        match firewall::publish(record, address, publish) {
            Ok(()) => Ok(ports),
            // All of a script's changes are made, or none: there is nothing to take back but the file.
            Err(error) => {
                let _ = fs::remove_file(&ports.journal);
                std::mem::forget(ports);
                Err(error)
            }
        }
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        close(&self.record, &self.journal, self.address, &self.publish);
    }
}

fn close(record: &Record, journal: &Path, address: Ipv4Addr, publish: &[Publish]) {
    let unpublished = firewall::unpublish(record, address, publish);
    // What could not be done for want of descriptors is left to the next who sweeps.
    if !unpublished.is_err_and(|error| error.code() == Code::OutOfResources) {
        let _ = fs::remove_file(journal);
    }
}

/// Takes back the ports of containers that are gone with their maker, of some addresses.
fn sweep(record: &Record, concerns: impl Fn(Ipv4Addr) -> bool) {
    let Ok(directory) = record.file("ports") else { return };
    let home = OnceCell::new();
    let linked = |address| {
        let home = home.get_or_init(|| Home::of(record).ok());
        home.as_ref().is_some_and(|home| home.index(&link_name(address)).is_ok_and(|link| link.is_some()))
    };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let address: Option<Ipv4Addr> = name.to_str().and_then(|name| name.split('-').next()?.parse().ok());
        let Some(address) = address.filter(|address| concerns(*address)) else { continue };
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let Ok(journal) = serde_json::from_str::<Journal>(&text) else { continue };
        if journal.maker.is_gone() && !linked(address) {
            close(record, &entry.path(), address, &journal.publish);
        }
    }
}

/// Takes a port of the host, so that it cannot lead to two places.
fn reserve(record: &Record, publish: &Publish) -> Result<OwnedFd, Error> {
    let address = SocketAddrV4::new(publish.address.unwrap_or(Ipv4Addr::UNSPECIFIED), publish.host);
    if record.inside.is_some() && publish.address.is_some() {
        let problem =
            format!("publish: {publish}: an ordinary user's ports are open on every address of the host");
        return Err(Error::call(Code::NotSupported, problem, 0, "leave the address out, or be root"));
    }
    let taken = match publish.protocol {
        Protocol::Tcp => TcpListener::bind(address).map(OwnedFd::from),
        Protocol::Udp => UdpSocket::bind(address).map(OwnedFd::from),
    };
    taken.map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(0);
        let (code, hint) = match errno {
            libc::EADDRINUSE => (Code::AddressInUse, "choose another port of the host, or end what uses it"),
            libc::EADDRNOTAVAIL => (Code::AddressInUse, "the host has no such address"),
            libc::EACCES => (Code::PermissionDenied, "ports below 1024 need CAP_NET_BIND_SERVICE"),
            _ => (Code::Io, ""),
        };
        Error::call(code, format!("publish: could not take {address}"), errno, hint)
    })
}
