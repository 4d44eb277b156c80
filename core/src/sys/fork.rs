//! A copy of the calling process that begins in new namespaces.
//!
//! libc's fork takes no flags, and a copy that libc did not make may find its locks taken, by threads that are not in the
//! copy. So libc copies first; the copy, which has one thread, is copied again by clone3(2), as a child of the caller
//! (`CLONE_PARENT`), and ends.

use super::abi::CloneArgs;
use super::process::checked;
use super::raw::syscall;

const CLONE_PARENT: u64 = 0x8000;

/// Zero in the copy, its id in the caller.
///
/// # Safety
/// As for fork(2): in the copy of a process with several threads, what they were doing stays undone.
pub(crate) unsafe fn fork_into(flags: u64) -> Result<i32, i32> {
    let mut pipe = [0i32; 2];
    let cloexec = libc::O_CLOEXEC as u64;
    // SAFETY: the kernel writes two descriptors; copies read and write locals of theirs.
    unsafe {
        checked(syscall(libc::SYS_pipe2, &[pipe.as_mut_ptr() as u64, cloexec, 0, 0, 0, 0]))?;
        let [read, write] = pipe.map(|fd| fd as u64);
        let close = |fd: u64| syscall(libc::SYS_close, &[fd, 0, 0, 0, 0, 0]);
        let first = libc::fork();
        if first == 0 {
            close(read);
            let result = clone_again(flags);
            if result == 0 {
                close(write);
                return Ok(0);
            }
            syscall(libc::SYS_write, &[write, &raw const result as u64, 8, 0, 0, 0]);
            libc::_exit(0);
        }
        close(write);
        let mut result = -i64::from(if first < 0 { libc::EAGAIN } else { libc::ECHILD });
        if first > 0 {
            let args = [read, &raw mut result as u64, 8, 0, 0, 0];
            while syscall(libc::SYS_read, &args) == -i64::from(libc::EINTR) {}
            let reap = [first as u64, 0, libc::__WALL as u64, 0, 0, 0];
            while syscall(libc::SYS_wait4, &reap) == -i64::from(libc::EINTR) {}
        }
        close(read);
        checked(result).map(|pid| pid as i32)
    }
}

/// clone3(2) like fork, as a brother of the calling process.
unsafe fn clone_again(flags: u64) -> i64 {
    // Its exit signal is that of its maker: CLONE_PARENT takes no other.
    let mut args = CloneArgs { flags: flags | CLONE_PARENT, ..CloneArgs::default() };
    // SAFETY: the kernel writes one address, and to that address what libc's own fork lets it write there. Without a stack
    // of its own, the copy goes on here, on a copy of this stack.
    unsafe {
        // Where libc keeps the thread's id. A kernel that does not tell leaves that of the first copy there.
        let mut tid = 0u64;
        let asked = [libc::PR_GET_TID_ADDRESS as u64, &raw mut tid as u64, 0, 0, 0, 0];
        if syscall(libc::SYS_prctl, &asked) == 0 && tid != 0 {
            args.flags |= (libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID) as u64;
            args.child_tid = tid;
        }
        syscall(libc::SYS_clone3, &[&raw const args as u64, size_of::<CloneArgs>() as u64, 0, 0, 0, 0])
    }
}
