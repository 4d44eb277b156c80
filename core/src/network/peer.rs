//! The other end of a cable, wherever it is.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::nsid::{NsidAttribute, NsidMessage};

use super::{Link, Netlink, failure};
use crate::error::Error;
use crate::namespace::{self, Kind, Namespace};

impl Netlink {
    /// The number that this namespace has for another one, as `ip netns list-id` shows it; none where it needed none yet.
    fn id_of(&self, namespace: &Namespace) -> Result<Option<i32>, Error> {
        let mut message = NsidMessage::default();
        message.attributes.push(NsidAttribute::Fd(namespace.as_fd().as_raw_fd().unsigned_abs()));
        let answer = self.ask(0, Message::GetNsId(message))?;
        let messages =
            answer.map_err(|refusal| failure::of_question("tell a namespace's number", &refusal))?;
        let attributes = messages.into_iter().filter_map(|message| match message {
            Message::NewNsId(message) => Some(message.attributes),
            _ => None,
        });
        Ok(attributes.flatten().find_map(|attribute| match attribute {
            NsidAttribute::Id(id) => Some(id).filter(|id| *id >= 0),
            _ => None,
        }))
    }
}

impl Link {
    /// The other end of a veth, if it is in that namespace. What is done through it is noted with what is done through
    /// this one.
    ///
    /// # Errors
    /// As [`Link::state`]; [`crate::Code::PermissionDenied`] when the caller may not enter the namespace.
    pub fn peer_in(&self, namespace: &Namespace) -> Result<Option<Self>, Error> {
        let state = self.state()?;
        let Some(peer) = state.lower.filter(|_| state.is_veth()) else { return Ok(None) };
        let netlink = match peer.namespace_id {
            None if namespace.id() == self.namespace().id() => self.netlink().clone(),
            Some(id) if self.netlink().id_of(namespace)? == Some(id) => {
                Netlink::of(namespace)?.with_history_of(self.netlink())
            }
            _ => return Ok(None),
        };
        let state = netlink.state_of(peer.index, None)?;
        Ok(Some(netlink.found(&state)))
    }

    /// The other end of a veth, wherever it can be found: in this namespace, one that has a name, one that a process is
    /// in, or one that this process holds. None for other kinds.
    ///
    /// # Errors
    /// As [`Link::peer_in`]; [`crate::Code::LinkNotFound`] when it is nowhere there.
    pub fn find_peer(&self) -> Result<Option<Self>, Error> {
        let Some((state, elsewhere)) = self.peer()? else { return Ok(None) };
        if elsewhere.is_none() {
            return self.peer_in(self.namespace());
        }
        let mut seen = Vec::new();
        for candidate in candidates() {
            if seen.contains(&candidate.id()) {
                continue;
            }
            seen.push(candidate.id());
            if let Some(peer) = self.peer_in(&candidate)? {
                return Ok(Some(peer));
            }
        }
        let what = format!("'{}', the other end, that can be reached: it is not", state.name);
        Err(failure::no_link(what))
    }
}

/// The network namespaces that can be opened from here.
fn candidates() -> impl Iterator<Item = Namespace> {
    let named = namespace::named(Kind::Net).unwrap_or_default();
    let of_processes = numbers("/proc").filter_map(|pid| Namespace::of(pid, Kind::Net).ok());
    let held = numbers("/proc/self/fd").filter_map(|fd| {
        let path = format!("/proc/self/fd/{fd}");
        let target = fs::read_link(&path).ok()?;
        target.to_str()?.starts_with("net:[").then(|| Namespace::open(Path::new(&path)).ok())?
    });
    named.into_iter().chain(held).chain(of_processes)
}

/// The entries of a directory that are numbers.
fn numbers(directory: &str) -> impl Iterator<Item = i32> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    // All at once: what is opened meanwhile would be among them.
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect::<Vec<i32>>().into_iter()
}
