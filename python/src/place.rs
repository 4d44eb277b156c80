//! Where a program is started: in a container of its own, in one that runs, or beside a process of the host.

use minicontain::plan::trace::Trace;
use minicontain::spec::Spec;
use minicontain::{Container as CoreContainer, Error, Plan};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::container::Container;
use crate::error::{While, exception};
use crate::spec;

/// Where a program is started, if not in a container of its own.
#[derive(FromPyObject)]
pub(crate) enum Place {
    /// In a running container.
    Container(Py<Container>),
    /// Beside a process.
    Process(i32),
}

/// What a start that failed gives: the error, and the trace where something was done.
type Failed = (Error, Option<Box<Trace>>);

/// Starts a program; detached from the interpreter.
pub(crate) fn start(spec: Spec, place: Option<&Place>) -> Result<CoreContainer, Failed> {
    let only = |error| (error, None);
    match place {
        None => traced(Plan::new(spec).map_err(only)?),
        Some(Place::Process(pid)) => minicontain::enter(*pid, spec).map_err(only),
        // As long as it is borrowed, the descriptors that the plan names are there.
        Some(Place::Container(container)) => container
            .get()
            .with(|container| Ok(container.plan_exec(spec).map_err(only).and_then(traced)))
            .map_err(only)?,
    }
}

fn traced(plan: Plan) -> Result<CoreContainer, Failed> {
    CoreContainer::start_traced(plan, None).map_err(|(error, trace)| (error, Some(trace)))
}

/// Starts a program in a running container, or beside a process.
#[pyfunction]
pub(crate) fn join(py: Python<'_>, fields: &Bound<'_, PyDict>, place: Place) -> PyResult<Container> {
    let spec = spec::read(fields)?;
    let started = py.detach(|| start(spec, Some(&place)));
    let failed = |(error, trace): Failed| exception(py, While::Starting, &error, trace);
    started.map(Container::of).map_err(failed)
}
