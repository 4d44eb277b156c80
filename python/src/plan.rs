//! Plans: made, shown, not yet executed.

use std::sync::Arc;

use minicontain::Plan as CorePlan;
use pyo3::prelude::*;

use crate::error::{While, exception};
use crate::spec::Spec;
use crate::value;

/// The steps that make a container.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Plan {
    pub(crate) inner: Arc<CorePlan>,
}

#[pymethods]
impl Plan {
    /// Plans a container; reads the host.
    #[new]
    fn new(py: Python<'_>, spec: &Spec) -> PyResult<Self> {
        let spec = spec.inner.clone();
        let inner = py
            .detach(|| CorePlan::new(spec).map(Arc::new))
            .map_err(|error| exception(py, While::Starting, &error, None))?;
        Ok(Self { inner })
    }

    /// What was asked for.
    #[getter]
    fn spec(&self) -> Spec {
        Spec { inner: self.inner.spec.clone() }
    }

    /// The steps and what will be enforced, as plain Python values.
    fn contents<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::to_python(py, &self.inner.to_value())
    }

    /// What will be done and why, for people.
    fn explain(&self) -> String {
        self.inner.explain()
    }

    /// The same as `contents`, as JSON.
    fn to_json(&self) -> String {
        self.inner.to_json()
    }

    /// The same as shell commands.
    fn to_shell(&self) -> String {
        self.inner.to_shell()
    }

    fn __len__(&self) -> usize {
        self.inner.steps.len()
    }
}
