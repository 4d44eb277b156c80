//! Plans executed one step at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use minicontain::plan::Stepper as CoreStepper;
use minicontain::{Code, Error};
use pyo3::prelude::*;

use crate::container::Container;
use crate::error::{While, exception};
use crate::owned::Owned;
use crate::plan::Plan;
use crate::trace::{Row, row};

/// A stepper that may be used from any thread.
struct Movable(CoreStepper);

// SAFETY: its pointers lead to memory that it owns itself and that does not move with it; the child that uses that
// memory is a child of the process, not of the thread.
unsafe impl Send for Movable {}

/// A plan that is being executed one step at a time.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Stepper {
    /// Taken once it has failed, finished or been closed.
    inner: Mutex<Owned<Movable>>,
    /// The process that began it.
    owner: u32,
}

#[pymethods]
impl Stepper {
    /// Begins to execute a plan; nothing is done yet.
    #[new]
    fn new(py: Python<'_>, plan: &Plan) -> PyResult<Self> {
        let plan = plan.inner.clone();
        let begun = py.detach(|| minicontain::Plan::clone(&plan).start_paused().map(Movable));
        let stepper = begun.map_err(|error| exception(py, While::Starting, &error, None))?;
        Ok(Self { inner: Mutex::new(Owned::new(stepper)), owner: std::process::id() })
    }

    /// The place of the next step in the plan; `None` at the end.
    #[getter]
    fn next_index(&self) -> Option<usize> {
        self.lock().get().and_then(|stepper| stepper.0.next_index())
    }

    /// The container's process, once it is made and while it can be stepped.
    #[getter]
    fn pid(&self) -> Option<i32> {
        self.lock().get().and_then(|stepper| stepper.0.pid())
    }

    /// Performs the next step; `None` when there is none, or it was the program's execution.
    fn step(&self, py: Python<'_>) -> PyResult<Option<Row>> {
        let stepped = py.detach(|| {
            let mut inner = self.lock();
            let stepped = inner.get_mut().map_or(Ok(None), |stepper| stepper.0.step());
            if stepped.is_err() {
                inner.take();
            }
            stepped
        });
        Ok(stepped.map_err(|error| exception(py, While::Starting, &error, None))?.map(row))
    }

    /// Performs the rest; the running container.
    fn finish(&self, py: Python<'_>) -> PyResult<Container> {
        let finished = py.detach(|| {
            let over = || Error::Call {
                code: Code::Ended,
                problem: "there is nothing left to finish".into(),
                errno: 0,
                hint: String::new(),
                path: None,
            };
            self.lock().take().ok_or_else(over)?.0.finish()
        });
        finished.map(Container::of).map_err(|error| exception(py, While::Starting, &error, None))
    }

    /// Kills the process and undoes what was done, if this is the process that began it.
    fn close(&self, py: Python<'_>) {
        if self.owner == std::process::id() {
            py.detach(|| drop(self.lock().take()));
        }
    }
}

impl Stepper {
    fn lock(&self) -> MutexGuard<'_, Owned<Movable>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
