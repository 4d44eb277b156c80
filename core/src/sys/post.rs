//! Asking a container's init for something, and learning from it how the program ended.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::block::Block;
use super::memory::KICK;
use super::process::{has_ended, send_signal};
use super::walk::sleep_while;

/// How long init is waited for. It answers in microseconds, unless it was stopped from outside.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether init has ended meanwhile.
const SLICE_NS: u64 = 20_000_000;

/// How the program ended, as wait4(2) told init.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProgramEnd {
    pub status: i32,
    /// The largest resident set of the program or of one of its children, in KiB.
    pub peak: u64,
}

impl Block {
    /// Asks init, and waits for its answer. `ESRCH` says that the container has ended, `ETIMEDOUT` that init does not
    /// answer.
    pub(crate) fn ask(&self, init: BorrowedFd<'_>, request: u32) -> Result<(), i32> {
        let Some(header) = self.header() else { return Err(libc::ESRCH) };
        // SAFETY: the header lives as long as the block; these fields are atomic.
        let post = unsafe { &(*header).post };
        let until = Instant::now() + PATIENCE;
        // Another thread, or another process that found this container by its name, may be asking.
        while post.request.compare_exchange(0, request, Ordering::AcqRel, Ordering::Acquire).is_err() {
            wait(init, &post.request, post.request.load(Ordering::Acquire), until)?;
        }
        let sent = send_signal(init, KICK);
        let answered = sent.and_then(|()| {
            while post.request.load(Ordering::Acquire) == request {
                wait(init, &post.request, request, until)?;
            }
            Ok(())
        });
        if let Err(errno) = answered {
            let _ = post.request.compare_exchange(request, 0, Ordering::AcqRel, Ordering::Acquire);
            return Err(errno);
        }
        match post.answer.load(Ordering::Acquire) {
            0 => Ok(()),
            errno => Err(errno),
        }
    }

    /// Whether the container is paused.
    pub(crate) fn paused(&self) -> bool {
        // SAFETY: the header lives as long as the block; this field is atomic.
        self.header().is_some_and(|header| unsafe { (*header).post.paused.load(Ordering::Acquire) } != 0)
    }

    /// How the program ended, if init saw it.
    pub(crate) fn end_of_program(&self) -> Option<ProgramEnd> {
        let header = self.header()?;
        // SAFETY: the header lives as long as the block; init writes the rest before it says that it is known.
        unsafe {
            let end = &raw const (*header).end_of_program;
            ((*end).known.load(Ordering::Acquire) != 0)
                .then(|| ProgramEnd { status: (*end).status, peak: (*end).peak })
        }
    }
}

/// Sleeps while the word has this value, for a slice.
fn wait(init: BorrowedFd<'_>, word: &AtomicU32, value: u32, until: Instant) -> Result<(), i32> {
    // SAFETY: the word outlives the call.
    let late = unsafe { sleep_while(word.as_ptr().cast(), value, SLICE_NS) };
    if late && has_ended(init) {
        Err(libc::ESRCH)
    } else if late && Instant::now() > until {
        Err(libc::ETIMEDOUT)
    } else {
        Ok(())
    }
}
