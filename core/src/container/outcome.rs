//! Why a container ended, and what it used.

use std::time::Duration;

use serde::Serialize;

use super::measured::Used;
use crate::cgroup::{Stats, Victim};
use crate::sys::post::ProgramEnd;
use crate::sys::process::{Ended, decode};

/// Why a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The program ended by itself, with an exit status.
    Exited,
    /// A signal ended it.
    Signaled,
    /// Its time was up, and it was killed.
    TimedOut,
    /// The kernel killed it for want of memory.
    Oom,
    /// It was killed from outside, with everything in it: by its owner, or by another process of the host.
    Killed,
}

impl Reason {
    /// `exited`, `signaled`, `timed_out`, `oom` or `killed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exited => "exited",
            Self::Signaled => "signaled",
            Self::TimedOut => "timed_out",
            Self::Oom => "oom",
            Self::Killed => "killed",
        }
    }
}

/// What a container used, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Nanoseconds that passed.
    pub wall_ns: u64,
    /// Nanoseconds of CPU time in programs.
    pub user_ns: u64,
    /// Nanoseconds of CPU time in the kernel.
    pub system_ns: u64,
    /// The largest resident set of any one process, in bytes: getrusage(2). `None` where it was no more than the
    /// caller's own, which the kernel counts in: the program's process began in the caller's memory.
    pub peak_memory: Option<u64>,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Why it ended.
    pub reason: Reason,
    /// The exit status, where it exited.
    pub status: Option<i32>,
    /// The signal, where one ended it.
    pub signal: Option<i32>,
    /// Whether that left a core.
    pub core_dumped: bool,
    /// What it used.
    pub usage: Usage,
    /// How many of its processes the kernel killed for want of memory.
    pub oom_kills: u64,
    /// Which, as far as the kernel's log may be read and still tells.
    pub oom_victims: Vec<Victim>,
    /// The last statistics of its cgroup, where it had one.
    pub stats: Option<Stats>,
}

impl Outcome {
    /// What the kernel says of the first process; where that is init (`init`), `program` is what it saw of the program.
    /// `killed` is whether the owner killed it.
    #[allow(clippy::too_many_arguments, reason = "what is known of an end comes from as many places")]
    pub(crate) fn new(
        ended: &Ended,
        init: bool,
        program: Option<ProgramEnd>,
        wall: Duration,
        used: Used,
        killed: bool,
    ) -> Self {
        let time = |t: libc::timeval| t.tv_sec as u64 * 1_000_000_000 + t.tv_usec as u64 * 1000;
        let (code, status) = program.map_or((ended.code, ended.status), |end| decode(end.status));
        let exited = code == libc::CLD_EXITED;
        let reason = match program {
            // Its owner kills init; so may the kernel, where all shall be killed together.
            None if init && killed => Reason::Killed,
            _ if !exited && status == libc::SIGKILL && used.oom_kills > 0 && used.program != Some(false) => {
                Reason::Oom
            }
            // Nobody inside can kill init.
            None if init => Reason::Killed,
            _ if exited => Reason::Exited,
            _ => Reason::Signaled,
        };
        let peak_memory =
            program.map_or_else(|| peak_memory(ended.usage.ru_maxrss), |end| Some(end.peak * 1024));
        Self {
            reason,
            status: exited.then_some(status),
            signal: (!exited).then_some(status),
            core_dumped: code == libc::CLD_DUMPED,
            usage: Usage {
                wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
                user_ns: time(ended.usage.ru_utime),
                system_ns: time(ended.usage.ru_stime),
                peak_memory,
            },
            oom_kills: used.oom_kills,
            oom_victims: used.victims,
            stats: used.stats,
        }
    }

    /// The exit status, or the negative signal, as `subprocess` has it.
    #[must_use]
    pub fn returncode(&self) -> i32 {
        self.status.unwrap_or_else(|| -self.signal.unwrap_or(0))
    }
}

/// What the kernel says of a child, unless it may be what the caller itself had.
fn peak_memory(child: i64) -> Option<u64> {
    let own = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)
        .map_or(0, |usage| usage.max_rss());
    (child > own).then_some(child as u64 * 1024)
}
