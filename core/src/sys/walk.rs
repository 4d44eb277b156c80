//! Performs prepared steps. In the child this is all that runs between clone and exec: no allocation, no
//! locks, no logging, no panics, no libc but the clock (answered by the vDSO, without the kernel). Init is built
//! with this file too: what it does for a start is the same walk.

use core::ffi::c_void;
use core::sync::atomic::{AtomicU32, Ordering};

use super::abi::{
    CLONE_CHILD_CLEARTID, CLONE_VFORK, CLONE_VM, ECHILD, EINTR, EPIPE, ETIMEDOUT, F_SETFD, FUTEX_WAIT,
    FUTEX_WAKE, number,
};
use super::clock::now;
use super::clone::clone_process;
use super::memory::{Memory, SHARED, Start};
use super::raw::syscall;
use super::step::{
    Ask, Expects, Keep, NO_PATCH, NO_RESOLVER, NO_SLOT, Patch, RawArg, RawClone, RawResolver, RawStep, Side,
    Then,
};

/// Performs the caller's steps from `from` up to `to`; the index of the step that failed, if one did.
///
/// # Safety
/// `memory` must describe a sealed program that lives until the child no longer shares it.
pub(crate) unsafe fn walk_caller(memory: *mut Memory, from: usize, to: usize) -> Result<(), usize> {
    let mut time = now();
    for index in from..to {
        // SAFETY: `index` is below `end`; the caller vouches for the memory.
        unsafe {
            let step = step(memory, index);
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
        let Start { memory, step } = *start.cast::<Start>();
        note_made(memory, step.wrapping_sub(1));
        // Init's child has not got the caller's ends.
        if (*memory).first == 0 {
            gate_enter(memory);
        }
        walk_on(memory, step);
        give_up_on(memory)
    }
}

/// Records the step that made this process, where its maker sleeps until the program is executed (vfork): the caller
/// may read the records before the maker runs again.
unsafe fn note_made(memory: *mut Memory, index: usize) {
    // SAFETY: the step is one of the memory's; its maker does not run.
    unsafe {
        let Ask::Clone(how) = step(memory, index).ask else { return };
        if how.flags & CLONE_VFORK != 0 {
            let record = (*memory).records.add(index);
            (*record).result = *(*memory).slots.add(how.pid as usize);
            (*record).ended = now();
        }
    }
}

/// What a process of the container's side is left with once it made another, which goes on in its place.
#[allow(dead_code, reason = "for init")]
pub(crate) struct Made {
    pub then: Then,
    /// The other's id.
    pub pid: i64,
    /// The descriptor of the process at whose end this one shall end; -1 for none.
    pub owner: i64,
    pub resolver: Option<Resolver>,
}

/// What this process answers questions for names with: the descriptors, and what else was given.
#[allow(dead_code, reason = "for init")]
pub(crate) struct Resolver {
    pub socket: i64,
    pub hosts: i64,
    pub given: *const RawResolver,
}

/// Performs the container's steps from `from` on: until one fails, or one makes another process.
///
/// # Safety
/// As for [`walk_caller`].
pub(crate) unsafe fn walk_on(memory: *mut Memory, from: usize) -> Option<Made> {
    // SAFETY: all pointers stay inside the prepared memory.
    unsafe {
        let mut index = from;
        let mut time = now();
        while index < (*memory).end {
            let step = step(memory, index);
            if step.side == Side::Container {
                if !gate_wait(memory) {
                    break;
                }
                // A clone on this side (vfork) returns only when the new process needs no gate any more.
                if let Ask::Clone(how) = step.ask {
                    gate_done(memory);
                    // Read before: once the program is executed, the caller empties the slots of what it closed.
                    let slots = (*memory).slots;
                    let owner = if how.owner == NO_SLOT { -1 } else { *slots.add(how.owner as usize) };
                    let resolver = resolver(memory, &how);
                    if !perform(memory, index, step, &mut time) {
                        break;
                    }
                    if how.flags & (CLONE_VM | CLONE_CHILD_CLEARTID) == CLONE_CHILD_CLEARTID {
                        tell_left(memory);
                    }
                    return Some(Made { then: how.then, pid: *slots.add(how.pid as usize), owner, resolver });
                }
                let ok = perform(memory, index, step, &mut time);
                gate_done(memory);
                if !ok {
                    break;
                }
            }
            index = index.wrapping_add(1);
        }
        None
    }
}

/// What the process that makes another stays with.
unsafe fn resolver(memory: *mut Memory, how: &RawClone) -> Option<Resolver> {
    if how.resolver == NO_RESOLVER {
        return None;
    }
    // SAFETY: it was prepared there.
    unsafe {
        #[allow(clippy::cast_ptr_alignment, reason = "what is prepared begins at a multiple of eight")]
        let given = (*memory).data.add(how.resolver as usize).cast::<RawResolver>();
        let slot = |slot: u16| *(*memory).slots.add(slot as usize);
        Some(Resolver { socket: slot((*given).socket), hosts: slot((*given).hosts), given })
    }
}

/// Ends this process, which could not do its part, and tells the caller that nobody will execute the program.
pub(crate) unsafe fn give_up_on(memory: *mut Memory) -> ! {
    // SAFETY: as the caller of this has it.
    unsafe { tell_left(memory) };
    give_up()
}

/// Tells the caller that the program was executed, or will not be. The kernel does it by itself (CLONE_CHILD_CLEARTID)
/// for a process that shares its maker's memory.
unsafe fn tell_left(memory: *mut Memory) {
    // SAFETY: the state lives as long as the block.
    unsafe {
        let state = (*memory).state;
        if !state.is_null() {
            (*state).store(0, Ordering::Release);
            syscall(number::FUTEX, &[state as u64, FUTEX_WAKE, 1, 0, 0, 0]);
        }
    }
}

/// Ends this process, which could not do its part.
pub(crate) fn give_up() -> ! {
    exit(127)
}

/// Ends this process with a status.
pub(crate) fn exit(status: i32) -> ! {
    loop {
        // SAFETY: plain numbers.
        unsafe { syscall(number::EXIT_GROUP, &[status as u64, 0, 0, 0, 0, 0]) };
    }
}

unsafe fn step<'a>(memory: *mut Memory, index: usize) -> &'a RawStep {
    // SAFETY: the callers pass an index between `first` and `end`.
    unsafe { &*(*memory).steps.add(index.wrapping_sub((*memory).first)) }
}

/// Performs one step and records it; whether the walk may go on. A step begins when the one before it ended.
unsafe fn perform(memory: *mut Memory, index: usize, step: &RawStep, time: &mut u64) -> bool {
    // SAFETY: pointers into the prepared memory, indices checked when it was prepared.
    unsafe {
        let record = (*memory).records.add(index);
        (*record).begun = *time;
        let (faulty, errno) = (*memory).fault;
        let mut result = match step.ask {
            _ if faulty == index => i64::from(errno).wrapping_neg(),
            Ask::Call { number, ref args } => call(memory, number, args),
            Ask::EnterInit { ref args } => {
                gate_keep(memory);
                call(memory, number::EXECVEAT, args)
            }
            Ask::MapBlock => 0,
            Ask::Clone(how) => clone_process(memory, index, &how),
            Ask::AwaitExec => {
                await_release((*memory).shared);
                0
            }
            Ask::AwaitProgram { first, second } => {
                await_program(memory, [first, second]);
                0
            }
            Ask::Ready { state } => {
                let word = (*memory).state;
                (*word).store(state, Ordering::Release);
                syscall(number::FUTEX, &[word as u64, FUTEX_WAKE, 1, 0, 0, 0])
            }
            Ask::AwaitReady { first, state } => {
                if await_ready(memory, first, state) {
                    0
                } else {
                    -ECHILD
                }
            }
        };
        match step.expects {
            Expects::More if result == 0 => result = -EPIPE,
            Expects::Consent if result > 0 => result = consent(memory, step, result),
            _ => {}
        }
        // The process that was made may have recorded it.
        if (*record).ended == 0 {
            (*record).result = result;
            *time = now();
            (*record).ended = *time;
        }
        if result < 0 {
            return step.tolerates((result as i32).wrapping_neg());
        }
        let slots = (*memory).slots;
        match step.keep {
            Keep::Nothing => {}
            Keep::Result(slot) => *slots.add(slot as usize) = result,
            Keep::Pair { data, first, second } => {
                let pair = (*memory).data.add(data as usize).cast::<[i32; 2]>().read_unaligned();
                *slots.add(first as usize) = i64::from(pair[0]);
                *slots.add(second as usize) = i64::from(pair[1]);
            }
            Keep::Written { data, slot } => {
                let fd = (*memory).data.add(data as usize).cast::<i32>().read_unaligned();
                *slots.add(slot as usize) = i64::from(fd);
            }
        }
        true
    }
}

/// The length of an answer of netlink(7), or the errno with which it refuses: `struct nlmsghdr`, then `struct nlmsgerr`.
unsafe fn consent(memory: *mut Memory, step: &RawStep, len: i64) -> i64 {
    const NLMSG_ERROR: u16 = 2;
    const WITH_ERRNO: i64 = 20;
    // SAFETY: the kernel wrote so many bytes there.
    unsafe {
        let Ask::Call { args: [_, RawArg::Data(at), ..], .. } = step.ask else { return len };
        let answer = (*memory).data.add(at as usize);
        if len < WITH_ERRNO || answer.add(4).cast::<u16>().read_unaligned() != NLMSG_ERROR {
            return len;
        }
        match answer.add(16).cast::<i32>().read_unaligned() {
            0 => len,
            refused => i64::from(refused),
        }
    }
}

/// Makes a prepared call, again where a signal interrupted it.
unsafe fn call(memory: *mut Memory, number: i64, args: &[RawArg; 6]) -> i64 {
    // SAFETY: the arguments were prepared for that call.
    unsafe {
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
            if result != -EINTR || number == number::CLOSE {
                break result;
            }
        }
    }
}

