//! Networks, and what a network namespace holds, as Python has them.

use std::net::IpAddr;

use minicontain::network::{Cidr, Network as CoreNetwork, NetworkOptions, Route};
use minicontain::spec::Fault;
use minicontain::{Error, network};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::link::{Link, detached, netlink};
use crate::namespace::Namespace;
use crate::spec;
use crate::value;

/// A network for containers. It stays until it is removed, or its maker ends.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Network {
    inner: CoreNetwork,
}

#[pymethods]
impl Network {
    /// Makes one.
    #[new]
    fn new(py: Python<'_>, name: &str, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let options: NetworkOptions = spec::read_as(options, |value| {
            serde_json::from_value(value).map_err(|error| fault("", error.to_string(), "correct it"))
        })?;
        detached(py, || CoreNetwork::create(name, &options)).map(Self::of_core)
    }

    /// The one of that name.
    #[staticmethod]
    fn open(py: Python<'_>, name: &str) -> PyResult<Self> {
        detached(py, || CoreNetwork::open(name)).map(Self::of_core)
    }

    /// Those that there are.
    #[staticmethod]
    fn list(py: Python<'_>) -> PyResult<Vec<Self>> {
        Ok(detached(py, CoreNetwork::list)?.into_iter().map(Self::of_core).collect())
    }

    /// Removes it.
    fn remove(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.inner.remove())
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        self.inner.name()
    }

    /// Its addresses.
    #[getter]
    fn subnet(&self) -> String {
        self.inner.subnet().to_string()
    }

    /// Its addresses of version 6.
    #[getter]
    fn subnet6(&self) -> Option<String> {
        self.inner.subnet6().map(|subnet| subnet.to_string())
    }

    /// The host's address on it.
    #[getter]
    fn gateway(&self) -> String {
        self.inner.gateway().to_string()
    }

    /// Its bridge.
    fn bridge(&self, py: Python<'_>) -> PyResult<Link> {
        detached(py, || self.inner.bridge()).map(Link::of_core)
    }

    /// The namespace that the bridge is in.
    #[getter]
    fn namespace(&self) -> Namespace {
        Namespace::of_core(self.inner.namespace().clone())
    }

    /// The names on it, with what they stand for.
    fn names(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        let names = detached(py, || self.inner.names())?;
        Ok(names.into_iter().map(|(name, address)| (name, address.to_string())).collect())
    }

    /// All of it as it is now, as plain Python values.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::of(py, &detached(py, || self.inner.describe())?)
    }

    /// Its rules.
    fn rules(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || self.inner.rules())
    }
}

impl Network {
    fn of_core(inner: CoreNetwork) -> Self {
        Self { inner }
    }
}

/// What is in a network namespace, as plain Python values.
#[pyfunction]
pub(crate) fn network_state<'py>(
    py: Python<'py>,
    namespace: Option<PyRef<'_, Namespace>>,
) -> PyResult<Bound<'py, PyAny>> {
    let netlink = netlink(py, namespace.as_deref())?;
    let state: network::NetworkState = detached(py, || netlink.describe())?;
    value::of(py, &state)
}

/// Adds a route, or removes the first one like it.
#[pyfunction]
#[pyo3(signature = (namespace, add, destination, gateway, device, source, metric))]
#[allow(clippy::too_many_arguments, reason = "a route has as many parts")]
pub(crate) fn change_route(
    py: Python<'_>,
    namespace: Option<PyRef<'_, Namespace>>,
    add: bool,
    destination: &str,
    gateway: Option<&str>,
    device: Option<String>,
    source: Option<&str>,
    metric: Option<u32>,
) -> PyResult<()> {
    let netlink = netlink(py, namespace.as_deref())?;
    detached(py, || {
        let gateway = gateway.map(|text| address("gateway", text)).transpose()?;
        let source = source.map(|text| address("source", text)).transpose()?;
        let destination = match (destination, gateway.or(source)) {
            ("default", Some(IpAddr::V6(_))) => Cidr::ALL_V6,
            ("default", _) => Cidr::ALL_V4,
            (text, _) => text.parse()?,
        };
        let route = Route { gateway, device, source, metric, ..Route::to(destination) };
        if add { netlink.add_route(&route) } else { netlink.remove_route(&route) }
    })
}

fn address(field: &str, text: &str) -> Result<IpAddr, Error> {
    text.parse().map_err(|_| fault(field, format!("'{text}' is no address"), "write it as 10.16.8.1"))
}

fn fault(field: &str, problem: String, fix: &str) -> Error {
    Error::Spec(vec![Fault { field: field.into(), problem, fix: fix.into() }])
}
