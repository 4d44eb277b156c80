//! Networks of CNI plugins as Python holds them.

use std::path::PathBuf;
use std::time::Duration;

use minicontain::network::cni::{self, Attachment, Bandwidth, Config, PortMapping};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::link::detached;
use crate::spec;
use crate::value;

/// A network as a file of CNI has it.
#[pyclass(frozen, eq, module = "minicontain._native")]
#[derive(PartialEq)]
pub(crate) struct CniConfig {
    inner: Config,
}

/// What an attachment can be given.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    ifname: Option<String>,
    ports: Option<Vec<PortMapping>>,
    bandwidth: Option<Bandwidth>,
    ips: Option<Vec<String>>,
    mac: Option<String>,
    capabilities: Map<String, Value>,
    args: Map<String, Value>,
    plugin_dirs: Option<Vec<PathBuf>>,
    timeout: Option<f64>,
    detached: bool,
}

#[pymethods]
impl CniConfig {
    /// Reads a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        detached(py, || Config::load(path)).map(|inner| Self { inner })
    }

    /// Reads a text.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        detached(py, || Config::parse(text)).map(|inner| Self { inner })
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        self.inner.name()
    }

    /// The version of CNI that it is written in.
    #[getter]
    fn version(&self) -> &'static str {
        self.inner.version().as_str()
    }

    /// Its plugins, as plain Python values.
    fn plugins<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::of(py, &self.inner.plugins())
    }

    /// Attaches a container; what the last plugin printed, as plain Python values.
    fn add<'py>(
        &self,
        py: Python<'py>,
        container_id: &str,
        netns: &str,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let attachment = attachment(container_id, netns, options)?;
        let result = detached(py, || attachment.add(&self.inner))?;
        value::to_python(py, &result.json)
    }

    /// Checks that what was made is there.
    fn check(
        &self,
        py: Python<'_>,
        container_id: &str,
        netns: &str,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let attachment = attachment(container_id, netns, options)?;
        detached(py, || attachment.check(&self.inner))
    }

    /// Detaches it.
    fn delete(
        &self,
        py: Python<'_>,
        container_id: &str,
        netns: &str,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let attachment = attachment(container_id, netns, options)?;
        detached(py, || attachment.delete(&self.inner))
    }
}

/// The file of the network of that name.
#[pyfunction]
pub(crate) fn cni_find(py: Python<'_>, name: &str, directories: Vec<PathBuf>) -> PyResult<PathBuf> {
    detached(py, || Config::find_file(name, &directories)).map(|(path, _)| path)
}

/// Detaches what nobody else will; how many.
#[pyfunction]
pub(crate) fn cni_sweep(py: Python<'_>) -> PyResult<usize> {
    detached(py, cni::sweep)
}

fn attachment(container_id: &str, netns: &str, options: &Bound<'_, PyDict>) -> PyResult<Attachment> {
    spec::read_as(options, |given| {
        let options: Options = serde_json::from_value(given).map_err(|error| {
            let fault = minicontain::spec::Fault {
                field: String::new(),
                problem: error.to_string(),
                fix: "see CniConfig.add for the form of each".into(),
            };
            minicontain::Error::Spec(vec![fault])
        })?;
        let mut attachment = Attachment::new(container_id, netns).detached(options.detached);
        if let Some(ifname) = options.ifname {
            attachment = attachment.ifname(ifname);
        }
        if let Some(ports) = options.ports {
            attachment = attachment.port_mappings(&ports);
        }
        if let Some(bandwidth) = options.bandwidth {
            attachment = attachment.bandwidth(bandwidth);
        }
        if let Some(ips) = options.ips {
            let ips = ips.iter().map(|ip| ip.parse()).collect::<Result<Vec<_>, _>>()?;
            attachment = attachment.ips(&ips);
        }
        if let Some(mac) = options.mac {
            attachment = attachment.mac(&mac);
        }
        for (name, capability) in options.capabilities {
            attachment = attachment.capability(&name, capability);
        }
        for (key, given) in options.args {
            attachment = attachment.arg(key, given.as_str().map_or_else(|| given.to_string(), Into::into));
        }
        if let Some(dirs) = options.plugin_dirs {
            attachment = attachment.plugin_dirs(&dirs);
        }
        if let Some(limit) = options.timeout.and_then(|limit| Duration::try_from_secs_f64(limit).ok()) {
            attachment = attachment.timeout(limit);
        }
        Ok(attachment)
    })
}