/// Turns a prepared argument into a register's content.
unsafe fn resolve(memory: *mut Memory, arg: RawArg) -> u64 {
    // SAFETY: offsets and slots were checked when the program was prepared.
    unsafe {
        let data = (*memory).data;
        match arg {
            RawArg::Value(value) => value,
            RawArg::Data(offset) => data.add(offset as usize) as u64,
            RawArg::Slot(slot) => *(*memory).slots.add(slot as usize) as u64,
            RawArg::Patched(first) => {
                let mut place = first;
                loop {
                    let patch = data.add(place as usize).cast::<Patch>().read_unaligned();
                    let value = *(*memory).slots.add(patch.slot as usize) as u64;
                    let at = data.add(patch.at as usize);
                    match (patch.tail_len, patch.tail) {
                        (0, 4) => at.cast::<u32>().write_unaligned(value as u32),
                        (0, _) => at.cast::<u64>().write_unaligned(value),
                        _ => {
                            let end = write_digits(at, value);
                            let tail = data.add(patch.tail as usize);
                            for n in 0..patch.tail_len as usize {
                                *end.add(n) = *tail.add(n);
                            }
                        }
                    }
                    if patch.next == NO_PATCH {
                        break data.add(patch.data as usize) as u64;
                    }
                    place = patch.next;
                }
            }
        }
    }
}

