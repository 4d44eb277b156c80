//! Cgroups: what processes use together.

use std::ffi::{CString, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;

use engine::Cgroup;
use engine::cgroup::{Directory, Version};
use engine::spec::Limits;

use crate::cgroup_lists::{minicontain_held, minicontain_pids, minicontain_victims};
use crate::container::minicontain_container;
use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::spec::{create, minicontain_spec};
use crate::stats::minicontain_stats;
use crate::text::{borrowed, c_string, given, needed, number};

/// A cgroup: processes that are limited, measured, frozen and killed together, see cgroups(7). It stays until it is
/// removed, whoever made it; the handle only says which it is. Any number of threads may use it at once. Free it with
/// `minicontain_cgroup_free`, except that of a container, which belongs to the container.
pub struct minicontain_cgroup {
    pub(crate) cgroup: Cgroup,
    directories: Vec<DirectoryTexts>,
}

struct DirectoryTexts {
    path: CString,
    controllers: CString,
    version: c_int,
}

impl From<&Directory> for DirectoryTexts {
    fn from(directory: &Directory) -> Self {
        Self {
            path: c_string(directory.path.as_os_str().as_bytes()),
            controllers: c_string(directory.controllers().join(" ")),
            version: match directory.version {
                Version::V1 => 1,
                Version::V2 => 2,
            },
        }
    }
}

impl From<Cgroup> for minicontain_cgroup {
    fn from(cgroup: Cgroup) -> Self {
        Self { directories: cgroup.directories().iter().map(DirectoryTexts::from).collect(), cgroup }
    }
}

/// The limits that a spec says; none for `NULL`.
fn limits_of(limits: Option<&minicontain_spec>) -> Limits {
    limits.map(|spec| spec.spec.limits.clone()).unwrap_or_default()
}

/// Does something with a cgroup that has no answer.
fn with(
    cgroup: Option<&minicontain_cgroup>,
    act: impl FnOnce(&Cgroup) -> Result<(), Failure>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| act(&needed(cgroup, "cgroup")?.cgroup))
}

/// Makes a cgroup below the caller's own, with every controller that can be had there. `name` is `"demo"`, or
/// `"demo/inner"` where `demo` is there.
///
/// `limits` is a spec of which nothing but the limits is used, `NULL` for none:
///
///     minicontain_spec *limits = NULL;
///     minicontain_cgroup *cgroup = NULL;
///     minicontain_error *error = minicontain_spec_new(NULL, 0, &limits);
///     if (!error) error = minicontain_spec_set_memory(limits, 64 << 20);
///     if (!error) error = minicontain_cgroup_create("demo", limits, &cgroup);
///     if (!error) error = minicontain_cgroup_add(cgroup, getpid());
///
/// Errors: `MINICONTAIN_CODE_NAME_TAKEN` when it is there; `MINICONTAIN_CODE_NOT_ENFORCED` when a limit cannot be
/// held; `MINICONTAIN_CODE_PERMISSION_DENIED` when the caller may have no cgroup; `MINICONTAIN_CODE_INVALID_SPEC` when
/// a value cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cgroup_create(
    name: *const c_char,
    limits: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_cgroup>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        Ok(Cgroup::create(name, &limits_of(limits))?.into())
    })
}

/// Finds a cgroup by the name that it was made with, below the caller's own.
///
/// Errors: `MINICONTAIN_CODE_CGROUP_NOT_FOUND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cgroup_open(
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_cgroup>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        Ok(Cgroup::open(name)?.into())
    })
}

/// The cgroup that a process is in.
///
/// Errors: `MINICONTAIN_CODE_ENDED` when there is no such process.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_of(
    pid: i32,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_cgroup>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(Cgroup::of(pid)?.into()))
}

/// The cgroup of a container, `NULL` where it has none: it has one when something is limited, and after
/// `minicontain_spec_set_cgroup`. It belongs to the container, and is removed when that has ended.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_cgroup(
    container: Option<&minicontain_container>,
) -> Option<&minicontain_cgroup> {
    guard::infallible(None, || {
        let own = |container: &minicontain_container| container.read().cgroup().cloned().map(Into::into);
        container.and_then(|container| container.cgroup.get_or_init(|| own(container)).as_ref())
    })
}

