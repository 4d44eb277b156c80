//! A running container.

use std::ffi::{CString, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use engine::{Code, Container, Plan};

use crate::cgroup::minicontain_cgroup;
use crate::communicate::{Exchange, minicontain_output};
use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::outcome::minicontain_outcome;
use crate::plan::minicontain_plan;
use crate::spec::{create, minicontain_spec};
use crate::text::{needed, number, owned};
use crate::trace::minicontain_trace;

/// A container that was started, or found by its name, or a program that joined one. Any number of threads may use it
/// at once (one waits, another kills), but only one may free it, when no other uses it any more. Free it with
/// `minicontain_container_free`.
pub struct minicontain_container {
    /// Locked for writing only for the moment in which pipes are taken out, so that nobody waits for a wait.
    container: RwLock<Container>,
    pub(crate) exchange: Mutex<Exchange>,
    pub(crate) output: OnceLock<minicontain_output>,
    outcome: OnceLock<minicontain_outcome>,
    trace: OnceLock<minicontain_trace>,
    pub(crate) cgroup: OnceLock<Option<minicontain_cgroup>>,
    pub(crate) name: OnceLock<CString>,
    pub(crate) log_path: OnceLock<CString>,
}

impl From<Container> for minicontain_container {
    fn from(container: Container) -> Self {
        Self {
            container: RwLock::new(container),
            exchange: Mutex::default(),
            output: OnceLock::new(),
            outcome: OnceLock::new(),
            trace: OnceLock::new(),
            cgroup: OnceLock::new(),
            name: OnceLock::new(),
            log_path: OnceLock::new(),
        }
    }
}

impl minicontain_container {
    pub(crate) fn start(plan: impl Into<Arc<Plan>>, fault: Option<(usize, i32)>) -> Result<Self, Failure> {
        Ok(Container::start_traced(plan, fault)?.into())
    }

    /// Not for longer than a moment: who takes pipes out waits for it, and everybody else for him.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Container> {
        self.container.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Container> {
        self.container.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outcome, if the container has ended.
    fn look(&self) -> Result<Option<&minicontain_outcome>, Failure> {
        let ended = self.read().try_wait()?;
        Ok(ended.map(|outcome| self.outcome.get_or_init(|| outcome.into())))
    }

    /// The outcome, once the container has ended or the time is up.
    fn wait(&self, timeout_ms: i64) -> Result<Option<&minicontain_outcome>, Failure> {
        let deadline = deadline(timeout_ms);
        let pidfd = self.read().pidfd().as_raw_fd();
        loop {
            let ended = self.look()?;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if ended.is_some() || left == Some(Duration::ZERO) {
                return Ok(ended);
            }
            sleep_until_ended(pidfd, left);
        }
    }

    /// The outcome, after the program was asked to end, and killed if it did not in time.
    fn stop(&self, timeout_ms: i64) -> Result<&minicontain_outcome, Failure> {
        match self.read().send_signal(libc::SIGTERM) {
            Err(error) if error.code() != Code::Ended => return Err(error.into()),
            _ => {}
        }
        if let Some(outcome) = self.wait(timeout_ms)? {
            return Ok(outcome);
        }
        self.read().kill()?;
        loop {
            if let Some(outcome) = self.wait(-1)? {
                return Ok(outcome);
            }
        }
    }

    fn trace(&self) -> &minicontain_trace {
        self.trace.get_or_init(|| minicontain_trace::new(Arc::clone(self.read().trace())))
    }
}

/// When a timeout in milliseconds is up; `None` for never, which is what a negative one means.
pub(crate) fn deadline(timeout_ms: i64) -> Option<Instant> {
    let millis = u64::try_from(timeout_ms).ok()?;
    Instant::now().checked_add(Duration::from_millis(millis))
}

/// Sleeps until a process has ended, the time is up or a signal came: poll(2). No lock is held meanwhile.
pub(crate) fn sleep_until_ended(pidfd: c_int, left: Option<Duration>) {
    let mut ready = libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 };
    // Rounded up, so that the deadline has passed when poll says so.
    let millis = left.map(|left| c_int::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX));
    // SAFETY: one valid structure; the caller keeps the descriptor open.
    unsafe { libc::poll(&raw mut ready, 1, millis.unwrap_or(-1)) };
}

