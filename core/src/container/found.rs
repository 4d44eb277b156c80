//! Containers by their names: those of other processes of this user, and those that outlived their creators.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::measured::{Own, Role, Used, used};
use super::registry::{self, Found};
use super::{Container, Outcome, Relation};
use crate::error::{Code, Error};
use crate::plan::execute::Init;
use crate::plan::trace::Trace;
use crate::plan::{Plan, Stays};
use crate::spec::Spec;
use crate::sys::block::Block;
use crate::sys::process::{self, Ended};

/// What is known of a container that has a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Its first process, while that is there.
    pub pid: Option<i32>,
    /// Whether it was paused, and not resumed.
    pub paused: bool,
    /// When it was started, in seconds since 1970.
    pub created: u64,
    /// What it was made of.
    pub spec: Spec,
    /// Where its output goes, if it is detached.
    pub log_path: Option<PathBuf>,
    /// How it ended, where it has. Its times are not known.
    pub outcome: Option<Outcome>,
}

/// The containers of this user that have a name, by name: `docker ps --all`.
///
/// ```
/// for container in minicontain::containers()? {
///     println!("{} {:?}", container.name, container.spec.args);
/// }
/// # Ok::<(), minicontain::Error>(())
/// ```
///
/// # Errors
/// [`Code::Io`] when they cannot be listed.
pub fn containers() -> Result<Vec<Status>, Error> {
    let found = registry::names()?.into_iter().filter_map(|name| Found::by_name(&name).ok());
    Ok(found.map(|found| status(&found)).collect())
}

fn status(found: &Found) -> Status {
    let running = found.open_process().is_some();
    let block = found.block_file().ok().and_then(|file| Block::open(&file).ok());
    let state = found.state.clone();
    Status {
        name: state.name,
        pid: running.then_some(state.pid),
        paused: running && block.as_ref().is_some_and(Block::paused),
        created: state.created,
        log_path: state.spec.detach.then(|| found.path.join("log")),
        spec: state.spec,
        outcome: (!running)
            .then(|| outcome(block.as_ref(), state.cgroup.as_ref().map(used).unwrap_or_default())),
    }
}

/// How a container ended that is nobody's child: what init wrote down is all that is known.
fn outcome(block: Option<&Block>, used: Used) -> Outcome {
    let program = block.and_then(Block::end_of_program);
    Outcome::new(&Ended::unknown(), true, program, Duration::ZERO, used, false)
}

impl Container {
    /// Finds a container of this user by its name, whoever started it. It goes on when this is dropped.
    ///
    /// ```no_run
    /// let container = minicontain::Container::attach("web")?;
    /// container.stop(std::time::Duration::from_secs(10))?;
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::NoSuchContainer`]; [`Code::Ended`] when it has ended.
    pub fn attach(name: &str) -> Result<Self, Error> {
        let found = Found::by_name(name)?;
        let gone = || {
            Error::call(
                Code::Ended,
                format!("the container '{name}' has ended"),
                0,
                "remove it, or look at its log",
            )
        };
        let pidfd = found.open_process().ok_or_else(gone)?;
        let block = found.block_file().ok().and_then(|file| Block::open(&file).ok()).ok_or_else(gone)?;
        let plan = Plan::empty(found.state.spec);
        Ok(Self {
            pid: found.state.pid,
            pidfd,
            stdin: None,
            stdout: None,
            stderr: None,
            terminal: None,
            trace: Arc::new(Trace::empty(Arc::new(plan))),
            init: Some(Init { stays: Stays::First, block }),
            _entry: None,
            cgroup: found.state.cgroup.map(|cgroup| Own::new(cgroup, Role::Part)),
            members: Mutex::default(),
            killed: std::sync::atomic::AtomicBool::new(false),
            program: std::sync::OnceLock::new(),
            relation: Relation::Detached,
            owner: std::process::id(),
            began: Instant::now(),
            outcome: Mutex::new(None),
        })
    }

    /// Removes what is kept of a container that has ended: its state and its log.
    ///
    /// # Errors
    /// [`Code::NoSuchContainer`]; [`Code::StillRuns`] while it runs.
    pub fn remove(name: &str) -> Result<(), Error> {
        let found = Found::by_name(name)?;
        if found.open_process().is_some() {
            let problem = format!("the container '{name}' still runs");
            return Err(Error::call(Code::StillRuns, problem, 0, "stop or kill it first"));
        }
        found.remove()
    }

    /// The container's name, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.trace.plan.spec.name.as_deref()
    }

    /// Where a detached container's output goes.
    #[must_use]
    pub fn log_path(&self) -> Option<std::path::PathBuf> {
        let spec = &self.trace.plan.spec;
        registry::log_path(spec.name.as_deref().filter(|_| spec.detach)?).ok()
    }

    /// How it ended, if it has, where it is not this process's child.
    pub(super) fn end_of_detached(&self) -> Option<Outcome> {
        if !process::has_ended(self.pidfd.as_fd()) {
            return None;
        }
        let used = match self.name() {
            // Its cgroup is kept with its state.
            Some(_) => self.cgroup().map(used),
            // A program that joined has none, and its cgroup is nobody's any more.
            None => self.cgroup.as_ref().map(Own::finish),
        };
        Some(outcome(self.init.as_ref().map(|init| &init.block), used.unwrap_or_default()))
    }
}
