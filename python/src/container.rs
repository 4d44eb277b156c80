//! A running container as Python holds it.

use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use minicontain::{Cgroup as CoreCgroup, Code, Communication, Container as CoreContainer, Error};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cgroup::Cgroup;
use crate::error::{While, exception};
use crate::exchange;
use crate::outcome::Outcome;
use crate::owned::Owned;
use crate::plan::Plan;
use crate::trace::Trace;
use crate::value;
use crate::wait::{Deadline, in_slices};

/// A container, from its start until it is closed.
///
/// Nobody waits for the interpreter while holding a lock, and a lock is held for a slice of waiting at most.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Container {
    /// Readers wait and signal; the writers take pipes or close it.
    inner: RwLock<Owned<CoreContainer>>,
    exchange: Mutex<Option<Communication>>,
    trace: Trace,
    /// Kept here, since it can be asked for when this is closed.
    cgroup: Option<CoreCgroup>,
    pid: i32,
    pidfd: i32,
    /// Whether it goes on when this is closed: it is detached, or was started by another process.
    lasting: bool,
    /// The process that started it.
    owner: u32,
}

#[pymethods]
impl Container {
    /// Executes a plan. `fault` is a step and the errno that it is made to fail with.
    #[new]
    #[pyo3(signature = (plan, fault=None))]
    fn new(py: Python<'_>, plan: &Plan, fault: Option<(usize, i32)>) -> PyResult<Self> {
        let plan = plan.inner.clone();
        let started = py.detach(|| CoreContainer::start_traced(plan, fault));
        let container =
            started.map_err(|(error, trace)| exception(py, While::Starting, &error, Some(trace)))?;
        Ok(Self::of(container))
    }

    /// Finds a container by its name.
    #[staticmethod]
    fn attach(py: Python<'_>, name: &str) -> PyResult<Self> {
        let found = py.detach(|| CoreContainer::attach(name));
        let container = found.map_err(|error| exception(py, While::Starting, &error, None))?;
        Ok(Self { lasting: true, ..Self::of(container) })
    }

    /// How it was made: for one that was found by its name, no more than its spec is known.
    #[getter]
    fn plan(&self) -> Plan {
        self.trace.plan()
    }

    /// Its name, where it has one.
    #[getter]
    fn name(&self) -> Option<String> {
        self.read().get().and_then(|container| container.name().map(Into::into))
    }

    /// Where a detached one's output goes.
    #[getter]
    fn log_path(&self) -> Option<PathBuf> {
        self.read().get().and_then(CoreContainer::log_path)
    }

    /// Whether it goes on when this is closed.
    #[getter]
    fn lasting(&self) -> bool {
        self.lasting
    }

    /// The id of its first process, as the caller sees it.
    #[getter]
    fn pid(&self) -> i32 {
        self.pid
    }

    /// The id of the program's process, as the caller sees it; `None` once that has ended.
    #[getter]
    fn program_pid(&self) -> Option<i32> {
        self.read().get().and_then(CoreContainer::program_pid)
    }

    /// The number of the process descriptor. It means nothing once the container is closed.
    #[getter]
    fn pidfd(&self) -> i32 {
        self.pidfd
    }

    /// Whether this process started it, and did not get it by a fork.
    #[getter]
    fn owned(&self) -> bool {
        self.owner == std::process::id()
    }

    /// What was done to start it.
    #[getter]
    fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// Hands over the caller's end of the terminal.
    fn take_terminal(&self) -> Option<i32> {
        self.write().get_mut().and_then(|container| container.terminal.take()).map(IntoRawFd::into_raw_fd)
    }

    /// Hands over the caller's ends of the pipes to stdin, stdout and stderr.
    fn take_pipes(&self) -> [Option<i32>; 3] {
        let mut inner = self.write();
        let Some(container) = inner.get_mut() else { return [None; 3] };
        [&mut container.stdin, &mut container.stdout, &mut container.stderr]
            .map(|pipe| pipe.take().map(IntoRawFd::into_raw_fd))
    }

    /// Begins to feed it and to gather what it says, on copies of these descriptors.
    fn begin(&self, py: Python<'_>, input: Option<Vec<u8>>, pipes: [Option<i32>; 3]) -> PyResult<()> {
        let [stdin, stdout, stderr] = pipes;
        let copies = (copy(stdin)?, copy(stdout)?, copy(stderr)?);
        let begun = py.detach(|| {
            let mut inner = self.write();
            let Some(container) = inner.get_mut() else { return Ok(None) };
            (container.stdin, container.stdout, container.stderr) = copies;
            Communication::new(container, input).map(Some)
        });
        *self.exchange() = begun.map_err(|error| exception(py, While::Running, &error, None))?;
        Ok(())
    }

    /// Goes on until nothing more can come (`True`) or the time is up (`False`).
    #[pyo3(signature = (timeout=None))]
    fn advance(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let step = |until: Instant| {
            let (inner, mut exchange) = (self.read(), self.exchange());
            match (inner.get(), exchange.as_mut()) {
                (Some(container), Some(exchange)) => exchange::advance(container, exchange, until, false),
                _ => Ok(Some(())),
            }
        };
        in_slices(py, While::Running, Deadline::after(timeout)?, step).map(|done| done.is_some())
    }

