//! Namespaces: what a process sees of the kernel's things.

use std::ffi::{CString, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd};
use std::path::Path;

use engine::namespace::{Kind, Namespace};
use engine::spec::word;
use engine::{Code, Error};

use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::spec::create;
use crate::text::{borrowed, c_string, given, needed, number};

/// A namespace, held by a descriptor: it lives at least as long as the handle, with or without a process in it. See
/// namespaces(7). Any number of threads may use it at once. Free it with `minicontain_namespace_free`, except those of
/// a `minicontain_namespaces`, which belong to it.
///
/// A kind is `"user"`, `"mnt"`, `"pid"`, `"net"`, `"ipc"`, `"uts"`, `"cgroup"` or `"time"`, as everywhere here.
pub struct minicontain_namespace {
    pub(crate) namespace: Namespace,
    kind: CString,
    name: CString,
}

impl From<Namespace> for minicontain_namespace {
    fn from(namespace: Namespace) -> Self {
        Self {
            kind: c_string(namespace.kind().name()),
            name: c_string(namespace.name().unwrap_or_default()),
            namespace,
        }
    }
}

/// Reads the kind that the caller gave, an argument or field of this name.
///
/// # Safety
/// `kind` is as [`given`] wants it.
pub(crate) unsafe fn given_kind(kind: *const c_char, field: &str) -> Result<Kind, Failure> {
    // SAFETY: as this function's.
    let kind = unsafe { given(kind, "kind") }?;
    Ok(word(field, kind)?)
}

/// Borrows a descriptor that the caller gave.
///
/// # Safety
/// It stays open during `'a`, if it is open.
pub(crate) unsafe fn given_fd<'a>(fd: c_int) -> Result<BorrowedFd<'a>, Failure> {
    if fd < 0 {
        let (problem, hint) = (format!("{fd} is no descriptor"), "open the namespace first".into());
        let code = Code::NamespaceNotFound;
        return Err(Error::Call { code, problem, errno: libc::EBADF, hint, path: None }.into());
    }
    // SAFETY: it is not -1, and the caller vouches for the rest.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Writes a namespace to `out`, or `NULL` where there is none.
fn perhaps(
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
    find: impl FnOnce() -> Result<Option<Namespace>, Failure>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(None);
        *place = find()?.map(|found| Box::new(found.into()));
        Ok(())
    })
}

/// The namespace of a kind that a process is in; of the calling thread for a `pid` of 0.
///
///     minicontain_namespace *own = NULL, *first = NULL;
///     minicontain_error *error = minicontain_namespace_of(0, "net", &own);
///     if (!error) error = minicontain_namespace_of(1, "net", &first);
///     if (!error) puts(minicontain_namespace_equal(own, first) ? "as process 1" : "another network");
///
/// Errors: `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND` when there is no such process, or this kernel lacks the kind;
/// `MINICONTAIN_CODE_PERMISSION_DENIED` when the process is another user's; `MINICONTAIN_CODE_INVALID_SPEC` if there is
/// no such kind. See proc_pid_ns(5).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_of(
    pid: i32,
    kind: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let kind = unsafe { given_kind(kind, "kind") }?;
        let found = if pid == 0 { Namespace::current(kind) } else { Namespace::of(pid, kind) };
        Ok(found?.into())
    })
}

/// The namespace that a file stands for: `/proc/PID/ns/net`, `/run/netns/NAME`.
///
/// Errors: `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND` when the file is not there or stands for no namespace;
/// `MINICONTAIN_CODE_PERMISSION_DENIED`. See namespaces(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_open(
    path: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let path = unsafe { given(path, "path") }?;
        Ok(Namespace::open(Path::new(path))?.into())
    })
}

/// The namespace that an open descriptor stands for. The descriptor stays the caller's, who may close it: the handle
/// has a duplicate.
///
/// Errors: `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND` when it stands for none; `MINICONTAIN_CODE_OUT_OF_RESOURCES` without
/// descriptors left. See ioctl_ns(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_from_fd(
    fd: c_int,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let fd = unsafe { given_fd(fd) }?;
        Ok(Namespace::duplicate(fd)?.into())
    })
}

/// Makes a new namespace with no process in it, without moving the calling thread. A user namespace has the caller's
/// user as its root, and nobody else.
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` without CAP_SYS_ADMIN, unless it is a user namespace;
/// `MINICONTAIN_CODE_USER_NAMESPACE_FORBIDDEN`; `MINICONTAIN_CODE_NOT_SUPPORTED` for `"pid"`, which lives with its first
/// process: `minicontain_clone`; `MINICONTAIN_CODE_INVALID_SPEC` if there is no such kind. See unshare(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_create(
    kind: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let kind = unsafe { given_kind(kind, "kind") }?;
        Ok(Namespace::create(kind)?.into())
    })
}

/// Makes a new namespace that a user namespace owns: its root has all rights in it. So an ordinary user has a network:
///
///     minicontain_namespace *user = NULL, *net = NULL;
///     minicontain_error *error = minicontain_namespace_create("user", &user);
///     if (!error) error = minicontain_namespace_create_in("net", user, &net);
///
/// Errors: as `minicontain_namespace_create`; `MINICONTAIN_CODE_INVALID_SPEC` when the owner is no user namespace. See
/// user_namespaces(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_create_in(
    kind: *const c_char,
    owner: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let kind = unsafe { given_kind(kind, "kind") }?;
        Ok(Namespace::create_in(kind, &needed(owner, "owner")?.namespace)?.into())
    })
}

/// Makes a new namespace and keeps it under a name until `minicontain_namespace_remove`, whoever ends before; a network
/// namespace as `ip netns add` does.
///
/// Errors: `MINICONTAIN_CODE_NAME_TAKEN`; `MINICONTAIN_CODE_PERMISSION_DENIED` without CAP_SYS_ADMIN to mount; as
/// `minicontain_namespace_create`; `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be a name. See ip-netns(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_create_named(
    kind: *const c_char,
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let (kind, name) = unsafe { (given_kind(kind, "kind")?, given(name, "name")?) };
        Ok(Namespace::create_named(kind, name)?.into())
    })
}

