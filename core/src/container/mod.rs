//! A container's life: what executing a plan gave.

mod addresses;
mod command;
mod communicate;
mod files;
mod found;
mod measured;
mod outcome;
pub(crate) mod registry;

pub use command::{Command, Run};
pub use communicate::Communication;
pub use files::Files;
pub use found::{Status, containers};
pub use outcome::{Outcome, Reason, Usage};

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use measured::Own;
use nix::poll::{PollFd, PollFlags, poll};

use crate::error::{Code, Error};
use crate::network::cni;
use crate::network::lan::Member;
use crate::plan::execute::{Init, Started, execute};
use crate::plan::trace::Trace;
use crate::plan::{Plan, Stays, Target};
use crate::spec::Spec;
use crate::sys::memory::{KILL_GROUP, PAUSE, RESUME};
use crate::sys::process::{self, Ended};

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
    /// The caller's end of the terminal, where there is one: what is typed is written, what is shown is read. Reading
    /// fails with `EIO` once nobody has the other end open.
    pub terminal: Option<OwnedFd>,
    trace: Arc<Trace>,
    /// Its init, where it has one.
    init: Option<Init>,
    /// The name that it has, while this is what holds it.
    _entry: Option<registry::Entry>,
    /// Its cgroup, where it has one.
    cgroup: Option<Own>,
    /// Its membership of networks, until it has ended.
    members: Mutex<(Vec<Member>, Option<cni::Member>)>,
    /// Whether its owner killed it.
    killed: AtomicBool,
    /// The program's own descriptor, where init is not in its namespaces: plans that join it name its number.
    program: OnceLock<OwnedFd>,
    relation: Relation,
    /// The process that started it: a fork's copy of this must not end it.
    owner: u32,
    began: Instant,
    outcome: Mutex<Option<Outcome>>,
}

/// What a container is to the process that holds this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// Its child, which ends with it.
    Owned,
    /// Nobody's child: it outlives whoever made it.
    Detached,
}

