//! Containers as a library: no daemon, no helper to install, inside the caller's own process.
//!
//! ```no_run
//! let run = minicontain::Command::new("sh").args(["-c", "hostname; id -u"]).hostname("box").output()?;
//! assert_eq!(run.stdout, b"box\n0\n");
//! println!("{}", run.trace.render());
//! # Ok::<(), minicontain::Error>(())
//! ```
//!
//! One idea: a [`Spec`] says what is wanted, a [`Plan`] is the ordered list of system calls that make it, and a
//! [`Container`] is what executing the plan gave. The plan can be read ([`Plan::explain`]), shown as shell commands
//! ([`Plan::to_shell`]), executed one step at a time ([`Plan::start_paused`]), and comes back with results and
//! times as the [`plan::trace::Trace`].

#![deny(missing_docs)]
#![warn(clippy::pedantic)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "system calls take and give register-wide words; the casts are the kernel's own"
)]
#![allow(clippy::cast_precision_loss, reason = "times shown to people")]
#![allow(clippy::too_many_lines, reason = "tables: one arm for each system call, one check for each field")]
#![allow(clippy::struct_excessive_bools, reason = "a spec has as many switches as docker run")]
#![allow(
    clippy::doc_markdown,
    reason = "names of system calls, flags and settings read as words, with their manual page behind"
)]
#![allow(clippy::similar_names, reason = "pid and pidfd, uid and gid are the kernel's names")]
#![allow(clippy::format_collect, clippy::ref_option, reason = "short, and off every hot path")]

pub mod cgroup;
pub mod container;
pub mod error;
mod host;
pub mod namespace;
pub mod network;
pub mod plan;
pub mod spec;
mod sys;

pub use cgroup::Cgroup;
pub use container::{
    Command, Communication, Container, Files, Outcome, Reason, Run, Status, Usage, containers, enter,
};
pub use error::{Code, Error};
pub use plan::Plan;
pub use spec::Spec;