/// Finds a namespace by its name, whoever made it; a network namespace that `ip netns` made, too.
///
/// Errors: `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND`; `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be a name, or if there
/// is no such kind. See ip-netns(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespace_open_named(
    kind: *const c_char,
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let (kind, name) = unsafe { (given_kind(kind, "kind")?, given(name, "name")?) };
        Ok(Namespace::open_named(kind, name)?.into())
    })
}

/// Its kind, `"net"`. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_kind(ns: Option<&minicontain_namespace>) -> *const c_char {
    borrowed(ns, |ns| Some(&ns.kind))
}

/// Its number, as `/proc/PID/ns` shows it (`net:[4026531840]`); 0 for `NULL`. No two that live have the same.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_id(ns: Option<&minicontain_namespace>) -> u64 {
    number(ns, 0, |ns| ns.namespace.id())
}

/// The name that it was made or opened by; `""` where there was none. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_name(ns: Option<&minicontain_namespace>) -> *const c_char {
    borrowed(ns, |ns| Some(&ns.name))
}

/// Its descriptor, for setns(2), `minicontain_spec_set_namespace_fd` and friends. It belongs to the handle and must not
/// be closed; -1 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_fd(ns: Option<&minicontain_namespace>) -> c_int {
    number(ns, -1, |ns| ns.namespace.as_fd().as_raw_fd())
}

/// Whether two handles stand for the same namespace; false for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_equal(
    ns: Option<&minicontain_namespace>,
    other: Option<&minicontain_namespace>,
) -> bool {
    number(ns, false, |one| other.is_some_and(|other| one.namespace == other.namespace))
}

/// The one above it, of a user or PID namespace. `*out` stays `NULL` where that is not below the caller's own, which is
/// no error.
///
/// Errors: `MINICONTAIN_CODE_NOT_SUPPORTED` of another kind: those have no tree. See NS_GET_PARENT in ioctl_ns(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_parent(
    ns: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    perhaps(out, || Ok(needed(ns, "ns")?.namespace.parent()?))
}

/// The user namespace that owns it, whose capabilities count in it; of a user namespace, the one above. `*out` stays
/// `NULL` where that is not the caller's own or below it, which is no error.
///
/// Errors: `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND` with what the kernel says. See NS_GET_USERNS in ioctl_ns(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_owner(
    ns: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    perhaps(out, || Ok(needed(ns, "ns")?.namespace.owner()?))
}

/// The user who made a user namespace, as the caller sees its ids. `*out` is `UINT32_MAX` after an error.
///
/// Errors: `MINICONTAIN_CODE_NOT_SUPPORTED` of another kind: ask its owner. See NS_GET_OWNER_UID in ioctl_ns(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_owner_uid(
    ns: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<u32>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(u32::MAX);
        *place = needed(ns, "ns")?.namespace.owner_uid()?;
        Ok(())
    })
}

/// Makes a socket inside a network namespace, where it stays, without moving the calling thread; arguments as for
/// socket(2). `*out` becomes its descriptor, the caller's to close, which is closed on execve(2); -1 after an error.
///
///     int listener = -1;
///     minicontain_error *error = minicontain_namespace_socket(net, AF_INET, SOCK_STREAM, 0, &listener);
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` without rights in it; `MINICONTAIN_CODE_INVALID_SPEC` of another kind;
/// what the kernel says (`minicontain_error_errno`).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_socket(
    ns: Option<&minicontain_namespace>,
    family: c_int,
    socket_type: c_int,
    protocol: c_int,
    out: Option<&mut MaybeUninit<c_int>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(-1);
        let socket = needed(ns, "ns")?.namespace.socket(family, socket_type, protocol)?;
        *place = socket.into_raw_fd();
        Ok(())
    })
}

/// Takes its name away: `ip netns delete`. It lives on while processes are in it, or something holds it, as the handle
/// does, which stays to be freed.
///
/// Errors: `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND` when it has no name, or none any more;
/// `MINICONTAIN_CODE_PERMISSION_DENIED`. See umount(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_remove(
    ns: Option<&minicontain_namespace>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(ns, "ns")?.namespace.remove()?))
}

/// Frees the handle, with its descriptor. A namespace goes when nothing holds it: no handle, no name, no process. `NULL`
/// is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespace_free(ns: Option<Box<minicontain_namespace>>) {
    guard::infallible((), || drop(ns));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_namespace>();
};