/// Plans and starts a container. It returns once the program is being executed, in the time that the system
/// calls of the plan take; the calling process is not forked, and other threads of it go on meanwhile. See
/// clone3(2).
///
/// Errors: as `minicontain_plan_new`, and the step that failed with its system call, arguments and errno
/// (`minicontain_error_step_index`, `minicontain_error_trace`). Nothing of the container is left then.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_start(
    spec: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_container>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let plan = Plan::new(needed(spec, "spec")?.spec.clone())?;
        minicontain_container::start(plan, None)
    })
}

/// Starts a container by a plan, which stays the caller's and can be used again, by several threads at once: whoever makes
/// many alike plans them once. A plan is of the host as it was when it was made.
///
/// Errors: the step that failed, as `minicontain_container_start`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_start_plan(
    plan: Option<&minicontain_plan>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_container>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || minicontain_container::start(Arc::clone(&needed(plan, "plan")?.plan), None))
}

/// Starts a container by a plan, but lets step `step` fail with `error_number` (`EPERM`, …) without asking
/// the kernel. With every step in turn this is a fault sweep: it shows that a start which fails leaves
/// nothing behind. A step whose failure is tolerated does not end the start, so there may be a container; see
/// errno(3).
///
/// Errors: the step that failed, as `minicontain_container_start`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_start_with_fault(
    plan: Option<&minicontain_plan>,
    step: usize,
    error_number: c_int,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_container>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        minicontain_container::start(Arc::clone(&needed(plan, "plan")?.plan), Some((step, error_number)))
    })
}

/// The id of the container's first process, as the caller sees it: init's, where there is one; -1 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_pid(container: Option<&minicontain_container>) -> i32 {
    number(container, -1, |container| container.read().pid())
}

/// The id of the program's process, as the caller sees it; -1 once that has ended, and for `NULL`. To signal it,
/// `minicontain_container_send_signal` is better: it never meets another process that got its number.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_program_pid(container: Option<&minicontain_container>) -> i32 {
    number(container, -1, |container| container.read().program_pid().unwrap_or(-1))
}

/// A descriptor of the first process, for poll(2) and friends: readable when it has ended. It belongs to the
/// container and must not be closed; -1 for `NULL`. See pidfd_open(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_pidfd(container: Option<&minicontain_container>) -> c_int {
    number(container, -1, |container| container.read().pidfd().as_raw_fd())
}

/// The caller's end of the pipe of standard stream 0, 1 or 2, to write to or read from. It belongs to the
/// container and must not be closed; -1 where there is none, or where it was taken. See pipe(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_stream(
    container: Option<&minicontain_container>,
    stream: c_int,
) -> c_int {
    number(container, -1, |container| {
        let container = container.read();
        let pipe = match stream {
            0 => &container.stdin,
            1 => &container.stdout,
            2 => &container.stderr,
            _ => &None,
        };
        pipe.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    })
}

/// Takes the caller's end of the pipe of standard stream 0, 1 or 2 out of the container. It is the caller's
/// from then on, who closes it with close(2): for standard input that is how the program sees the end of its
/// input. -1 where there is none, or where it was taken.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_take_stream(
    container: Option<&minicontain_container>,
    stream: c_int,
) -> c_int {
    number(container, -1, |container| {
        let mut container = container.write();
        let pipe: Option<OwnedFd> = match stream {
            0 => container.stdin.take(),
            1 => container.stdout.take(),
            2 => container.stderr.take(),
            _ => None,
        };
        pipe.map_or(-1, IntoRawFd::into_raw_fd)
    })
}

