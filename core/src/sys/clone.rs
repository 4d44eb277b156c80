//! Making the process: clone3(2) on a stack of its own, or clone(2) where a filter answers `ENOSYS`.

use core::ffi::c_void;

use super::abi::CloneArgs;
use super::program::{Memory, RawClone, Start};
use super::{raw, walk};

/// Bytes of stack for the code between clone and exec: it neither recurses nor calls out.
pub(crate) const STACK: usize = 16 * 1024;

/// Makes the process of step `index`; it goes on with the container's steps after it.
///
/// The exit signal is none: a start that fails is nobody's SIGCHLD. Executing the program sets it to SIGCHLD.
///
/// # Safety
/// `memory` must describe a sealed program that lives until the child no longer shares it.
pub(crate) unsafe fn clone_process(memory: *mut Memory, index: usize, how: &RawClone) -> i64 {
    // SAFETY: each of the two stacks and starts is used by one process only.
    unsafe {
        let nth = usize::from(how.second);
        let start = (&raw mut (*memory).starts).cast::<Start>().add(nth);
        *start = Start { memory, step: index.wrapping_add(1) };
        let top = *(&raw const (*memory).stacks).cast::<*mut u8>().add(nth);
        let word = &raw mut (*memory).shared as u64;
        let pidfd = match how.pidfd {
            Some(slot) => {
                // The kernel writes an int: the rest of the slot must be zero.
                let place = (*memory).slots.add(slot);
                *place = 0;
                place as u64
            }
            None => 0,
        };
        let pid = (*memory).slots.add(how.pid);
        // The second process is known before its maker, which sleeps (vfork) or may be killed, comes back.
        let parent_tid = if how.second {
            *pid = 0;
            pid as u64
        } else {
            0
        };
        let result = if how.clone3 {
            let args = CloneArgs {
                flags: how.flags,
                pidfd,
                child_tid: word,
                parent_tid,
                stack: (top as u64).wrapping_sub(STACK as u64),
                stack_size: STACK as u64,
                ..CloneArgs::default()
            };
            let registers = [&raw const args as u64, size_of::<CloneArgs>() as u64, 0, 0, 0];
            raw::clone(libc::SYS_clone3, &registers, walk::walk_container, start.cast::<c_void>())
        } else {
            let registers = clone_registers(how.flags, top as u64, pidfd | parent_tid, word);
            raw::clone(libc::SYS_clone, &registers, walk::walk_container, start.cast::<c_void>())
        };
        if !how.second {
            *pid = result;
        }
        result
    }
}

/// The argument order of clone(2), which differs between architectures (`CONFIG_CLONE_BACKWARDS`).
fn clone_registers(flags: u64, stack: u64, parent_tid: u64, child_tid: u64) -> [u64; 5] {
    if cfg!(target_arch = "aarch64") {
        [flags, stack, parent_tid, 0, child_tid]
    } else {
        [flags, stack, parent_tid, child_tid, 0]
    }
}
