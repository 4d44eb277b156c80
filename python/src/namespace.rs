//! Namespaces as Python holds them.

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use minicontain::namespace::{self, Inside, Kind, Namespace as CoreNamespace, Namespaces};
use minicontain::{Code, Error};
use pyo3::prelude::*;

use crate::error::{While, exception};

thread_local! {
    /// Where the calling thread has gone in and not come back from: the namespaces' numbers, the last one last.
    static INSIDE: RefCell<Vec<(u64, Inside)>> = const { RefCell::new(Vec::new()) };
}

/// A namespace. It lives at least until this is closed.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Namespace {
    inner: Mutex<Option<CoreNamespace>>,
    kind: Kind,
    id: u64,
    name: Option<String>,
}

#[pymethods]
impl Namespace {
    /// Makes a new one.
    #[new]
    fn new(py: Python<'_>, kind: &str, name: Option<&str>, owner: Option<PyRef<'_, Self>>) -> PyResult<Self> {
        let owner = owner.as_deref();
        detached(py, || {
            let kind: Kind = kind.parse()?;
            match (name, owner.map(Self::opened).transpose()?) {
                (None, None) => CoreNamespace::create(kind),
                (None, Some(owner)) => CoreNamespace::create_in(kind, &owner),
                (Some(name), None) => CoreNamespace::create_named(kind, name),
                (Some(name), Some(owner)) => CoreNamespace::create_named_in(kind, name, &owner),
            }
        })
        .map(Self::of_core)
    }

    /// That of a process; of the calling thread without one.
    #[staticmethod]
    fn of(py: Python<'_>, pid: Option<i32>, kind: &str) -> PyResult<Self> {
        detached(py, || {
            let kind = kind.parse()?;
            pid.map_or_else(|| CoreNamespace::current(kind), |pid| CoreNamespace::of(pid, kind))
        })
        .map(Self::of_core)
    }

    /// The one that a file stands for.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        detached(py, || CoreNamespace::open(&path)).map(Self::of_core)
    }

    /// The one that a descriptor stands for, which stays the caller's.
    #[staticmethod]
    fn from_fd(py: Python<'_>, fd: i32) -> PyResult<Self> {
        detached(py, || {
            let copy = borrowed(fd)?.try_clone_to_owned();
            CoreNamespace::from_fd(copy.map_err(|_| not_open())?)
        })
        .map(Self::of_core)
    }

    /// The one that has a name.
    #[staticmethod]
    fn named(py: Python<'_>, name: &str, kind: &str) -> PyResult<Self> {
        detached(py, || CoreNamespace::open_named(kind.parse()?, name)).map(Self::of_core)
    }

    /// Which of the eight it is.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// Its number, as `/proc/PID/ns` shows it.
    #[getter]
    fn id(&self) -> u64 {
        self.id
    }

    /// The name that it was made or opened by.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The flag of clone(2).
    #[getter]
    fn clone_flag(&self) -> u64 {
        self.kind.clone_flag()
    }

    /// Where it can be opened until it is closed.
    #[getter]
    fn path(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || Ok(self.opened()?.path()))
    }

    /// The number of its descriptor.
    #[getter]
    fn fd(&self, py: Python<'_>) -> PyResult<i32> {
        detached(py, || Ok(self.opened()?.as_fd().as_raw_fd()))
    }

    /// The one above it.
    #[getter]
    fn parent(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        detached(py, || self.opened()?.parent()).map(|parent| parent.map(Self::of_core))
    }

    /// The user namespace that owns it.
    #[getter]
    fn owner(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        detached(py, || self.opened()?.owner()).map(|owner| owner.map(Self::of_core))
    }

    /// The user who made a user namespace.
    #[getter]
    fn owner_uid(&self, py: Python<'_>) -> PyResult<u32> {
        detached(py, || self.opened()?.owner_uid())
    }

    /// Whether the calling thread is in it.
    #[getter]
    fn is_current(&self, py: Python<'_>) -> PyResult<bool> {
        detached(py, || Ok(self.opened()?.is_current()))
    }

    /// Takes the calling thread inside.
    fn enter(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || {
            let inside = self.opened()?.enter()?;
            INSIDE.with_borrow_mut(|stack| stack.push((self.id, inside)));
            Ok(())
        })
    }

    /// Takes the calling thread back to where it was before it last went in.
    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || {
            let last = INSIDE.with_borrow_mut(|stack| {
                let place = stack.iter().rposition(|(id, _)| *id == self.id)?;
                Some(stack.remove(place).1)
            });
            last.ok_or_else(|| wrong_state("this thread is not inside: leave where you went in"))?.leave()
        })
    }

    /// Takes its name away.
    fn remove(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.opened()?.remove())
    }

    /// Lets go of it.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.lock().take()));
    }
}

impl Namespace {
    pub(crate) fn of_core(inner: CoreNamespace) -> Self {
        let (kind, id, name) = (inner.kind(), inner.id(), inner.name().map(Into::into));
        Self { inner: Mutex::new(Some(inner)), kind, id, name }
    }

    fn lock(&self) -> MutexGuard<'_, Option<CoreNamespace>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held, kept as long as it is used.
    pub(crate) fn opened(&self) -> Result<CoreNamespace, Error> {
        self.lock().clone().ok_or_else(|| wrong_state("the namespace was closed"))
    }
}

/// Those of a process; of the calling thread without one.
#[pyfunction]
pub(crate) fn namespaces(py: Python<'_>, pid: Option<i32>) -> PyResult<Vec<Namespace>> {
    let all = detached(py, || pid.map_or_else(Namespaces::current, Namespaces::of))?;
    Ok(all.iter().cloned().map(Namespace::of_core).collect())
}

/// Those of a kind that have names.
#[pyfunction]
pub(crate) fn named_namespaces(py: Python<'_>, kind: &str) -> PyResult<Vec<Namespace>> {
    let all = detached(py, || namespace::named(kind.parse()?))?;
    Ok(all.into_iter().map(Namespace::of_core).collect())
}

/// Moves the calling thread into new namespaces.
#[pyfunction]
pub(crate) fn unshare(py: Python<'_>, flags: u64) -> PyResult<()> {
    detached(py, || namespace::unshare(flags))
}

/// Moves the calling thread into the namespaces that a descriptor stands for.
#[pyfunction]
pub(crate) fn setns(py: Python<'_>, fd: i32, flags: u64) -> PyResult<()> {
    detached(py, || namespace::setns(borrowed(fd)?, flags))
}

/// What a call gives that may block.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    call: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    py.detach(call).map_err(|error| exception(py, While::InNamespace, &error, None))
}

/// A descriptor of the caller, for the time of a call.
fn borrowed<'a>(fd: i32) -> Result<BorrowedFd<'a>, Error> {
    if fd < 0 {
        return Err(not_open());
    }
    // SAFETY: not the number that means none. The caller keeps it open during the call; else the kernel refuses it.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

fn not_open() -> Error {
    let (problem, hint) = ("the descriptor is not open", "give one of a namespace, or a pidfd");
    let (code, errno) = (Code::NamespaceNotFound, EBADF);
    Error::Call { code, problem: problem.into(), errno, hint: hint.into(), path: None }
}

fn wrong_state(problem: &str) -> Error {
    Error::Call { code: Code::Ended, problem: problem.into(), errno: 0, hint: String::new(), path: None }
}

/// Bad file descriptor: errno(3).
const EBADF: i32 = 9;
