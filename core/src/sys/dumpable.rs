//! Keeps the caller dumpable.
//!
//! A child that shares the caller's memory and changes its user id makes the kernel clear the *memory's*
//! dumpable flag (`commit_creds`), and so the caller's: its `/proc/self` would change owner and it could no
//! longer be traced or leave a core. That is right while the child lives on this memory, and is put back as
//! soon as it does not. Starts overlap between threads, so the value to put back is the one seen when the
//! first of them began; a fork in between starts afresh in its child.

use core::sync::atomic::{AtomicU64, Ordering};

/// process id (32 bits) | starts under way (24 bits) | dumpable before them (8 bits)
static STATE: AtomicU64 = AtomicU64::new(0);

/// While one of these lives, the caller's dumpable flag may change; the last one puts it back.
pub(crate) struct Keeper(());

impl Keeper {
    pub(crate) fn begin() -> Self {
        let pid = u64::from(std::process::id()) << 32;
        let _ = STATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
            let (under_way, before) = if state & (0xffff_ffff << 32) == pid && state & 0xffff_ff00 != 0 {
                (state & 0xffff_ff00, state & 0xff)
            } else {
                (0, read())
            };
            Some(pid | (under_way + 0x100) | before)
        });
        Self(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let before = STATE.load(Ordering::Acquire) & 0xff;
        // SAFETY: prctl with plain numbers. 2 (readable by root only) cannot be set, only inherited.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, u64::from(before == 1), 0, 0, 0) };
        STATE.fetch_sub(0x100, Ordering::AcqRel);
    }
}

fn read() -> u64 {
    // SAFETY: prctl with plain numbers.
    let value = unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) };
    u64::from(value.unsigned_abs()) & 0xff
}