/// Makes a cgroup below another; `limits` as for `minicontain_cgroup_create`. On version 2 of cgroups, one whose
/// children have controllers can have no processes itself.
///
/// Errors: as `minicontain_cgroup_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cgroup_child(
    cgroup: Option<&minicontain_cgroup>,
    name: *const c_char,
    limits: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_cgroup>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let cgroup = needed(cgroup, "cgroup")?;
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        Ok(cgroup.cgroup.child(name, &limits_of(limits))?.into())
    })
}

/// Changes limits; those that the spec does not set stay as they are.
///
/// `*out` becomes what the kernel made of them, to be freed with `minicontain_held_free`; `out` may be `NULL`.
///
/// Errors: `MINICONTAIN_CODE_NOT_ENFORCED` when a limit cannot be held; `MINICONTAIN_CODE_INVALID_SPEC` when a value
/// cannot be; `MINICONTAIN_CODE_IO` with `EBUSY` when more is in use than the new limit allows.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_set(
    cgroup: Option<&minicontain_cgroup>,
    limits: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_held>>>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = out.map(|out| out.write(None));
        let limits = &needed(limits, "limits")?.spec.limits;
        let held = needed(cgroup, "cgroup")?.cgroup.set(limits)?;
        if let Some(place) = place {
            *place = Some(Box::new(held.into()));
        }
        Ok(())
    })
}

/// Moves a process with all its threads into the cgroup; what it starts then is there, too.
///
/// Errors: `MINICONTAIN_CODE_ENDED` when there is no such process; `MINICONTAIN_CODE_PERMISSION_DENIED`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_add(
    cgroup: Option<&minicontain_cgroup>,
    pid: i32,
) -> Option<Box<minicontain_error>> {
    with(cgroup, |cgroup| Ok(cgroup.add(pid)?))
}

/// Lists the processes in it, those of cgroups below it not included. Free `*out` with `minicontain_pids_free`.
///
/// Errors: `MINICONTAIN_CODE_CGROUP_NOT_FOUND` when it was removed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_processes(
    cgroup: Option<&minicontain_cgroup>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_pids>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(minicontain_pids { pids: needed(cgroup, "cgroup")?.cgroup.processes()? }))
}

/// Lists the threads in it, as `minicontain_cgroup_processes`.
///
/// Errors: as `minicontain_cgroup_processes`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_threads(
    cgroup: Option<&minicontain_cgroup>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_pids>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(minicontain_pids { pids: needed(cgroup, "cgroup")?.cgroup.threads()? }))
}

/// What its processes use and have used. Free `*out` with `minicontain_stats_free`.
///
/// Errors: `MINICONTAIN_CODE_CGROUP_NOT_FOUND` when it was removed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_stats(
    cgroup: Option<&minicontain_cgroup>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_stats>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(needed(cgroup, "cgroup")?.cgroup.stats()?.into()))
}

/// Which of its processes, and of those of cgroups below it, the kernel killed for want of memory. Nobody, for
/// `NULL` and where the caller may not read the kernel's log. Free it with `minicontain_victims_free`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_oom_victims(
    cgroup: Option<&minicontain_cgroup>,
) -> Option<Box<minicontain_victims>> {
    guard::infallible(None, || cgroup.map(|cgroup| Box::new(cgroup.cgroup.oom_victims().into())))
}

/// Stops every process in it and below it, and those that come meanwhile, until `minicontain_cgroup_thaw`. Nothing
/// inside can undo that, and nothing there sees a signal. Returns when all are stopped.
///
/// Errors: `MINICONTAIN_CODE_NOT_SUPPORTED` when the host cannot; `MINICONTAIN_CODE_IO` when a process cannot be
/// stopped.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_freeze(
    cgroup: Option<&minicontain_cgroup>,
) -> Option<Box<minicontain_error>> {
    with(cgroup, |cgroup| Ok(cgroup.freeze()?))
}

/// Lets what was frozen go on.
///
/// Errors: as `minicontain_cgroup_freeze`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_thaw(
    cgroup: Option<&minicontain_cgroup>,
) -> Option<Box<minicontain_error>> {
    with(cgroup, |cgroup| Ok(cgroup.thaw()?))
}

