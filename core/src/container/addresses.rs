//! Where a container is reached.

use super::Container;
use crate::error::{Code, Error};
use crate::namespace::{Kind, Namespace};
use crate::network::{self, Cidr};

impl Container {
    /// Its addresses as the kernel has them now, each with the name of its interface, those of the first network first;
    /// without the loopback's and those that are good for one link alone. None where its network is the caller's.
    ///
    /// # Errors
    /// [`Code::Ended`]; [`Code::PermissionDenied`] when the caller may not look there.
    pub fn addresses(&self) -> Result<Vec<(String, Cidr)>, Error> {
        let ended = || Error::call(Code::Ended, "the container has ended, and its addresses are gone", 0, "");
        let namespace = Namespace::of(self.pid, Kind::Net);
        // Had it been reaped meanwhile, its id could be another's.
        if self.try_wait()?.is_some() {
            return Err(ended());
        }
        let namespace = namespace?;
        if namespace.is_current() {
            return Ok(Vec::new());
        }
        let links = network::describe(&namespace)?.links;
        let all = links.into_iter().flat_map(|link| {
            let name = link.state.name;
            link.addresses.into_iter().map(move |address| (name.clone(), address))
        });
        Ok(all.filter(|(_, address)| is_for_others(address)).collect())
    }
}

/// Whether an address can be reached from somewhere else.
fn is_for_others(cidr: &Cidr) -> bool {
    match cidr.address() {
        std::net::IpAddr::V4(address) => !address.is_loopback(),
        std::net::IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    }
}
