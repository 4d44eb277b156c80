//! BPF programs for cgroups: bpf(2).

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::abi::{BPF_CGROUP_DEVICE, BPF_PROG_ATTACH, BPF_PROG_LOAD, BPF_PROG_TYPE_CGROUP_DEVICE};
use super::process::checked;
use super::raw::syscall;

/// Loads a program that decides on devices.
pub(crate) fn load_device_program(instructions: &[u64]) -> Result<OwnedFd, i32> {
    let license = c"";
    let attributes = [
        BPF_PROG_TYPE_CGROUP_DEVICE | (instructions.len() as u64) << 32,
        instructions.as_ptr() as u64,
        license.as_ptr() as u64,
        0,
        0,
        0,
    ];
    let args = [BPF_PROG_LOAD, attributes.as_ptr() as u64, size_of_val(&attributes) as u64, 0, 0, 0];
    // SAFETY: `union bpf_attr` for BPF_PROG_LOAD, with a program and a license that live as long as the call; the result
    // is a new descriptor that nobody else owns.
    unsafe { checked(syscall(libc::SYS_bpf, &args)).map(|fd| OwnedFd::from_raw_fd(fd as i32)) }
}

/// Puts it on a cgroup, with which it stays.
pub(crate) fn attach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<(), i32> {
    let attributes =
        [cgroup.as_raw_fd() as u32, program.as_raw_fd() as u32, BPF_CGROUP_DEVICE as u32, 0, 0, 0];
    let args = [BPF_PROG_ATTACH, attributes.as_ptr() as u64, size_of_val(&attributes) as u64, 0, 0, 0];
    // SAFETY: `union bpf_attr` for BPF_PROG_ATTACH, which holds plain numbers.
    unsafe { checked(syscall(libc::SYS_bpf, &args)).map(|_| ()) }
}