/// Whether it is frozen; false, too, where the host cannot.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_frozen(cgroup: Option<&minicontain_cgroup>) -> bool {
    number(cgroup, false, |cgroup| cgroup.cgroup.frozen().unwrap_or(false))
}

/// Whether there is a process in it or below it.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_populated(cgroup: Option<&minicontain_cgroup>) -> bool {
    number(cgroup, false, |cgroup| cgroup.cgroup.events().populated)
}

/// Kills every process in it and below it, frozen ones too, and those that are being made. Returns when there is none
/// left. Nothing should be started in it after that: make another one.
///
/// Errors: `MINICONTAIN_CODE_IO` when a process cannot be killed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_kill(
    cgroup: Option<&minicontain_cgroup>,
) -> Option<Box<minicontain_error>> {
    with(cgroup, |cgroup| Ok(cgroup.kill()?))
}

/// Removes it and the cgroups below it, in which there must be no process: `minicontain_cgroup_kill`. The handle stays
/// to be freed. One that is gone already is no error.
///
/// Errors: `MINICONTAIN_CODE_STILL_RUNS` while there is a process in it.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_remove(
    cgroup: Option<&minicontain_cgroup>,
) -> Option<Box<minicontain_error>> {
    with(cgroup, |cgroup| Ok(cgroup.remove()?))
}

/// Reads any file of it, `"memory.max"` in version 2 of cgroups, `"memory.limit_in_bytes"` in version 1, without the
/// line end. Free `*out` with `minicontain_string_free`.
///
/// Errors: `MINICONTAIN_CODE_CGROUP_NOT_FOUND` when it has no such file, or was removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cgroup_read(
    cgroup: Option<&minicontain_cgroup>,
    file: *const c_char,
    out: Option<&mut MaybeUninit<*mut c_char>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(std::ptr::null_mut());
        let cgroup = needed(cgroup, "cgroup")?;
        // SAFETY: as the caller promises.
        let file = unsafe { given(file, "file") }?;
        *place = c_string(cgroup.cgroup.read(file)?).into_raw();
        Ok(())
    })
}

/// Writes any file of it.
///
/// Errors: as `minicontain_cgroup_read`; `MINICONTAIN_CODE_IO` when the kernel does not take the value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cgroup_write(
    cgroup: Option<&minicontain_cgroup>,
    file: *const c_char,
    value: *const c_char,
) -> Option<Box<minicontain_error>> {
    with(cgroup, |cgroup| {
        // SAFETY: as the caller promises.
        let (file, value) = unsafe { (given(file, "file")?, given(value, "value")?) };
        Ok(cgroup.write(file, value)?)
    })
}

/// In how many directories it is: one in each hierarchy of version 1 of cgroups, one in the tree of version 2.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_directory_count(cgroup: Option<&minicontain_cgroup>) -> usize {
    number(cgroup, 0, |cgroup| cgroup.directories.len())
}

/// The path of a directory; `""` where `index` is too large. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_directory_path(
    cgroup: Option<&minicontain_cgroup>,
    index: usize,
) -> *const c_char {
    borrowed(cgroup, |cgroup| cgroup.directories.get(index).map(|one| one.path.as_c_str()))
}

/// Whose files are in a directory, 1 or 2 for the version of cgroups; 0 where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_directory_version(
    cgroup: Option<&minicontain_cgroup>,
    index: usize,
) -> c_int {
    number(cgroup, 0, |cgroup| cgroup.directories.get(index).map_or(0, |one| one.version))
}

/// The controllers of a directory with spaces between, `"cpu memory pids"`; `""` where there is none, or where
/// `index` is too large. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_directory_controllers(
    cgroup: Option<&minicontain_cgroup>,
    index: usize,
) -> *const c_char {
    borrowed(cgroup, |cgroup| cgroup.directories.get(index).map(|one| one.controllers.as_c_str()))
}

/// Frees the handle. The cgroup stays: `minicontain_cgroup_remove`. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cgroup_free(cgroup: Option<Box<minicontain_cgroup>>) {
    guard::infallible((), || drop(cgroup));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_cgroup>();
};
