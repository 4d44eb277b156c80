//! What is told of a cgroup that is more than one: processes, limits as they hold, victims.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use engine::cgroup::{Held, Victim};

use crate::guard;
use crate::text::{borrowed, c_string, number};

/// Ids of processes or threads. Any thread may read it. Free it with `minicontain_pids_free`.
pub struct minicontain_pids {
    pub(crate) pids: Vec<i32>,
}

/// The ids, as many as `count` says (which may be `NULL`). They belong to the list.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_pids_data(
    pids: Option<&minicontain_pids>,
    count: Option<&mut MaybeUninit<usize>>,
) -> *const i32 {
    let listed: &[i32] = guard::infallible(&[], || pids.map_or(&[], |pids| pids.pids.as_slice()));
    if let Some(count) = count {
        count.write(listed.len());
    }
    listed.as_ptr()
}

/// Frees a list of ids. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_pids_free(pids: Option<Box<minicontain_pids>>) {
    guard::infallible((), || drop(pids));
}

/// Limits that were written, and what the kernel made of them: it rounds memory to pages. Any thread may read it. Free
/// it with `minicontain_held_free`.
pub struct minicontain_held {
    all: Vec<HeldTexts>,
}

struct HeldTexts {
    file: CString,
    written: CString,
    held: CString,
}

impl From<Vec<Held>> for minicontain_held {
    fn from(all: Vec<Held>) -> Self {
        let texts = |one: Held| HeldTexts {
            file: c_string(one.file),
            written: c_string(one.written),
            held: c_string(one.held),
        };
        Self { all: all.into_iter().map(texts).collect() }
    }
}

/// How many files were written.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_held_count(held: Option<&minicontain_held>) -> usize {
    number(held, 0, |held| held.all.len())
}

/// Which file, `"memory.max"`; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_held_file(held: Option<&minicontain_held>, index: usize) -> *const c_char {
    borrowed(held, |held| held.all.get(index).map(|one| one.file.as_c_str()))
}

/// What was written to it; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_held_written(held: Option<&minicontain_held>, index: usize) -> *const c_char {
    borrowed(held, |held| held.all.get(index).map(|one| one.written.as_c_str()))
}

/// What it says now; what was written, where it cannot be read. `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_held_now(held: Option<&minicontain_held>, index: usize) -> *const c_char {
    borrowed(held, |held| held.all.get(index).map(|one| one.held.as_c_str()))
}

/// Frees it. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_held_free(held: Option<Box<minicontain_held>>) {
    guard::infallible((), || drop(held));
}

/// Processes that the kernel killed for want of memory, as far as its log may be read and still tells. Any thread may
/// read it. Free it with `minicontain_victims_free`, except that of an outcome, which belongs to the outcome.
pub struct minicontain_victims {
    all: Vec<(i32, CString)>,
}

impl From<Vec<Victim>> for minicontain_victims {
    fn from(all: Vec<Victim>) -> Self {
        Self { all: all.into_iter().map(|victim| (victim.pid, c_string(victim.name))).collect() }
    }
}

/// How many are known. `minicontain_outcome_oom_kills` counts those, too, that are not.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_victims_count(victims: Option<&minicontain_victims>) -> usize {
    number(victims, 0, |victims| victims.all.len())
}

/// Its id, as the host saw it; -1 where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_victims_pid(victims: Option<&minicontain_victims>, index: usize) -> i32 {
    number(victims, -1, |victims| victims.all.get(index).map_or(-1, |(pid, _)| *pid))
}

/// Its program's name, as in `/proc/PID/comm`; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_victims_name(
    victims: Option<&minicontain_victims>,
    index: usize,
) -> *const c_char {
    borrowed(victims, |victims| victims.all.get(index).map(|(_, name)| name.as_c_str()))
}

/// Frees a list of victims. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_victims_free(victims: Option<Box<minicontain_victims>>) {
    guard::infallible((), || drop(victims));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_pids>();
    shared::<minicontain_held>();
    shared::<minicontain_victims>();
};
