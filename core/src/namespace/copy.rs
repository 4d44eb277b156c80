//! A copy of the calling process in new namespaces: what clone(2) gives a function.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};

use super::Kind;
use super::enter::refused;
use crate::error::{Code, Error};
use crate::spec::Fault;
use crate::sys::{fork, process};

/// A process that [`clone`] made.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    pidfd: OwnedFd,
    /// How it ended, once it was reaped.
    status: Mutex<Option<ExitStatus>>,
}

/// Which of the two processes goes on here: see [`fork`].
#[derive(Debug)]
pub enum Forked {
    /// The caller, with the other.
    Parent(Child),
    /// The copy.
    Child,
}

/// Copies the calling process as fork(2) does; the copy begins in new namespaces, as with clone(2). Flags are those of the
/// eight kinds ([`Kind::clone_flag`]).
///
/// A user namespace has no ids mapped at first, and [`map_root`] maps one. Copying costs by the size of the process: a
/// container does not.
///
/// # Safety
/// As for fork(2): in the copy of a process with several threads, what they were doing stays undone, and the locks that
/// they held stay taken.
///
/// # Errors
/// [`Code::PermissionDenied`] without CAP_SYS_ADMIN, unless `CLONE_NEWUSER` is among the flags;
/// [`Code::UserNamespaceForbidden`]; [`Code::OutOfResources`]; [`Code::InvalidSpec`] for other flags.
pub unsafe fn fork(flags: u64) -> Result<Forked, Error> {
    let all = Kind::ALL.iter().fold(0, |all, kind| all | kind.clone_flag());
    if flags & !all != 0 {
        let problem = format!("{:#x} is no flag of a namespace", flags & !all);
        let fix = "use CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_NEWTIME";
        return Err(Error::Spec(vec![Fault::new("flags", problem, fix)]));
    }
    // SAFETY: the caller vouches for it.
    match unsafe { fork::fork_into(flags) }.map_err(|errno| refused("clone3", flags, errno))? {
        0 => Ok(Forked::Child),
        pid => {
            let pidfd = process::pidfd_open(pid)
                .map_err(|errno| Error::call(Code::Ended, "the new process is gone", errno, ""))?;
            Ok(Forked::Parent(Child { pid, pidfd, status: Mutex::new(None) }))
        }
    }
}

/// Calls a function in a copy of the calling process that begins in new namespaces: clone(2). What the function gives is
/// the copy's exit status; 101 where it panics. Buffers of standard output are not flushed, and no destructors run.
///
/// ```no_run
/// use minicontain::namespace::{Kind, clone};
/// // SAFETY: this process has one thread.
/// let child = unsafe { clone(Kind::Pid.clone_flag(), || std::process::id() as i32) }?;
/// assert_eq!(child.wait()?.code(), Some(1));
/// # Ok::<(), minicontain::Error>(())
/// ```
///
/// # Safety
/// As for [`fork`].
///
/// # Errors
/// As for [`fork`].
pub unsafe fn clone(flags: u64, function: impl FnOnce() -> i32) -> Result<Child, Error> {
    // SAFETY: the caller vouches for it.
    match unsafe { fork(flags) }? {
        Forked::Parent(child) => Ok(child),
        Forked::Child => {
            let status = catch_unwind(AssertUnwindSafe(function)).unwrap_or(101);
            // SAFETY: ends the copy.
            unsafe { libc::_exit(status) }
        }
    }
}

/// Maps root of the calling process's new user namespace to a user and a group of the one above: user_namespaces(7). They
/// must be the caller's own, as it had them before, where it has no rights above.
///
/// # Errors
/// [`Code::PermissionDenied`] when the kernel refuses.
pub fn map_root(uid: u32, gid: u32) -> Result<(), Error> {
    for (file, line) in
        [("setgroups", "deny".into()), ("uid_map", format!("0 {uid} 1")), ("gid_map", format!("0 {gid} 1"))]
    {
        let path = format!("/proc/self/{file}");
        fs::write(&path, line).map_err(|error| {
            let hint = "do it once, first thing in a new user namespace";
            let errno = error.raw_os_error().unwrap_or(0);
            Error::call(Code::PermissionDenied, format!("could not write {path}"), errno, hint).about(&path)
        })?;
    }
    Ok(())
}

impl Child {
    /// Its process id, as the caller sees it.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// Waits for its end, and reaps it: waitid(2). It may be asked again, and by several threads.
    ///
    /// # Errors
    /// [`Code::Ended`] when somebody else has reaped it.
    pub fn wait(&self) -> Result<ExitStatus, Error> {
        loop {
            if let Some(status) = self.wait_for(None)? {
                return Ok(status);
            }
        }
    }

    /// The same, but no longer than that: `None` when the time is up, or a signal has come.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<ExitStatus>, Error> {
        self.wait_for(Some(timeout))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub fn try_wait(&self) -> Result<Option<ExitStatus>, Error> {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.is_none() {
            let ended = process::reap(self.pidfd.as_fd(), false)
                .map_err(|errno| Error::call(Code::Ended, "the process was reaped already", errno, ""))?;
            *status = ended.map(|ended| {
                ExitStatus::from_raw(match ended.code {
                    libc::CLD_EXITED => ended.status << 8,
                    libc::CLD_DUMPED => ended.status | 0x80,
                    _ => ended.status,
                })
            });
        }
        Ok(*status)
    }

    fn wait_for(&self, timeout: Option<Duration>) -> Result<Option<ExitStatus>, Error> {
        // What goes wrong here, reaping finds too.
        let _ = poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], process::poll_timeout(timeout));
        self.try_wait()
    }

    /// Sends it a signal: pidfd_send_signal(2).
    ///
    /// # Errors
    /// [`Code::Ended`]; [`Code::Io`] with what the kernel says.
    pub fn send_signal(&self, signal: i32) -> Result<(), Error> {
        process::send_signal(self.pidfd.as_fd(), signal).map_err(|errno| {
            let code = if errno == libc::ESRCH { Code::Ended } else { Code::Io };
            Error::call(code, format!("could not send signal {signal}"), errno, "")
        })
    }
}

impl AsFd for Child {
    /// Its pidfd, which poll(2) finds readable when it has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}