impl Container {
    /// Executes a plan: returns once the program is being executed. A plan in an [`Arc`] can be executed again.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use minicontain::{Container, Plan, Spec};
    /// let plan = Arc::new(Plan::new(Spec::new(["true"]))?);
    /// for _ in 0..3 {
    ///     assert_eq!(Container::start(Arc::clone(&plan))?.wait()?.returncode(), 0);
    /// }
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Step`] with the step that failed; nothing of the container is left then.
    pub fn start(plan: impl Into<Arc<Plan>>) -> Result<Self, Error> {
        Self::start_traced(plan, None).map_err(|(error, _)| error)
    }

    /// Executes a plan, failing step `fault.0` with errno `fault.1` without asking the kernel (a fault sweep);
    /// gives the trace also of a start that failed.
    ///
    /// # Errors
    /// The step that failed, and the trace up to it.
    pub fn start_traced(
        plan: impl Into<Arc<Plan>>,
        fault: Option<(usize, i32)>,
    ) -> Result<Self, (Error, Box<Trace>)> {
        let began = Instant::now();
        let started = execute(plan.into(), fault).map_err(|failed| (failed.error, Box::new(failed.trace)))?;
        Self::from_started(started, began)
    }

    /// What was started; where it has a name, it is written down which process it is, or killed if that cannot be.
    pub(crate) fn from_started(started: Started, began: Instant) -> Result<Self, (Error, Box<Trace>)> {
        let Started {
            pid,
            pidfd,
            pipes: [stdin, stdout, stderr],
            terminal,
            trace,
            init,
            mut entry,
            cgroup,
            members,
            plugged,
        } = started;
        let written =
            entry.as_mut().map_or(Ok(()), |entry| entry.commit(pid, &trace.plan.spec, cgroup.as_ref()));
        let cgroup = Own::of(&trace.plan, cgroup);
        let mut members = members;
        let followed = members.iter_mut().try_for_each(|member| member.follow(pid));
        let written = written.and(followed);
        let members = if trace.plan.spec.detach {
            members.into_iter().for_each(Member::outlive);
            Vec::new()
        } else {
            members
        };
        let relation = if trace.plan.spec.detach { Relation::Detached } else { Relation::Owned };
        let mut container = Self {
            pid,
            pidfd,
            stdin,
            stdout,
            stderr,
            terminal,
            trace: Arc::new(trace),
            init,
            _entry: entry,
            cgroup,
            members: Mutex::new((members, plugged)),
            killed: AtomicBool::new(false),
            program: OnceLock::new(),
            relation,
            owner: std::process::id(),
            began,
            outcome: Mutex::new(None),
        };
        if let Some(mut own) = container.cgroup.take() {
            own.note_program(|| container.program_pid());
            container.cgroup = Some(own);
        }
        match written {
            Ok(()) => Ok(container),
            Err(error) => {
                let _ = container.kill();
                Err((error, Box::new(Trace::clone(&container.trace))))
            }
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
        if !self.init.as_ref().is_some_and(|init| init.stays == Stays::First) {
            return Some(self.pid);
        }
        // The program is init's first child; orphans come after it.
        let pid = self.pid;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// A descriptor for poll(2) and friends, readable when the container has ended. See pidfd_open(2).
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
        match poll(&mut ready, process::poll_timeout(Some(timeout))) {
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
            if self.relation == Relation::Detached {
                *outcome = self.end_of_detached();
                return Ok(outcome.clone());
            }
            let reaped = process::reap(self.pidfd.as_fd(), false);
            let init = self.init.as_ref();
            let program = init.and_then(|init| init.block.end_of_program());
            let reaped = match (reaped, program) {
                // Somebody else did, but init had written down how the program ended.
                (Err(_), Some(_)) => Some(Ended::unknown()),
                (reaped, _) => reaped.map_err(|errno| {
                    let hint = "something else in this process reaped it (SIGCHLD ignored, or wait() for any child), and this kernel (< 6.15) does not keep the status";
                    Error::call(Code::Ended, "the container's exit status is lost", errno, hint)
                })?,
            };
            if let Some(ended) = reaped {
                let mut members = self.members.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                drop(std::mem::take(&mut *members));
                let used = self.cgroup.as_ref().map(Own::finish).unwrap_or_default();
                let (wall, killed) = (self.began.elapsed(), self.killed.load(Ordering::Relaxed));
                *outcome = Some(Outcome::new(&ended, init.is_some(), program, wall, used, killed));
            }
        }
        Ok(outcome.clone())
    }

    /// Sends a signal to the program: signal(7). SIGKILL ends the container with everything in it.
    ///
    /// # Errors
    /// [`Code::Ended`] when it has ended; [`Code::InvalidSpec`] when there is no such signal.
    pub fn send_signal(&self, signal: i32) -> Result<(), Error> {
        let sent = match &self.init {
            _ if signal == libc::SIGKILL => self.still_there().and_then(|()| self.kill_all()),
            Some(init) if (1..=64).contains(&signal) => {
                self.still_there().and_then(|()| init.block.ask(self.pidfd.as_fd(), signal as u32))
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
        self.ask_init(PAUSE)
    }

    /// Lets a paused container go on.
    ///
    /// # Errors
    /// As [`Container::pause`].
    pub fn resume(&self) -> Result<(), Error> {
        self.ask_init(RESUME)
    }

    /// Starts a program in this container: `docker exec`. It sees the container's files, processes and network, and
    /// has no more rights than the container's own program. What the spec does not say is as in the container's.
    ///
    /// It is handled like a container: waited for, signalled, dropped. It ends with this container at the latest.
    ///
    /// With `detach` it goes on when its handle is dropped, and when the caller has ended: `docker exec --detach`. What
    /// it writes then goes to `/dev/null`, and a handle that is still there tells how it ended. In a container that has
    /// no process namespace of its own, nothing but itself ends it.
    ///
    /// ```no_run
    /// use minicontain::{Container, Plan, Spec};
    /// let container = Container::start(Plan::new(Spec::new(["sleep", "60"]))?)?;
    /// assert_eq!(container.exec(Spec::new(["true"]))?.wait()?.returncode(), 0);
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As a start; [`Code::Ended`] when this one has ended, [`Code::Paused`] while it is paused.
    pub fn exec(&self, spec: Spec) -> Result<Self, Error> {
        Self::start(self.plan_exec(spec)?)
    }

    /// Plans what [`Container::exec`] does. The plan can be executed as long as this is there.
    ///
    /// # Errors
    /// As [`Container::exec`], but for what starting it brings.
    pub fn plan_exec(&self, spec: Spec) -> Result<Plan, Error> {
        let ended = || Error::call(Code::Ended, "the container has ended", 0, "start another one");
        if self.try_wait()?.is_some() {
            return Err(ended());
        }
        if self.paused() {
            return Err(Error::call(Code::Paused, "the container is paused", 0, "resume it first"));
        }
        let pidfd = match (self.outside(), self.program.get()) {
            (None, _) => &self.pidfd,
            (Some(_), Some(program)) => program,
            (Some(init), None) => {
                let opened = open_process(self.pid)?;
                // Its parent had not reaped it: the id was its own.
                if init.block.end_of_program().is_some() {
                    return Err(ended());
                }
                self.program.get_or_init(|| opened)
            }
        };
        Plan::exec(
            spec,
            Target {
                pid: self.pid,
                pidfd: pidfd.as_fd(),
                spec: Some(&self.trace.plan.spec),
                cgroup: self.cgroup(),
            },
        )
    }

