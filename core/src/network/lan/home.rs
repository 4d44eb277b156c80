//! Where a network's bridge is, and which links are there.

use std::os::fd::OwnedFd;
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

/// The network namespace of a network's bridge, and a socket of rtnetlink(7) in it.
#[derive(Debug)]
pub(super) struct Home {
    netlink: Netlink,
    /// Whether it is not the calling thread's, but an ordinary user's own.
    apart: bool,
}

impl Home {
    /// That of the calling thread.
    pub(super) fn here() -> Result<Self, Error> {
        Ok(Self { netlink: Netlink::here()?, apart: false })
    }

    /// That of a network.
    pub(super) fn of(record: &Record) -> Result<Self, Error> {
        let home = match &record.inside {
            None => Self::here()?,
            Some(inside) => {
                let namespace =
                    Namespace::open(Path::new(&inside.net)).map_err(|error| gone(record, error))?;
                Self { netlink: Netlink::of(&namespace)?, apart: true }
            }
        };
        if home.netlink.namespace().id() == record.namespace {
            return Ok(home);
        }
        let problem = format!(
            "the network '{}' is in another network namespace (net:[{}])",
            record.name, record.namespace
        );
        Err(Error::call(Code::NetworkNotFound, problem, 0, "use it from there"))
    }

    /// The socket.
    pub(super) fn netlink(self) -> Netlink {
        self.netlink
    }

    /// Another one as a descriptor for the steps of a plan, which make their own where it is the caller's namespace.
    pub(super) fn socket(&self) -> Result<Option<OwnedFd>, Error> {
        let socket =
            || self.netlink.namespace().socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE);
        self.apart.then(socket).transpose()
    }

    /// The number of a link, if there is one of that name. (Asked for one that is not there, if_nametoindex(3) would have the
    /// kernel look for a module of that name; and what `/sys` shows is that of who mounted it.)
    pub(super) fn index(&self, link: &str) -> Result<Option<u32>, Error> {
        match self.netlink.link(link) {
            Err(error) if error.code() == Code::LinkNotFound => Ok(None),
            found => found.map(|link| Some(link.index())),
        }
    }
}
