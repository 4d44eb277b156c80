//! Which addresses a network has, and handing them out: each once until all were, in every process.

use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{IpAddr, Ipv4Addr};

use super::super::{Cidr, Netlink, NetworkState};
use super::home::Home;
use super::record::{Record, link_name, locked, trouble};
use crate::error::{Code, Error};
use crate::spec::Fault;

/// The networks of which the first free one is taken where none is named.
const DEFAULTS: [u8; 2] = [10, 89];

/// Checks what was asked for, or finds a network that nothing on the host overlaps; with the address of the gateway.
pub(super) fn choose(netlink: &Netlink, subnet: Option<&str>, others: &[Record]) -> Result<Cidr, Error> {
    let taken = taken(netlink, others)?;
    let Some(subnet) = subnet else {
        let [a, b] = DEFAULTS;
        let candidates = (0..=255).filter_map(|c| Cidr::new(Ipv4Addr::new(a, b, c, 1).into(), 24).ok());
        let free = candidates.into_iter().find(|one| taken.iter().all(|(known, _)| !known.overlaps(one)));
        return free.ok_or_else(|| {
            let problem = format!("every network of {a}.{b}.0.0/16 is in use");
            Error::call(Code::AddressInUse, problem, 0, "name another with subnet")
        });
    };
    let cidr = read(subnet)?;
    match taken.iter().find(|(known, _)| known.overlaps(&cidr)) {
        None => Ok(cidr),
        Some((known, whose)) => {
            let problem = format!("subnet {} overlaps {known}, {whose}", cidr.network());
            Err(Error::call(Code::AddressInUse, problem, 0, "choose another subnet, or leave it out"))
        }
    }
}

/// A network of version 4; the gateway is its first address where none is named (`10.16.8.0/24`, `10.16.8.254/24`).
fn read(subnet: &str) -> Result<Cidr, Error> {
    let fault =
        |problem: String| Error::Spec(vec![Fault::new("subnet", problem, "write it as 10.16.8.0/24")]);
    let cidr: Cidr =
        subnet.parse().map_err(|_| fault(format!("'{}' is no network", subnet.escape_debug())))?;
    let IpAddr::V4(address) = cidr.address() else {
        return Err(fault(format!("{subnet} is not of version 4; see subnet6")));
    };
    if !(8..=29).contains(&cidr.prefix()) {
        return Err(fault(format!("{subnet} has room for too few, or too many: /8 to /29")));
    }
    if address.is_loopback() || address.is_multicast() || address.is_unspecified() || address.is_link_local()
    {
        return Err(fault(format!("{subnet} is not for networks of one's own")));
    }
    let gateway = if cidr == cidr.network() { Ipv4Addr::from_bits(address.to_bits() + 1) } else { address };
    Cidr::new(gateway.into(), cidr.prefix())
}

/// A network of version 6, and the gateway in it.
pub(super) fn read6(subnet: &str) -> Result<Cidr, Error> {
    let fault =
        |problem: String| Error::Spec(vec![Fault::new("subnet6", problem, "write it as fd00:16:8::/64")]);
    let cidr: Cidr =
        subnet.parse().map_err(|_| fault(format!("'{}' is no network", subnet.escape_debug())))?;
    let IpAddr::V6(address) = cidr.address() else { return Err(fault(format!("{subnet} is of version 4"))) };
    if !(16..=96).contains(&cidr.prefix()) || address.is_multicast() || address.is_unspecified() {
        return Err(fault(format!("{subnet} is not for networks of one's own")));
    }
    let gateway = if cidr == cidr.network() { (address.to_bits() + 1).into() } else { address };
    Cidr::new(gateway.into(), cidr.prefix())
}

