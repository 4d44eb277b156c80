//! The first instructions, what the kernel left on the stack, and the functions that the compiler takes for granted.

use core::arch::global_asm;

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {begin}",
    "ud2",
    begin = sym crate::begin,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "and x9, x0, #-16",
    "mov sp, x9",
    "bl {begin}",
    "brk 1",
    begin = sym crate::begin,
);

pub(crate) const AT_SYSINFO_EHDR: usize = 33;

/// An argument that is a number.
pub(crate) unsafe fn argument(stack: *const usize, n: usize) -> Option<usize> {
    // SAFETY: the kernel's layout: argc, then the arguments, then NULL.
    unsafe {
        if n >= *stack {
            return None;
        }
        let mut text = *stack.add(n.wrapping_add(1)) as *const u8;
        let mut number = 0usize;
        while *text != 0 {
            number = number.wrapping_mul(10).wrapping_add(usize::from((*text).wrapping_sub(b'0')));
            text = text.add(1);
        }
        Some(number)
    }
}

/// A value of the auxiliary vector, or zero: getauxval(3).
pub(crate) unsafe fn auxiliary(stack: *const usize, key: usize) -> usize {
    // SAFETY: the kernel's layout: argc, arguments, NULL, environment, NULL, pairs up to one with key zero.
    unsafe {
        let mut place = stack.add((*stack).wrapping_add(2));
        while *place != 0 {
            place = place.add(1);
        }
        place = place.add(1);
        while *place != 0 {
            if *place == key {
                return *place.add(1);
            }
            place = place.add(2);
        }
        0
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: as memcpy(3) demands; volatile, so that the loop does not become a call of itself.
    unsafe {
        for n in 0..len {
            to.add(n).write_volatile(*from.add(n));
        }
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    // SAFETY: as memset(3) demands; volatile, so that the loop does not become a call of itself.
    unsafe {
        for n in 0..len {
            to.add(n).write_volatile(byte as u8);
        }
    }
    to
}
