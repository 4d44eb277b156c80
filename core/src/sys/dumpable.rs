//! Keeps the caller dumpable.
//!
//! A child that shares the caller's memory and changes its user id makes the kernel clear the *memory's*
//! dumpable flag (`commit_creds`), and so the caller's: its `/proc/self` would change owner and it could no
//! longer be traced or leave a core. That is right while the child lives on this memory, and is put back as
//! soon as it does not. Starts overlap between threads, so the value to put back is the one seen when the
//! first of them began; a fork in between starts afresh in its child.

use core::sync::atomic::{AtomicU64, Ordering};

/// process id (32 bits) | lock (1 bit) | starts under way (23 bits) | dumpable before them (8 bits)
static STATE: AtomicU64 = AtomicU64::new(0);
const LOCK: u64 = 1 << 31;
const ONE: u64 = 1 << 8;

/// While one of these lives, the caller's dumpable flag may be clear; the last one puts it back.
pub(crate) struct Keeper(());

impl Keeper {
    pub(crate) fn begin() -> Self {
        let (pid, under_way, before) = lock();
        let before = if under_way == 0 { read() } else { before };
        STATE.store(pid | (under_way + ONE) | before, Ordering::Release);
        Self(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let (pid, under_way, before) = lock();
        // Not earlier: another start's child may still use this memory under another user's id.
        if under_way == ONE {
            // SAFETY: prctl with plain numbers. 2 (readable by root only) cannot be set, only inherited.
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, u64::from(before == 1), 0, 0, 0) };
        }
        STATE.store(pid | under_way.saturating_sub(ONE) | before, Ordering::Release);
    }
}

/// Takes the lock, which is held for two system calls at most; a copy that a fork made begins afresh.
fn lock() -> (u64, u64, u64) {
    let pid = u64::from(std::process::id()) << 32;
    loop {
        let state = STATE.load(Ordering::Acquire);
        let ours = state & (u64::MAX << 32) == pid;
        let free = if ours { state } else { pid };
        if free & LOCK == 0
            && STATE.compare_exchange(state, free | LOCK, Ordering::AcqRel, Ordering::Acquire).is_ok()
        {
            return (pid, free & (LOCK - ONE), free & (ONE - 1));
        }
        std::thread::yield_now();
    }
}

fn read() -> u64 {
    // SAFETY: prctl with plain numbers.
    let value = unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) };
    u64::from(value.unsigned_abs()) & 0xff
}
