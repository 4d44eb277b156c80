//! A cgroup's events, waited for.

use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use minicontain::cgroup::{Event, Watch as CoreWatch};
use minicontain::{Code, Error};
use pyo3::prelude::*;

use crate::error::{While, exception};
use crate::wait::{Deadline, in_slices};

/// Looks at a cgroup's events until it is closed.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Watch {
    inner: Mutex<Option<CoreWatch>>,
    fd: i32,
}

#[pymethods]
impl Watch {
    /// A descriptor that is readable when there may be something new. It means nothing once this is closed.
    #[getter]
    fn fd(&self) -> i32 {
        self.fd
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self, py: Python<'_>) -> bool {
        py.detach(|| self.lock().is_none())
    }

    /// What happened since the last time.
    fn read(&self, py: Python<'_>) -> PyResult<Vec<&'static str>> {
        let read = py.detach(|| self.lock().as_mut().map(CoreWatch::read).ok_or_else(closed));
        read.map(names).map_err(|error| exception(py, While::InCgroup, &error, None))
    }

    /// Waits until something happens; nothing when the time is up.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Vec<&'static str>> {
        let step = |until: Instant| {
            let mut inner = self.lock();
            let watch = inner.as_mut().ok_or_else(closed)?;
            let happened = watch.wait(until.saturating_duration_since(Instant::now()))?;
            Ok((!happened.is_empty()).then_some(happened))
        };
        Ok(names(in_slices(py, While::InCgroup, Deadline::after(timeout)?, step)?.unwrap_or_default()))
    }

    /// Closes its descriptors.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.lock().take()));
    }
}

impl Watch {
    pub(crate) fn new(watch: CoreWatch) -> Self {
        Self { fd: watch.fd().as_raw_fd(), inner: Mutex::new(Some(watch)) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<CoreWatch>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn names(events: Vec<Event>) -> Vec<&'static str> {
    events.into_iter().map(Event::name).collect()
}

fn closed() -> Error {
    let problem = "the watch was closed".into();
    Error::Call { code: Code::Ended, problem, errno: 0, hint: String::new(), path: None }
}
