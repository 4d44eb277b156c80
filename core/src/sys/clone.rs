//! Making the process: clone3(2) on a stack of its own, or clone(2) where a filter answers `ENOSYS`.

use core::ffi::c_void;

use super::abi::{CloneArgs, SIGCHLD, number};
use super::memory::{Memory, Start};
use super::step::{NO_SLOT, RawClone, Then};
use super::{raw, walk};

/// Bytes of stack for the code between clone and exec: it neither recurses nor calls out.
pub(crate) const STACK: usize = 16 * 1024;

/// Makes the process of step `index`; it goes on with the container's steps after it.
///
/// The exit signal is none, but for init: a start that fails is nobody's SIGCHLD. Executing the program sets it.
///
/// # Safety
/// `memory` must describe a sealed program that lives until the child no longer shares it.
pub(crate) unsafe fn clone_process(memory: *mut Memory, index: usize, how: &RawClone) -> i64 {
    // SAFETY: a memory has one child at most, for which are its stack and start.
    unsafe {
        (*memory).start = Start { memory, step: index.wrapping_add(1) };
        let start = (&raw mut (*memory).start).cast::<c_void>();
        let top = (*memory).stack as u64;
        let slots = (*memory).slots;
        let pidfd = if how.pidfd == NO_SLOT {
            0
        } else {
            // The kernel writes an int: the rest of the slot must be zero.
            let place = slots.add(how.pidfd as usize);
            *place = 0;
            place as u64
        };
        let pid = slots.add(how.pid as usize);
        // Without a descriptor, the kernel writes the id before the maker, which sleeps (vfork) or may be killed,
        // comes back.
        let parent_tid = if pidfd == 0 {
            *pid = 0;
            pid as u64
        } else {
            0
        };
        let exit_signal = if how.then == Then::Stay { SIGCHLD } else { 0 };
        let word = (*memory).shared as u64;
        let result = if how.clone3 {
            let args = CloneArgs {
                flags: how.flags,
                pidfd,
                child_tid: word,
                parent_tid,
                exit_signal,
                stack: top.wrapping_sub(STACK as u64),
                stack_size: STACK as u64,
                cgroup: if how.cgroup == NO_SLOT { 0 } else { *slots.add(how.cgroup as usize) as u64 },
                ..CloneArgs::default()
            };
            let registers = [&raw const args as u64, size_of::<CloneArgs>() as u64, 0, 0, 0];
            raw::clone(number::CLONE3, &registers, walk::walk_container, start)
        } else {
            let registers = clone_registers(how.flags | exit_signal, top, pidfd | parent_tid, word);
            raw::clone(number::CLONE, &registers, walk::walk_container, start)
        };
        if pidfd != 0 {
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
