//! A network as it is now: what a drawing or a table is made from.

use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;
use serde_json::Value;

use super::super::{Cidr, NetworkState};
use super::{Network, address_of, firewall};
use crate::error::Error;

/// A network, and everything that the kernel holds where its bridge is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkDescription {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub subnet: Cidr,
    /// Its addresses of version 6.
    pub subnet6: Option<Cidr>,
    /// The host's address on it.
    pub gateway: IpAddr,
    /// The bridge's name.
    pub bridge: String,
    /// Who is on it.
    pub containers: Vec<Connected>,
    /// Its rules as nft(8) lists them in JSON: libnftables-json(5). Null where it has none.
    pub rules: Value,
    /// The links, routes and neighbours of the network namespace that the bridge is in.
    #[serde(flatten)]
    pub state: NetworkState,
}

/// A container on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connected {
    /// Its address.
    pub address: Ipv4Addr,
    /// The names that stand for that.
    pub names: Vec<String>,
    /// The host's end of its link.
    pub link: String,
}

impl Network {
    /// Reads it from the kernel now.
    ///
    /// ```no_run
    /// use minicontain::network::Network;
    /// for container in Network::open("lab")?.describe()?.containers {
    ///     println!("{} {:?}", container.address, container.names);
    /// }
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Code::NetworkNotFound`] when it was removed; [`crate::Code::Io`].
    pub fn describe(&self) -> Result<NetworkDescription, Error> {
        let state = self.netlink.describe()?;
        let names = self.names()?;
        let on_bridge = |link: &&super::super::LinkDescription| {
            link.master_name.as_deref() == Some(self.record.bridge.as_str())
        };
        let containers = state.links.iter().filter(on_bridge).filter_map(|link| {
            let address = address_of(&link.state.name)?;
            let own = names.iter().filter(|(_, known)| *known == IpAddr::V4(address));
            let names = own.map(|(name, _)| name.clone()).collect();
            Some(Connected { address, names, link: link.state.name.clone() })
        });
        Ok(NetworkDescription {
            name: self.record.name.clone(),
            subnet: self.subnet(),
            subnet6: self.subnet6(),
            gateway: self.gateway(),
            bridge: self.record.bridge.clone(),
            containers: containers.collect(),
            rules: if self.record.rules { firewall::as_json(&self.record)? } else { Value::Null },
            state,
        })
    }
}
