//! What a process handle can be asked: pidfd_open(2), pidfd_send_signal(2), waitid(2) with its resources.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use std::time::Duration;

use nix::poll::PollTimeout;

use super::raw::syscall;

/// How a process ended and what it used, as waitid(2) tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// `CLD_EXITED`, `CLD_KILLED` or `CLD_DUMPED`.
    pub code: i32,
    /// The exit status or the signal.
    pub status: i32,
    pub usage: libc::rusage,
}

impl Ended {
    /// An end of which only that it came is known: nobody inside can end an init but SIGKILL from outside.
    pub(crate) fn unknown() -> Self {
        // SAFETY: plain numbers, for which zero is a value.
        let usage = unsafe { core::mem::zeroed() };
        Self { code: libc::CLD_KILLED, status: libc::SIGKILL, usage }
    }
}

/// A time for poll(2), `None` for ever; rounded up, so that it has passed when poll says so.
pub(crate) fn poll_timeout(left: Option<Duration>) -> PollTimeout {
    let millis = left.map(|left| left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32);
    millis.map_or(PollTimeout::NONE, |millis| PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX))
}

/// Turns the kernel's answer into a result.
pub(crate) fn checked(result: i64) -> Result<i64, i32> {
    if result < 0 { Err(-(result as i32)) } else { Ok(result) }
}

/// A descriptor that refers to a process: pidfd_open(2).
pub(crate) fn pidfd_open(pid: i32) -> Result<OwnedFd, i32> {
    // SAFETY: plain numbers; the result is a new descriptor that nobody else owns.
    unsafe {
        let fd = checked(syscall(libc::SYS_pidfd_open, &[pid as u64, 0, 0, 0, 0, 0]))?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Sends a signal to a process by its descriptor: pidfd_send_signal(2). Never meets a reused id.
pub(crate) fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<(), i32> {
    let args = [pidfd.as_raw_fd() as u64, signal as u64, 0, 0, 0, 0];
    // SAFETY: plain numbers.
    checked(unsafe { syscall(libc::SYS_pidfd_send_signal, &args) }).map(drop)
}

/// Whether a process has ended: its descriptor is readable then.
pub(crate) fn has_ended(pidfd: BorrowedFd<'_>) -> bool {
    number_has_ended(pidfd.as_raw_fd())
}

/// The same by the descriptor's number. One that is not open gives no answer: false.
pub(crate) fn number_has_ended(fd: i32) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure; no time limit but zero.
    unsafe {
        let now = [0u64; 2];
        syscall(libc::SYS_ppoll, &[&raw mut poll as u64, 1, now.as_ptr() as u64, 0, 0, 0]);
    }
    poll.revents & libc::POLLIN != 0
}

/// Sets the size of a terminal: TIOCSWINSZ of ioctl_tty(2).
pub(crate) fn resize(terminal: BorrowedFd<'_>, rows: u16, columns: u16) -> Result<(), i32> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let args = [terminal.as_raw_fd() as u64, libc::TIOCSWINSZ, &raw const size as u64, 0, 0, 0];
    // SAFETY: the kernel reads one structure of this kind.
    checked(unsafe { syscall(libc::SYS_ioctl, &args) }).map(drop)
}

/// Looks at something of the program that was started, below /proc/PID, which it takes ptrace(2)'s permission to see.
///
/// A start is seen when execve(2) lets go of the memory that the process had before, which an ordinary user may not look
/// at, its credentials having changed. For an instant more it is that memory that the check goes by: exec_mmap() in the
/// kernel's fs/exec.c. On a busy machine, one start in some hundreds is met in it, and looked at again.
pub(crate) fn started<T>(pidfd: BorrowedFd<'_>, look: impl Fn() -> std::io::Result<T>) -> std::io::Result<T> {
    let refused = |answer: &std::io::Result<T>| {
        answer.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EACCES))
    };
    let mut answer = look();
    for _ in 0..100 {
        if !refused(&answer) || has_ended(pidfd) {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
        answer = look();
    }
    answer
}

