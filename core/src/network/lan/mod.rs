//! Networks for containers: a bridge, addresses, names, and rules.

mod addresses;
mod describe;
mod firewall;
mod home;
mod hosts;
mod member;
mod messages;
mod pasta;
mod program;
mod record;
mod settings;
mod sweep;

pub use describe::{Connected, NetworkDescription};
pub(crate) use member::{Files, Member, Place};
pub(crate) use messages::configure;
pub(crate) use record::{Inside, Record};
pub(crate) use settings::{RESOLVER, forwards};

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Cidr, Link, LinkKind, Netlink, name};
use crate::error::{Code, Error};
use crate::host::Maker;
use crate::namespace::{Kind, Namespace};
use crate::spec::{Fault, bit, is_host_name};
use crate::sys::process;
use home::Home;
use pasta::Pasta;
use settings::{check_servers, forwarding, resolv_conf, servers, setting};
use sweep::{sweep, sweep_held};

/// How long ended containers' links may take to go: the kernel removes them in the background.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a network shall be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkOptions {
    /// Its addresses, `10.16.8.0/24`; the gateway is the first, or the one that is named (`10.16.8.254/24`). Default: the
    /// first of 10.89.0.0/16 that is free.
    pub subnet: Option<String>,
    /// Its addresses of version 6, `fd00:16:8::/64`. Default: none.
    pub subnet6: Option<String>,
    /// The largest packet, in bytes. Default: the kernel's, 1500.
    pub mtu: Option<u32>,
    /// Whether containers reach what the host reaches, behind the host's address. The host must forward packets for that.
    pub nat: bool,
    /// Whether forwarding is switched on for that, and for published ports that others than the host ask, on the whole
    /// host (`net.ipv4.ip_forward`), where it is off.
    pub forward: bool,
    /// The DNS servers that containers ask. Default: the host's own that they can reach; none without `nat`.
    pub dns: Vec<IpAddr>,
    /// Whether programs that ask a DNS server, and do not read `/etc/hosts` (dig, nginx), find the names as well: each
    /// container's init answers at 127.0.0.11:53, by UDP, and asks the servers (three at most) for all else. It takes that
    /// port of the container: who binds 0.0.0.0:53 there meets EADDRINUSE, and has to bind another address. A container on
    /// such a network needs an init in a PID namespace of its own, and a loopback.
    pub resolver: bool,
    /// Whether it stays when this process ends, until it is removed. Otherwise the next process that makes or lists
    /// networks sweeps it away. An ordinary user's cannot stay.
    pub persistent: bool,
}

/// A network for containers of this host: they reach each other, by address and by name, and the host.
///
/// ```no_run
/// use minicontain::network::{Network, NetworkOptions};
/// use minicontain::{Command, spec::Attachment};
/// let lab = Network::create("lab", &NetworkOptions { subnet: Some("10.16.8.0/24".into()), ..Default::default() })?;
/// let server = Command::new("sleep").arg("60").hostname("server").network(Attachment::to("lab")).spawn()?;
/// let ping = Command::new("ping").args(["-c1", "server"]).network(Attachment::to("lab")).output()?;
/// assert_eq!(ping.outcome.returncode(), 0);
/// drop(server);
/// lab.remove()?;
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug)]
pub struct Network {
    record: Record,
    netlink: Netlink,
    /// The namespaces of an ordinary user's network, which live as long as somebody holds them.
    held: Option<(Namespace, Namespace)>,
    /// What passes that one's packets on to the outside.
    uplink: Option<Pasta>,
}

