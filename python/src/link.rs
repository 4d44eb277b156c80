//! Links as Python holds them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minicontain::network::{
    Cidr, Delay, IpvlanMode, Link as CoreLink, LinkKind, MacvlanMode, Netlink, RateLimit,
};
use minicontain::spec::Fault;
use minicontain::{Error, namespace};
use pyo3::prelude::*;

use crate::error::{While, exception};
use crate::namespace::Namespace;
use crate::value;

/// A command, nanoseconds, errno.
type Done = (String, u64, i32);

/// A network interface. It stays until it is deleted.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Link {
    inner: Mutex<CoreLink>,
}

/// What a kind of link can be given.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options<'py> {
    peer: Option<String>,
    peer_namespace: Option<PyRef<'py, Namespace>>,
    parent: Option<String>,
    mode: Option<String>,
    id: Option<u32>,
    local: Option<String>,
    remote: Option<String>,
    port: Option<u16>,
}

#[pymethods]
impl Link {
    /// Makes one.
    #[new]
    fn new(
        py: Python<'_>,
        namespace: Option<PyRef<'_, Namespace>>,
        name: &str,
        kind: &str,
        options: Options<'_>,
    ) -> PyResult<Self> {
        let other = options.peer_namespace.as_deref().map(Namespace::opened).transpose();
        let kind = other.and_then(|other| options.kind(kind, other)).map_err(|error| raised(py, &error))?;
        let netlink = netlink(py, namespace.as_deref())?;
        detached(py, || netlink.create(name, &kind)).map(Self::of_core)
    }

    /// Those of a namespace.
    #[staticmethod]
    fn list(py: Python<'_>, namespace: Option<PyRef<'_, Namespace>>) -> PyResult<Vec<Self>> {
        let netlink = netlink(py, namespace.as_deref())?;
        let links = detached(py, || netlink.links())?;
        Ok(links.into_iter().map(Self::of_core).collect())
    }

    /// The one of that name.
    #[staticmethod]
    fn get(py: Python<'_>, namespace: Option<PyRef<'_, Namespace>>, name: &str) -> PyResult<Self> {
        let netlink = netlink(py, namespace.as_deref())?;
        detached(py, || netlink.link(name)).map(Self::of_core)
    }

    /// Its number.
    #[getter]
    fn index(&self) -> u32 {
        self.lock().index()
    }

    /// The namespace that it is in.
    #[getter]
    fn namespace(&self) -> Namespace {
        Namespace::of_core(self.lock().namespace().clone())
    }

