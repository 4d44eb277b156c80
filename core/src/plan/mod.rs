//! How a container is made: an ordered list of steps, as plain data.
//!
//! A plan is made from a [`Spec`] by reading the host, and changes nothing. Everything else is a view of the
//! same list: [`Plan::explain`] says what and why, [`Plan::to_shell`] shows the commands people know,
//! [`Plan::to_json`] is for programs, and executing it gives the list back with results and times
//! ([`trace::Trace`]).

pub mod arg;
mod build;
pub mod call;
pub(crate) mod diagnose;
mod exec;
pub(crate) mod execute;
mod explain;
mod hidden;
mod lower;
mod names;
mod shell;
mod step;
mod stepper;
pub mod trace;
pub(crate) mod visit;

pub use exec::Target;
pub(crate) use step::Stays;
pub use step::{Act, Enforcement, Plan, Shell, Side, Step, Tolerate, Undo};
pub use stepper::Stepper;

use std::sync::Arc;

use crate::container::registry::random_name;
use crate::error::Error;
use crate::spec::Spec;

impl Plan {
    /// Plans a container without making it.
    ///
    /// # Errors
    /// Every fault of the spec, and what of it cannot be on this host.
    pub fn new(mut spec: Spec) -> Result<Self, Error> {
        spec.validate()?;
        if spec.detach && spec.name.is_none() {
            spec.name = Some(random_name()?);
        }
        build::plan(spec, None, None)
    }

    /// Begins to execute the plan one step at a time: see [`Stepper`].
    ///
    /// # Errors
    /// [`crate::Code::OutOfResources`] when there is no descriptor left for the pipes that hold the child.
    pub fn start_paused(self) -> Result<Stepper, Error> {
        Stepper::new(Arc::new(self))
    }
}