    /// What it said on stdout and stderr since `begin`.
    fn said<'py>(&self, py: Python<'py>) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
        let exchange = self.exchange();
        let bytes = |data: &[u8]| PyBytes::new(py, data);
        exchange
            .as_ref()
            .map_or_else(|| (bytes(&[]), bytes(&[])), |said| (bytes(&said.stdout), bytes(&said.stderr)))
    }

    /// Waits until it has ended; `None` when the time is up.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Outcome>> {
        let step = |until: Instant| match self.read().get() {
            Some(container) => container.wait_timeout(until.saturating_duration_since(Instant::now())),
            None => Ok(None),
        };
        Ok(in_slices(py, While::Running, Deadline::after(timeout)?, step)?.map(Outcome::from))
    }

    /// Looks whether it has ended.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<Outcome>> {
        let ended = py.detach(|| self.read().get().map_or(Ok(None), CoreContainer::try_wait));
        Ok(ended.map_err(|error| exception(py, While::Running, &error, None))?.map(Outcome::from))
    }

    /// Sends a signal to the program.
    fn send_signal(&self, py: Python<'_>, signal: i32) -> PyResult<()> {
        self.ask(py, |container| container.send_signal(signal))
    }

    /// Stops every process in it.
    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, CoreContainer::pause)
    }

    /// Lets it go on.
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, CoreContainer::resume)
    }

    /// Whether it was paused, and not resumed.
    #[getter]
    fn paused(&self) -> bool {
        self.read().get().is_some_and(CoreContainer::paused)
    }

    /// Its cgroup, where it has one.
    #[getter]
    fn cgroup(&self) -> Option<Cgroup> {
        self.cgroup.clone().map(Cgroup::of_core)
    }

    /// What it uses and has used, as plain Python values.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stats = self.ask_for(py, CoreContainer::stats)?;
        value::of(py, &stats)
    }

    /// Its addresses, each with the name of its interface.
    fn addresses(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        let addresses = self.ask_for(py, CoreContainer::addresses)?;
        Ok(addresses.into_iter().map(|(link, address)| (link, address.to_string())).collect())
    }

    /// Writes a file in it.
    fn put(&self, py: Python<'_>, path: &str, data: Vec<u8>, mode: u32) -> PyResult<()> {
        self.ask_for(py, |container| container.put(path, &data, mode))
    }

    /// Copies a file or directory of the host into it.
    fn put_tree(&self, py: Python<'_>, host: PathBuf, path: &str) -> PyResult<()> {
        self.ask_for(py, |container| container.put_tree(&host, path))
    }

    /// Reads a file in it.
    fn get<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyBytes>> {
        self.ask_for(py, |container| container.get(path)).map(|data| PyBytes::new(py, &data))
    }

    /// Copies a file or directory out of it.
    fn get_tree(&self, py: Python<'_>, path: &str, host: PathBuf) -> PyResult<()> {
        self.ask_for(py, |container| container.get_tree(path, &host))
    }

    /// Kills it with everything in it.
    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, CoreContainer::kill)
    }

    /// Kills it, unless it is lasting, reaps it and closes its descriptors; the outcome, if it has ended and this is
    /// the process that started it.
    fn close(&self, py: Python<'_>) -> PyResult<Option<Outcome>> {
        if !self.owned() {
            return Ok(None);
        }
        // Killed first: whoever waits for it then lets go of the locks.
        if !self.lasting {
            self.kill(py)?;
        }
        let closed = py.detach(|| {
            *self.exchange() = None;
            let Some(container) = self.write().take() else { return Ok(None) };
            if self.lasting { container.try_wait() } else { container.wait().map(Some) }
        });
        Ok(closed.map_err(|error| exception(py, While::Running, &error, None))?.map(Outcome::from))
    }
}

impl Container {
    /// A container that was just started.
    pub(crate) fn of(container: CoreContainer) -> Self {
        Self {
            lasting: container.trace().plan.spec.detach,
            trace: Trace::new(Arc::clone(container.trace())),
            cgroup: container.cgroup().cloned(),
            pid: container.pid(),
            pidfd: container.pidfd().as_raw_fd(),
            inner: RwLock::new(Owned::new(container)),
            exchange: Mutex::new(None),
            owner: std::process::id(),
        }
    }

    /// The container, for as long as nobody closes it.
    pub(crate) fn with<T>(&self, what: impl FnOnce(&CoreContainer) -> Result<T, Error>) -> Result<T, Error> {
        self.read().get().map_or_else(|| Err(closed()), what)
    }

    fn ask_for<T: Send>(
        &self,
        py: Python<'_>,
        what: impl FnOnce(&CoreContainer) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        py.detach(|| self.with(what)).map_err(|error| exception(py, While::Running, &error, None))
    }

    fn ask(
        &self,
        py: Python<'_>,
        what: impl FnOnce(&CoreContainer) -> Result<(), Error> + Send,
    ) -> PyResult<()> {
        let asked = py.detach(|| self.read().get().map_or(Ok(()), what));
        asked.map_err(|error| exception(py, While::Running, &error, None))
    }

    fn read(&self) -> RwLockReadGuard<'_, Owned<CoreContainer>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Owned<CoreContainer>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn exchange(&self) -> MutexGuard<'_, Option<Communication>> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> Error {
    let problem = "the container was closed".into();
    Error::Call { code: Code::Ended, problem, errno: 0, hint: String::new(), path: None }
}

/// A second descriptor for the same pipe.
fn copy(fd: Option<i32>) -> PyResult<Option<OwnedFd>> {
    let Some(fd) = fd.filter(|fd| *fd >= 0) else { return Ok(None) };
    // SAFETY: borrowed for the length of this call from a file object that the caller holds; a number that is no
    // descriptor gives EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    borrowed
        .try_clone_to_owned()
        .map(Some)
        .map_err(|error| PyOSError::new_err((error.raw_os_error(), error.to_string())))
}
