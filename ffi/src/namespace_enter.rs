//! Threads that go into namespaces, and come back.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::thread::{self, ThreadId};

use engine::namespace::{Inside, setns, unshare};

use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::namespace::{given_fd, minicontain_namespace};
use crate::spec::create;
use crate::text::needed;

/// A thread's stay in a namespace, and the way back. It belongs to the thread that entered: only that can leave. Free it
/// with `minicontain_inside_free`.
pub struct minicontain_inside {
    /// Only `thread` touches it, until it is freed.
    inside: Cell<Option<Inside>>,
    thread: ThreadId,
}

impl minicontain_inside {
    fn is_of_this_thread(&self) -> bool {
        self.thread == thread::current().id()
    }
}

/// Takes the calling thread into a namespace, until `minicontain_inside_leave`; other threads stay where they are. Threads
/// and processes that it makes meanwhile begin inside, and stay there; of a PID namespace only the processes, and not
/// the thread. Who enters several leaves them in the opposite order.
///
///     minicontain_inside *inside = NULL;
///     minicontain_error *error = minicontain_namespace_enter(net, &inside);
///     if (!error) listener = socket(AF_INET, SOCK_STREAM, 0);
///     if (!error) error = minicontain_inside_leave(inside);
///     minicontain_inside_free(inside);
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` without CAP_SYS_ADMIN; `MINICONTAIN_CODE_NOT_SUPPORTED` for a user
/// namespace, out of which nobody comes back, and where the kernel forbids it to one thread of several, with the way that
/// works. See setns(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_enter(
    ns: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_inside>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let inside = needed(ns, "ns")?.namespace.enter()?;
        Ok(minicontain_inside { inside: Cell::new(Some(inside)), thread: thread::current().id() })
    })
}

/// Takes the thread back to where it was. One that has left already is no error. The handle stays to be freed.
///
/// Errors: `MINICONTAIN_FACE_CODE_WRONG_THREAD` from another thread than that which entered: nothing has changed, and
/// that one can still leave; what the kernel says, as for `minicontain_setns`: the thread stays inside for good, and had
/// better end.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_inside_leave(
    inside: Option<&minicontain_inside>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let inside = needed(inside, "inside")?;
        if !inside.is_of_this_thread() {
            return Err(Failure::WrongThread("inside"));
        }
        Ok(inside.inside.take().map_or(Ok(()), Inside::leave)?)
    })
}

/// Frees it; a thread that has not left yet is taken back first, without a word where that fails. From another thread it
/// is only freed: the thread that entered stays inside for good. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_inside_free(inside: Option<Box<minicontain_inside>>) {
    guard::infallible((), || {
        if let Some(inside) = inside {
            match inside.inside.take() {
                Some(stay) if !inside.is_of_this_thread() => stay.stay(),
                own => drop(own),
            }
        }
    });
}

/// Calls a function inside, in a thread of its own that ends with it, and waits for that; the calling thread stays where
/// it is. `*result` becomes what the function gave, -1 after an error; `result` may be `NULL`.
///
///     static int count(void *names) { return count_links(names); }
///
///     minicontain_error *error = minicontain_namespace_call(net, count, names, &links);
///
/// The function must return: it does not throw, longjmp(3) or pthread_exit(3). Its stack has 2 MiB.
///
/// Errors: as `minicontain_namespace_enter`, but a mount namespace can be called into from any process;
/// `MINICONTAIN_CODE_OUT_OF_RESOURCES` when there can be no more threads. See setns(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_call(
    ns: Option<&minicontain_namespace>,
    function: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    arg: *mut c_void,
    result: Option<&mut MaybeUninit<c_int>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = result.map(|result| result.write(-1));
        let (ns, function) = (needed(ns, "ns")?, needed(function, "function")?);
        let arg = Argument(arg);
        // SAFETY: the caller vouches for the function and its argument.
        let answer = ns.namespace.call(move || unsafe { function(arg.get()) })?;
        if let Some(place) = place {
            *place = answer;
        }
        Ok(())
    })
}

/// What a function is given by its caller, who waits while another thread has it.
struct Argument(*mut c_void);

// SAFETY: nothing here looks at what it points to.
unsafe impl Send for Argument {}

impl Argument {
    fn get(self) -> *mut c_void {
        self.0
    }
}

/// Moves the calling thread into new namespaces, for good; `flags` as for unshare(2), from `<sched.h>`. A new PID or
/// time namespace is for the children that it makes from then on.
///
///     minicontain_error *error = minicontain_unshare(CLONE_NEWUTS | CLONE_NEWNET);
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` without CAP_SYS_ADMIN; `MINICONTAIN_CODE_USER_NAMESPACE_FORBIDDEN`;
/// `MINICONTAIN_CODE_NOT_SUPPORTED` where the kernel forbids it to one thread of several, with the way that works;
/// `MINICONTAIN_CODE_OUT_OF_RESOURCES`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_unshare(flags: u64) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(unshare(flags)?))
}

/// Moves the calling thread, for good, into the namespace that a descriptor stands for, or into several of the process
/// that a pidfd stands for; `flags` as for setns(2), from `<sched.h>`, and 0 for a namespace of any kind.
///
///     minicontain_error *error = minicontain_setns(minicontain_child_pidfd(child), CLONE_NEWUTS | CLONE_NEWNET);
///
/// Errors: as `minicontain_unshare`; `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND` when it does not stand for one of that kind;
/// `MINICONTAIN_CODE_ENDED` when the process has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_setns(fd: c_int, flags: u64) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        // SAFETY: as the caller promises.
        let fd = unsafe { given_fd(fd) }?;
        Ok(setns(fd, flags)?)
    })
}
