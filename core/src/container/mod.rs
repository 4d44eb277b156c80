//! A container's life: what executing a plan gave.

mod command;
mod communicate;
mod outcome;

pub use command::{Command, Run};
pub use communicate::Communication;
pub use outcome::{Outcome, Reason, Usage};

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{Code, Error};
use crate::plan::Plan;
use crate::plan::execute::{Started, execute};
use crate::plan::trace::Trace;
use crate::sys::process;

/// A running container. Dropping it kills and reaps what still runs.
///
/// ```no_run
/// use minicontain::{Container, Plan, Spec};
/// let container = Container::start(Plan::new(Spec::new(["sleep", "1"]))?)?;
/// let outcome = container.wait()?;
/// assert_eq!(outcome.returncode(), 0);
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug)]
pub struct Container {
    pid: i32,
    pidfd: OwnedFd,
    /// The caller's end of the pipe to standard input, where there is one.
    pub stdin: Option<OwnedFd>,
    /// The caller's end of the pipe from standard output, where there is one.
    pub stdout: Option<OwnedFd>,
    /// The caller's end of the pipe from standard error, where there is one.
    pub stderr: Option<OwnedFd>,
    trace: Arc<Trace>,
    /// The process that started it: a fork's copy of this must not end it.
    owner: u32,
    began: Instant,
    outcome: Mutex<Option<Outcome>>,
}

impl Container {
    /// Executes a plan: returns once the program is being executed.
    ///
    /// # Errors
    /// [`Error::Step`] with the step that failed; nothing of the container is left then.
    pub fn start(plan: Plan) -> Result<Self, Error> {
        Self::start_traced(plan, None).map_err(|(error, _)| error)
    }

    /// Executes a plan, failing step `fault.0` with errno `fault.1` without asking the kernel (a fault sweep);
    /// gives the trace also of a start that failed.
    ///
    /// # Errors
    /// The step that failed, and the trace up to it.
    pub fn start_traced(plan: Plan, fault: Option<(usize, i32)>) -> Result<Self, (Error, Box<Trace>)> {
        let began = Instant::now();
        match execute(plan, fault) {
            Ok(started) => Ok(Self::from_started(started, began)),
            Err(failed) => Err((failed.error, Box::new(failed.trace))),
        }
    }

    pub(crate) fn from_started(started: Started, began: Instant) -> Self {
        let Started { pid, pidfd, pipes: [stdin, stdout, stderr], trace } = started;
        Self {
            pid,
            pidfd,
            stdin,
            stdout,
            stderr,
            trace: Arc::new(trace),
            owner: std::process::id(),
            began,
            outcome: Mutex::new(None),
        }
    }

    /// The id of the container's first process, as the caller sees it.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// A descriptor of that process, for poll(2) and friends: readable when it has ended. See pidfd_open(2).
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// What was done to start it.
    #[must_use]
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// Waits until the container has ended. Any number of threads may wait.
    ///
    /// # Errors
    /// [`Error::Call`] if the kernel cannot tell how it ended.
    pub fn wait(&self) -> Result<Outcome, Error> {
        loop {
            if let Some(outcome) = self.wait_timeout(Duration::from_secs(3600))? {
                return Ok(outcome);
            }
        }
    }

    /// Waits until the container has ended, or the time is up (`None`), or a signal came (`None`, early).
    ///
    /// # Errors
    /// [`Error::Call`] if the kernel cannot tell how it ended.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<Outcome>, Error> {
        if let Some(outcome) = self.ended().clone() {
            return Ok(Some(outcome));
        }
        let mut ready = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        // Rounded up, so that the deadline has passed when poll says so.
        let millis = timeout.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32;
        match poll(&mut ready, PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => Ok(None),
            Ok(_) => self.try_wait(),
            Err(errno) => Err(Error::call(Code::Io, "could not wait for the container", errno as i32, "")),
        }
    }

    /// Looks whether the container has ended.
    ///
    /// # Errors
    /// [`Error::Call`] if the kernel cannot tell how it ended.
    pub fn try_wait(&self) -> Result<Option<Outcome>, Error> {
        let mut outcome = self.ended();
        if outcome.is_none() {
            let reaped = process::reap(self.pidfd.as_fd(), false).map_err(|errno| {
                let hint = "something else in this process reaped it (SIGCHLD ignored, or wait() for any child), and this kernel (< 6.15) does not keep the status";
                Error::call(Code::Ended, "the container's exit status is lost", errno, hint)
            })?;
            *outcome = reaped.map(|ended| Outcome::new(&ended, self.began.elapsed()));
        }
        Ok(outcome.clone())
    }

    /// Sends a signal to the container's first process: signal(7).
    ///
    /// # Errors
    /// [`Code::Ended`] when it has ended; [`Code::InvalidSpec`] when there is no such signal.
    pub fn send_signal(&self, signal: i32) -> Result<(), Error> {
        process::send_signal(self.pidfd.as_fd(), signal).map_err(|errno| match errno {
            libc::ESRCH => Error::call(Code::Ended, "the container has ended", errno, ""),
            libc::EINVAL => {
                Error::call(Code::InvalidSpec, format!("there is no signal {signal}"), errno, "see signal(7)")
            }
            _ => Error::call(Code::PermissionDenied, "the signal could not be sent", errno, ""),
        })
    }

    /// Kills the container with everything in it. One that has ended is left as it is.
    ///
    /// With a PID namespace of its own, the kernel kills every process with the first. Without one, the first
    /// process and its process group are killed.
    ///
    /// # Errors
    /// [`Error::Call`] if the kernel refuses.
    pub fn kill(&self) -> Result<(), Error> {
        let spec = &self.trace.plan.spec;
        if self.ended().is_some() {
            return Ok(());
        }
        if spec.namespaces.pid != crate::spec::NamespaceSource::New && spec.start_new_session {
            // Not reaped yet, so the group's id cannot be another's.
            let _ = nix::sys::signal::killpg(
                nix::unistd::Pid::from_raw(self.pid),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
        match self.send_signal(libc::SIGKILL) {
            Err(error) if error.code() != Code::Ended => Err(error),
            _ => Ok(()),
        }
    }

    fn ended(&self) -> MutexGuard<'_, Option<Outcome>> {
        self.outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.owner == std::process::id() && self.ended().is_none() {
            let _ = self.kill();
            let _ = process::reap(self.pidfd.as_fd(), true);
        }
    }
}
