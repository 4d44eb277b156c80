//! The native half of the Python package `minicontain`: its private module `_native`.
//!
//! All behaviour is in the crate `minicontain`. What is here translates: types ([`value`], [`spec`], [`plan`],
//! [`trace`]), errors ([`error`]), and ownership ([`owned`]). The typed, documented face that people use
//! is the Python code beside it.
//!
//! Two rules hold throughout. Every call that can block runs detached from the interpreter, so that other
//! Python threads go on. Every wait is cut into slices ([`wait`]), after each of which Python's signal handlers
//! get their turn.
#![deny(missing_docs)]
#![warn(clippy::pedantic)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "the signature of a Python method is what Python hands over"
)]

mod cgroup;
mod child;
mod cni;
mod container;
mod error;
mod exchange;
mod found;
mod link;
mod namespace;
mod network;
mod outcome;
mod owned;
mod place;
mod plan;
mod run;
mod spec;
mod stepper;
mod trace;
mod value;
mod wait;
mod watch;

use pyo3::prelude::*;

/// The engine behind the package `minicontain`. Private: use the package.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::cgroup::Cgroup;
    #[pymodule_export]
    use super::cgroup::why_no_manager;
    #[pymodule_export]
    use super::child::{Child, fork, map_root};
    #[pymodule_export]
    use super::cni::{CniConfig, cni_find, cni_sweep};
    #[pymodule_export]
    use super::container::Container;
    #[pymodule_export]
    use super::found::{containers, remove};
    #[pymodule_export]
    use super::link::Link;
    #[pymodule_export]
    use super::namespace::{Namespace, named_namespaces, namespaces, setns, unshare};
    #[pymodule_export]
    use super::network::{Network, change_route, network_state};
    #[pymodule_export]
    use super::outcome::Outcome;
    #[pymodule_export]
    use super::place::join;
    #[pymodule_export]
    use super::plan::Plan;
    #[pymodule_export]
    use super::run::run;
    #[pymodule_export]
    use super::spec::Spec;
    #[pymodule_export]
    use super::stepper::Stepper;
    #[pymodule_export]
    use super::trace::Trace;
    #[pymodule_export]
    use super::watch::Watch;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
