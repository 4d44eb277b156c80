//! Init's life: process 1 of a container, or the parent, outside, of a program that joined one. It reaps, forwards
//! signals, and ends with the program, or with the owner. Where its network has a resolver, it is that as well.

use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;

use super::abi::{FUTEX_WAKE, LINUX_CAPABILITY_VERSION_3, SIGCHLD, number};
use super::memory::{Header, KICK, KILL_GROUP, PAUSE, RESUME};
use super::raw::syscall;
use super::resolver::Resolver;
use super::walk::{Made, exit};

const SIGKILL: i32 = 9;
const SIGCONT: i32 = 18;
const SIGSTOP: i32 = 19;
const CLOEXEC_NONBLOCK: u64 = 0o2_004_000;
const CAP_KILL: u32 = 1 << 5;
const WNOHANG_WALL: u64 = 1 | 0x4000_0000;

/// Lives until the program has ended, and ends with its status: whatever is left dies with process 1.
///
/// Every signal is blocked since before init began. They are read from a signalfd(2), so that nothing can interrupt
/// or end init but SIGKILL from outside.
pub(crate) unsafe fn stay(header: *mut Header, made: &Made) -> ! {
    let (program, owner) = (made.pid, made.owner);
    let (socket, hosts) = made.resolver.as_ref().map_or((-1, -1), |given| (given.socket, given.hosts));
    prepare([owner, socket, hosts]);
    let everything = u64::MAX;
    let args = [u64::MAX, &raw const everything as u64, 8, CLOEXEC_NONBLOCK, 0, 0];
    // SAFETY: a set of eight bytes.
    let signals = unsafe { syscall(number::SIGNALFD4, &args) };
    // SAFETY: what was given is in the block, which is mapped for as long as init lives.
    let mut resolver = made.resolver.as_ref().map(|given| unsafe { Resolver::new(given) });
    loop {
        // SAFETY: the header is mapped for as long as init lives.
        unsafe { reap(header, program) };
        let is_over = match &mut resolver {
            None => wait(signals, owner),
            Some(resolver) => resolver.wait(signals, owner),
        };
        if is_over {
            // Nobody is there any more for whom the container was made.
            exit(137);
        }
        // SAFETY: as above.
        unsafe { deliver(header, program, signals) };
    }
}

/// Gives up what the start needed: descriptors but these (-1 for none), and every capability but that to signal other
/// users' processes.
fn prepare(keep: [i64; 3]) {
    let header = [LINUX_CAPABILITY_VERSION_3, 0];
    let sets = [CAP_KILL, CAP_KILL, 0, 0, 0, 0];
    // SAFETY: plain numbers, and the structures of capset(2).
    unsafe {
        // What a terminal sends to the caller's processes is not for the program.
        syscall(number::SETSID, &[0; 6]);
        let mut from = 0i64;
        while let Some(next) = keep.iter().copied().filter(|fd| *fd >= from).min() {
            if next > from {
                syscall(number::CLOSE_RANGE, &[from as u64, next.wrapping_sub(1) as u64, 0, 0, 0, 0]);
            }
            from = next.wrapping_add(1);
        }
        syscall(number::CLOSE_RANGE, &[from as u64, u64::from(u32::MAX), 0, 0, 0, 0]);
        syscall(number::CAPSET, &[header.as_ptr() as u64, sets.as_ptr() as u64, 0, 0, 0, 0]);
    }
}

/// Reaps whatever has ended. When the program is among it, this is the end.
unsafe fn reap(header: *mut Header, program: i64) {
    let mut status = 0i32;
    // struct rusage: two times of two words, then the largest resident set.
    let mut usage = MaybeUninit::<[u64; 18]>::uninit();
    let args = [u64::MAX, &raw mut status as u64, WNOHANG_WALL, usage.as_mut_ptr() as u64, 0, 0];
    loop {
        // SAFETY: places for the answers.
        let pid = unsafe { syscall(number::WAIT4, &args) };
        if pid <= 0 {
            return;
        }
        if pid == program {
            // SAFETY: only init writes here, and only once; the kernel has filled in the usage.
            unsafe {
                (*header).end_of_program.status = status;
                (*header).end_of_program.peak = (*usage.as_ptr())[4];
                (*header).end_of_program.known.store(1, Ordering::Release);
            }
            let signal = status & 0x7f;
            exit(if signal == 0 { status >> 8 & 0xff } else { 128 | signal });
        }
    }
}

/// Sleeps until there are signals (false), or the owner has ended (true): ppoll(2).
fn wait(signals: i64, owner: i64) -> bool {
    const POLLIN: u64 = 1 << 32;
    // struct pollfd: descriptor, events, what happened. A negative descriptor is left out.
    let mut fds = [u64::from(signals as u32) | POLLIN, u64::from(owner as u32) | POLLIN];
    // SAFETY: two structures, no time limit, the signal mask as it is.
    unsafe { syscall(number::PPOLL, &[fds.as_mut_ptr() as u64, 2, 0, 0, 0, 0]) };
    fds[1] >> 48 != 0
}

/// Hands the signals that came to the program.
unsafe fn deliver(header: *mut Header, program: i64, signals: i64) {
    // struct signalfd_siginfo: 128 bytes, the signal's number first.
    let mut info = MaybeUninit::<[u32; 32]>::uninit();
    let args = [signals as u64, info.as_mut_ptr() as u64, 128, 0, 0, 0];
    loop {
        // SAFETY: room for one.
        if unsafe { syscall(number::READ, &args) } != 128 {
            return;
        }
        // SAFETY: the kernel has filled it.
        match unsafe { (*info.as_ptr())[0] } as i32 {
            // What ended is reaped before the next sleep.
            signal if signal as u64 == SIGCHLD => {}
            // SAFETY: the header is mapped for as long as init lives.
            KICK if unsafe { (*header).post.request.load(Ordering::Acquire) } != 0 => unsafe {
                answer(header, program);
            },
            signal => {
                kill(program, signal);
            }
        }
    }
}

/// Does what the caller asks, and says what came of it.
unsafe fn answer(header: *mut Header, program: i64) {
    // SAFETY: the header is mapped for as long as init lives.
    unsafe {
        let result = match (*header).post.request.load(Ordering::Acquire) {
            // Atomic: a process that is being forked either is there already, or its maker stops before.
            PAUSE => {
                (*header).post.paused.store(1, Ordering::Release);
                kill(-1, SIGSTOP)
            }
            RESUME => {
                (*header).post.paused.store(0, Ordering::Release);
                kill(-1, SIGCONT)
            }
            // It may have left its group, or never led one.
            KILL_GROUP => match kill(program.wrapping_neg(), SIGKILL) {
                0 => 0,
                _ => kill(program, SIGKILL),
            },
            signal => kill(program, signal as i32),
        };
        (*header).post.answer.store(result.wrapping_neg() as i32, Ordering::Release);
        (*header).post.request.store(0, Ordering::Release);
        let word = &raw const (*header).post.request as u64;
        syscall(number::FUTEX, &[word, FUTEX_WAKE, u64::from(u32::MAX >> 1), 0, 0, 0]);
    }
}

fn kill(process: i64, signal: i32) -> i64 {
    // SAFETY: plain numbers.
    unsafe { syscall(number::KILL, &[process as u64, signal as u64, 0, 0, 0, 0]) }
}
