//! Performs prepared steps. In the child this is all that runs between clone and exec: no allocation, no
//! locks, no logging, no panics, no libc but `clock_gettime` (answered by the vDSO, without the kernel).

use core::ffi::c_void;
use core::sync::atomic::Ordering;

use super::clone::clone_process;
use super::program::{Ask, Keep, Memory, Patch, READY, RawArg, RawStep, SHARED, Side, Start};
use super::raw::syscall;

/// Nanoseconds of CLOCK_MONOTONIC.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid clock and a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Performs the caller's steps from `from` up to `to`; the index of the step that failed, if one did.
///
/// # Safety
/// `memory` must describe a sealed program that lives until the child no longer shares it.
pub(crate) unsafe fn walk_caller(memory: *mut Memory, from: usize, to: usize) -> Result<(), usize> {
    let mut time = now();
    for index in from..to {
        // SAFETY: `index` is below `count`; the caller vouches for the memory.
        unsafe {
            let step = &*(*memory).steps.add(index);
            if step.side == Side::Caller && !perform(memory, index, step, &mut time) {
                return Err(index);
            }
        }
    }
    Ok(())
}

/// Where a new process begins: the container's steps from `start.step` on. It executes a program or ends.
///
/// # Safety
/// `start` must be a `*const Start` whose memory keeps the rules of [`walk_caller`].
pub(crate) unsafe extern "C" fn walk_container(start: *mut c_void) -> ! {
    // SAFETY: as the caller of clone promised; all pointers stay inside the prepared memory.
    unsafe {
        let Start { memory, step: mut index } = *start.cast::<Start>();
        gate_enter(memory);
        let mut time = now();
        while index < (*memory).count {
            let step = &*(*memory).steps.add(index);
            if step.side == Side::Container {
                if !gate_wait(memory) {
                    break;
                }
                // A clone on this side (vfork) returns only when the new process needs no gate any more.
                let clone = matches!(step.ask, Ask::Clone(_));
                if clone {
                    gate_done(memory);
                }
                let ok = perform(memory, index, step, &mut time);
                // After a clone the new process goes on; this one has done its part.
                if clone {
                    break;
                }
                gate_done(memory);
                if !ok {
                    break;
                }
            }
            index = index.wrapping_add(1);
        }
        loop {
            syscall(libc::SYS_exit_group, &[127, 0, 0, 0, 0, 0]);
        }
    }
}

/// Performs one step and records it; whether the walk may go on. A step begins when the one before it ended.
unsafe fn perform(memory: *mut Memory, index: usize, step: &RawStep, time: &mut u64) -> bool {
    // SAFETY: pointers into the prepared memory, indices checked when it was prepared.
    unsafe {
        let record = (*memory).records.add(index);
        (*record).begun = *time;
        let mut result = match ((*memory).fault, step.ask) {
            (Some((at, errno)), _) if at == index => i64::from(errno).wrapping_neg(),
            (_, Ask::Call { number, ref args }) => {
                let args = [
                    resolve(memory, args[0]),
                    resolve(memory, args[1]),
                    resolve(memory, args[2]),
                    resolve(memory, args[3]),
                    resolve(memory, args[4]),
                    resolve(memory, args[5]),
                ];
                loop {
                    let result = syscall(number, &args);
                    // An interrupted close has closed.
                    if result != -i64::from(libc::EINTR) || number == libc::SYS_close {
                        break result;
                    }
                }
            }
            (_, Ask::Clone(how)) => clone_process(memory, index, &how),
            (_, Ask::AwaitExec) => await_release(memory),
            (_, Ask::Ready) => {
                let word = &raw const (*memory).shared;
                (*word).store(READY, Ordering::Release);
                syscall(libc::SYS_futex, &[word as u64, libc::FUTEX_WAKE as u64, 1, 0, 0, 0])
            }
            (_, Ask::AwaitReady) => match await_change(memory, SHARED) {
                READY => 0,
                _ => -i64::from(libc::ECHILD),
            },
        };
        if result == 0 && step.nonzero {
            result = -i64::from(libc::EPIPE);
        }
        (*record).result = result;
        *time = now();
        (*record).ended = *time;
        if result < 0 {
            return step.tolerate.allows((result as i32).wrapping_neg());
        }
        match step.keep {
            Keep::Nothing => {}
            Keep::Result(slot) => *(*memory).slots.add(slot) = result,
            Keep::Pair { data, first, second } => {
                let pair = (*memory).data.add(data).cast::<[i32; 2]>().read_unaligned();
                *(*memory).slots.add(first) = i64::from(pair[0]);
                *(*memory).slots.add(second) = i64::from(pair[1]);
            }
        }
        true
    }
}

