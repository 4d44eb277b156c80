//! The time of records.

/// Nanoseconds of CLOCK_MONOTONIC.
pub(crate) fn now() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// What CLOCK_REALTIME has more than CLOCK_MONOTONIC, in nanoseconds.
pub(crate) fn realtime_offset() -> u64 {
    read(libc::CLOCK_REALTIME).wrapping_sub(now())
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid clock and a valid place for the answer.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}