impl Network {
    /// Makes one. An ordinary user's is in namespaces of its own, which this object holds.
    ///
    /// # Errors
    /// [`Code::NameTaken`]; [`Code::AddressInUse`] when the subnet overlaps another one or a route of the host;
    /// [`Code::ForwardingOff`]; [`Code::NotSupported`] without nftables, where that is needed; [`Error::Spec`].
    pub fn create(name: &str, options: &NetworkOptions) -> Result<Self, Error> {
        check_name(name)?;
        if options.resolver {
            check_servers(&options.dns)?;
        }
        // Nobody else chooses the same addresses meanwhile, or takes this for what is left of a killed maker's.
        let lock = record::hold()?;
        sweep_held()?;
        let privileged = process::effective_capabilities() & bit::NET_ADMIN != 0;
        if options.persistent && !privileged {
            let problem = "an ordinary user's network goes with the process that makes it, and cannot stay";
            let hint = "make it and use it in one process, or be root";
            return Err(Error::call(Code::PermissionDenied, problem, libc::EPERM, hint));
        }
        let held = if privileged { None } else { Some(hold()?) };
        let netlink = match &held {
            None => Netlink::here()?,
            Some((_, net)) => Netlink::of(net)?,
        };
        let own = netlink.namespace().id();
        // What is found, rather than asked for, a container shall be able to be on together with the user's others.
        let beside = held.is_some() && options.subnet.is_none();
        let near = |other: &Record| other.namespace == own || (beside && other.inside.is_some());
        let others: Vec<Record> = Record::all()?.into_iter().filter(near).collect();
        let gateway = addresses::choose(&netlink, options.subnet.as_deref(), &others)?;
        let gateway6 = options.subnet6.as_deref().map(addresses::read6).transpose()?;
        if let Some(mtu) = options.mtu.filter(|mtu| !(68..=65_535).contains(mtu)) {
            return Err(Error::Spec(vec![Fault::new("mtu", format!("{mtu} bytes"), "use 68 to 65535")]));
        }
        let inside = held.as_ref().map(|(user, net)| Inside { user: user.path(), net: net.path() });
        let mut record = Record {
            name: name.into(),
            bridge: bridge_name(name),
            gateway,
            gateway6,
            mtu: options.mtu,
            nat: options.nat,
            rules: true,
            persistent: options.persistent,
            maker: Maker::this(),
            namespace: netlink.namespace().id(),
            inside,
            servers: servers(&options.dns, options.nat),
            resolver: options.resolver,
        };
        if options.nat || options.forward {
            forwarding(&record, options.forward)?;
        }
        record.create()?;
        let bridge = match netlink.create(&record.bridge, &LinkKind::Bridge) {
            Ok(bridge) => bridge,
            // A link that has this name is somebody else's.
            Err(error) => {
                let _ = record.remove();
                return Err(error);
            }
        };
        let mut network = Self { record: record.clone(), netlink, held, uplink: None };
        let built = network.build(&mut record, &bridge);
        network.record = record;
        if let Err(error) = built {
            let _ = network.take_down();
            return Err(error);
        }
        drop(lock);
        if let Err(error) = network.connect() {
            let _ = network.remove();
            return Err(error);
        }
        Ok(network)
    }

    /// The one of that name.
    ///
    /// # Errors
    /// [`Code::NetworkNotFound`].
    pub fn open(name: &str) -> Result<Self, Error> {
        check_name(name)?;
        let record = Record::open(name)?;
        let netlink = Home::of(&record)?.netlink();
        bridge(&record, &netlink)?;
        Ok(Self { record, netlink, held: None, uplink: None })
    }

    /// Those that there are, by name.
    ///
    /// # Errors
    /// [`Code::PermissionDenied`] when they may not be read.
    pub fn list() -> Result<Vec<Self>, Error> {
        sweep()?;
        let names = Record::all()?.into_iter().map(|record| record.name);
        Ok(names.filter_map(|name| Self::open(&name).ok()).collect())
    }

