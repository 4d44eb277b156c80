//! Routes: which way packets go.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Message};
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::{Cidr, Netlink, failure, name};
use crate::error::Error;
use crate::namespace::Namespace;
use crate::spec::Fault;

/// A route of the main table: ip-route(8).
///
/// ```
/// use minicontain::network::Route;
/// let route = Route { gateway: Some("10.16.8.1".parse().unwrap()), ..Route::default() };
/// assert_eq!(route.to_string(), "default via 10.16.8.1");
/// let route = Route { device: Some("veth0".into()), ..Route::to("10.20.0.0/16".parse()?) };
/// assert_eq!(route.to_string(), "10.20.0.0/16 dev veth0");
/// assert_eq!(route, "10.20.0.0/16 dev veth0".parse()?);
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where it leads: a network, or everywhere for the default route.
    pub destination: Cidr,
    /// Who passes the packets on; none where the destination can be reached directly.
    pub gateway: Option<IpAddr>,
    /// The link that they leave through.
    pub device: Option<String>,
    /// The address that this host sends from.
    pub source: Option<IpAddr>,
    /// Among routes with the same destination, the smallest is taken.
    pub metric: Option<u32>,
}

impl Default for Route {
    /// The default route of IPv4, with no way yet.
    fn default() -> Self {
        Self::to(Cidr::ALL_V4)
    }
}

impl Route {
    /// A route with no way yet: `Route { gateway: …, ..Route::to(destination) }`.
    #[must_use]
    pub const fn to(destination: Cidr) -> Self {
        Self { destination, gateway: None, device: None, source: None, metric: None }
    }

    /// Whether it is for everything that no other route is for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.destination.prefix() == 0
    }

    /// The routes of a network namespace, IPv4 first.
    ///
    /// # Errors
    /// [`crate::Code::PermissionDenied`] when the caller may not enter it.
    pub fn list(namespace: &Namespace) -> Result<Vec<Self>, Error> {
        Netlink::of(namespace)?.routes()
    }

    /// Adds it.
    ///
    /// # Errors
    /// As [`Netlink::add_route`].
    pub fn add(&self, namespace: &Namespace) -> Result<(), Error> {
        Netlink::of(namespace)?.add_route(self)
    }

    /// Removes it.
    ///
    /// # Errors
    /// As [`Netlink::remove_route`].
    pub fn remove(&self, namespace: &Namespace) -> Result<(), Error> {
        Netlink::of(namespace)?.remove_route(self)
    }

    fn validate(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        let network = self.destination.network();
        if network != self.destination {
            let problem = format!("{} is an address in a network", self.destination);
            faults.push(Fault::new("destination", problem, format!("write {network}")));
        }
        for (field, address) in [("gateway", self.gateway), ("source", self.source)] {
            if let Some(address) = address.filter(|address| address.is_ipv4() != network.address().is_ipv4())
            {
                let problem = format!("{address} and {network} are of different families");
                faults.push(Fault::new(field, problem, "use IPv4 or IPv6 for both"));
            }
        }
        if self.gateway.is_none() && self.device.is_none() {
            faults.push(Fault::new("gateway", "the route leads nowhere", "give a gateway or a device"));
        }
        if let Some(device) = &self.device {
            name::check("device", device)?;
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Spec(faults)) }
    }

    /// The message that adds or removes it; index 0 is no device.
    pub(super) fn message(&self, index: u32, add: bool) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = family(self.destination.address());
        message.header.destination_prefix_length = self.destination.prefix();
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        // What is removed may be of any scope, kind and origin.
        message.header.scope = match (add, self.gateway) {
            (true, None) if self.destination.address().is_ipv4() => RouteScope::Link,
            (true, _) => RouteScope::Universe,
            (false, _) => RouteScope::NoWhere,
        };
        if add {
            message.header.protocol = RouteProtocol::Boot;
            message.header.kind = RouteType::Unicast;
        }
        let attributes = &mut message.attributes;
        if !self.is_default() {
            attributes.push(RouteAttribute::Destination(self.destination.address().into()));
        }
        attributes.extend(self.gateway.map(|address| RouteAttribute::Gateway(address.into())));
        attributes.extend((index != 0).then_some(RouteAttribute::Oif(index)));
        attributes.extend(self.source.map(|address| RouteAttribute::PrefSource(address.into())));
        attributes.extend(self.metric.map(RouteAttribute::Priority));
        message
    }
}

impl Netlink {
    /// The routes of the main table, IPv4 first; one with several ways is told once for each.
    ///
    /// # Errors
    /// [`crate::Code::Io`].
    pub fn routes(&self) -> Result<Vec<Route>, Error> {
        let names = self.states()?;
        let name = |index: u32| names.iter().find(|link| link.index == index).map(|link| link.name.clone());
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut message = RouteMessage::default();
            message.header.address_family = family;
            let answer = self.dump(&Message::GetRoute(message))?;
            for message in answer.map_err(|refusal| failure::of_question("list routes", &refusal))? {
                if let Message::NewRoute(message) = message {
                    read(&message, &name, &mut routes);
                }
            }
        }
        Ok(routes)
    }

    /// Adds a route.
    ///
    /// # Errors
    /// [`crate::Code::AddressInUse`] when there is such a one; [`crate::Code::LinkNotFound`] for the device;
    /// [`crate::Code::Io`] when the gateway cannot be reached; [`crate::Code::PermissionDenied`]; [`Error::Spec`].
    pub fn add_route(&self, route: &Route) -> Result<(), Error> {
        self.change_route(route, &Change::AddRoute(route))
    }

    /// Removes the first route like it; what it does not name may be anything.
    ///
    /// # Errors
    /// As [`Netlink::add_route`]; [`crate::Code::Io`] when there is none.
    pub fn remove_route(&self, route: &Route) -> Result<(), Error> {
        self.change_route(route, &Change::RemoveRoute(route))
    }

    fn change_route(&self, route: &Route, change: &Change<'_>) -> Result<(), Error> {
        route.validate()?;
        let device = route.device.as_deref().map(|name| self.state_of(0, Some(name))).transpose()?;
        self.perform(change, "", device.map_or(0, |device| device.index))
    }
}

