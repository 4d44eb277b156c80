//! The time, from the vDSO: no system call, as the trace promises. See vdso(7).
//!
//! CLOCK_REALTIME, which a time namespace does not shift, less what the caller's own clocks differ by: init's times
//! are then on the caller's CLOCK_MONOTONIC.

use core::cell::UnsafeCell;

type GetTime = unsafe extern "C" fn(i32, *mut [i64; 2]) -> i32;

const REALTIME: i32 = 0;
#[cfg(target_arch = "x86_64")]
const NAME: &[u8] = b"__vdso_clock_gettime\0";
#[cfg(target_arch = "aarch64")]
const NAME: &[u8] = b"__kernel_clock_gettime\0";

struct Clock {
    get: UnsafeCell<Option<GetTime>>,
    offset: UnsafeCell<u64>,
}

// SAFETY: init has one thread; its child only reads.
unsafe impl Sync for Clock {}

static CLOCK: Clock = Clock { get: UnsafeCell::new(None), offset: UnsafeCell::new(0) };

/// Nanoseconds on the caller's CLOCK_MONOTONIC, once the offset is set.
pub(crate) fn now() -> u64 {
    let mut time = [0i64; 2];
    // SAFETY: written once, before.
    unsafe {
        if let Some(get) = *CLOCK.get.get() {
            get(REALTIME, &raw mut time);
        }
        (time[0] as u64)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(time[1] as u64)
            .wrapping_sub(*CLOCK.offset.get())
    }
}

/// What is taken from CLOCK_REALTIME.
pub(crate) fn set_offset(offset: u64) {
    // SAFETY: there is no other thread yet.
    unsafe { *CLOCK.offset.get() = offset };
}

/// Finds the function in the vDSO, whose ELF header is at `image`: elf(5).
pub(crate) unsafe fn find(image: usize) {
    if image == 0 {
        return;
    }
    // SAFETY: the kernel maps a whole, valid ELF image there.
    unsafe {
        let at = |offset: usize| (image as *const u8).add(offset);
        let headers = at(at(32).cast::<u64>().read() as usize);
        let (size, count) = (at(54).cast::<u16>().read() as usize, at(56).cast::<u16>().read() as usize);
        // The image is linked at its first loaded segment's address, usually 0.
        let (mut dynamic, mut shift) = (core::ptr::null(), image);
        for n in 0..count {
            let header = headers.add(n.wrapping_mul(size));
            let (kind, offset, address) = (
                header.cast::<u32>().read(),
                header.add(8).cast::<u64>().read() as usize,
                header.add(16).cast::<u64>().read() as usize,
            );
            match kind {
                1 if offset == 0 => shift = image.wrapping_sub(address),
                2 => dynamic = at(offset).cast::<[u64; 2]>(),
                _ => {}
            }
        }
        if dynamic.is_null() {
            return;
        }
        let (mut names, mut symbols, mut hash) = (0usize, 0usize, 0usize);
        while (*dynamic)[0] != 0 {
            let value = ((*dynamic)[1] as usize).wrapping_add(shift);
            match (*dynamic)[0] {
                5 => names = value,
                6 => symbols = value,
                0x6fff_fef5 => hash = value,
                _ => {}
            }
            dynamic = dynamic.add(1);
        }
        if names == 0 || symbols == 0 || hash == 0 {
            return;
        }
        for n in 0..symbol_count(hash as *const u32) {
            let symbol = (symbols as *const u8).add(n.wrapping_mul(24));
            let name = (names as *const u8).add(symbol.cast::<u32>().read() as usize);
            if is_name(name) {
                let address = (symbol.add(8).cast::<u64>().read() as usize).wrapping_add(shift);
                *CLOCK.get.get() = Some(core::mem::transmute::<usize, GetTime>(address));
            }
        }
    }
}

/// How many symbols a GNU hash table covers: its last chain ends with the last symbol.
unsafe fn symbol_count(table: *const u32) -> usize {
    // SAFETY: the table of a valid image.
    unsafe {
        let (buckets, first, bloom) = (*table as usize, *table.add(1) as usize, *table.add(2) as usize);
        let bucket = table.add(4).add(bloom.wrapping_mul(2));
        let mut last = 0usize;
        for n in 0..buckets {
            last = last.max(*bucket.add(n) as usize);
        }
        if last < first {
            return first;
        }
        let chain = bucket.add(buckets);
        while *chain.add(last.wrapping_sub(first)) & 1 == 0 {
            last = last.wrapping_add(1);
        }
        last.wrapping_add(1)
    }
}

unsafe fn is_name(text: *const u8) -> bool {
    // SAFETY: a text with a NUL at its end; the comparison stops there.
    NAME.iter().enumerate().all(|(n, byte)| unsafe { *text.add(n) } == *byte)
}
