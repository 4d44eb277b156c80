//! Neighbours: which address is at which MAC address, as ARP and NDP found out.

use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState as KernelState,
};
use netlink_packet_route::route::RouteType;
use serde::Serialize;

use super::{Mac, Netlink, failure};
use crate::error::Error;
use crate::namespace::Namespace;

/// A neighbour on a link: ip-neighbour(8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// Its link's own address, once it is known.
    pub mac: Option<Mac>,
    /// The link that it is reached through.
    pub device: String,
    /// What is known about it, as ip-neighbour(8) writes it, in small letters: `reachable`, `stale`, `failed`, ….
    pub state: &'static str,
}

impl Neighbour {
    /// The neighbours that a network namespace knows.
    ///
    /// # Errors
    /// [`crate::Code::PermissionDenied`] when the caller may not enter it.
    pub fn list(namespace: &Namespace) -> Result<Vec<Self>, Error> {
        Netlink::of(namespace)?.neighbours()
    }
}

impl Netlink {
    /// The neighbours that are known; those of no interest (multicast, broadcast, the loopback) are left out.
    ///
    /// # Errors
    /// [`crate::Code::Io`].
    pub fn neighbours(&self) -> Result<Vec<Neighbour>, Error> {
        let links = self.states()?;
        let answer = self.dump(&Message::GetNeighbour(NeighbourMessage::default()))?;
        let messages = answer.map_err(|refusal| failure::of_question("list neighbours", &refusal))?;
        let neighbours = messages.iter().filter_map(|message| {
            let Message::NewNeighbour(message) = message else { return None };
            let device = links.iter().find(|link| link.index == message.header.ifindex)?.name.clone();
            read(message, device)
        });
        Ok(neighbours.collect())
    }
}

fn read(message: &NeighbourMessage, device: String) -> Option<Neighbour> {
    let state = match message.header.state {
        KernelState::Incomplete => "incomplete",
        KernelState::Reachable => "reachable",
        KernelState::Stale => "stale",
        KernelState::Delay => "delay",
        KernelState::Probe => "probe",
        KernelState::Failed => "failed",
        KernelState::Permanent => "permanent",
        _ => return None,
    };
    let mut found = (None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => {
                found.0 = Some((*address).into());
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => {
                found.0 = Some((*address).into());
            }
            NeighbourAttribute::LinkLayerAddress(bytes) => {
                found.1 = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Mac);
            }
            _ => {}
        }
    }
    let unicast = message.header.kind == RouteType::Unicast;
    unicast.then_some(Neighbour { address: found.0?, mac: found.1, device, state })
}
