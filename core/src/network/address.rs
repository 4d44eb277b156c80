//! The addresses of links.

use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};

use super::{Cidr, Netlink, failure, route};
use crate::error::Error;

impl Netlink {
    /// The addresses of one link, or with index 0 of all, each with the link's index.
    pub(super) fn addresses(&self, index: u32) -> Result<Vec<(u32, Cidr)>, Error> {
        let mut message = AddressMessage::default();
        message.header.index = index;
        let answer = self.dump(&Message::GetAddress(message))?;
        let messages = answer.map_err(|refusal| failure::of_question("list addresses", &refusal))?;
        let addresses = messages.iter().filter_map(|message| match message {
            Message::NewAddress(message) => Some((message.header.index, read(message)?)),
            _ => None,
        });
        Ok(addresses.collect())
    }
}

/// The message that gives a link an address, or takes it away.
pub(super) fn message(index: u32, cidr: &Cidr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = route::family(cidr.address());
    message.header.prefix_len = cidr.prefix();
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(cidr.address()));
    message.attributes.push(AddressAttribute::Address(cidr.address()));
    if let Some(IpAddr::V4(broadcast)) = cidr.broadcast() {
        message.attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    message
}

/// The link's own address; where the link is a cable to one other, the kernel names that one, too.
fn read(message: &AddressMessage) -> Option<Cidr> {
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let address = || {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    };
    Cidr::new(local.or_else(address)?, message.header.prefix_len).ok()
}
