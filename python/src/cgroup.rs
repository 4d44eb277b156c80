//! Cgroups as Python holds them.

use std::path::PathBuf;

use minicontain::Cgroup as CoreCgroup;
use minicontain::Error;
use minicontain::cgroup::Version;
use minicontain::spec::Limits;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{While, exception};
use crate::spec;
use crate::value;
use crate::watch::Watch;

/// A file of a limit, what was written to it, and what it says now.
type Held = (String, String, String);

/// A directory: its path, the version of its interface, its controllers.
type Directory = (PathBuf, u8, Vec<&'static str>);

/// A cgroup. It stays until it is removed.
#[pyclass(frozen, eq, module = "minicontain._native")]
#[derive(PartialEq)]
pub(crate) struct Cgroup {
    inner: CoreCgroup,
}

#[pymethods]
impl Cgroup {
    /// Makes one below the caller's own.
    #[new]
    fn new(py: Python<'_>, name: &str, limits: &Bound<'_, PyDict>) -> PyResult<Self> {
        let limits = spec::read_limits(limits)?;
        detached(py, || CoreCgroup::create(name, &limits)).map(Self::of_core)
    }

    /// Finds one below the caller's own by its name.
    #[staticmethod]
    fn open(py: Python<'_>, name: &str) -> PyResult<Self> {
        detached(py, || CoreCgroup::open(name)).map(Self::of_core)
    }

    /// That in which a process is.
    #[staticmethod]
    fn of(py: Python<'_>, pid: i32) -> PyResult<Self> {
        detached(py, || CoreCgroup::of(pid)).map(Self::of_core)
    }

    /// Makes one below it.
    fn child(&self, py: Python<'_>, name: &str, limits: &Bound<'_, PyDict>) -> PyResult<Self> {
        let limits = spec::read_limits(limits)?;
        detached(py, || self.inner.child(name, &limits)).map(Self::of_core)
    }

    /// Changes limits.
    fn set(&self, py: Python<'_>, limits: &Bound<'_, PyDict>) -> PyResult<Vec<Held>> {
        let limits: Limits = spec::read_limits(limits)?;
        let held = detached(py, || self.inner.set(&limits))?;
        Ok(held.into_iter().map(|held| (held.file, held.written, held.held)).collect())
    }

    /// Its directories.
    #[getter]
    fn directories(&self) -> Vec<Directory> {
        let version = |version| match version {
            Version::V1 => 1,
            Version::V2 => 2,
        };
        let all = self.inner.directories().iter();
        all.map(|one| (one.path.clone(), version(one.version), one.controllers())).collect()
    }

    /// Moves a process into it.
    fn add(&self, py: Python<'_>, pid: i32) -> PyResult<()> {
        detached(py, || self.inner.add(pid))
    }

    /// The processes in it.
    fn processes(&self, py: Python<'_>) -> PyResult<Vec<i32>> {
        detached(py, || self.inner.processes())
    }

    /// The threads in it.
    fn threads(&self, py: Python<'_>) -> PyResult<Vec<i32>> {
        detached(py, || self.inner.threads())
    }

    /// What it uses and has used, as plain Python values.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::of(py, &detached(py, || self.inner.stats())?)
    }

    /// What has happened to it, as plain Python values.
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::of(py, &py.detach(|| self.inner.events()))
    }

    /// Begins to look at its events.
    fn watch(&self, py: Python<'_>) -> PyResult<Watch> {
        detached(py, || self.inner.watch()).map(Watch::new)
    }

    /// Whom the kernel killed in it for want of memory: pid and name.
    fn oom_victims(&self, py: Python<'_>) -> Vec<(i32, String)> {
        let victims = py.detach(|| self.inner.oom_victims());
        victims.into_iter().map(|victim| (victim.pid, victim.name)).collect()
    }

    /// Stops every process in it.
    fn freeze(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.inner.freeze())
    }

    /// Lets them go on.
    fn thaw(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.inner.thaw())
    }

    /// Whether it is frozen; `None` when it cannot be.
    #[getter]
    fn frozen(&self) -> Option<bool> {
        self.inner.frozen()
    }

    /// Kills every process in it.
    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.inner.kill())
    }

    /// Removes it.
    fn remove(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.inner.remove())
    }

    /// Reads a file of its interface.
    fn read(&self, py: Python<'_>, file: &str) -> PyResult<String> {
        detached(py, || self.inner.read(file))
    }

    /// Writes a file of its interface.
    fn write(&self, py: Python<'_>, file: &str, value: &str) -> PyResult<()> {
        detached(py, || self.inner.write(file, value))
    }
}

impl Cgroup {
    pub(crate) fn of_core(inner: CoreCgroup) -> Self {
        Self { inner }
    }
}

/// Why systemd's user manager cannot be asked for a cgroup; None where it answers.
#[pyfunction]
pub(crate) fn why_no_manager(py: Python<'_>) -> Option<String> {
    py.detach(minicontain::cgroup::why_no_manager)
}

/// What a call gives that may block.
fn detached<T: Send>(py: Python<'_>, call: impl FnOnce() -> Result<T, Error> + Send) -> PyResult<T> {
    py.detach(call).map_err(|error| exception(py, While::InCgroup, &error, None))
}
