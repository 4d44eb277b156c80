//! Containers that have a name.

use std::path::PathBuf;

use minicontain::Container as CoreContainer;
use pyo3::prelude::*;

use crate::error::{While, exception};
use crate::outcome::Outcome;
use crate::spec::Spec;

/// A container: name, pid, seconds since 1970, spec, whether it is paused, how it ended, where its output goes.
type Row = (String, Option<i32>, u64, Spec, bool, Option<Outcome>, Option<PathBuf>);

/// The containers of this user that have a name.
#[pyfunction]
pub(crate) fn containers(py: Python<'_>) -> PyResult<Vec<Row>> {
    let found = py.detach(minicontain::containers);
    let found = found.map_err(|error| exception(py, While::Running, &error, None))?;
    let row = |status: minicontain::Status| {
        (
            status.name,
            status.pid,
            status.created,
            Spec { inner: status.spec },
            status.paused,
            status.outcome.map(Outcome::from),
            status.log_path,
        )
    };
    Ok(found.into_iter().map(row).collect())
}

/// Removes what is kept of a container that has ended.
#[pyfunction]
pub(crate) fn remove(py: Python<'_>, name: &str) -> PyResult<()> {
    let removed = py.detach(|| CoreContainer::remove(name));
    removed.map_err(|error| exception(py, While::Running, &error, None))
}
