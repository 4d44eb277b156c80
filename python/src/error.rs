//! The one place that turns the engine's errors into exceptions.

use std::sync::Arc;

use minicontain::plan::trace::Trace as CoreTrace;
use minicontain::spec::{Fault, SEE_FIELDS};
use minicontain::{Code, Error};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::trace::Trace;

/// Where Python tells of the fields.
pub(crate) const SEE_HELP: &str = "see help(minicontain.fields)";

/// What was being done when an error came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum While {
    /// A spec was read, a plan made, or a container started.
    Starting,
    /// A container that was started was waited for, signalled or talked to.
    Running,
    /// A cgroup was made, looked at or changed.
    InCgroup,
    /// A namespace was made, looked at or gone into, or a process made in one.
    InNamespace,
    /// A link or a network was made, looked at or changed.
    InNetwork,
}

/// The exception for an error; `minicontain.errors` chooses its class.
pub(crate) fn exception(
    py: Python<'_>,
    during: While,
    error: &Error,
    trace: Option<Box<CoreTrace>>,
) -> PyErr {
    build(py, during, error, trace).unwrap_or_else(|failed| failed)
}

/// A fault that points to where Python tells of the fields.
fn for_python(fault: Fault) -> Fault {
    if fault.fix == SEE_FIELDS { Fault { fix: SEE_HELP.into(), ..fault } } else { fault }
}

fn build(py: Python<'_>, during: While, error: &Error, trace: Option<Box<CoreTrace>>) -> PyResult<PyErr> {
    static FACTORY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let details = PyDict::new(py);
    details.set_item("code", error.code().name())?;
    details.set_item("message", error.to_string())?;
    details.set_item("errno", Some(error.errno()).filter(|errno| *errno != 0))?;
    details.set_item("hint", error.hint())?;
    if error.code() == Code::InvalidSpec {
        let faults: Vec<Fault> = error.faults().iter().cloned().map(for_python).collect();
        let fields = faults.iter().map(|fault| (&fault.field, &fault.problem, &fault.fix));
        details.set_item("faults", fields.collect::<Vec<_>>())?;
        if !faults.is_empty() {
            details.set_item("message", Error::Spec(faults).to_string())?;
        }
    }
    if let Some(step) = error.step() {
        details.set_item("step", &step.step)?;
        details.set_item("step_index", step.index)?;
        details.set_item("syscall", step.syscall)?;
        details.set_item("arguments", &step.arguments)?;
    }
    details.set_item("path", error.path())?;
    if let Some(trace) = trace {
        details.set_item("program", trace.plan.spec.program())?;
        details.set_item("trace", Trace::new(Arc::from(trace)))?;
    }
    details.set_item("running", matches!(during, While::Running))?;
    details.set_item("in_cgroup", matches!(during, While::InCgroup))?;
    details.set_item("in_namespace", matches!(during, While::InNamespace))?;
    details.set_item("in_network", matches!(during, While::InNetwork))?;
    let factory = FACTORY.import(py, "minicontain.errors", "exception")?;
    Ok(PyErr::from_value(factory.call1((details,))?))
}
