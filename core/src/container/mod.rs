//! A container's life: what executing a plan gave.

mod command;
mod communicate;
mod outcome;

pub use command::{Command, Run};
pub use communicate::Communication;
pub use outcome::{Outcome, Reason, Usage};

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{Code, Error};
use crate::plan::Plan;
use crate::plan::execute::{Started, execute};
use crate::plan::trace::Trace;
use crate::sys::block::Block;
use crate::sys::memory::{PAUSE, RESUME};
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
    /// What it shares with its init, where it has one.
    block: Option<Block>,
    /// The process that started it: a fork's copy of this must not end it.
    owner: u32,
    began: Instant,
    paused: AtomicBool,
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
        let Started { pid, pidfd, pipes: [stdin, stdout, stderr], trace, block } = started;
        Self {
            pid,
            pidfd,
            stdin,
            stdout,
            stderr,
            trace: Arc::new(trace),
            block,
            owner: std::process::id(),
            began,
            paused: AtomicBool::new(false),
            outcome: Mutex::new(None),
        }
    }

    /// The id of the container's first process, as the caller sees it.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The id of the program's process, as the caller sees it: that of the first process, or of the one that init
    /// made. `None` once it has ended.
    #[must_use]
    pub fn program_pid(&self) -> Option<i32> {
        // Once it is reaped, its number may be another's.
        if self.ended().is_some() {
            return None;
        }
        if self.block.is_none() {
            return Some(self.pid);
        }
        // The program is init's first child; orphans come after it.
        let pid = self.pid;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// A descriptor of the first process, for poll(2) and friends: readable when it has ended. See pidfd_open(2).
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
            let program = self.block.as_ref().and_then(Block::end_of_program);
            let init = self.block.is_some();
            *outcome = reaped.map(|ended| Outcome::new(&ended, init, program, self.began.elapsed()));
        }
        Ok(outcome.clone())
    }

    /// Sends a signal to the program: signal(7). SIGKILL ends the container with everything in it.
    ///
    /// # Errors
    /// [`Code::Ended`] when it has ended; [`Code::InvalidSpec`] when there is no such signal.
    pub fn send_signal(&self, signal: i32) -> Result<(), Error> {
        let sent = match &self.block {
            Some(block) if signal != libc::SIGKILL && (1..=64).contains(&signal) => {
                self.still_there().and_then(|()| block.ask(self.pidfd.as_fd(), signal as u32))
            }
            _ => process::send_signal(self.pidfd.as_fd(), signal),
        };
        sent.map_err(|errno| match errno {
            libc::EINVAL => {
                Error::call(Code::InvalidSpec, format!("there is no signal {signal}"), errno, "see signal(7)")
            }
            _ => refused("the signal could not be sent", errno),
        })
    }

    /// Asks the program to end (SIGTERM), and kills the container if it has not after `timeout`: `docker stop`.
    ///
    /// # Errors
    /// As [`Container::send_signal`] and [`Container::wait`]. One that has ended is no error.
    pub fn stop(&self, timeout: Duration) -> Result<Outcome, Error> {
        match self.send_signal(libc::SIGTERM) {
            Err(error) if error.code() != Code::Ended => return Err(error),
            _ => {}
        }
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.wait_timeout(left)? {
                Some(outcome) => return Ok(outcome),
                None if left.is_zero() => break,
                None => {}
            }
        }
        self.kill()?;
        self.wait()
    }

    /// Stops every process in the container, until [`Container::resume`]. It can be killed meanwhile.
    ///
    /// # Errors
    /// [`Code::Ended`] when it has ended; [`Code::NotSupported`] without an init.
    pub fn pause(&self) -> Result<(), Error> {
        self.ask_init(PAUSE)?;
        self.paused.store(true, Ordering::Release);
        Ok(())
    }

    /// Lets a paused container go on.
    ///
    /// # Errors
    /// As [`Container::pause`].
    pub fn resume(&self) -> Result<(), Error> {
        self.paused.store(false, Ordering::Release);
        self.ask_init(RESUME)
    }

    /// Whether it was paused, and not resumed.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    fn ask_init(&self, request: u32) -> Result<(), Error> {
        let Some(block) = &self.block else {
            let hint = "use init=true, and a PID namespace of its own";
            return Err(Error::call(
                Code::NotSupported,
                "the container has no init that could stop its processes",
                0,
                hint,
            ));
        };
        let asked = self.still_there().and_then(|()| block.ask(self.pidfd.as_fd(), request));
        asked.map_err(|errno| refused("the container could not be paused or resumed", errno))
    }

    /// `ESRCH` if it has ended.
    fn still_there(&self) -> Result<(), i32> {
        if self.ended().is_some() { Err(libc::ESRCH) } else { Ok(()) }
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

/// What a refusal to signal means.
fn refused(what: &str, errno: i32) -> Error {
    match errno {
        libc::ESRCH => Error::call(Code::Ended, "the container has ended", errno, ""),
        libc::ETIMEDOUT => {
            let hint = "was its process stopped from outside (SIGSTOP, a frozen cgroup)?";
            Error::call(Code::Io, format!("{what}: its init does not answer"), errno, hint)
        }
        _ => Error::call(Code::PermissionDenied, what, errno, ""),
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