    /// What the kernel says about it, as plain Python values.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let link = self.held();
        value::of(py, &detached(py, || link.state())?)
    }

    /// Its addresses.
    fn addresses(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let link = self.held();
        Ok(detached(py, || link.addresses())?.iter().map(ToString::to_string).collect())
    }

    /// The link that it is part of.
    fn master(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        let link = self.held();
        detached(py, || link.master()).map(|master| master.map(Self::of_core))
    }

    /// The other end of a veth: in that namespace, or wherever it is.
    fn peer(&self, py: Python<'_>, namespace: Option<PyRef<'_, Namespace>>) -> PyResult<Option<Self>> {
        let link = self.held();
        let namespace = namespace.as_deref();
        let found = detached(py, || match namespace {
            Some(namespace) => link.peer_in(&namespace.opened()?),
            None => link.find_peer(),
        })?;
        Ok(found.map(Self::of_core))
    }

    /// Switches it on or off.
    fn switch(&self, py: Python<'_>, on: bool) -> PyResult<()> {
        let link = self.held();
        detached(py, || if on { link.up() } else { link.down() })
    }

    /// Gives it another name.
    fn rename(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.change(py, |link| link.rename(name))
    }

    /// Sets the largest packet.
    fn set_mtu(&self, py: Python<'_>, mtu: u32) -> PyResult<()> {
        let link = self.held();
        detached(py, || link.set_mtu(mtu))
    }

    /// Sets its own address.
    fn set_mac(&self, py: Python<'_>, mac: &str) -> PyResult<()> {
        let link = self.held();
        detached(py, || link.set_mac(mac.parse()?))
    }

    /// Connects it to a bridge, or takes it away.
    fn set_master(&self, py: Python<'_>, master: Option<PyRef<'_, Self>>) -> PyResult<()> {
        let link = self.held();
        let master = master.as_deref().map(Self::held);
        detached(py, || link.set_master(master.as_ref()))
    }

    /// Gives it an address.
    fn add_address(&self, py: Python<'_>, address: &str) -> PyResult<()> {
        let link = self.held();
        detached(py, || link.add_address(&address.parse::<Cidr>()?))
    }

    /// Takes an address away.
    fn remove_address(&self, py: Python<'_>, address: &str) -> PyResult<()> {
        let link = self.held();
        detached(py, || link.remove_address(&address.parse::<Cidr>()?))
    }

    /// Moves it to another namespace.
    fn move_to(&self, py: Python<'_>, namespace: PyRef<'_, Namespace>) -> PyResult<()> {
        let namespace = &*namespace;
        self.change(py, |link| link.move_to(&namespace.opened()?))
    }

    /// Moves it to the namespace of a process.
    fn move_to_pid(&self, py: Python<'_>, pid: i32) -> PyResult<()> {
        self.change(py, |link| link.move_to_pid(pid))
    }

    /// Limits how fast it sends: bits a second, bytes at once, seconds of waiting.
    fn limit(&self, py: Python<'_>, rate: u64, burst: Option<u32>, latency: Option<f64>) -> PyResult<()> {
        let link = self.held();
        detached(py, || {
            let usual = RateLimit::bits(rate);
            let latency = latency.map(|latency| seconds("latency", latency)).transpose()?;
            let burst = burst.unwrap_or(usual.burst);
            link.limit(&RateLimit { rate, burst, latency: latency.unwrap_or(usual.latency) })
        })
    }

    /// Delays what it sends, by seconds.
    fn delay(&self, py: Python<'_>, delay: f64, jitter: f64) -> PyResult<()> {
        let link = self.held();
        detached(py, || {
            link.delay(&Delay { delay: seconds("delay", delay)?, jitter: seconds("jitter", jitter)? })
        })
    }

    /// Takes a limit or delay away.
    fn unlimit(&self, py: Python<'_>) -> PyResult<()> {
        let link = self.held();
        detached(py, || link.unlimit())
    }

    /// Deletes it.
    fn delete(&self, py: Python<'_>) -> PyResult<()> {
        let link = self.held();
        detached(py, || link.delete())
    }

    /// What was done through its socket.
    fn history(&self) -> Vec<Done> {
        let all = self.held().history();
        let nanoseconds = |took: Duration| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        all.into_iter().map(|done| (done.to_string(), nanoseconds(done.took), done.errno)).collect()
    }
}

