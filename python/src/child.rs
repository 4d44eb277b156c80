//! Copies of the process that begin in new namespaces, as Python holds them.

use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Instant;

use minicontain::namespace::{self, Child as CoreChild, Forked};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::error::{While, exception};
use crate::namespace::detached;
use crate::wait::{Deadline, in_slices};

/// A copy of this process.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Child {
    inner: CoreChild,
}

#[pymethods]
impl Child {
    /// Its process id, as the caller sees it.
    #[getter]
    fn pid(&self) -> i32 {
        self.inner.pid()
    }

    /// The number of its process descriptor.
    #[getter]
    fn pidfd(&self) -> i32 {
        self.inner.as_fd().as_raw_fd()
    }

    /// The exit status, or the negative signal, if it has ended.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<i32>> {
        detached(py, || self.inner.try_wait()).map(|status| status.map(returncode))
    }

    /// Waits until it has ended; `None` when the time is up.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<i32>> {
        let step = |until: Instant| self.inner.wait_timeout(until.saturating_duration_since(Instant::now()));
        Ok(in_slices(py, While::InNamespace, Deadline::after(timeout)?, step)?.map(returncode))
    }

    /// Sends it a signal.
    fn send_signal(&self, py: Python<'_>, signal: i32) -> PyResult<()> {
        detached(py, || self.inner.send_signal(signal))
    }
}

fn returncode(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default()
}

/// Copies the process; `None` in the copy, which begins in new namespaces.
#[pyfunction]
pub(crate) fn fork(py: Python<'_>, flags: u64) -> PyResult<Option<Child>> {
    // SAFETY: as `os.fork` does it: attached to the interpreter, which is told before and after, in both. What other threads
    // were doing outside of the interpreter stays undone, as with `os.fork`.
    let forked = unsafe {
        ffi::PyOS_BeforeFork();
        let forked = namespace::fork(flags);
        if matches!(forked, Ok(Forked::Child)) {
            ffi::PyOS_AfterFork_Child();
        } else {
            ffi::PyOS_AfterFork_Parent();
        }
        forked
    };
    match forked {
        Ok(Forked::Parent(inner)) => Ok(Some(Child { inner })),
        Ok(Forked::Child) => Ok(None),
        Err(error) => Err(exception(py, While::InNamespace, &error, None)),
    }
}

/// Maps root of the process's new user namespace to a user and a group of the one above.
#[pyfunction]
pub(crate) fn map_root(py: Python<'_>, uid: u32, gid: u32) -> PyResult<()> {
    detached(py, || namespace::map_root(uid, gid))
}
