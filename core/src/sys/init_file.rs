//! Init as a file that can be executed: sealed, in memory, without a path.
//!
//! It is made once in a process and kept, as one descriptor, for as long as the process lives: containers share its
//! pages. Whoever closes descriptors wholesale may close it, and the number may come to be another's: it is looked at
//! before each use, and made anew then.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use super::memory_file::memory_file;
use super::process::checked;
use super::raw::syscall;

/// The init program: `core/init`, compiled by `core/build.rs`.
const INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/init"));

/// The descriptor's number in the upper half, in the lower the file's inode, which says whether the number is still
/// its own; zero for none yet.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// The number of the descriptor.
pub(crate) fn number() -> Result<i32, i32> {
    let kept = KEPT.load(Ordering::Acquire);
    if kept != 0 && kept_now((kept >> 32) as i32) == Some(kept) {
        return Ok((kept >> 32) as i32);
    }
    let file = make()?;
    let made = kept_now(file.as_raw_fd()).ok_or(libc::EBADF)?;
    match KEPT.compare_exchange(kept, made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(file.into_raw_fd()),
        // Another thread was quicker: its file stays, and this one goes.
        Err(other) => Ok((other >> 32) as i32),
    }
}

/// What is to be kept of a descriptor as it is now.
fn kept_now(fd: i32) -> Option<u64> {
    Some(u64::from(fd as u32) << 32 | inode(fd)? & u64::from(u32::MAX))
}

fn inode(fd: i32) -> Option<u64> {
    // SAFETY: plain data, written by the kernel.
    unsafe {
        let mut stat: libc::stat = core::mem::zeroed();
        (syscall(libc::SYS_fstat, &[fd as u64, &raw mut stat as u64, 0, 0, 0, 0]) == 0).then_some(stat.st_ino)
    }
}

fn make() -> Result<OwnedFd, i32> {
    let file = memory_file(c"minicontain-init", libc::MFD_ALLOW_SEALING)?;
    let fd = file.as_raw_fd() as u64;
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: bytes with their length, plain numbers.
    unsafe {
        checked(syscall(libc::SYS_write, &[fd, INIT.as_ptr() as u64, INIT.len() as u64, 0, 0, 0]))?;
        // Who may execute but not read it is not dumpable from its first instruction, not even for one with
        // CAP_SYS_PTRACE in the container.
        checked(syscall(libc::SYS_fchmod, &[fd, 0o111, 0, 0, 0, 0]))?;
        checked(syscall(libc::SYS_fcntl, &[fd, libc::F_ADD_SEALS as u64, seals as u64, 0, 0, 0]))?;
        Ok(file)
    }
}
