//! Specs from keyword arguments and JSON.

use minicontain::spec::{Fault, Limits};
use minicontain::{Error, Spec as CoreSpec};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value};

use crate::error::{SEE_HELP, While, exception};
use crate::value;

/// What is wanted, valid.
#[pyclass(frozen, eq, module = "minicontain._native")]
#[derive(PartialEq)]
pub(crate) struct Spec {
    pub(crate) inner: CoreSpec,
}

#[pymethods]
impl Spec {
    /// Reads the fields of a spec.
    #[new]
    fn new(fields: &Bound<'_, PyDict>) -> PyResult<Self> {
        Ok(Self { inner: read(fields)? })
    }

    /// Reads a spec from JSON.
    #[staticmethod]
    fn from_json(py: Python<'_>, json: &str) -> PyResult<Self> {
        let inner =
            CoreSpec::from_json(json).map_err(|error| exception(py, While::Starting, &error, None))?;
        Ok(Self { inner })
    }

    /// Every field as JSON.
    fn to_json(&self) -> String {
        self.inner.to_json()
    }

    /// Every field as a dict of plain Python values.
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::of(py, &self.inner)
    }
}

/// Reads the fields of a spec, where `None` stands for a default. Names every fault at once: those of their types
/// and those of their values.
pub(crate) fn read(fields: &Bound<'_, PyDict>) -> PyResult<CoreSpec> {
    read_as(fields, CoreSpec::from_value)
}

/// Reads limits alone, in the same way.
pub(crate) fn read_limits(fields: &Bound<'_, PyDict>) -> PyResult<Limits> {
    read_as(fields, Limits::from_value)
}

/// Reads the values of a dict as plain data, and that as anything.
pub(crate) fn read_as<T>(
    fields: &Bound<'_, PyDict>,
    from_value: impl FnOnce(Value) -> Result<T, Error>,
) -> PyResult<T> {
    let mut map = Map::new();
    let mut faults = Vec::new();
    for (name, value) in fields {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        match value::from_python(&value) {
            Ok(value) => {
                map.insert(name, value);
            }
            Err(problem) => {
                faults.push(Fault { field: name, problem, fix: SEE_HELP.into() });
            }
        }
    }
    let read = from_value(Value::Object(map));
    if faults.is_empty() {
        return read.map_err(|error| exception(fields.py(), While::Starting, &error, None));
    }
    if let Err(error) = read {
        let named = |fault: &&Fault| !faults.iter().any(|known| known.field == fault.field);
        let others: Vec<Fault> = error.faults().iter().filter(named).cloned().collect();
        faults.extend(others);
    }
    Err(exception(fields.py(), While::Starting, &Error::Spec(faults), None))
}
