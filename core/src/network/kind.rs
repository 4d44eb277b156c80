//! What kinds of link can be made, and how the kernel is told.

use std::net::IpAddr;

use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, InfoVeth, InfoVlan, InfoVxlan,
    IpVlanMode as KernelIpvlanMode, LinkAttribute, LinkInfo, LinkMessage, MacVlanMode as KernelMacvlanMode,
};

use super::name;
use crate::error::Error;
use crate::namespace::Namespace;
use crate::spec::Fault;

/// A kind of link, with what it needs to be made. See ip-link(8).
///
/// ```
/// use minicontain::network::{LinkKind, shell};
/// let veth = LinkKind::Veth { peer: "veth1".into(), peer_namespace: None };
/// assert_eq!(shell::create("veth0", &veth), "ip link add veth0 type veth peer name veth1");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LinkKind {
    /// One end of a cable, whose other end is made with it: veth(4).
    Veth {
        /// The other end's name.
        peer: String,
        /// Where the other end is made, in place: moving it afterwards takes the kernel a hundred times longer.
        peer_namespace: Option<Namespace>,
    },
    /// A switch.
    Bridge,
    /// A second link, with a MAC address of its own, on another link of this namespace.
    Macvlan {
        /// The link below.
        parent: String,
        /// Who can talk to whom.
        mode: MacvlanMode,
    },
    /// A second link, with the MAC address of the one below it.
    Ipvlan {
        /// The link below.
        parent: String,
        /// What it looks at to tell them apart.
        mode: IpvlanMode,
    },
    /// What another link carries with an IEEE 802.1Q tag.
    Vlan {
        /// The link below.
        parent: String,
        /// The tag, 1 to 4094.
        id: u16,
    },
    /// Ethernet in UDP, across routed networks.
    Vxlan {
        /// The network's number, below 2^24.
        id: u32,
        /// The address that it sends from.
        local: Option<IpAddr>,
        /// Who is at the other end, or the multicast group of all.
        remote: Option<IpAddr>,
        /// The UDP port; 4789 is the one that IANA gave.
        port: u16,
        /// The link below; needed for a multicast group.
        parent: Option<String>,
    },
    /// Ethernet to and from a program that opens `/dev/net/tun`; it stays without one.
    Tap,
    /// The same with IP packets.
    Tun,
    /// A link that drops everything.
    Dummy,
}

/// Who of a macvlan link's neighbours on the same link can talk to whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacvlanMode {
    /// Nobody.
    Private,
    /// Those who meet on the switch outside.
    Vepa,
    /// Everybody.
    #[default]
    Bridge,
    /// There is one alone.
    Passthru,
}

/// What an ipvlan link tells its neighbours apart by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpvlanMode {
    /// Addresses, with broadcast and ARP.
    #[default]
    L2,
    /// Addresses, routed by the namespace of the link below.
    L3,
    /// The same through the firewall of that namespace.
    L3s,
}

impl MacvlanMode {
    /// The mode as ip-link(8) writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Vepa => "vepa",
            Self::Bridge => "bridge",
            Self::Passthru => "passthru",
        }
    }

    const fn kernel(self) -> KernelMacvlanMode {
        match self {
            Self::Private => KernelMacvlanMode::Private,
            Self::Vepa => KernelMacvlanMode::Vepa,
            Self::Bridge => KernelMacvlanMode::Bridge,
            Self::Passthru => KernelMacvlanMode::Passthrough,
        }
    }
}

impl IpvlanMode {
    /// The mode as ip-link(8) writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::L3 => "l3",
            Self::L3s => "l3s",
        }
    }

    const fn kernel(self) -> KernelIpvlanMode {
        match self {
            Self::L2 => KernelIpvlanMode::L2,
            Self::L3 => KernelIpvlanMode::L3,
            Self::L3s => KernelIpvlanMode::L3S,
        }
    }
}

