//! How fast and how late a link sends.

use std::time::Duration;

use engine::network::{Delay, RateLimit};

use crate::error::minicontain_error;
use crate::link::{minicontain_link, with};

/// Limits how fast a link sends, in bits a second; a limit or delay that is there is replaced. What it receives is limited
/// at the other end. `burst` is how many bytes it may send at once after a silence, 0 for 32 KiB (or 10 ms of the rate, where
/// that is more); `latency_ns` how many nanoseconds a packet may wait before it is dropped, 0 for 50 ms.
///
///     minicontain_error *error = minicontain_link_limit(veth0, 10 * 1000 * 1000, 0, 0);
///
/// Errors: as for every change of a link; `MINICONTAIN_CODE_NOT_SUPPORTED` when the kernel has no `tbf`;
/// `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be. See tc-tbf(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_limit(
    link: Option<&minicontain_link>,
    rate: u64,
    burst: u32,
    latency_ns: u64,
) -> Option<Box<minicontain_error>> {
    with(link, |link| {
        let mut limit = RateLimit::bits(rate);
        if burst != 0 {
            limit.burst = burst;
        }
        if latency_ns != 0 {
            limit.latency = Duration::from_nanos(latency_ns);
        }
        Ok(link.limit(&limit)?)
    })
}

/// Delays each packet that a link sends, by so many nanoseconds, which may differ by `jitter_ns` from one to the next; a
/// limit or delay that is there is replaced.
///
/// Errors: as for every change of a link; `MINICONTAIN_CODE_NOT_SUPPORTED` when the kernel has no `netem`;
/// `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be. See tc-netem(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_delay(
    link: Option<&minicontain_link>,
    delay_ns: u64,
    jitter_ns: u64,
) -> Option<Box<minicontain_error>> {
    with(link, |link| {
        let (delay, jitter) = (Duration::from_nanos(delay_ns), Duration::from_nanos(jitter_ns));
        Ok(link.delay(&Delay { delay, jitter })?)
    })
}

/// Takes a limit or delay away.
///
/// Errors: as for every change of a link; `MINICONTAIN_CODE_IO` when it has none. See tc(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_unlimit(
    link: Option<&minicontain_link>,
) -> Option<Box<minicontain_error>> {
    with(link, |link| Ok(link.unlimit()?))
}
