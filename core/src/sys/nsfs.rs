//! What the kernel tells of a namespace's descriptor, and moving a thread: ioctl_nsfs(2), setns(2), unshare(2).

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::process::checked;
use super::raw::syscall;

const NS_GET_USERNS: u64 = 0xb701;
const NS_GET_PARENT: u64 = 0xb702;
const NS_GET_NSTYPE: u64 = 0xb703;
const NS_GET_OWNER_UID: u64 = 0xb704;

fn ask(fd: BorrowedFd<'_>, request: u64, answer: u64) -> Result<i64, i32> {
    // SAFETY: of these requests, one writes four bytes to `answer`, where its one user has them.
    checked(unsafe { syscall(libc::SYS_ioctl, &[fd.as_raw_fd() as u64, request, answer, 0, 0, 0]) })
}

fn opened(fd: BorrowedFd<'_>, request: u64) -> Result<OwnedFd, i32> {
    let number = ask(fd, request, 0)?;
    // SAFETY: the kernel made it for this call.
    Ok(unsafe { OwnedFd::from_raw_fd(number as i32) })
}

/// Its kind, as a flag of clone(2).
pub(crate) fn kind(fd: BorrowedFd<'_>) -> Result<u64, i32> {
    ask(fd, NS_GET_NSTYPE, 0).map(|flag| flag as u64)
}

/// The user namespace that owns it.
pub(crate) fn owner(fd: BorrowedFd<'_>) -> Result<OwnedFd, i32> {
    opened(fd, NS_GET_USERNS)
}

/// The one above it.
pub(crate) fn parent(fd: BorrowedFd<'_>) -> Result<OwnedFd, i32> {
    opened(fd, NS_GET_PARENT)
}

/// The user who made a user namespace.
pub(crate) fn owner_uid(fd: BorrowedFd<'_>) -> Result<u32, i32> {
    let mut uid = 0u32;
    ask(fd, NS_GET_OWNER_UID, &raw mut uid as u64).map(|_| uid)
}

/// Moves the calling thread: setns(2).
pub(crate) fn setns(fd: BorrowedFd<'_>, flags: u64) -> Result<(), i32> {
    // SAFETY: plain numbers.
    checked(unsafe { syscall(libc::SYS_setns, &[fd.as_raw_fd() as u64, flags, 0, 0, 0, 0]) }).map(drop)
}

/// Moves the calling thread into new namespaces, or stops sharing with other threads: unshare(2).
pub(crate) fn unshare(flags: u64) -> Result<(), i32> {
    // SAFETY: plain numbers.
    checked(unsafe { syscall(libc::SYS_unshare, &[flags, 0, 0, 0, 0, 0]) }).map(drop)
}