/// Turns a prepared argument into a register's content.
unsafe fn resolve(memory: *mut Memory, arg: RawArg) -> u64 {
    // SAFETY: offsets and slots were checked when the program was prepared.
    unsafe {
        let data = (*memory).data;
        match arg {
            RawArg::Value(value) => value,
            RawArg::Data(offset) => data.add(offset) as u64,
            RawArg::Slot(slot) => *(*memory).slots.add(slot) as u64,
            RawArg::Patched { data: offset, at, slot, form } => {
                let value = *(*memory).slots.add(slot) as u64;
                match form {
                    Patch::Word => data.add(at).cast::<u64>().write_unaligned(value),
                    Patch::Digits { tail, len } => {
                        let mut place = data.add(at).wrapping_add(digits(value));
                        let mut left = value;
                        let end = place;
                        loop {
                            place = place.wrapping_sub(1);
                            *place = b'0'.wrapping_add((left % 10) as u8);
                            left /= 10;
                            if left == 0 {
                                break;
                            }
                        }
                        core::ptr::copy_nonoverlapping(data.add(tail), end, len);
                    }
                }
                data.add(offset) as u64
            }
        }
    }
}

/// How many decimal digits a number has.
fn digits(mut value: u64) -> usize {
    let mut count = 1;
    while value >= 10 {
        value /= 10;
        count = usize::wrapping_add(count, 1);
    }
    count
}

/// Sleeps until the kernel says that the child no longer shares this memory.
///
/// # Safety
/// As for [`walk_caller`].
pub(crate) unsafe fn await_release(memory: *mut Memory) -> i64 {
    // SAFETY: as the caller vouches.
    unsafe {
        if await_change(memory, SHARED) == READY {
            await_change(memory, READY);
        }
    }
    0
}

/// Sleeps while the word is `state` (futex(2), CLONE_CHILD_CLEARTID); returns what it is then.
unsafe fn await_change(memory: *mut Memory, state: u32) -> u32 {
    // SAFETY: the futex word lives as long as the memory.
    unsafe {
        let word = &raw const (*memory).shared;
        loop {
            let now = (*word).load(Ordering::Acquire);
            if now != state {
                return now;
            }
            syscall(libc::SYS_futex, &[word as u64, libc::FUTEX_WAIT as u64, u64::from(state), 0, 0, 0]);
        }
    }
}

/// When the container's side is stepped: gives up the caller's ends, so that their closing ends this process.
unsafe fn gate_enter(memory: *mut Memory) {
    // SAFETY: plain numbers.
    unsafe {
        if let Some(gate) = (*memory).gate {
            syscall(libc::SYS_close, &[gate.go[1] as u64, 0, 0, 0, 0, 0]);
            syscall(libc::SYS_close, &[gate.done[0] as u64, 0, 0, 0, 0, 0]);
        }
    }
}

/// When the container's side is stepped: sleeps until the next step may go; whether there is still a caller.
unsafe fn gate_wait(memory: *mut Memory) -> bool {
    // SAFETY: reads a byte into a local.
    unsafe {
        let Some(gate) = (*memory).gate else { return true };
        let mut byte = 0u8;
        loop {
            let read = syscall(libc::SYS_read, &[gate.go[0] as u64, &raw mut byte as u64, 1, 0, 0, 0]);
            if read != -i64::from(libc::EINTR) {
                return read == 1;
            }
        }
    }
}

/// When the container's side is stepped: tells the caller that the step is done.
unsafe fn gate_done(memory: *mut Memory) {
    // SAFETY: writes a byte from a local.
    unsafe {
        if let Some(gate) = (*memory).gate {
            let byte = 1u8;
            syscall(libc::SYS_write, &[gate.done[1] as u64, &raw const byte as u64, 1, 0, 0, 0]);
        }
    }
}