    /// Removes it: the bridge, its addresses, its rules, and what was written down.
    ///
    /// # Errors
    /// [`Code::StillRuns`] while containers are on it.
    pub fn remove(&self) -> Result<(), Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            let ports = self.ports()?;
            if ports.is_empty() {
                let _lock = record::hold()?;
                // One of that name that was made since is another's.
                let is_own =
                    |now: Record| now.maker == self.record.maker && now.namespace == self.record.namespace;
                return if Record::open(&self.record.name).is_ok_and(|now| !is_own(now)) {
                    Ok(())
                } else {
                    self.take_down()
                };
            }
            if Instant::now() >= until {
                let names = self.names().unwrap_or_default();
                let told = |address: Ipv4Addr| {
                    // A container's own name comes before its host name and aliases.
                    let name = names.iter().find(|(_, known)| *known == address);
                    name.map_or_else(|| address.to_string(), |(name, _)| format!("{name} ({address})"))
                };
                let all: Vec<String> = ports.iter().filter_map(|port| address_of(port)).map(told).collect();
                let (count, some) = (all.len(), all[..all.len().min(5)].join(", "));
                let more = if count > 5 { format!(" and {} more", count - 5) } else { String::new() };
                let problem = format!("containers are on the network '{}': {some}{more}", self.record.name);
                return Err(Error::call(Code::StillRuns, problem, libc::EBUSY, "end them first"));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Its addresses.
    #[must_use]
    pub fn subnet(&self) -> Cidr {
        self.record.gateway.network()
    }

    /// Its addresses of version 6.
    #[must_use]
    pub fn subnet6(&self) -> Option<Cidr> {
        self.record.gateway6.as_ref().map(Cidr::network)
    }

    /// The host's address on it.
    #[must_use]
    pub fn gateway(&self) -> IpAddr {
        self.record.gateway.address()
    }

    /// Its bridge.
    ///
    /// # Errors
    /// [`Code::NetworkNotFound`] when somebody removed it.
    pub fn bridge(&self) -> Result<Link, Error> {
        bridge(&self.record, &self.netlink)
    }

    /// The namespace that the bridge is in: the host's, or one that was made for an ordinary user.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        self.netlink.namespace()
    }

    /// The names on it, with what they stand for, as its containers see them.
    ///
    /// # Errors
    /// [`Code::NetworkNotFound`] when it was removed.
    pub fn names(&self) -> Result<Vec<(String, IpAddr)>, Error> {
        let path = self.record.file("hosts")?;
        let text = fs::read_to_string(&path).map_err(|error| record::trouble("read", &path, &error))?;
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        Ok(lines
            .filter_map(|line| {
                let (address, name) = line.split_once('\t')?;
                Some((name.trim().to_string(), address.parse().ok()?))
            })
            .filter(|(_, address): &(String, IpAddr)| !address.is_loopback())
            .collect())
    }

    /// Its rules, as nft(8) lists them.
    ///
    /// # Errors
    /// [`Code::NotSupported`] without nft.
    pub fn rules(&self) -> Result<String, Error> {
        if self.record.rules { firewall::list(&self.record) } else { Ok(String::new()) }
    }

    /// The links on its bridge.
    fn ports(&self) -> Result<Vec<String>, Error> {
        let Ok(bridge) = self.bridge() else { return Ok(Vec::new()) };
        let ports = self.netlink.states()?.into_iter().filter(|state| state.master == Some(bridge.index()));
        Ok(ports.map(|state| state.name).collect())
    }

    fn build(&self, record: &mut Record, bridge: &Link) -> Result<(), Error> {
        let write = |name: &str, bytes: &[u8]| {
            let path = record.file(name)?;
            record::publish_file(&path, bytes)
        };
        write("hosts", &hosts::beginning(record))?;
        if let Some(text) = resolv_conf(record) {
            write("resolv.conf", text.as_bytes())?;
        }
        if record.inside.is_some() {
            self.netlink.link("lo")?.up()?;
        }
        if Path::new("/proc/sys/net/ipv6").exists() {
            // A container that calls itself a router must not get the host's packets (CVE-2020-13401).
            setting(record, &format!("ipv6/conf/{}/accept_ra", record.bridge), "0")?;
            // The host is not on it by an address that nobody gave.
            if record.gateway6.is_none() {
                setting(record, &format!("ipv6/conf/{}/disable_ipv6", record.bridge), "1")?;
            }
        }
        bridge.add_address(&record.gateway)?;
        if let Some(gateway6) = &record.gateway6 {
            bridge.add_address(gateway6)?;
        }
        if let Some(mtu) = record.mtu {
            bridge.set_mtu(mtu)?;
        }
        bridge.up()?;
        match firewall::create(record) {
            // Published ports are reached from the host's own loopback, too; a rule keeps others from that.
            Ok(()) => setting(record, &format!("ipv4/conf/{}/route_localnet", record.bridge), "1"),
            // Without rules, nothing is forwarded from it: that keeps it apart.
            Err(error) if !record.nat && error.code() != Code::OutOfResources => {
                for version in ["ipv4", "ipv6"] {
                    let name = format!("{version}/conf/{}/forwarding", record.bridge);
                    if record.gateway6.is_some() || version == "ipv4" {
                        setting(record, &name, "0")?;
                    }
                }
                record.rules = false;
                record.update()
            }
            Err(error) => Err(error),
        }
    }

