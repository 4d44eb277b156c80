//! How a container ended.

use minicontain::Outcome as CoreOutcome;
use pyo3::prelude::*;

use crate::value;

/// Why a container ended and what it used.
#[pyclass(frozen, module = "minicontain._native")]
pub(crate) struct Outcome {
    inner: CoreOutcome,
}

impl From<CoreOutcome> for Outcome {
    fn from(inner: CoreOutcome) -> Self {
        Self { inner }
    }
}

#[pymethods]
impl Outcome {
    /// The exit status, or the negative signal.
    #[getter]
    fn returncode(&self) -> i32 {
        self.inner.returncode()
    }

    /// `exited`, `signaled`, `timed_out`, `oom` or `killed`.
    #[getter]
    fn reason(&self) -> &'static str {
        self.inner.reason.name()
    }

    /// Nanoseconds that passed, of CPU time in programs, and of CPU time in the kernel; the peak memory in bytes.
    #[getter]
    fn usage(&self) -> (u64, u64, u64, Option<u64>) {
        let usage = self.inner.usage;
        (usage.wall_ns, usage.user_ns, usage.system_ns, usage.peak_memory)
    }

    /// How many of its processes the kernel killed for want of memory.
    #[getter]
    fn oom_kills(&self) -> u64 {
        self.inner.oom_kills
    }

    /// Which: pid and name.
    #[getter]
    fn oom_victims(&self) -> Vec<(i32, &str)> {
        self.inner.oom_victims.iter().map(|victim| (victim.pid, victim.name.as_str())).collect()
    }

    /// The last statistics of its cgroup as plain Python values, where it had one.
    #[getter]
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.stats.as_ref().map(|stats| value::of(py, stats)).transpose()
    }
}