/// Writes a number in decimal; returns the place after it.
unsafe fn write_digits(at: *mut u8, value: u64) -> *mut u8 {
    let mut count = 1usize;
    let mut rest = value;
    while rest >= 10 {
        rest /= 10;
        count = count.wrapping_add(1);
    }
    // SAFETY: room for as many digits as a descriptor or process id has was prepared.
    unsafe {
        let end = at.add(count);
        let mut place = end;
        let mut left = value;
        loop {
            place = place.sub(1);
            *place = b'0'.wrapping_add((left % 10) as u8);
            left /= 10;
            if left == 0 {
                return end;
            }
        }
    }
}

/// Sleeps until the kernel says that the child no longer shares this memory.
///
/// # Safety
/// The word must outlive the call.
pub(crate) unsafe fn await_release(word: *mut AtomicU32) {
    // SAFETY: as the caller vouches.
    while unsafe { (*word).load(Ordering::Acquire) } != 0 {
        // SAFETY: the word is alive.
        unsafe { sleep_while(word, SHARED, 0) };
    }
}

/// How long a sleep lasts before the processes that could end it are looked at: one that is killed does not say so.
const SLICE_NS: u64 = 5_000_000;

/// Sleeps until the program is executed, or all these processes have ended.
unsafe fn await_program(memory: *mut Memory, slots: [u16; 2]) {
    // SAFETY: the state and the slots live as long as the memory.
    unsafe {
        loop {
            let state = (*(*memory).state).load(Ordering::Acquire);
            if state == 0 {
                return;
            }
            let late = sleep_while((*memory).state, state, SLICE_NS);
            if late && !alive(memory, slots[0]) && !alive(memory, slots[1]) {
                return;
            }
        }
    }
}

/// Sleeps until the container's side is that far; false if the joiner ended before.
unsafe fn await_ready(memory: *mut Memory, first: u16, wanted: u32) -> bool {
    // SAFETY: the state and the slots live as long as the memory.
    unsafe {
        loop {
            match (*(*memory).state).load(Ordering::Acquire) {
                0 => return false,
                state if state >= wanted => return true,
                state => {
                    let late = sleep_while((*memory).state, state, SLICE_NS);
                    if late && !alive(memory, first) {
                        return false;
                    }
                }
            }
        }
    }
}