/// Reaps a child by its descriptor if it has ended, waiting for it if `block`: waitid(2).
pub(crate) fn reap(pidfd: BorrowedFd<'_>, block: bool) -> Result<Option<Ended>, i32> {
    // SAFETY: both structures are plain data, written by the kernel.
    unsafe {
        let mut info: libc::siginfo_t = core::mem::zeroed();
        let mut usage: libc::rusage = core::mem::zeroed();
        let mut options = libc::WEXITED | libc::__WALL;
        if !block {
            options |= libc::WNOHANG;
        }
        let args = [
            u64::from(libc::P_PIDFD),
            pidfd.as_raw_fd() as u64,
            &raw mut info as u64,
            options as u64,
            &raw mut usage as u64,
            0,
        ];
        loop {
            match checked(syscall(libc::SYS_waitid, &args)) {
                Err(libc::EINTR) => {}
                Err(libc::ECHILD) => return exit_information(pidfd).map(Some),
                Err(errno) => return Err(errno),
                Ok(_) if info.si_pid() == 0 => return Ok(None),
                Ok(_) => return Ok(Some(Ended { code: info.si_code, status: info.si_status(), usage })),
            }
        }
    }
}

/// Whether this kernel (or the filter in front of it) knows clone3(2).
pub(crate) fn has_clone3() -> bool {
    // SAFETY: a NULL structure of size zero is refused with EINVAL where the call exists.
    unsafe { syscall(libc::SYS_clone3, &[0; 6]) != -i64::from(libc::ENOSYS) }
}

/// The effective capabilities of the calling thread, as a bit mask: capget(2).
pub(crate) fn effective_capabilities() -> u64 {
    let header = [super::abi::LINUX_CAPABILITY_VERSION_3, 0];
    let mut data = [0u32; 6];
    // SAFETY: the header and two sets of three words, as version 3 wants them.
    unsafe {
        syscall(libc::SYS_capget, &[header.as_ptr() as u64, data.as_mut_ptr() as u64, 0, 0, 0, 0]);
    }
    u64::from(data[3]) << 32 | u64::from(data[0])
}

/// Blocks every signal for the calling thread, those of libc too; returns what was blocked before.
pub(crate) fn block_signals() -> u64 {
    set_signal_mask(u64::MAX)
}

/// Sets the calling thread's signal mask: rt_sigprocmask(2); returns the one before.
pub(crate) fn set_signal_mask(mask: u64) -> u64 {
    let mut before = 0u64;
    let args = [libc::SIG_SETMASK as u64, &raw const mask as u64, &raw mut before as u64, 8, 0, 0];
    // SAFETY: two sets of eight bytes, as the kernel wants them.
    unsafe { syscall(libc::SYS_rt_sigprocmask, &args) };
    before
}

/// The signals that the calling process ignores or handles, as bit masks (bit 0 is signal 1).
pub(crate) fn signal_dispositions() -> (u64, u64) {
    let (mut ignored, mut handled) = (0, 0);
    for signal in 1..=31u64 {
        // The kernel's own structure: the handler comes first, then flags, restorer and mask.
        let mut action = [0usize; 4];
        // SAFETY: asks only; the answer fits.
        let handler = unsafe {
            syscall(libc::SYS_rt_sigaction, &[signal, 0, action.as_mut_ptr() as u64, 8, 0, 0]);
            action[0]
        };
        match handler {
            libc::SIG_DFL => {}
            libc::SIG_IGN => ignored |= 1 << (signal - 1),
            _ => handled |= 1 << (signal - 1),
        }
    }
    (ignored, handled)
}

/// Whether a descriptor is open.
pub(crate) fn is_open(fd: i32) -> bool {
    // SAFETY: plain numbers.
    unsafe { syscall(libc::SYS_fcntl, &[fd as u64, libc::F_GETFD as u64, 0, 0, 0, 0]) >= 0 }
}

/// The mount and the inode that are the calling thread's root: statx(2). The mount's number is never another's; there is
/// one since Linux 6.8.
pub(crate) fn root_mount() -> Option<(u64, u64)> {
    let wanted = libc::STATX_MNT_ID_UNIQUE | libc::STATX_INO;
    // SAFETY: a C string, and a structure of plain numbers, written by the kernel.
    unsafe {
        let mut root: libc::statx = core::mem::zeroed();
        let (cwd, path) = (libc::AT_FDCWD as u64, c"/".as_ptr() as u64);
        let result = syscall(libc::SYS_statx, &[cwd, path, 0, u64::from(wanted), &raw mut root as u64, 0]);
        (result == 0 && root.stx_mask & wanted == wanted).then_some((root.stx_mnt_id, root.stx_ino))
    }
}

