//! What happens to a cgroup, as it happens.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::cgroup::{Event, Watch};

use crate::cgroup::minicontain_cgroup;
use crate::container::deadline;
use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::spec::create;
use crate::text::{borrowed, needed, number};

/// Looks at what happens to a cgroup. It is a descriptor to poll, and no thread. Any thread may use it, one at a time:
/// others wait. It does not need the handle of the cgroup any more. Free it with `minicontain_watch_free`.
pub struct minicontain_watch {
    watch: Mutex<Watch>,
    /// Known without the lock, which a wait holds.
    fd: RawFd,
}

/// What can happen to a cgroup, each a bit of its own. Bits are never used again for something else; newer libraries
/// may have more.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum minicontain_event {
    /// The kernel killed a process for want of memory.
    OomKill = 1,
    /// The limit on memory was met.
    MemoryLimit = 2,
    /// It was slowed down for being above `minicontain_spec_set_memory_high`.
    MemoryHigh = 4,
    /// A fork failed for the limit on processes.
    PidsLimit = 8,
    /// The first process came.
    Populated = 16,
    /// The last process has gone.
    Empty = 32,
    /// It is frozen.
    Frozen = 64,
    /// It goes on.
    Thawed = 128,
}

/// The bits and what they stand for.
const EVENTS: [(minicontain_event, Event, &std::ffi::CStr); 8] = [
    (minicontain_event::OomKill, Event::OomKill, c"oom_kill"),
    (minicontain_event::MemoryLimit, Event::MemoryLimit, c"memory_limit"),
    (minicontain_event::MemoryHigh, Event::MemoryHigh, c"memory_high"),
    (minicontain_event::PidsLimit, Event::PidsLimit, c"pids_limit"),
    (minicontain_event::Populated, Event::Populated, c"populated"),
    (minicontain_event::Empty, Event::Empty, c"empty"),
    (minicontain_event::Frozen, Event::Frozen, c"frozen"),
    (minicontain_event::Thawed, Event::Thawed, c"thawed"),
];

fn bits(happened: &[Event]) -> u32 {
    let happened = |one: &&(minicontain_event, Event, &std::ffi::CStr)| happened.contains(&one.1);
    EVENTS.iter().filter(happened).fold(0, |bits, (bit, ..)| bits | *bit as u32)
}

impl minicontain_watch {
    fn lock(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens next; nothing when the time is up.
    fn wait(&self, timeout_ms: i64) -> Result<u32, Failure> {
        /// The core waits until a point in time, which must be one that can be told.
        const LONG: Duration = Duration::from_secs(3600);
        let deadline = deadline(timeout_ms);
        let mut watch = self.lock();
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let happened = watch.wait(left.map_or(LONG, |left| left.min(LONG)))?;
            if !happened.is_empty() || left.is_some_and(|left| left <= LONG) {
                return Ok(bits(&happened));
            }
        }
    }
}

/// How often something has happened to a cgroup since it was made: `event` is `MINICONTAIN_EVENT_OOM_KILL` (processes
/// killed), `MINICONTAIN_EVENT_MEMORY_LIMIT`, `MINICONTAIN_EVENT_MEMORY_HIGH` or `MINICONTAIN_EVENT_PIDS_LIMIT` (forks
/// refused). `UINT64_MAX` for what is not counted, and for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_event_count(cgroup: Option<&minicontain_cgroup>, event: u32) -> u64 {
    number(cgroup, u64::MAX, |cgroup| {
        let events = cgroup.cgroup.events();
        match EVENTS.iter().find(|(bit, ..)| *bit as u32 == event).map(|(_, event, _)| event) {
            Some(Event::OomKill) => events.oom_kills,
            Some(Event::MemoryLimit) => events.memory_limit,
            Some(Event::MemoryHigh) => events.memory_high,
            Some(Event::PidsLimit) => events.pids_limit,
            _ => u64::MAX,
        }
    })
}

/// An event's name, `"oom_kill"`, for one bit; `""` where there is no such event. It lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_event_name(event: u32) -> *const c_char {
    borrowed(Some(&event), |event| {
        EVENTS.iter().find(|(bit, ..)| *bit as u32 == *event).map(|(_, _, name)| *name)
    })
}

/// Begins to look at what happens to a cgroup: inotify(7), and on version 1 of cgroups the eventfd(2) of
/// `memory.oom_control`.
///
/// Version 1 wakes nobody but for `MINICONTAIN_EVENT_OOM_KILL`; that a fork was refused is told when somebody looks, or
/// with the next event. Where the host has the tree of version 2 besides, it tells of processes and of freezing.
///
/// Errors: `MINICONTAIN_CODE_CGROUP_NOT_FOUND` when it was removed; `MINICONTAIN_CODE_OUT_OF_RESOURCES` without
/// descriptors left.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_watch_new(
    cgroup: Option<&minicontain_cgroup>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_watch>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let watch = needed(cgroup, "cgroup")?.cgroup.watch()?;
        Ok(minicontain_watch { fd: watch.fd().as_raw_fd(), watch: Mutex::new(watch) })
    })
}

/// A descriptor for poll(2) and friends: readable when `minicontain_watch_read` may have something to tell. It belongs
/// to the watch and must not be closed; -1 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_watch_fd(watch: Option<&minicontain_watch>) -> c_int {
    number(watch, -1, |watch| watch.fd)
}

/// What happened since the last time, or since the watch began: bits of `minicontain_event`, 0 for nothing. It does not
/// wait.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_watch_read(watch: Option<&minicontain_watch>) -> u32 {
    number(watch, 0, |watch| bits(&watch.lock().read()))
}

/// Waits until something happens, at most `timeout_ms` milliseconds (negative: for ever). A signal does not end the
/// wait.
///
/// `*out` becomes what happened, as from `minicontain_watch_read`; 0 when the time is up.
///
/// Errors: `MINICONTAIN_CODE_IO` if the kernel refuses to wait.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_watch_wait(
    watch: Option<&minicontain_watch>,
    timeout_ms: i64,
    out: Option<&mut MaybeUninit<u32>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(0);
        *place = needed(watch, "watch")?.wait(timeout_ms)?;
        Ok(())
    })
}

/// Frees a watch, with its descriptor. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_watch_free(watch: Option<Box<minicontain_watch>>) {
    guard::infallible((), || drop(watch));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_watch>();
};