/// Waits until the container has ended, at most `timeout_ms` milliseconds (negative: for ever). A signal does
/// not end the wait. Any number of threads may wait, and any number of times. See waitid(2).
///
/// `*out` becomes the outcome, which belongs to the container, or `NULL` when the time is up.
///
/// Errors: `MINICONTAIN_CODE_ENDED` if the kernel cannot tell how it ended, because something else reaped it.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_wait<'a>(
    container: Option<&'a minicontain_container>,
    timeout_ms: i64,
    out: Option<&mut MaybeUninit<Option<&'a minicontain_outcome>>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(None);
        *place = needed(container, "container")?.wait(timeout_ms)?;
        Ok(())
    })
}

/// Looks whether the container has ended: `minicontain_container_wait` with a timeout of 0.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_try_wait<'a>(
    container: Option<&'a minicontain_container>,
    out: Option<&mut MaybeUninit<Option<&'a minicontain_outcome>>>,
) -> Option<Box<minicontain_error>> {
    minicontain_container_wait(container, 0, out)
}

/// Kills the container with everything in it, and returns without waiting. One that has ended is left as it
/// is. See pid_namespaces(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_kill(
    container: Option<&minicontain_container>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(container, "container")?.read().kill()?))
}

/// Sends a signal to the program, never to another process that got its number: signal(7). `SIGKILL` ends the
/// container with everything in it. Without an init, the program gets only the signals that it handles, and
/// `SIGKILL` and `SIGSTOP`: pid_namespaces(7).
///
/// Errors: `MINICONTAIN_CODE_ENDED` when it has ended; `MINICONTAIN_CODE_INVALID_SPEC` when there is no such
/// signal.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_send_signal(
    container: Option<&minicontain_container>,
    signal_number: c_int,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(container, "container")?.read().send_signal(signal_number)?))
}

/// Asks the program to end with `SIGTERM`, and kills the container with everything in it if it has not ended
/// after `timeout_ms` milliseconds (negative: it is never killed). A signal does not end the wait.
///
/// `*out` becomes the outcome, which belongs to the container.
///
/// Errors: as `minicontain_container_send_signal` and `minicontain_container_wait`; a container that has ended
/// already is none.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_stop<'a>(
    container: Option<&'a minicontain_container>,
    timeout_ms: i64,
    out: Option<&mut MaybeUninit<Option<&'a minicontain_outcome>>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(None);
        *place = Some(needed(container, "container")?.stop(timeout_ms)?);
        Ok(())
    })
}

/// Stops every process in the container, until `minicontain_container_resume`. It can be killed meanwhile.
///
/// Errors: `MINICONTAIN_CODE_ENDED` when it has ended; `MINICONTAIN_CODE_NOT_SUPPORTED` without an init, or without
/// a PID namespace of its own.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_pause(
    container: Option<&minicontain_container>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(container, "container")?.read().pause()?))
}

/// Lets every process in the container go on.
///
/// Errors: as `minicontain_container_pause`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_resume(
    container: Option<&minicontain_container>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(container, "container")?.read().resume()?))
}

/// Whether the container was paused, and not resumed; false for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_paused(container: Option<&minicontain_container>) -> bool {
    number(container, false, |container| container.read().paused())
}

/// What was done to start it; nothing, where it was found by its name. It belongs to the container. `NULL` for
/// `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_trace(
    container: Option<&minicontain_container>,
) -> Option<&minicontain_trace> {
    guard::infallible(None, || container.map(minicontain_container::trace))
}

/// How well each feature holds, as `minicontain_plan_enforced_to_json`. Free it with
/// `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_enforced_to_json(
    container: Option<&minicontain_container>,
) -> *mut c_char {
    owned(container, |container| container.trace().enforced())
}

/// Frees a container, with its outcome, output, trace and the descriptors that were not taken. One that still
/// runs is killed with everything in it, and waited for, unless it is detached or was found by its name: that
/// goes on. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_free(container: Option<Box<minicontain_container>>) {
    guard::infallible((), || drop(container));
}

/// The handles that threads share must bear it.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_container>();
    shared::<minicontain_spec>();
    shared::<minicontain_plan>();
    shared::<minicontain_trace>();
    shared::<minicontain_outcome>();
    shared::<minicontain_error>();
};