/// Whether a slot holds the id of a process that has not ended: waitid(2), which leaves it to be reaped; or, where it is
/// nobody's child, its descriptor, which poll(2) finds readable at its end.
unsafe fn alive(memory: *mut Memory, slot: u16) -> bool {
    const P_PID: u64 = 1;
    const WNOHANG_WEXITED_WNOWAIT_WALL: u64 = 1 | 4 | 0x0100_0000 | 0x4000_0000;
    const NOT_A_CHILD: i64 = -ECHILD;
    const POLL_IN: i16 = 1;
    /// `struct pollfd`.
    #[repr(C)]
    struct PollOne {
        fd: i32,
        events: i16,
        found: i16,
    }
    // SAFETY: the slot is one of the plan's; the kernel writes a siginfo_t of 128 bytes.
    unsafe {
        if slot == NO_SLOT {
            return false;
        }
        let pid = *(*memory).slots.add(slot as usize);
        let mut info = [0i32; 32];
        let args = [P_PID, pid as u64, info.as_mut_ptr() as u64, WNOHANG_WEXITED_WNOWAIT_WALL, 0, 0];
        if pid <= 0 {
            return false;
        }
        // Nothing changed: its signal number is still zero.
        match syscall(number::WAITID, &args) {
            0 => info[0] == 0,
            NOT_A_CHILD => {
                let pidfd = syscall(number::PIDFD_OPEN, &[pid as u64, 0, 0, 0, 0, 0]);
                let mut asked = PollOne { fd: pidfd as i32, events: POLL_IN, found: 0 };
                let at_once = [0u64; 2];
                let args = [&raw mut asked as u64, 1, at_once.as_ptr() as u64, 0, 8, 0];
                let alive = pidfd >= 0 && syscall(number::PPOLL, &args) == 0;
                if pidfd >= 0 {
                    syscall(number::CLOSE, &[pidfd as u64, 0, 0, 0, 0, 0]);
                }
                alive
            }
            _ => false,
        }
    }
}

/// Sleeps while the word is `state`, for so many nanoseconds at most (0: for ever): futex(2). True when nobody woke it:
/// the time is over, or a signal came.
///
/// # Safety
/// The word must outlive the call.
pub(crate) unsafe fn sleep_while(word: *mut AtomicU32, state: u32, ns: u64) -> bool {
    let time = [0, ns];
    let limit = if ns == 0 { 0 } else { time.as_ptr() as u64 };
    // SAFETY: the caller vouches for the word; the time is a timespec.
    let result = unsafe { syscall(number::FUTEX, &[word as u64, FUTEX_WAIT, u64::from(state), limit, 0, 0]) };
    result == -ETIMEDOUT || result == -EINTR
}

/// When the container's side is stepped: gives up the caller's ends, so that their closing ends this process.
unsafe fn gate_enter(memory: *mut Memory) {
    // SAFETY: plain numbers.
    unsafe {
        if let Some(gate) = (*memory).gate {
            syscall(number::CLOSE, &[gate.go[1] as u64, 0, 0, 0, 0, 0]);
            syscall(number::CLOSE, &[gate.done[0] as u64, 0, 0, 0, 0, 0]);
        }
    }
}

/// When the container's side is stepped: its ends go with it into init.
unsafe fn gate_keep(memory: *mut Memory) {
    // SAFETY: plain numbers.
    unsafe {
        if let Some(gate) = (*memory).gate {
            syscall(number::FCNTL, &[gate.go[0] as u64, F_SETFD, 0, 0, 0, 0]);
            syscall(number::FCNTL, &[gate.done[1] as u64, F_SETFD, 0, 0, 0, 0]);
        }
    }
}

/// When the container's side is stepped: sleeps until the next step may go; whether there is still a caller.
pub(crate) unsafe fn gate_wait(memory: *mut Memory) -> bool {
    // SAFETY: reads a byte into a local.
    unsafe {
        let Some(gate) = (*memory).gate else { return true };
        let mut byte = 0u8;
        loop {
            let read = syscall(number::READ, &[gate.go[0] as u64, &raw mut byte as u64, 1, 0, 0, 0]);
            if read != -EINTR {
                return read == 1;
            }
        }
    }
}

/// When the container's side is stepped: tells the caller that the step is done.
pub(crate) unsafe fn gate_done(memory: *mut Memory) {
    // SAFETY: writes a byte from a local.
    unsafe {
        if let Some(gate) = (*memory).gate {
            let byte = 1u8;
            syscall(number::WRITE, &[gate.done[1] as u64, &raw const byte as u64, 1, 0, 0, 0]);
        }
    }
}