impl LinkKind {
    /// The kind as the kernel and ip-link(8) name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Veth { .. } => "veth",
            Self::Bridge => "bridge",
            Self::Macvlan { .. } => "macvlan",
            Self::Ipvlan { .. } => "ipvlan",
            Self::Vlan { .. } => "vlan",
            Self::Vxlan { .. } => "vxlan",
            Self::Tap => "tap",
            Self::Tun => "tun",
            Self::Dummy => "dummy",
        }
    }

    /// The link below, where it has one.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        match self {
            Self::Macvlan { parent, .. } | Self::Ipvlan { parent, .. } | Self::Vlan { parent, .. } => {
                Some(parent)
            }
            Self::Vxlan { parent, .. } => parent.as_deref(),
            _ => None,
        }
    }

    /// The module of the kernel that has it.
    pub(super) const fn module(&self) -> &'static str {
        match self {
            Self::Vlan { .. } => "8021q",
            Self::Tap => "tun",
            other => other.name(),
        }
    }

    /// Finds what cannot be, before the kernel is asked.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let fault =
            |field: &str, problem: String, fix: &str| Error::Spec(vec![Fault::new(field, problem, fix)]);
        if let Some(parent) = self.parent() {
            name::check("parent", parent)?;
        }
        match self {
            Self::Veth { peer, peer_namespace } => {
                name::check("peer", peer)?;
                peer_namespace.as_ref().map_or(Ok(()), |namespace| namespace.must_be_net("peer_namespace"))
            }
            Self::Vlan { id: id @ (0 | 4095..), .. } => {
                Err(fault("id", format!("there is no VLAN {id}"), "use 1 to 4094"))
            }
            Self::Vxlan { id, .. } if *id >= 1 << 24 => {
                Err(fault("id", format!("there is no VXLAN {id}"), "use 0 to 16777215"))
            }
            Self::Vxlan { local: Some(local), remote: Some(remote), .. }
                if local.is_ipv4() != remote.is_ipv4() =>
            {
                let problem = format!("{local} cannot send to {remote}");
                Err(fault("remote", problem, "use two IPv4 or two IPv6 addresses"))
            }
            _ => Ok(()),
        }
    }

    /// What the kernel is told about the kind; `parent` is the index of the link below.
    pub(super) fn attributes(&self, parent: Option<u32>) -> Vec<LinkAttribute> {
        let (kind, data) = match self {
            Self::Veth { peer, peer_namespace } => {
                (InfoKind::Veth, Some(InfoData::Veth(InfoVeth::Peer(end(peer, peer_namespace.as_ref())))))
            }
            Self::Bridge => (InfoKind::Bridge, None),
            Self::Dummy => (InfoKind::Dummy, None),
            Self::Macvlan { mode, .. } => {
                (InfoKind::MacVlan, Some(InfoData::MacVlan(vec![InfoMacVlan::Mode(mode.kernel())])))
            }
            Self::Ipvlan { mode, .. } => {
                (InfoKind::IpVlan, Some(InfoData::IpVlan(vec![InfoIpVlan::Mode(mode.kernel())])))
            }
            Self::Vlan { id, .. } => (InfoKind::Vlan, Some(InfoData::Vlan(vec![InfoVlan::Id(*id)]))),
            Self::Vxlan { id, local, remote, port, .. } => {
                let mut data = vec![InfoVxlan::Id(*id), InfoVxlan::Port(*port)];
                data.extend(parent.map(InfoVxlan::Link));
                data.extend(local.map(|local| match local {
                    IpAddr::V4(address) => InfoVxlan::Local(address),
                    IpAddr::V6(address) => InfoVxlan::Local6(address),
                }));
                data.extend(remote.map(|remote| match remote {
                    IpAddr::V4(address) => InfoVxlan::Group(address),
                    IpAddr::V6(address) => InfoVxlan::Group6(address),
                }));
                (InfoKind::Vxlan, Some(InfoData::Vxlan(data)))
            }
            // These are made by ioctl(2): `tun.rs`.
            Self::Tap | Self::Tun => (InfoKind::Tun, None),
        };
        let mut information = vec![LinkInfo::Kind(kind)];
        information.extend(data.map(LinkInfo::Data));
        let mut attributes = vec![LinkAttribute::LinkInfo(information)];
        if matches!(self, Self::Veth { .. }) {
            attributes.extend(ONE_QUEUE);
        }
        if !matches!(self, Self::Vxlan { .. }) {
            attributes.extend(parent.map(LinkAttribute::Link));
        }
        attributes
    }
}

/// One queue at each end of a veth, as it has in the end: not told, the kernel makes more, and waits for RCU to take them
/// away again.
pub(super) const ONE_QUEUE: [LinkAttribute; 2] =
    [LinkAttribute::NumTxQueues(1), LinkAttribute::NumRxQueues(1)];

/// The other end of a veth, made where it is to be.
pub(super) fn end(name: &str, namespace: Option<&Namespace>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.into()));
    message.attributes.extend(ONE_QUEUE);
    message.attributes.extend(namespace.map(super::change::into_namespace));
    message
}
