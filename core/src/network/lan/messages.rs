//! The messages of rtnetlink(7) that put a container on a network: made when its start is planned, sent on its way.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::super::kind::ONE_QUEUE;
use super::super::{RateLimit, qdisc::limited};
use crate::plan::arg::{Message, Slot};

/// Stands for a process id that is not known yet.
const SOMEBODY: u32 = 0x7ead_beef;
/// The number of a container's first link beside the loopback. Lower ones may be the kernel's own, of tunnels.
const FIRST: u32 = 100;

/// Numbers from here on are those of the host's ends; the kernel counts up from 1.
const ABOVE_ALL: u32 = 1 << 30;

/// A container's link, as it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    /// `eth0`, `eth1`, …
    pub name: String,
    pub index: u32,
    pub address: Ipv4Addr,
    pub prefix: u8,
    pub address6: Option<(Ipv6Addr, u8)>,
    /// How fast it is.
    pub rate: Option<RateLimit>,
    /// Where all else is reached: of the first network.
    pub gateway: Option<Ipv4Addr>,
    pub gateway6: Option<Ipv6Addr>,
}

impl Interface {
    /// What the nth is called, and its number.
    pub(crate) fn place(n: usize) -> (String, u32) {
        (format!("eth{n}"), FIRST + n as u32)
    }
}

/// Makes the pair: the host's end up and on the bridge, the other one in the container's network namespace.
pub(crate) fn veth(host: &str, bridge: u32, mtu: Option<u32>, interface: &Interface, pid: Slot) -> Message {
    let mut peer = LinkMessage::default();
    peer.header.index = interface.index;
    peer.attributes.push(LinkAttribute::IfName(interface.name.clone()));
    peer.attributes.extend(mtu.map(LinkAttribute::Mtu));
    peer.attributes.extend(ONE_QUEUE);
    peer.attributes.push(LinkAttribute::NetNsPid(SOMEBODY));
    let mut link = LinkMessage::default();
    // The kernel heeds the peer's number only where this end's is given, too. No address is handed out twice.
    let own = ABOVE_ALL | (interface.address.to_bits() & (ABOVE_ALL - 1));
    link.header.index = own;
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    link.attributes.push(LinkAttribute::IfName(host.into()));
    link.attributes.extend(mtu.map(LinkAttribute::Mtu));
    link.attributes.extend(ONE_QUEUE);
    link.attributes.push(LinkAttribute::Controller(bridge));
    let info = vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer)))];
    link.attributes.push(LinkAttribute::LinkInfo(info));
    let mut bytes = Vec::new();
    let answer = if interface.rate.is_some() { 0 } else { NLM_F_ACK };
    append(&mut bytes, NLM_F_CREATE | NLM_F_EXCL | answer, RouteNetlinkMessage::NewLink(link));
    let mark = SOMEBODY.to_ne_bytes();
    // The last of them: the link's own number, which is made of the address, may look like it.
    let at = bytes.windows(4).rposition(|window| window == mark).unwrap_or(0);
    let mut text = format!("RTM_NEWLINK {host} up master {bridge} type veth peer name {}", interface.name);
    if let Some(rate) = &interface.rate {
        let _ = write!(text, ", RTM_NEWQDISC {host} tbf rate {}bit", rate.rate);
        let limit = RouteNetlinkMessage::NewQueueDiscipline(limited(own, rate));
        append(&mut bytes, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, limit);
    }
    Message { bytes, text, pid: Some((at, pid)) }
}