/// What the host reaches by itself, and whose it is; the default route leads to all the rest.
fn taken(netlink: &Netlink, others: &[Record]) -> Result<Vec<(Cidr, String)>, Error> {
    let mut taken: Vec<(Cidr, String)> =
        others.iter().map(|other| (other.gateway, format!("the network '{}'", other.name))).collect();
    let NetworkState { links, routes, .. } = netlink.describe()?;
    for link in links {
        let whose = format!("an address of {}", link.state.name);
        taken.extend(link.addresses.into_iter().map(|address| (address, whose.clone())));
    }
    let routes = routes.into_iter().filter(|route| !route.is_default());
    taken.extend(routes.map(|route| (route.destination, "a route of the host".into())));
    Ok(taken)
}

/// Takes the next address that is free; or the one that is asked for, where it is.
pub(super) fn take(record: &Record, home: &Home, wanted: Option<Ipv4Addr>) -> Result<Ipv4Addr, Error> {
    let network = record.gateway.network();
    let IpAddr::V4(base) = network.address() else { return Err(used_up(record)) };
    let is_free = |address: Ipv4Addr| Ok::<_, Error>(home.index(&link_name(address))?.is_none());
    let usable = |address: Ipv4Addr| {
        let whole = IpAddr::V4(address);
        whole != network.address() && Some(whole) != network.broadcast() && whole != record.gateway.address()
    };
    if let Some(wanted) = wanted {
        if !network.contains(wanted.into()) || !usable(wanted) {
            let problem = format!("networks: {wanted} is no address for a container in {network}");
            return Err(Error::call(Code::AddressInUse, problem, 0, "choose another one of that network"));
        }
        if !is_free(wanted)? {
            let problem = format!("networks: {wanted} is another container's on '{}'", record.name);
            return Err(Error::call(
                Code::AddressInUse,
                problem,
                libc::EADDRINUSE,
                "leave it out, and take a free one",
            ));
        }
        return Ok(wanted);
    }
    // What was handed out is not handed out again before all others were, though its link may not be there yet.
    let path = record.file("last")?;
    let mut file = locked(&path)?;
    let mut last = [0; 4];
    let size = 1u32 << (32 - network.prefix());
    let last = match file.read(&mut last) {
        Ok(4) => u32::from_ne_bytes(last) % size,
        _ => 1,
    };
    for step in 1..=size {
        let offset = last.wrapping_add(step) % size;
        let address = Ipv4Addr::from_bits(base.to_bits() + offset);
        if usable(address) && is_free(address)? {
            let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&offset.to_ne_bytes()));
            return written.map(|()| address).map_err(|error| trouble("write", &path, &error));
        }
    }
    Err(used_up(record))
}

fn used_up(record: &Record) -> Error {
    let problem = format!("every address of '{}' ({}) is in use", record.name, record.gateway.network());
    Error::call(Code::AddressInUse, problem, 0, "make a larger network, or end containers")
}

#[cfg(test)]
mod tests {
    use super::{read, read6};

    #[test]
    fn the_gateway_is_the_first_address_or_the_one_that_is_named() {
        let gateway = |text: &str| read(text).map(|cidr| cidr.to_string()).ok();
        assert_eq!(gateway("10.16.8.0/24").as_deref(), Some("10.16.8.1/24"));
        assert_eq!(gateway("10.16.8.254/24").as_deref(), Some("10.16.8.254/24"));
        assert_eq!(read6("fd00::/64").map(|cidr| cidr.to_string()).ok().as_deref(), Some("fd00::1/64"));
    }

    #[test]
    fn what_is_no_network_names_the_field() {
        for wrong in [
            "",
            "10.16.8.0",
            "10.0.0.0/30",
            "10.0.0.0/33",
            "127.0.0.0/8",
            "fd00::/64",
            "224.0.0.0/8",
            "0.0.0.0/0",
        ] {
            let error = read(wrong).expect_err(wrong);
            assert_eq!(error.faults()[0].field, "subnet", "{wrong}");
        }
        for wrong in ["", "10.0.0.0/24", "fd00::/128", "ff02::/64"] {
            assert_eq!(read6(wrong).expect_err(wrong).faults()[0].field, "subnet6", "{wrong}");
        }
    }
}
