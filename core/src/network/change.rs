//! One change to links, addresses or routes, as data: the message for the kernel, the shell command that does the same,
//! and what a refusal means, each said once.

use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};

use super::netlink::Request;
use super::{Cidr, Delay, LinkKind, Mac, RateLimit, Route, address, qdisc, shell};
use crate::namespace::Namespace;

/// A change; all but making a link are about one that is there.
pub(super) enum Change<'a> {
    Create {
        kind: &'a LinkKind,
        parent: Option<u32>,
    },
    Delete,
    Up,
    Down,
    Rename(&'a str),
    Mtu(u32),
    Mac(Mac),
    /// The name and the index of the new master.
    Master(Option<(&'a str, u32)>),
    /// The namespace, and what ip(8) would be told of it.
    Move(&'a Namespace, &'a str),
    AddAddress(Cidr),
    RemoveAddress(Cidr),
    AddRoute(&'a Route),
    RemoveRoute(&'a Route),
    Limit(&'a RateLimit),
    Delay(&'a Delay),
    Unlimit,
}

impl Change<'_> {
    /// The message for the kernel. `name` and `index` are the link's; a new one has no index yet, and a route may do
    /// without both.
    pub(super) fn request(&self, name: &str, index: u32) -> Request {
        let set = |attribute: LinkAttribute| Message::SetLink(link(index, vec![attribute]));
        let new = NLM_F_CREATE | NLM_F_EXCL;
        let replace = NLM_F_CREATE | NLM_F_REPLACE;
        let (flags, message) = match self {
            Self::Create { kind, parent } => {
                let mut attributes = vec![LinkAttribute::IfName(name.into())];
                attributes.extend(kind.attributes(*parent));
                (new, Message::NewLink(link(0, attributes)))
            }
            Self::Delete => (0, Message::DelLink(link(index, Vec::new()))),
            Self::Up => (0, Message::SetLink(switched(index, LinkFlags::Up))),
            Self::Down => (0, Message::SetLink(switched(index, LinkFlags::empty()))),
            Self::Rename(to) => (0, set(LinkAttribute::IfName((*to).into()))),
            Self::Mtu(mtu) => (0, set(LinkAttribute::Mtu(*mtu))),
            Self::Mac(mac) => (0, set(LinkAttribute::Address(mac.0.to_vec()))),
            Self::Master(master) => (0, set(LinkAttribute::Controller(master.map_or(0, |(_, index)| index)))),
            Self::Move(namespace, _) => (0, set(into_namespace(namespace))),
            Self::AddAddress(cidr) => (new, Message::NewAddress(address::message(index, cidr))),
            Self::RemoveAddress(cidr) => (0, Message::DelAddress(address::message(index, cidr))),
            Self::AddRoute(route) => (new, Message::NewRoute(route.message(index, true))),
            Self::RemoveRoute(route) => (0, Message::DelRoute(route.message(index, false))),
            Self::Limit(limit) => (replace, Message::NewQueueDiscipline(qdisc::limited(index, limit))),
            Self::Delay(delay) => (replace, Message::NewQueueDiscipline(qdisc::delayed(index, delay))),
            Self::Unlimit => (0, Message::DelQueueDiscipline(qdisc::root(index))),
        };
        Request { message, flags }
    }

    /// The shell command that does the same.
    pub(super) fn shell(&self, name: &str) -> String {
        match self {
            Self::Create { kind, .. } => shell::create(name, kind),
            Self::Delete => shell::delete(name),
            Self::Up => shell::up(name),
            Self::Down => shell::down(name),
            Self::Rename(to) => shell::rename(name, to),
            Self::Mtu(mtu) => shell::mtu(name, *mtu),
            Self::Mac(mac) => shell::mac(name, *mac),
            Self::Master(master) => shell::master(name, master.map(|(name, _)| name)),
            Self::Move(_, shown) => shell::move_to(name, shown),
            Self::AddAddress(cidr) => shell::add_address(name, cidr),
            Self::RemoveAddress(cidr) => shell::remove_address(name, cidr),
            Self::AddRoute(route) => shell::add_route(route),
            Self::RemoveRoute(route) => shell::remove_route(route),
            Self::Limit(limit) => shell::limit(name, limit),
            Self::Delay(delay) => shell::delay(name, delay),
            Self::Unlimit => shell::unlimit(name),
        }
    }

    /// What could not be done, for an error's text.
    pub(super) fn purpose(&self, name: &str) -> String {
        match self {
            Self::Create { kind, .. } => format!("make {} link '{name}'", kind.name()),
            Self::Delete => format!("delete link '{name}'"),
            Self::Up => format!("bring link '{name}' up"),
            Self::Down => format!("take link '{name}' down"),
            Self::Rename(to) => format!("rename link '{name}' to '{to}'"),
            Self::Mtu(mtu) => format!("set the MTU of link '{name}' to {mtu}"),
            Self::Mac(mac) => format!("set the MAC address of link '{name}' to {mac}"),
            Self::Master(Some((master, _))) => format!("connect link '{name}' to '{master}'"),
            Self::Master(None) => format!("take link '{name}' from its master"),
            Self::Move(_, to) => format!("move link '{name}' to the network namespace {to}"),
            Self::AddAddress(cidr) => format!("give link '{name}' the address {cidr}"),
            Self::RemoveAddress(cidr) => format!("take the address {cidr} from link '{name}'"),
            Self::AddRoute(route) => format!("add the route '{route}'"),
            Self::RemoveRoute(route) => format!("remove the route '{route}'"),
            Self::Limit(_) => format!("limit the rate of link '{name}'"),
            Self::Delay(_) => format!("delay what link '{name}' sends"),
            Self::Unlimit => format!("take the limit from link '{name}'"),
        }
    }
}

/// The attribute that places a link in a namespace. The namespace must be held until the message is sent.
pub(super) fn into_namespace(namespace: &Namespace) -> LinkAttribute {
    LinkAttribute::NetNsFd(namespace.as_fd().as_raw_fd())
}

/// A message about a link; index 0 is none.
pub(super) fn link(index: u32, attributes: Vec<LinkAttribute>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes = attributes;
    message
}

/// Switches a link on or off and leaves its other flags.
pub(super) fn switched(index: u32, flags: LinkFlags) -> LinkMessage {
    let mut message = link(index, Vec::new());
    message.header.flags = flags;
    message.header.change_mask = LinkFlags::Up;
    message
}
