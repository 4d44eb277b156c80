//! The messages of rtnetlink(7) that put a container on a network, and the shell commands that do the same: made when its
//! start is planned, sent on its way.

use std::net::Ipv4Addr;

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::AddressHeaderFlags;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::super::change::{Change, switched};
use super::super::kind::{ONE_QUEUE, end};
use super::super::netlink::Request;
use super::super::{Cidr, RateLimit, Route};
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
    pub addresses: Vec<Cidr>,
    /// How fast it is.
    pub rate: Option<RateLimit>,
    /// Where all else is reached: of the first network.
    pub routes: Vec<Route>,
}

impl Interface {
    /// What the nth is called, and its number.
    pub(crate) fn place(n: usize) -> (String, u32) {
        (format!("eth{n}"), FIRST + n as u32)
    }

    /// What the container does to it, in order, and what that is in the trace.
    fn changes(&self) -> Vec<(Change<'_>, String)> {
        let name = &self.name;
        let address = |cidr: &Cidr| (Change::AddAddress(*cidr), format!("RTM_NEWADDR {cidr} dev {name}"));
        let mut changes: Vec<_> = self.addresses.iter().map(address).collect();
        changes.push((Change::Up, format!("RTM_NEWLINK {name} up")));
        changes.extend(self.rate.as_ref().map(|rate| limit(rate, name)));
        changes.extend(
            self.routes.iter().map(|route| (Change::AddRoute(route), format!("RTM_NEWROUTE {route}"))),
        );
        changes
    }
}

fn limit<'a>(rate: &'a RateLimit, link: &str) -> (Change<'a>, String) {
    (Change::Limit(rate), format!("RTM_NEWQDISC {link} tbf rate {}bit", rate.rate))
}

/// Makes the pair: the host's end, which the address gives its number, up and on the bridge, given by name and number; the
/// other one in the container's network namespace.
pub(crate) fn veth(
    host: &str,
    address: Ipv4Addr,
    (bridge, bridge_index): (&str, u32),
    mtu: Option<u32>,
    interface: &Interface,
    pid: Slot,
) -> (Message, Vec<String>) {
    let mut peer = end(&interface.name, None);
    peer.header.index = interface.index;
    peer.attributes.extend(mtu.map(LinkAttribute::Mtu));
    peer.attributes.push(LinkAttribute::NetNsPid(SOMEBODY));
    // The kernel heeds the peer's number only where this end's is given, too. No address is handed out twice.
    let own = ABOVE_ALL | (address.to_bits() & (ABOVE_ALL - 1));
    let mut link = switched(own, LinkFlags::Up);
    link.attributes.push(LinkAttribute::IfName(host.into()));
    link.attributes.extend(mtu.map(LinkAttribute::Mtu));
    link.attributes.extend(ONE_QUEUE);
    link.attributes.push(LinkAttribute::Controller(bridge_index));
    let info = vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer)))];
    link.attributes.push(LinkAttribute::LinkInfo(info));
    let made = Request { message: RouteNetlinkMessage::NewLink(link), flags: NLM_F_CREATE | NLM_F_EXCL };
    let name = &interface.name;
    let mut requests =
        vec![(made, format!("RTM_NEWLINK {host} up master {bridge_index} type veth peer name {name}"))];
    let mut shell =
        vec![format!("ip link add {host} up master {bridge} type veth peer name {name} netns $pid")];
    if let Some((change, text)) = interface.rate.as_ref().map(|rate| limit(rate, host)) {
        shell.push(change.shell(host));
        requests.push((change.request(host, own), text));
    }
    let mut message = together(requests);
    let mark = SOMEBODY.to_ne_bytes();
    // The last of them: the link's own number, which is made of the address, may look like it.
    let at = message.bytes.windows(4).rposition(|window| window == mark).unwrap_or(0);
    message.pid = Some((at, pid));
    (message, shell)
}

/// Gives the container's ends their addresses, switches them on, and adds the routes.
pub(crate) fn configure(interfaces: &[Interface]) -> (Message, Vec<String>) {
    let mut requests = Vec::new();
    let mut shell = Vec::new();
    for interface in interfaces {
        for (change, text) in interface.changes() {
            let mut command = change.shell(&interface.name);
            let mut request = change.request(&interface.name, interface.index);
            match &mut request.message {
                // Nobody else can have it: it is usable at once.
                RouteNetlinkMessage::NewAddress(message) if message.header.family == AddressFamily::Inet6 => {
                    message.header.flags = AddressHeaderFlags::Nodad;
                    command.push_str(" nodad");
                }
                _ => {}
            }
            shell.push(command);
            requests.push((request, text));
        }
    }
    (together(requests), shell)
}

/// Several requests in one message, of which the kernel answers the first that it refuses, or the last.
fn together(requests: Vec<(Request, String)>) -> Message {
    let last = requests.len().saturating_sub(1);
    let (mut bytes, mut texts) = (Vec::new(), Vec::new());
    for (n, (mut request, text)) in requests.into_iter().enumerate() {
        if n == last {
            request.flags |= NLM_F_ACK;
        }
        request.append(&mut bytes, 0);
        texts.push(text);
    }
    Message { bytes, text: texts.join(", "), pid: None }
}

#[cfg(test)]
mod tests {
    use super::{Interface, SOMEBODY, veth};
    use crate::plan::arg::Slot;

    #[test]
    fn the_process_id_has_its_place_whatever_the_address() {
        let place = |address: [u8; 4]| {
            let (name, index) = Interface::place(0);
            let interface = Interface { name, index, addresses: Vec::new(), rate: None, routes: Vec::new() };
            veth("mc", address.into(), ("mc-lab", 2), Some(1500), &interface, Slot(0)).0.pid.map(|(at, _)| at)
        };
        // This one makes a number of a link that is the same.
        let [_, rest @ ..] = SOMEBODY.to_be_bytes();
        assert_eq!(place([62, rest[0], rest[1], rest[2]]), place([10, 16, 8, 2]));
    }
}