/// Gives the container's ends their addresses, switches them on, and adds the routes: all in one message, of which the
/// kernel answers the first that it refuses, or the last.
pub(crate) fn configure(interfaces: &[Interface]) -> Message {
    let mut bytes = Vec::new();
    let mut text = Vec::new();
    let mut messages = Vec::new();
    for interface in interfaces {
        let Interface { name, index, address, prefix, address6, rate, gateway, gateway6 } = interface;
        text.push(format!("RTM_NEWADDR {address}/{prefix} dev {name}"));
        messages.push(RouteNetlinkMessage::NewAddress(address_message(*index, (*address).into(), *prefix)));
        if let Some((address6, prefix6)) = address6 {
            text.push(format!("RTM_NEWADDR {address6}/{prefix6} dev {name}"));
            messages.push(RouteNetlinkMessage::NewAddress(address_message(
                *index,
                (*address6).into(),
                *prefix6,
            )));
        }
        let mut up = LinkMessage::default();
        up.header.index = *index;
        up.header.flags = LinkFlags::Up;
        up.header.change_mask = LinkFlags::Up;
        text.push(format!("RTM_NEWLINK {name} up"));
        messages.push(RouteNetlinkMessage::SetLink(up));
        if let Some(rate) = rate {
            text.push(format!("RTM_NEWQDISC {name} tbf rate {}bit", rate.rate));
            messages.push(RouteNetlinkMessage::NewQueueDiscipline(limited(*index, rate)));
        }
        for gateway in [gateway.map(IpAddr::from), gateway6.map(IpAddr::from)].into_iter().flatten() {
            text.push(format!("RTM_NEWROUTE default via {gateway}"));
            messages.push(RouteNetlinkMessage::NewRoute(default_route(*index, gateway)));
        }
    }
    let last = messages.len().saturating_sub(1);
    for (n, message) in messages.into_iter().enumerate() {
        let answer = if n == last { NLM_F_ACK } else { 0 };
        append(&mut bytes, NLM_F_CREATE | NLM_F_EXCL | answer, message);
    }
    Message { bytes, text: text.join(", "), pid: None }
}

fn address_message(index: u32, address: IpAddr, prefix: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.header.prefix_len = prefix;
    message.header.scope = AddressScope::Universe;
    message.header.index = index;
    match address {
        IpAddr::V4(own) => {
            message.attributes.push(AddressAttribute::Local(address));
            let host = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            message.attributes.push(AddressAttribute::Broadcast(Ipv4Addr::from_bits(own.to_bits() | host)));
        }
        // Nobody else can have it: it is usable at once.
        IpAddr::V6(_) => message.header.flags = AddressHeaderFlags::Nodad,
    }
    message.attributes.push(AddressAttribute::Address(address));
    message
}

fn default_route(index: u32, gateway: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    let (family, gateway) = match gateway {
        IpAddr::V4(address) => (AddressFamily::Inet, RouteAddress::Inet(address)),
        IpAddr::V6(address) => (AddressFamily::Inet6, RouteAddress::Inet6(address)),
    };
    message.header.address_family = family;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Boot;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes.push(RouteAttribute::Gateway(gateway));
    message.attributes.push(RouteAttribute::Oif(index));
    message
}

fn append(bytes: &mut Vec<u8>, flags: u16, message: RouteNetlinkMessage) {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let begin = bytes.len();
    bytes.resize(begin + message.buffer_len().next_multiple_of(4), 0);
    message.serialize(&mut bytes[begin..]);
}

#[cfg(test)]
mod tests {
    use super::{Interface, SOMEBODY, veth};
    use crate::plan::arg::Slot;

    #[test]
    fn the_process_id_has_its_place_whatever_the_address() {
        let place = |address: [u8; 4]| {
            let (name, index) = Interface::place(0);
            let address = address.into();
            let (gateway, gateway6, address6) = (None, None, None);
            let interface =
                Interface { name, index, address, prefix: 24, address6, rate: None, gateway, gateway6 };
            veth("mc", 2, Some(1500), &interface, Slot(0)).pid.map(|(at, _)| at)
        };
        // This one makes a number of a link that is the same.
        let [_, rest @ ..] = SOMEBODY.to_be_bytes();
        assert_eq!(place([62, rest[0], rest[1], rest[2]]), place([10, 16, 8, 2]));
    }
}
