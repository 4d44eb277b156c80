//! A network namespace as it is now: what a drawing or a table is made from.

use serde::Serialize;

use super::{Cidr, Link, LinkState, Neighbour, Netlink, Route};
use crate::error::Error;
use crate::namespace::Namespace;

/// What is in a network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkState {
    /// Its links, by their index.
    pub links: Vec<LinkDescription>,
    /// The routes of its main table.
    pub routes: Vec<Route>,
    /// The neighbours that it knows.
    pub neighbours: Vec<Neighbour>,
}

/// A link, with what has to be looked up elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkDescription {
    /// The link itself.
    #[serde(flatten)]
    pub state: LinkState,
    /// Its addresses.
    pub addresses: Vec<Cidr>,
    /// The name of the bridge or other link that it is part of.
    pub master_name: Option<String>,
    /// The name of the link below it, or of the other end of a veth, where the caller may know it.
    pub lower_name: Option<String>,
}

/// Reads what is in a network namespace now.
///
/// ```
/// use minicontain::namespace::{Kind, Namespace};
/// let state = minicontain::network::describe(&Namespace::current(Kind::Net)?)?;
/// assert_eq!(state.links[0].state.name, "lo");
/// # Ok::<(), minicontain::Error>(())
/// ```
///
/// # Errors
/// [`crate::Code::PermissionDenied`] when the caller may not enter it.
pub fn describe(namespace: &Namespace) -> Result<NetworkState, Error> {
    Netlink::of(namespace)?.describe()
}

impl Netlink {
    /// Reads what is in the network namespace now.
    ///
    /// # Errors
    /// [`crate::Code::Io`].
    pub fn describe(&self) -> Result<NetworkState, Error> {
        let states = self.states()?;
        let addresses = self.addresses(0)?;
        let named = |index: u32| states.iter().find(|link| link.index == index).map(|link| link.name.clone());
        let links = states.iter().map(|state| {
            let own = addresses.iter().filter(|(index, _)| *index == state.index);
            self.described(state.clone(), own.map(|(_, cidr)| *cidr).collect(), named)
        });
        Ok(NetworkState { links: links.collect(), routes: self.routes()?, neighbours: self.neighbours()? })
    }

    /// A link with what has to be looked up elsewhere; `named` knows the links of this namespace.
    fn described(
        &self,
        state: LinkState,
        addresses: Vec<Cidr>,
        named: impl Fn(u32) -> Option<String>,
    ) -> LinkDescription {
        let lower_name = state.lower.and_then(|lower| match lower.namespace_id {
            // Whoever may not look there has no name, and that is no reason to tell nothing.
            Some(id) => self.state_elsewhere(lower.index, id).ok().map(|state| state.name),
            None => named(lower.index),
        });
        LinkDescription { addresses, master_name: state.master.and_then(named), lower_name, state }
    }
}

impl Link {
    /// Reads what it is like now, with its addresses and the names of the links that it belongs to.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn describe(&self) -> Result<LinkDescription, Error> {
        let named = |index| self.netlink().state_of(index, None).ok().map(|state| state.name);
        Ok(self.netlink().described(self.state()?, self.addresses()?, named))
    }
}
