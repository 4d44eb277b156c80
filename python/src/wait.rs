//! Waiting that Python can interrupt.

use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::{While, exception};

/// How long a wait goes on before Python's signal handlers get their turn. A signal that reaches the waiting
/// thread ends the slice at once; one that reaches another thread is noticed at the slice's end.
const SLICE: Duration = Duration::from_millis(100);

/// A moment until which to wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// So many seconds from now; `None`, and what no clock can hold, is never.
    ///
    /// # Errors
    /// `ValueError` for what is not a number.
    pub(crate) fn after(timeout: Option<f64>) -> PyResult<Self> {
        let Some(seconds) = timeout else { return Ok(Self(None)) };
        if seconds.is_nan() {
            return Err(PyValueError::new_err("timeout is not a number"));
        }
        let duration = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        Ok(Self(duration.and_then(|duration| Instant::now().checked_add(duration))))
    }

    pub(crate) fn passed(self) -> bool {
        self.0.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// The end of the next slice of waiting.
    pub(crate) fn slice(self) -> Instant {
        let slice = Instant::now() + SLICE;
        self.0.map_or(slice, |deadline| deadline.min(slice))
    }
}

/// Waits in slices: `attempt`, detached from the interpreter, waits until the moment it is given. `None` when
/// the deadline has passed.
///
/// # Errors
/// What `attempt` or one of Python's signal handlers raises.
pub(crate) fn in_slices<T: Send>(
    py: Python<'_>,
    during: While,
    deadline: Deadline,
    mut attempt: impl FnMut(Instant) -> Result<Option<T>, minicontain::Error> + Send,
) -> PyResult<Option<T>> {
    loop {
        let until = deadline.slice();
        let result = py.detach(|| attempt(until));
        let result = result.map_err(|error| exception(py, during, &error, None))?;
        py.check_signals()?;
        if result.is_some() || deadline.passed() {
            return Ok(result);
        }
    }
}