/// `struct pidfd_info` of `linux/pidfd.h`, as of Linux 6.13 (64 bytes).
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// How a process ended that somebody else reaped: PIDFD_GET_INFO of ioctl(2), Linux 6.15. Its resources are lost.
fn exit_information(pidfd: BorrowedFd<'_>) -> Result<Ended, i32> {
    // The kernel lets go of a child that nobody waits for a moment after its descriptor says that it has ended.
    for _ in 0..1000 {
        if let Some((code, status)) = exit_status(pidfd)? {
            return Ok(Ended { code, status, ..Ended::unknown() });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(libc::ECHILD)
}

/// How it ended, once the kernel has let go of it. `ECHILD` where it cannot tell: before 6.15.
fn exit_status(pidfd: BorrowedFd<'_>) -> Result<Option<(i32, i32)>, i32> {
    const PIDFD_INFO_EXIT: u64 = 1 << 3;
    let request = 0xc000_0000 | (size_of::<PidfdInfo>() as u64) << 16 | 0xff << 8 | 0xb;
    let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
    let args = [pidfd.as_raw_fd() as u64, request, &raw mut info as u64, 0, 0, 0];
    // SAFETY: the request carries the structure's size; the kernel writes no more than that.
    checked(unsafe { syscall(libc::SYS_ioctl, &args) }).map_err(|_| libc::ECHILD)?;
    Ok((info.mask & PIDFD_INFO_EXIT != 0).then(|| decode(info.exit_code)))
}

/// A status of wait4(2) as waitid(2) tells it: `CLD_EXITED`, `CLD_KILLED` or `CLD_DUMPED`, and the status or signal.
pub(crate) fn decode(status: i32) -> (i32, i32) {
    match status & 0x7f {
        0 => (libc::CLD_EXITED, status >> 8 & 0xff),
        signal if status & 0x80 != 0 => (libc::CLD_DUMPED, signal),
        signal => (libc::CLD_KILLED, signal),
    }
}

/// Does something as another user where files are concerned: setfsuid(2), which changes the calling thread alone.
pub(crate) fn as_file_user<T>(uid: u32, gid: u32, what: impl FnOnce() -> T) -> T {
    // The change makes the caller undumpable, until this puts it back.
    let _keeper = super::dumpable::Keeper::begin();
    let set = |uid: u32, gid: u32| {
        // SAFETY: plain numbers.
        unsafe {
            let before_gid = syscall(libc::SYS_setfsgid, &[u64::from(gid), 0, 0, 0, 0, 0]);
            let before_uid = syscall(libc::SYS_setfsuid, &[u64::from(uid), 0, 0, 0, 0, 0]);
            (before_uid as u32, before_gid as u32)
        }
    };
    let (own_uid, own_gid) = set(uid, gid);
    let result = what();
    set(own_uid, own_gid);
    result
}

/// Writes to a pipe without a SIGPIPE for the caller where nobody reads: write(2).
pub(crate) fn write_pipe(fd: BorrowedFd<'_>, data: &[u8]) -> Result<usize, i32> {
    let pipe = 1u64 << (libc::SIGPIPE - 1);
    let mut pending = 0u64;
    // SAFETY: eight bytes for a signal set; the data is valid for its length.
    unsafe {
        syscall(libc::SYS_rt_sigpending, &[&raw mut pending as u64, 8, 0, 0, 0, 0]);
        let mut before = 0u64;
        let block = [libc::SIG_BLOCK as u64, &raw const pipe as u64, &raw mut before as u64, 8, 0, 0];
        syscall(libc::SYS_rt_sigprocmask, &block);
        let args = [fd.as_raw_fd() as u64, data.as_ptr() as u64, data.len() as u64, 0, 0, 0];
        let written = checked(syscall(libc::SYS_write, &args));
        if written == Err(libc::EPIPE) && pending & pipe == 0 {
            let now = [0u64; 2];
            syscall(libc::SYS_rt_sigtimedwait, &[&raw const pipe as u64, 0, now.as_ptr() as u64, 8, 0, 0]);
        }
        set_signal_mask(before);
        written.map(|count| count as usize)
    }
}

/// Whether the calling process has supplementary groups: getgroups(2).
pub(crate) fn has_groups() -> bool {
    // SAFETY: a size of zero asks for the count alone.
    unsafe { syscall(libc::SYS_getgroups, &[0; 6]) != 0 }
}