impl Link {
    pub(crate) fn of_core(inner: CoreLink) -> Self {
        Self { inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, CoreLink> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same link, for a call during which nobody waits for the lock.
    fn held(&self) -> CoreLink {
        self.lock().clone()
    }

    /// A change to the handle itself.
    fn change(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut CoreLink) -> Result<(), Error> + Send,
    ) -> PyResult<()> {
        let mut link = self.held();
        detached(py, || {
            change(&mut link)?;
            *self.lock() = link;
            Ok(())
        })
    }
}

impl Options<'_> {
    /// The kind of that name, with what was given for it.
    fn kind(self, kind: &str, peer_namespace: Option<namespace::Namespace>) -> Result<LinkKind, Error> {
        let given = [
            ("peer", self.peer.is_some()),
            ("peer_namespace", peer_namespace.is_some()),
            ("parent", self.parent.is_some()),
            ("mode", self.mode.is_some()),
            ("id", self.id.is_some()),
            ("local", self.local.is_some()),
            ("remote", self.remote.is_some()),
            ("port", self.port.is_some()),
        ];
        let takes: &[&str] = match kind {
            "veth" => &["peer", "peer_namespace"],
            "macvlan" | "ipvlan" => &["parent", "mode"],
            "vlan" => &["parent", "id"],
            "vxlan" => &["parent", "id", "local", "remote", "port"],
            "bridge" | "tap" | "tun" | "dummy" => &[],
            _ => return Err(no_kind(kind)),
        };
        if let Some((name, _)) = given.iter().find(|(name, given)| *given && !takes.contains(name)) {
            return Err(fault(name, format!("a {kind} link has none"), "leave it out"));
        }
        let needed = |field: &str| fault(field, format!("a {kind} link needs it"), format!("give {field}=…"));
        Ok(match kind {
            "veth" => LinkKind::Veth { peer: self.peer.ok_or_else(|| needed("peer"))?, peer_namespace },
            "bridge" => LinkKind::Bridge,
            "macvlan" => {
                let all =
                    [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Passthru];
                let mode = mode(self.mode.as_deref(), &all, MacvlanMode::name)?;
                LinkKind::Macvlan { parent: self.parent.ok_or_else(|| needed("parent"))?, mode }
            }
            "ipvlan" => {
                let all = [IpvlanMode::L2, IpvlanMode::L3, IpvlanMode::L3s];
                let mode = mode(self.mode.as_deref(), &all, IpvlanMode::name)?;
                LinkKind::Ipvlan { parent: self.parent.ok_or_else(|| needed("parent"))?, mode }
            }
            "vlan" => {
                // What is too large for the field is refused with what is too large for the kernel.
                let id = u16::try_from(self.id.ok_or_else(|| needed("id"))?).unwrap_or(u16::MAX);
                LinkKind::Vlan { parent: self.parent.ok_or_else(|| needed("parent"))?, id }
            }
            "vxlan" => LinkKind::Vxlan {
                id: self.id.ok_or_else(|| needed("id"))?,
                local: address("local", self.local)?,
                remote: address("remote", self.remote)?,
                port: self.port.unwrap_or(4789),
                parent: self.parent,
            },
            "tap" => LinkKind::Tap,
            "tun" => LinkKind::Tun,
            _ => LinkKind::Dummy,
        })
    }
}

fn no_kind(kind: &str) -> Error {
    let fix = "use veth, bridge, macvlan, ipvlan, vlan, vxlan, tap, tun or dummy";
    fault("kind", format!("'{kind}' is no kind of link"), fix)
}

/// One of these by its name; the default where none is given.
fn mode<T: Copy + Default>(given: Option<&str>, all: &[T], name: fn(T) -> &'static str) -> Result<T, Error> {
    let Some(given) = given else { return Ok(T::default()) };
    all.iter().copied().find(|one| name(*one) == given).ok_or_else(|| {
        let names: Vec<_> = all.iter().copied().map(name).collect();
        fault("mode", format!("there is no mode '{given}'"), format!("use one of {}", names.join(", ")))
    })
}

fn address(field: &str, given: Option<String>) -> Result<Option<std::net::IpAddr>, Error> {
    let parse = |text: String| {
        text.parse().map_err(|_| fault(field, format!("'{text}' is no address"), "write it as 10.16.8.1"))
    };
    given.map(parse).transpose()
}

fn seconds(field: &str, given: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(given)
        .map_err(|_| fault(field, format!("{given} is no time"), "give seconds, such as 0.05"))
}

fn fault(field: &str, problem: String, fix: impl Into<String>) -> Error {
    Error::Spec(vec![Fault { field: field.into(), problem, fix: fix.into() }])
}

/// A socket in a namespace; in the calling thread's without one.
pub(crate) fn netlink(py: Python<'_>, namespace: Option<&Namespace>) -> PyResult<Netlink> {
    detached(py, || namespace.map_or_else(Netlink::here, |namespace| Netlink::of(&namespace.opened()?)))
}

/// What a call gives that may block.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    call: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    py.detach(call).map_err(|error| raised(py, &error))
}

fn raised(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, While::InNetwork, error, None)
}
