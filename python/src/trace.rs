//! Traces: what was done. They are kept as they are and translated only when somebody looks.

use std::sync::Arc;

use minicontain::plan::trace::{Entry, Trace as CoreTrace};
use pyo3::prelude::*;

use crate::plan::Plan;
use crate::value;

/// A step: index, side, syscall, arguments, result, value, `start_ns`, ns, what, why.
pub(crate) type Row = (usize, &'static str, &'static str, String, String, i64, u64, u64, String, String);

/// A step as Python gets it.
pub(crate) fn row(e: Entry) -> Row {
    (e.index, e.side, e.syscall, e.arguments, e.result, e.value, e.start_ns, e.ns, e.what, e.why)
}

/// The steps that were performed, with results and times.
#[pyclass(frozen, module = "minicontain._native")]
#[derive(Clone)]
pub(crate) struct Trace {
    inner: Arc<CoreTrace>,
}

impl Trace {
    pub(crate) fn new(trace: Arc<CoreTrace>) -> Self {
        Self { inner: trace }
    }

    /// The plan that was executed.
    pub(crate) fn plan(&self) -> Plan {
        Plan { inner: self.inner.plan.clone() }
    }
}

#[pymethods]
impl Trace {
    /// Each step as a tuple, in the order of the attributes of `TraceStep`.
    fn rows(&self) -> Vec<Row> {
        self.inner.entries().into_iter().map(row).collect()
    }

    /// What was enforced, as plain Python values.
    fn enforced<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::to_python(py, &self.inner.plan.enforced_value())
    }

    /// From the first step until the program was executed, in nanoseconds.
    #[getter]
    fn setup_ns(&self) -> u64 {
        self.inner.setup_ns()
    }

    /// The steps as text, one a line.
    fn render(&self) -> String {
        self.inner.render()
    }

    /// The steps as JSON.
    fn to_json(&self) -> String {
        self.inner.to_json()
    }
}
