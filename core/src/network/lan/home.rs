//! Where a network's bridge is, and which links are there: asked for on the way of a start, and so in one call where it is
//! the caller's own namespace.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::Netlink;
use super::record::Record;
use crate::error::{Code, Error};
use crate::namespace::Namespace;

/// A network whose namespaces nobody holds any more is none.
fn gone(record: &Record, error: Error) -> Error {
    if error.code() != Code::NamespaceNotFound {
        return error;
    }
    let problem = format!("the namespaces of the network '{}' went with its maker", record.name);
    Error::call(Code::NetworkNotFound, problem, error.errno(), "make the network anew")
}

/// The network namespace of a network's bridge.
#[derive(Debug)]
pub(super) enum Home {
    /// That of the calling thread.
    Here,
    /// One of an ordinary user's own.
    Own(Netlink),
}

impl Home {
    /// Finds it.
    pub(super) fn of(record: &Record) -> Result<Self, Error> {
        let (home, id) = match &record.inside {
            None => (Self::Here, fs::metadata("/proc/thread-self/ns/net").map_or(0, |meta| meta.ino())),
            Some(inside) => {
                let namespace =
                    Namespace::open(Path::new(&inside.net)).map_err(|error| gone(record, error))?;
                let id = namespace.id();
                (Self::Own(Netlink::of(&namespace)?), id)
            }
        };
        if id == record.namespace {
            return Ok(home);
        }
        let problem = format!(
            "the network '{}' is in another network namespace (net:[{}])",
            record.name, record.namespace
        );
        Err(Error::call(Code::NetworkNotFound, problem, 0, "use it from there"))
    }

    /// A socket of rtnetlink(7) there.
    pub(super) fn netlink(self) -> Result<Netlink, Error> {
        match self {
            Self::Here => Netlink::here(),
            Self::Own(netlink) => Ok(netlink),
        }
    }

    /// The same as a descriptor for the steps of a plan, which make their own where it is the caller's namespace.
    pub(super) fn socket(&self) -> Result<Option<OwnedFd>, Error> {
        let Self::Own(netlink) = self else { return Ok(None) };
        netlink.namespace().socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE).map(Some)
    }

    /// The number of a link, if there is one of that name: if_nametoindex(3). What `/sys` shows is that of who mounted it.
    pub(super) fn index(&self, link: &str) -> Result<Option<u32>, Error> {
        match self {
            Self::Here => Ok(nix::net::if_::if_nametoindex(link).ok()),
            Self::Own(netlink) => match netlink.link(link) {
                Err(error) if error.code() == Code::LinkNotFound => Ok(None),
                found => found.map(|link| Some(link.index())),
            },
        }
    }
}
