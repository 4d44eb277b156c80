//! Containers as a library.
#![warn(missing_docs)]

pub mod container;
pub mod error;
mod host;
pub mod namespace;
pub mod plan;
pub mod spec;
mod sys;

pub use container::{Command, Communication, Container, Outcome, Reason, Run, Usage};
pub use error::{Code, Error};
pub use plan::Plan;
pub use spec::Spec;
