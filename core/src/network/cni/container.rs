//! Containers on networks of CNI plugins: their network namespace is made first, and the plugins see to it; then the
//! container joins it.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use super::{Attachment, Config, PortMapping, sweep};
use crate::error::{Code, Error};
use crate::host::next_number;
use crate::namespace::{Kind, Namespace};
use crate::network::{Cidr, Netlink};
use crate::spec::{Fault, Publish, Spec};

/// The networks that a container is to be on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plugged {
    container: Option<String>,
    networks: Vec<Wanted>,
    publish: Vec<Publish>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    config: Config,
    address: Option<Cidr>,
    aliases: Vec<String>,
}

/// A container on its networks. It is taken off them with this.
#[derive(Debug)]
pub(crate) struct Member {
    namespace: Namespace,
    attached: Vec<(Attachment, Config)>,
    /// A fork's copy of this must not take it off.
    owner: u32,
}

/// Whether a network's name is the path of a configuration.
pub(crate) fn is_config(network: &str) -> bool {
    network.starts_with('/')
}

impl Plugged {
    /// What a spec wants of CNI.
    pub(crate) fn of(spec: &Spec) -> Result<Option<Self>, Error> {
        let paths = spec.networks.iter().filter(|attachment| is_config(&attachment.network));
        let read = |attachment: &crate::spec::Attachment| {
            Ok::<_, Error>(Wanted {
                config: Config::load(&attachment.network)?,
                address: attachment.ip.map(|ip| Cidr::host(ip.into())),
                aliases: attachment.aliases.clone(),
            })
        };
        let networks: Vec<Wanted> = paths.map(read).collect::<Result<_, _>>()?;
        if networks.is_empty() {
            return Ok(None);
        }
        let fault = |problem: &str, fix: &str| Err(Error::Spec(vec![Fault::new("networks", problem, fix)]));
        if networks.len() != spec.networks.len() {
            return fault("networks of CNI and others cannot be mixed", "use one kind");
        }
        if spec.detach {
            return fault("a container on a CNI network ends with its creator", "leave detach out");
        }
        Ok(Some(Self { container: spec.name.clone(), networks, publish: spec.publish.clone() }))
    }

    /// Makes the network namespace, and has the plugins see to it.
    pub(crate) fn attach(&self) -> Result<Member, Error> {
        // What a killed process left may hold addresses and ports.
        let _ = sweep();
        let namespace = Namespace::create(Kind::Net)?;
        Netlink::of(&namespace)?.link("lo")?.up()?;
        namespace.call(give_to_containers)??;
        let mut member = Member { namespace, attached: Vec::new(), owner: std::process::id() };
        let id = self
            .container
            .clone()
            .unwrap_or_else(|| format!("minicontain-{}-{}", std::process::id(), next_number()));
        for (n, wanted) in self.networks.iter().enumerate() {
            let mut attachment = Attachment::from_fd(&id, member.namespace.as_fd()).ifname(format!("eth{n}"));
            if let Some(address) = wanted.address {
                attachment = attachment.ips(&[address]);
            }
            if !wanted.aliases.is_empty() {
                let names: Vec<&str> = wanted.aliases.iter().map(String::as_str).collect();
                attachment = attachment.aliases(&names);
            }
            if n == 0 && !self.publish.is_empty() {
                let ports: Vec<PortMapping> = self.publish.iter().copied().map(PortMapping::from).collect();
                attachment = attachment.port_mappings(&ports);
            }
            attachment.add(&wanted.config)?;
            member.attached.push((attachment, wanted.config.clone()));
        }
        Ok(member)
    }
}

impl Member {
    /// The number of the namespace's descriptor.
    pub(crate) fn number(&self) -> i64 {
        i64::from(self.namespace.as_fd().as_raw_fd())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        // What a plugin refuses stays written down, and is tried again by the next sweep.
        for (attachment, config) in self.attached.iter().rev() {
            let _ = attachment.delete(config);
        }
    }
}

/// Lets whoever is in the network namespace ping, and listen on every port: it is not the container's own, whose root has
/// no rights in it. Docker does the same.
fn give_to_containers() -> Result<(), Error> {
    for (name, value) in [("ping_group_range", "0 2147483647"), ("ip_unprivileged_port_start", "0")] {
        let path = format!("/proc/sys/net/ipv4/{name}");
        fs::write(&path, value).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(0);
            Error::call(Code::PermissionDenied, format!("could not set {path}"), errno, "").about(&path)
        })?;
    }
    Ok(())
}

impl From<Publish> for PortMapping {
    fn from(port: Publish) -> Self {
        Self {
            host_port: port.host,
            container_port: port.container,
            protocol: port.protocol.name().into(),
            host_ip: port.address.map(Into::into),
        }
    }
}
