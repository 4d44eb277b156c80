//! Copies of the calling process that begin in new namespaces.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::sync::{Mutex, PoisonError};

use engine::namespace::{Child, clone, map_root};

use crate::container::sleep_until_ended;
use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::spec::create;
use crate::text::{needed, number};

/// A process that `minicontain_clone` made. Any number of threads may use it at once. Free it with
/// `minicontain_child_free`.
pub struct minicontain_child {
    child: Child,
    /// How it ended, once that is known.
    ended: Mutex<Option<c_int>>,
}

impl minicontain_child {
    /// How it ended, if it has: the status of waitpid(2).
    fn look(&self) -> Result<Option<c_int>, Failure> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.is_none() {
            *ended = self.child.try_wait()?.map(ExitStatusExt::into_raw);
        }
        Ok(*ended)
    }

    fn wait(&self) -> Result<c_int, Failure> {
        loop {
            if let Some(status) = self.look()? {
                return Ok(status);
            }
            sleep_until_ended(self.child.as_fd().as_raw_fd(), None);
        }
    }
}

/// Calls a function in a copy of the calling process that begins in new namespaces, clone(2) as fork(2) does it: the copy
/// has memory and descriptors of its own. What the function gives, 0 to 255, is the copy's exit status. `flags` are
/// `CLONE_NEWUSER`, `CLONE_NEWNS`, `CLONE_NEWPID`, `CLONE_NEWNET`, `CLONE_NEWIPC`, `CLONE_NEWUTS`, `CLONE_NEWCGROUP`,
/// `CLONE_NEWTIME` of `<sched.h>`, or 0.
///
///     static int inside(void *name) { return sethostname(name, strlen(name)) != 0; }
///
///     minicontain_child *child = NULL;
///     int status = 0;
///     minicontain_error *error = minicontain_clone(inside, "box", CLONE_NEWUTS, &child);
///     if (!error) error = minicontain_child_wait(child, &status);
///     minicontain_child_free(child);
///
/// The copy ends as by _exit(2): what stdio holds is not written, so flush it before the call and before the end. In the
/// copy of a process with several threads only this one goes on, as after fork(2): locks that the others held stay taken,
/// and the function had better be async-signal-safe. It must not throw or longjmp(3). A user namespace has no ids mapped
/// at first: `minicontain_map_root`. Copying costs by the size of the process; a container does not.
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` without CAP_SYS_ADMIN, unless `CLONE_NEWUSER` is among the flags;
/// `MINICONTAIN_CODE_USER_NAMESPACE_FORBIDDEN`; `MINICONTAIN_CODE_OUT_OF_RESOURCES`; `MINICONTAIN_CODE_INVALID_SPEC` for
/// other flags.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_clone(
    function: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    arg: *mut c_void,
    flags: u64,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_child>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let function = needed(function, "function")?;
        // SAFETY: the caller vouches for what goes on in the copy, and for the function.
        let child = unsafe { clone(flags, || function(arg)) }?;
        Ok(minicontain_child { child, ended: Mutex::new(None) })
    })
}

/// Maps root of the calling process's new user namespace to a user and a group of the one above: the caller's own, as
/// they were before, where it has no rights above. To be done once, first thing in the function of `minicontain_clone`.
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` when the kernel refuses. See user_namespaces(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_map_root(uid: u32, gid: u32) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(map_root(uid, gid)?))
}

/// Its process id, as the caller sees it; -1 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_child_pid(child: Option<&minicontain_child>) -> i32 {
    number(child, -1, |child| child.child.pid())
}

/// A descriptor for poll(2) and friends: readable when it has ended. See pidfd_open(2). It belongs to the handle and must
/// not be closed; -1 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_child_pidfd(child: Option<&minicontain_child>) -> c_int {
    number(child, -1, |child| child.child.as_fd().as_raw_fd())
}

/// Waits for its end, and reaps it. `*status` becomes what waitpid(2) would give, for `WIFEXITED`, `WEXITSTATUS`,
/// `WTERMSIG` of `<sys/wait.h>`, however often it is asked; -1 after an error. A signal does not end the wait.
///
/// Errors: `MINICONTAIN_CODE_ENDED` when somebody else has reaped it.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_child_wait(
    child: Option<&minicontain_child>,
    status: Option<&mut MaybeUninit<c_int>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(status, "status")?.write(-1);
        *place = needed(child, "child")?.wait()?;
        Ok(())
    })
}

/// As `minicontain_child_wait`, without waiting: `*status` becomes -1 while it runs.
///
/// Errors: as `minicontain_child_wait`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_child_try_wait(
    child: Option<&minicontain_child>,
    status: Option<&mut MaybeUninit<c_int>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(status, "status")?.write(-1);
        *place = needed(child, "child")?.look()?.unwrap_or(-1);
        Ok(())
    })
}

/// Sends it a signal, and never another process that has its id now: pidfd_send_signal(2).
///
/// Errors: `MINICONTAIN_CODE_ENDED` when it has ended; `MINICONTAIN_CODE_IO` with what the kernel says (`EINVAL`).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_child_send_signal(
    child: Option<&minicontain_child>,
    signal: c_int,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(child, "child")?.child.send_signal(signal)?))
}

/// Frees the handle, with its descriptor. The process goes on; one that nobody waited for stays a zombie when it ends,
/// until the caller ends or reaps it by waitpid(2). `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_child_free(child: Option<Box<minicontain_child>>) {
    guard::infallible((), || drop(child));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_child>();
};