/// The family of an address, as messages name it.
pub(super) const fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn read(message: &RouteMessage, name: &impl Fn(u32) -> Option<String>, routes: &mut Vec<Route>) {
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return;
    }
    let all = if header.address_family == AddressFamily::Inet { Cidr::ALL_V4 } else { Cidr::ALL_V6 };
    let mut route = Route::to(all);
    let mut ways = Vec::new();
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => {
                let to = address(to).and_then(|to| Cidr::new(to, header.destination_prefix_length).ok());
                route.destination = to.unwrap_or(all);
            }
            RouteAttribute::PrefSource(from) => route.source = address(from),
            RouteAttribute::Priority(metric) => route.metric = Some(*metric),
            RouteAttribute::MultiPath(hops) => {
                ways.extend(hops.iter().map(|hop| (gateway(&hop.attributes), name(hop.interface_index))));
            }
            RouteAttribute::Oif(index) => route.device = name(*index),
            _ => {}
        }
    }
    route.gateway = gateway(&message.attributes);
    if ways.is_empty() {
        routes.push(route);
    } else {
        routes.extend(ways.into_iter().map(|(gateway, device)| Route { gateway, device, ..route.clone() }));
    }
}

fn gateway(attributes: &[RouteAttribute]) -> Option<IpAddr> {
    attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(gateway) => address(gateway),
        _ => None,
    })
}

fn address(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Alone, the word would stand for IPv4.
        let family_is_told = self.destination.address().is_ipv4() || self.gateway.or(self.source).is_some();
        if self.is_default() && family_is_told {
            f.write_str("default")?;
        } else {
            self.destination.fmt(f)?;
        }
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(device) = &self.device {
            write!(f, " dev {device}")?;
        }
        if let Some(source) = self.source {
            write!(f, " src {source}")?;
        }
        if let Some(metric) = self.metric {
            write!(f, " metric {metric}")?;
        }
        Ok(())
    }
}

impl FromStr for Route {
    type Err = Error;

    /// As ip-route(8) has it: `10.20.0.0/16 via 10.16.8.1 dev veth0 src 10.16.8.2 metric 5`. `default` is of the family
    /// of the addresses that follow, and of IPv4 where there is none: `::/0` is every IPv6 address.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut words = text.split_whitespace();
        let first = words.next().ok_or_else(|| unreadable(text))?;
        let mut route = if first == "default" { Self::default() } else { Self::to(first.parse()?) };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| unreadable(text))?;
            let repeated = match word {
                "via" => route.gateway.replace(value.parse().map_err(|_| unreadable(text))?).is_some(),
                "dev" => route.device.replace(value.into()).is_some(),
                "src" => route.source.replace(value.parse().map_err(|_| unreadable(text))?).is_some(),
                "metric" => route.metric.replace(value.parse().map_err(|_| unreadable(text))?).is_some(),
                _ => true,
            };
            if repeated {
                return Err(unreadable(text));
            }
        }
        if first == "default" && route.gateway.or(route.source).is_some_and(|address| address.is_ipv6()) {
            route.destination = Cidr::ALL_V6;
        }
        Ok(route)
    }
}

fn unreadable(text: &str) -> Error {
    let problem = format!("'{}' is no route", text.escape_debug());
    let fix = "write DESTINATION [via ADDRESS] [dev LINK] [src ADDRESS] [metric NUMBER]";
    Error::Spec(vec![Fault::new("route", problem, fix)])
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[test]
    fn text_and_back() {
        for text in [
            "default via 10.16.8.1",
            "default dev veth0",
            "default via fd00::1 dev veth0",
            "default dev veth0 src fd00::2",
            "::/0 dev veth0",
            "10.20.0.0/16 via 10.16.8.1 dev veth0 src 10.16.8.2 metric 5",
            "fd00:20::/64 dev veth0",
        ] {
            let route: Route = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(route.to_string(), text);
        }
        let host: Route = " 10.1.2.3  dev  veth0 ".parse().expect("a route");
        assert_eq!(host.to_string(), "10.1.2.3/32 dev veth0");
        let all: Route = "::/0 via fd00::1".parse().expect("a route");
        assert_eq!(all, "default via fd00::1".parse().expect("a route"));
    }

    #[test]
    fn what_is_none_names_the_field() {
        for (text, field) in [
            ("", "route"),
            ("default via", "route"),
            ("default via nobody", "route"),
            ("default via 10.0.0.1 via 10.0.0.2", "route"),
            ("default metric -1", "route"),
            ("default table 5", "route"),
            ("everywhere via 10.0.0.1", "address"),
        ] {
            let error = text.parse::<Route>().expect_err(text);
            assert_eq!(error.faults()[0].field, field, "{error}");
        }
    }
}
