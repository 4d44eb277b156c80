//! Containers by their names.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::path::PathBuf;

use engine::{Container, Status};

use crate::container::minicontain_container;
use crate::error::minicontain_error;
use crate::guard;
use crate::outcome::minicontain_outcome;
use crate::spec::create;
use crate::text::{borrowed, c_string, given, number};

/// The containers of this user that have a name, as they were when it was made. Any thread may read it. Free it with
/// `minicontain_list_free`.
pub struct minicontain_list {
    containers: Vec<Listed>,
}

struct Listed {
    name: CString,
    spec: CString,
    log_path: CString,
    outcome: Option<minicontain_outcome>,
    pid: Option<i32>,
    paused: bool,
    created: u64,
}

impl From<Status> for Listed {
    fn from(status: Status) -> Self {
        Self {
            name: c_string(status.name),
            spec: c_string(status.spec.to_json()),
            log_path: path_text(status.log_path),
            outcome: status.outcome.map(minicontain_outcome::from),
            pid: status.pid,
            paused: status.paused,
            created: status.created,
        }
    }
}

/// A path as C wants it; `""` for none.
fn path_text(path: Option<PathBuf>) -> CString {
    c_string(path.map(|path| path.into_os_string().into_encoded_bytes()).unwrap_or_default())
}

/// Finds a container of this user by its name, whoever started it. It goes on when the handle is freed. It has no
/// pipes and no terminal, and its times are not known.
///
/// Errors: `MINICONTAIN_CODE_NO_SUCH_CONTAINER`; `MINICONTAIN_CODE_ENDED` when it has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_attach(
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_container>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        Ok(Container::attach(name)?.into())
    })
}

/// Removes what is kept of a container that has ended: its state and its log.
///
/// Errors: `MINICONTAIN_CODE_NO_SUCH_CONTAINER`; `MINICONTAIN_CODE_STILL_RUNS` while it runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_remove(name: *const c_char) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        Ok(Container::remove(name)?)
    })
}

/// The container's name; `""` where it has none. It belongs to the container.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_name(container: Option<&minicontain_container>) -> *const c_char {
    borrowed(container, |container| {
        Some(container.name.get_or_init(|| c_string(container.read().name().unwrap_or_default())))
    })
}

/// Where a detached container's output goes; `""` where it is not detached. It belongs to the container.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_log_path(container: Option<&minicontain_container>) -> *const c_char {
    borrowed(container, |container| {
        Some(container.log_path.get_or_init(|| path_text(container.read().log_path())))
    })
}

/// Lists the containers of this user that have a name, by name: those that run, and detached ones that have ended.
///
/// Errors: `MINICONTAIN_CODE_IO` when they cannot be listed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_containers(
    out: Option<&mut MaybeUninit<Option<Box<minicontain_list>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        Ok(minicontain_list { containers: engine::containers()?.into_iter().map(Listed::from).collect() })
    })
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_count(list: Option<&minicontain_list>) -> usize {
    number(list, 0, |list| list.containers.len())
}

/// The name of the one at `index`; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_name(list: Option<&minicontain_list>, index: usize) -> *const c_char {
    borrowed(list, |list| list.containers.get(index).map(|listed| listed.name.as_c_str()))
}

/// The id of its first process; -1 where it has ended, or where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_pid(list: Option<&minicontain_list>, index: usize) -> i32 {
    number(list, -1, |list| list.containers.get(index).and_then(|listed| listed.pid).unwrap_or(-1))
}

/// Whether it runs, paused or not; false where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_running(list: Option<&minicontain_list>, index: usize) -> bool {
    number(list, false, |list| list.containers.get(index).is_some_and(|listed| listed.pid.is_some()))
}

/// Whether it was paused, and not resumed; false where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_paused(list: Option<&minicontain_list>, index: usize) -> bool {
    number(list, false, |list| list.containers.get(index).is_some_and(|listed| listed.paused))
}

/// When it was started, in seconds since 1970: time(2). 0 where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_created(list: Option<&minicontain_list>, index: usize) -> u64 {
    number(list, 0, |list| list.containers.get(index).map_or(0, |listed| listed.created))
}

/// How it ended; `NULL` while it runs, or where `index` is too large. Its times are not known. It belongs to the
/// list.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_outcome(
    list: Option<&minicontain_list>,
    index: usize,
) -> Option<&minicontain_outcome> {
    guard::infallible(None, || list.and_then(|list| list.containers.get(index)?.outcome.as_ref()))
}

/// What it was made of, as `minicontain_spec_to_json` writes it; `""` where `index` is too large. It belongs to the
/// list.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_spec(list: Option<&minicontain_list>, index: usize) -> *const c_char {
    borrowed(list, |list| list.containers.get(index).map(|listed| listed.spec.as_c_str()))
}

/// Where its output goes; `""` where it is not detached, or where `index` is too large. It belongs to the list.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_log_path(list: Option<&minicontain_list>, index: usize) -> *const c_char {
    borrowed(list, |list| list.containers.get(index).map(|listed| listed.log_path.as_c_str()))
}

/// Frees a list, with its texts and outcomes. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_list_free(list: Option<Box<minicontain_list>>) {
    guard::infallible((), || drop(list));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_list>();
};
