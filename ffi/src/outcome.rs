//! How a container ended, and what it used.

use std::ffi::{c_char, c_int};

use engine::{Outcome, Reason};

use crate::cgroup_lists::minicontain_victims;
use crate::guard;
use crate::stats::minicontain_stats;
use crate::text::{borrowed, number};

/// How a container ended, and what it used. Any thread may read it. It belongs to the container or result
/// that gave it, and lives as long.
pub struct minicontain_outcome {
    outcome: Outcome,
    victims: minicontain_victims,
    stats: Option<minicontain_stats>,
}

impl From<Outcome> for minicontain_outcome {
    fn from(mut outcome: Outcome) -> Self {
        let victims = std::mem::take(&mut outcome.oom_victims).into();
        Self { victims, stats: outcome.stats.take().map(Into::into), outcome }
    }
}

/// Why a container ended. Numbers are never used again for something else; newer libraries may have more.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum minicontain_reason {
    /// It has not ended, or the outcome is `NULL`.
    None = 0,
    /// The program ended by itself, with an exit status.
    Exited = 1,
    /// A signal ended it.
    Signaled = 2,
    /// Its time was up, and it was killed.
    TimedOut = 3,
    /// The kernel killed it for want of memory.
    Oom = 4,
    /// It was killed from outside, with everything in it: by its owner, or by another process of the host.
    Killed = 5,
}

impl From<Reason> for minicontain_reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Exited => Self::Exited,
            Reason::Signaled => Self::Signaled,
            Reason::TimedOut => Self::TimedOut,
            Reason::Oom => Self::Oom,
            Reason::Killed => Self::Killed,
        }
    }
}

/// Why it ended.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_reason(outcome: Option<&minicontain_outcome>) -> minicontain_reason {
    number(outcome, minicontain_reason::None, |outcome| outcome.outcome.reason.into())
}

/// Why it ended, as a word: `"exited"`, `"signaled"`, `"timed_out"`, `"oom"` or `"killed"`. It lives
/// as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_reason_name(outcome: Option<&minicontain_outcome>) -> *const c_char {
    borrowed(outcome, |outcome| {
        Some(match minicontain_reason::from(outcome.outcome.reason) {
            minicontain_reason::None => c"",
            minicontain_reason::Exited => c"exited",
            minicontain_reason::Signaled => c"signaled",
            minicontain_reason::TimedOut => c"timed_out",
            minicontain_reason::Oom => c"oom",
            minicontain_reason::Killed => c"killed",
        })
    })
}

/// The exit status, 0 to 255; -1 where it did not exit. See exit(3).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_status(outcome: Option<&minicontain_outcome>) -> c_int {
    number(outcome, -1, |outcome| outcome.outcome.status.unwrap_or(-1))
}

/// The signal that ended it; 0 where none did. See signal(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_signal(outcome: Option<&minicontain_outcome>) -> c_int {
    number(outcome, 0, |outcome| outcome.outcome.signal.unwrap_or(0))
}

/// Whether the signal left a core: core(5).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_core_dumped(outcome: Option<&minicontain_outcome>) -> bool {
    number(outcome, false, |outcome| outcome.outcome.core_dumped)
}

/// How long it ran, in nanoseconds, from the start's first step to its end.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_wall_ns(outcome: Option<&minicontain_outcome>) -> u64 {
    number(outcome, 0, |outcome| outcome.outcome.usage.wall_ns)
}

/// CPU time in programs, in nanoseconds, of the first process and of those it waited for: getrusage(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_user_ns(outcome: Option<&minicontain_outcome>) -> u64 {
    number(outcome, 0, |outcome| outcome.outcome.usage.user_ns)
}

/// CPU time in the kernel, in nanoseconds, of the first process and of those it waited for: getrusage(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_system_ns(outcome: Option<&minicontain_outcome>) -> u64 {
    number(outcome, 0, |outcome| outcome.outcome.usage.system_ns)
}

/// The largest resident set of any one process, in bytes: getrusage(2). 0 where it was no more than the caller's
/// own, which the kernel counts in: the program's process began in the caller's memory.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_peak_memory(outcome: Option<&minicontain_outcome>) -> u64 {
    number(outcome, 0, |outcome| outcome.outcome.usage.peak_memory.unwrap_or(0))
}

/// How many of its processes the kernel killed for want of memory. 0 where it had no cgroup of its own. The container
/// itself ended by that where the reason is `MINICONTAIN_REASON_OOM`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_oom_kills(outcome: Option<&minicontain_outcome>) -> u64 {
    number(outcome, 0, |outcome| outcome.outcome.oom_kills)
}

/// Which processes these were, as far as the kernel's log may be read and still tells. It belongs to the outcome.
/// `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_oom_victims(
    outcome: Option<&minicontain_outcome>,
) -> Option<&minicontain_victims> {
    guard::infallible(None, || outcome.map(|outcome| &outcome.victims))
}

/// What all its processes together used, to the end; `NULL` where it had no cgroup of its own: limit something, or use
/// `minicontain_spec_set_cgroup`. It belongs to the outcome.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_outcome_stats(
    outcome: Option<&minicontain_outcome>,
) -> Option<&minicontain_stats> {
    guard::infallible(None, || outcome.and_then(|outcome| outcome.stats.as_ref()))
}