    /// Whether it was paused, and not resumed.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.init.as_ref().is_some_and(|init| init.block.paused())
    }

    /// Tells its terminal how large the window is that shows it; the program hears of it by SIGWINCH: ioctl_tty(2).
    ///
    /// # Errors
    /// [`Code::NotSupported`] when there is no terminal here: it has none, or it was taken.
    pub fn resize(&self, rows: u16, columns: u16) -> Result<(), Error> {
        let Some(terminal) = &self.terminal else {
            let hint = "use tty=true; who took the terminal resizes it by TIOCSWINSZ";
            return Err(Error::call(Code::NotSupported, "there is no terminal to resize", 0, hint));
        };
        process::resize(terminal.as_fd(), rows, columns)
            .map_err(|errno| Error::call(Code::Io, "the terminal could not be resized", errno, ""))
    }

    fn ask_init(&self, request: u32) -> Result<(), Error> {
        let Some(init) = self.init.as_ref().filter(|init| init.stays == Stays::First) else {
            let hint = "use init=true, and a PID namespace of its own";
            return Err(Error::call(
                Code::NotSupported,
                "the container has no init that could stop its processes",
                0,
                hint,
            ));
        };
        let asked = self.still_there().and_then(|()| init.block.ask(self.pidfd.as_fd(), request));
        asked.map_err(|errno| refused("the container could not be paused or resumed", errno))
    }

    /// The init that looks after it from outside, where it has no PID namespace of its own.
    fn outside(&self) -> Option<&Init> {
        self.init.as_ref().filter(|init| init.stays == Stays::Joiner)
    }

    /// `ESRCH` if it has ended.
    fn still_there(&self) -> Result<(), i32> {
        if self.ended().is_some() { Err(libc::ESRCH) } else { Ok(()) }
    }

    /// Kills the container with everything in it. One that has ended is left as it is.
    ///
    /// With a PID namespace of its own, the kernel kills every process with the first. Without one, the program and
    /// its process group are killed.
    ///
    /// # Errors
    /// [`Error::Call`] if the kernel refuses.
    pub fn kill(&self) -> Result<(), Error> {
        match self.still_there().and_then(|()| self.kill_all()) {
            Ok(()) | Err(libc::ESRCH) => Ok(()),
            Err(errno) => Err(refused("the container could not be killed", errno)),
        }
    }

    fn kill_all(&self) -> Result<(), i32> {
        self.killed.store(true, Ordering::Relaxed);
        let first = self.pidfd.as_fd();
        // An init outside would leave the program behind if it were killed itself; and it tells how that ended.
        let killed = match self.outside().map(|init| init.block.ask(first, KILL_GROUP)) {
            None | Some(Err(libc::ETIMEDOUT)) => process::send_signal(first, libc::SIGKILL),
            Some(asked) => asked,
        };
        // What the freezer of v1 holds dies when it goes on.
        if let Some(cgroup) = self.cgroup() {
            cgroup.let_die();
        }
        killed
    }

    fn ended(&self) -> MutexGuard<'_, Option<Outcome>> {
        self.outcome.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Starts a program beside a process of the host: in its namespaces, and with its root; what nsenter(1) does. The
/// program has no more rights than a container's has by default. With `detach` it outlives the caller, as by
/// [`Container::exec`].
///
/// ```no_run
/// let me = std::process::id() as i32;
/// let outcome = minicontain::enter(me, minicontain::Spec::new(["true"]))?.wait()?;
/// # Ok::<(), minicontain::Error>(())
/// ```
///
/// # Errors
/// As a start; [`Code::Ended`] when there is no such process, [`Code::PermissionDenied`] when it may not be joined.
pub fn enter(pid: i32, spec: Spec) -> Result<Container, Error> {
    let pidfd = open_process(pid)?;
    Container::start(Plan::exec(spec, Target { pid, pidfd: pidfd.as_fd(), spec: None, cgroup: None })?)
}

fn open_process(pid: i32) -> Result<OwnedFd, Error> {
    process::pidfd_open(pid).map_err(|errno| match errno {
        libc::ESRCH => Error::call(Code::Ended, format!("there is no process {pid}"), errno, ""),
        _ => Error::call(Code::PermissionDenied, format!("could not open process {pid}"), errno, ""),
    })
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
        let owned = self.relation == Relation::Owned && self.owner == std::process::id();
        if owned && self.ended().is_none() {
            let _ = self.kill();
            let _ = process::reap(self.pidfd.as_fd(), true);
            if let Some(cgroup) = &self.cgroup {
                let _ = cgroup.finish();
            }
        }
    }
}
