//! What the kernel says about a link.

use std::fmt;

use netlink_packet_route::link::{
    InfoData, InfoVxlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};
use serde::Serialize;

use super::{Mac, Statistics};

/// A link as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkState {
    /// Its name.
    pub name: String,
    /// Its number in the namespace.
    pub index: u32,
    /// Its kind as the kernel names it (`veth`, `bridge`, …; `tun` for TAP, too); none for the loopback and for hardware.
    pub kind: Option<String>,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it can carry packets.
    pub operstate: OperState,
    /// The largest packet that it carries, in bytes.
    pub mtu: u32,
    /// Its own address, where it is of Ethernet or the loopback.
    pub mac: Option<Mac>,
    /// The index of the bridge or other link that it is part of.
    pub master: Option<u32>,
    /// The link that it sends through, or the other end of a veth.
    pub lower: Option<Lower>,
    /// What went through it.
    pub statistics: Statistics,
    /// The queueing discipline at its root: `noqueue`, `tbf`, ….
    pub qdisc: Option<String>,
}

/// The link below another one, or the other end of a veth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lower {
    /// Its index, in its own namespace.
    pub index: u32,
    /// The number that this namespace has for the other one, where it is another (`ip netns list-id`).
    pub namespace_id: Option<i32>,
}

/// Whether a link can carry packets: the operational state of RFC 2863.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperState {
    /// Its driver does not say: that of the loopback.
    Unknown,
    /// A part of it is missing.
    NotPresent,
    /// It is off, or has no carrier: nobody at the other end.
    Down,
    /// The link below it, or the other end, is off.
    LowerLayerDown,
    /// It is being tested.
    Testing,
    /// It waits for something outside.
    Dormant,
    /// It carries packets.
    Up,
}

impl OperState {
    /// The name as ip-link(8) writes it, in small letters: `up`, `lowerlayerdown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotPresent => "notpresent",
            Self::Down => "down",
            Self::LowerLayerDown => "lowerlayerdown",
            Self::Testing => "testing",
            Self::Dormant => "dormant",
            Self::Up => "up",
        }
    }
}

impl fmt::Display for OperState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<State> for OperState {
    fn from(state: State) -> Self {
        match state {
            State::NotPresent => Self::NotPresent,
            State::Down => Self::Down,
            State::LowerLayerDown => Self::LowerLayerDown,
            State::Testing => Self::Testing,
            State::Dormant => Self::Dormant,
            State::Up => Self::Up,
            _ => Self::Unknown,
        }
    }
}

impl From<&LinkMessage> for LinkState {
    fn from(message: &LinkMessage) -> Self {
        let mut state = Self {
            name: String::new(),
            index: message.header.index,
            kind: None,
            up: message.header.flags.contains(LinkFlags::Up),
            operstate: OperState::Unknown,
            mtu: 0,
            mac: None,
            master: None,
            lower: None,
            statistics: Statistics::default(),
            qdisc: None,
        };
        let (mut lower, mut below_vxlan, mut elsewhere) = (None, None, None);
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => state.name.clone_from(name),
                LinkAttribute::LinkInfo(information) => {
                    for one in information {
                        match one {
                            LinkInfo::Kind(kind) => state.kind = Some(kind.to_string()),
                            LinkInfo::Data(InfoData::Vxlan(data)) => below_vxlan = vxlan_link(data),
                            _ => {}
                        }
                    }
                }
                LinkAttribute::OperState(operstate) => state.operstate = (*operstate).into(),
                LinkAttribute::Mtu(mtu) => state.mtu = *mtu,
                LinkAttribute::Address(bytes) => {
                    state.mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Mac);
                }
                LinkAttribute::Controller(index) => state.master = (*index != 0).then_some(*index),
                LinkAttribute::Link(index) => lower = (*index != 0).then_some(*index),
                LinkAttribute::LinkNetNsId(id) => elsewhere = Some(*id),
                LinkAttribute::Stats64(stats) => state.statistics = stats.into(),
                LinkAttribute::Qdisc(name) => state.qdisc = Some(name.clone()),
                _ => {}
            }
        }
        state.lower = lower.or(below_vxlan).map(|index| Lower { index, namespace_id: elsewhere });
        state
    }
}

/// A vxlan tells the link below it among what is of its kind.
fn vxlan_link(data: &[InfoVxlan]) -> Option<u32> {
    data.iter().find_map(|one| match one {
        InfoVxlan::Link(index) if *index != 0 => Some(*index),
        _ => None,
    })
}

impl LinkState {
    /// Whether it is one end of a cable, whose other end [`LinkState::lower`] names.
    #[must_use]
    pub fn is_veth(&self) -> bool {
        self.kind.as_deref() == Some("veth")
    }
}
