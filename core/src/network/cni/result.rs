//! What attaching gave: interfaces, addresses, routes and name servers.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::network::Cidr;

/// An interface that a plugin made, in the container or on the host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    #[serde(default)]
    pub mac: Option<String>,
    /// The largest packet it takes (1.1).
    #[serde(default)]
    pub mtu: Option<u32>,
    /// The network namespace that it is in; empty for the host's.
    #[serde(default)]
    pub sandbox: String,
    /// A vhost-user socket (1.1).
    #[serde(default)]
    pub socket_path: Option<String>,
    /// The PCI device behind it (1.1).
    #[serde(default, rename = "pciID")]
    pub pci_id: Option<String>,
}

/// An address that was given to an interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ip {
    /// The address and its network.
    pub address: Cidr,
    /// The network's gateway.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// The interface, by its place among the result's interfaces.
    #[serde(default)]
    pub interface: Option<usize>,
}

/// A route that was made in the container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Route {
    /// Where it goes.
    pub dst: Cidr,
    /// The next hop; that of the addresses where it is missing.
    #[serde(default)]
    pub gw: Option<IpAddr>,
    /// The largest packet (1.1).
    #[serde(default)]
    pub mtu: Option<u32>,
    /// The segment size that TCP is told (1.1).
    #[serde(default)]
    pub advmss: Option<u32>,
    /// Its priority, the lowest first (1.1).
    #[serde(default)]
    pub priority: Option<u32>,
    /// The routing table (1.1).
    #[serde(default)]
    pub table: Option<u32>,
    /// The scope of what it reaches (1.1).
    #[serde(default)]
    pub scope: Option<u32>,
}

/// How names are resolved in the network: resolv.conf(5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Dns {
    /// Name servers, the first one first.
    #[serde(default, deserialize_with = "list")]
    pub nameservers: Vec<String>,
    /// The local domain.
    #[serde(default)]
    pub domain: Option<String>,
    /// Domains that short names are looked up in.
    #[serde(default, deserialize_with = "list")]
    pub search: Vec<String>,
    /// Options of the resolver.
    #[serde(default, deserialize_with = "list")]
    pub options: Vec<String>,
}

/// What attaching a container to a network gave.
///
/// ```
/// use minicontain::network::cni::CniResult;
/// let result = CniResult::from_value(serde_json::json!({
///     "cniVersion": "1.0.0",
///     "interfaces": [{"name": "eth0", "sandbox": "/run/netns/blue"}],
///     "ips": [{"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 0}],
/// }))?;
/// assert_eq!(result.ips[0].address.address().to_string(), "10.1.0.5");
/// assert_eq!(result.interface_of(&result.ips[0]).unwrap().name, "eth0");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct CniResult {
    /// The interfaces, of the container and of the host.
    #[serde(default, deserialize_with = "list")]
    pub interfaces: Vec<Interface>,
    /// The addresses.
    #[serde(default, deserialize_with = "list")]
    pub ips: Vec<Ip>,
    /// The routes.
    #[serde(default, deserialize_with = "list")]
    pub routes: Vec<Route>,
    /// How names are resolved.
    #[serde(default)]
    pub dns: Dns,
    /// All of it as the last plugin printed it.
    #[serde(skip)]
    pub json: Value,
}

impl CniResult {
    /// Reads a result of the versions 0.3.0 to 1.1.0.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn from_value(json: Value) -> Result<Self, String> {
        if !json.is_object() {
            return Err("it is no JSON object".into());
        }
        let parsed: Self = serde_json::from_value(json.clone()).map_err(|error| error.to_string())?;
        Ok(Self { json, ..parsed })
    }

    /// The interface that has an address.
    #[must_use]
    pub fn interface_of(&self, ip: &Ip) -> Option<&Interface> {
        self.interfaces.get(ip.interface?)
    }
}

/// A list, for which a missing one may be written as null.
fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_of_every_version_are_read_and_kept() {
        for (version, ip) in [
            ("0.3.1", json!({"version": "4", "address": "10.0.0.5/24", "interface": 1})),
            ("1.0.0", json!({"address": "fd00::5/64", "gateway": "fd00::1", "interface": 1})),
        ] {
            let whole = json!({
                "cniVersion": version, "ips": [ip], "routes": null, "own": {"a": 1},
                "interfaces": [{"name": "br0", "mac": "00:11:22:33:44:55"}, {"name": "eth0", "sandbox": "/x"}],
                "dns": {"nameservers": ["10.0.0.1"]},
            });
            let result = CniResult::from_value(whole.clone()).expect("a result");
            assert_eq!(result.interface_of(&result.ips[0]).map(|found| &*found.name), Some("eth0"));
            assert_eq!(result.dns.nameservers, ["10.0.0.1"]);
            assert_eq!(result.json, whole);
        }
        let newest = json!({"routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1", "mtu": 1400, "table": 7}],
                            "interfaces": [{"name": "e", "mtu": 9000, "pciID": "1"}]});
        let newest = CniResult::from_value(newest).expect("a result");
        assert_eq!((newest.routes[0].mtu, newest.routes[0].table), (Some(1400), Some(7)));
        assert_eq!(
            (newest.interfaces[0].mtu, newest.interfaces[0].pci_id.as_deref()),
            (Some(9000), Some("1"))
        );
    }

    #[test]
    fn what_is_no_result_is_told() {
        for wrong in [
            json!(1),
            json!({"ips": [{"address": "10.0.0.256/24"}]}),
            json!({"ips": [{"address": "10.0.0.1/33"}]}),
        ] {
            assert!(CniResult::from_value(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