    /// Gives an ordinary user's network its way to the outside.
    fn connect(&mut self) -> Result<(), Error> {
        if let Some((user, net)) = self.held.as_ref().filter(|_| self.record.nat) {
            self.uplink = Some(Pasta::uplink(&self.record, user, net)?);
        }
        Ok(())
    }

    /// Removes all of it; what is gone already is no error.
    fn take_down(&self) -> Result<(), Error> {
        if self.record.rules {
            let removed = firewall::remove(&self.record);
            removed.or_else(|error| if error.code() == Code::NotSupported { Ok(()) } else { Err(error) })?;
        }
        match self.netlink.link(&self.record.bridge) {
            Ok(bridge) => bridge.delete()?,
            Err(error) if error.code() == Code::LinkNotFound => {}
            Err(error) => return Err(error),
        }
        self.record.remove()
    }
}

fn bridge(record: &Record, netlink: &Netlink) -> Result<Link, Error> {
    netlink
        .link(&record.bridge)
        .map_err(|error| if error.code() == Code::LinkNotFound { bridge_gone(record) } else { error })
}

fn bridge_gone(record: &Record) -> Error {
    let problem = format!("the bridge of '{}' ({}) is gone", record.name, record.bridge);
    Error::call(Code::NetworkNotFound, problem, 0, "somebody removed it: make the network anew")
}

/// The namespaces of an ordinary user's network. One user namespace owns all his networks: a link from one network
/// namespace to another, as a container on two networks has, takes rights in both.
fn hold() -> Result<(Namespace, Namespace), Error> {
    let mut others = Record::all()?.into_iter().filter_map(|other| other.inside);
    let owner = others.find_map(|inside| Namespace::open(Path::new(&inside.user)).ok());
    let user = owner.map_or_else(|| Namespace::create(Kind::User), Ok)?;
    let net = Namespace::create_in(Kind::Net, &user)?;
    Ok((user, net))
}

fn check_name(name: &str) -> Result<(), Error> {
    if is_host_name(name) && name.len() <= 32 && name != "host" && name != "none" {
        return Ok(());
    }
    let problem = format!("'{}' is no name for a network", name.escape_debug());
    let fix = "use up to 32 letters, digits, '-', '_' and '.', but not 'host' or 'none'";
    Err(Error::Spec(vec![Fault::new("name", problem, fix)]))
}

/// The bridge's name: the network's, or, where that is too long for a link, as much as fits and a checksum.
fn bridge_name(name: &str) -> String {
    let whole = format!("mc-{name}");
    if name::check("name", &whole).is_ok() {
        return whole;
    }
    // FNV-1a: it need only differ.
    let hash =
        name.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let head: String = name.chars().take(3).collect();
    format!("mc-{head}-{hash:08x}")
}

/// The address that a host's end of a link stands for.
fn address_of(link: &str) -> Option<Ipv4Addr> {
    let bits = link.strip_prefix("mc").filter(|bits| bits.len() == 8)?;
    u32::from_str_radix(bits, 16).ok().map(Ipv4Addr::from_bits)
}

#[cfg(test)]
mod tests {
    use super::{address_of, bridge_name, check_name};

    #[test]
    fn a_bridge_has_a_name_that_fits() {
        assert_eq!(bridge_name("lab"), "mc-lab");
        let long = bridge_name("a-much-longer-name");
        assert!(long.len() <= 15 && long != bridge_name("a-much-longer-name2"), "{long}");
    }

    #[test]
    fn a_link_says_its_address() {
        assert_eq!(address_of("mc0a100802"), Some([10, 16, 8, 2].into()));
        assert_eq!(address_of("eth0"), None);
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for name in ["", "host", "none", "a/b", "-a", &"a".repeat(33)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
