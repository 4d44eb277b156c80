//! System calls as instructions: no libc, no `errno`, no thread-local storage.
//!
//! The child of a `CLONE_VM` clone runs on the calling thread's TLS block, so `libc::syscall`, which writes
//! `errno` there, would race with the caller. These functions return what the kernel returned: a value, or
//! `-errno`.

use core::arch::asm;

/// Performs system call `number` and returns the kernel's answer, `-errno` on failure. See syscall(2).
///
/// # Safety
/// The arguments must be valid for that system call, as the kernel understands them.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) unsafe fn syscall(number: i64, args: &[u64; 6]) -> i64 {
    let result: i64;
    // SAFETY: the x86-64 system call convention; the kernel clobbers only rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Performs system call `number` and returns the kernel's answer, `-errno` on failure. See syscall(2).
///
/// # Safety
/// The arguments must be valid for that system call, as the kernel understands them.
#[cfg(target_arch = "aarch64")]
#[inline]
pub(crate) unsafe fn syscall(number: i64, args: &[u64; 6]) -> i64 {
    let result: i64;
    // SAFETY: the AArch64 system call convention; only x0 changes.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") args[0] => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4], in("x5") args[5],
            options(nostack),
        );
    }
    result
}

/// The function that a new child starts in, on its own stack. It never returns.
pub(crate) type Entry = unsafe extern "C" fn(*mut core::ffi::c_void) -> !;

/// Performs a clone call (`clone3` or `clone`, whose register arguments are `args`); the child, which finds
/// itself on the stack that the arguments name, calls `entry(argument)`. Returns the child's id or `-errno`.
///
/// # Safety
/// The arguments must name a stack that nothing else uses while the child lives on it, and `entry` must keep
/// the rules of a child that shares its creator's memory (no allocation, no locks, no TLS, no unwinding).
#[cfg(target_arch = "x86_64")]
pub(crate) unsafe fn clone(
    number: i64,
    args: &[u64; 5],
    entry: Entry,
    argument: *mut core::ffi::c_void,
) -> i64 {
    let result: i64;
    // SAFETY: the child never leaves the asm block but into `entry`, so no Rust frame is shared with it.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") number => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2], in("r10") args[3], in("r8") args[4],
            in("r12") entry, in("r13") argument,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

/// Performs a clone call (`clone3` or `clone`, whose register arguments are `args`); the child, which finds
/// itself on the stack that the arguments name, calls `entry(argument)`. Returns the child's id or `-errno`.
///
/// # Safety
/// The arguments must name a stack that nothing else uses while the child lives on it, and `entry` must keep
/// the rules of a child that shares its creator's memory (no allocation, no locks, no TLS, no unwinding).
#[cfg(target_arch = "aarch64")]
pub(crate) unsafe fn clone(
    number: i64,
    args: &[u64; 5],
    entry: Entry,
    argument: *mut core::ffi::c_void,
) -> i64 {
    let result: i64;
    // SAFETY: the child never leaves the asm block but into `entry`, so no Rust frame is shared with it.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x10",
            "blr x9",
            "brk 1",
            "2:",
            in("x8") number,
            inlateout("x0") args[0] => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4],
            in("x9") entry, in("x10") argument,
            lateout("x30") _,
        );
    }
    result
}
