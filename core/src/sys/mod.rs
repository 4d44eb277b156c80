//! The raw kernel: system calls that no crate offers, and the code that runs between clone and exec.
//!
//! Everything `unsafe` in the core lives below this module. The idea is small: a plan is lowered to a
//! [`program::Program`], a flat list of system calls whose arguments are plain numbers and pointers into one
//! prepared block of memory. [`walk`] performs such a list. The caller's side and the container's side are
//! walked by the same few lines, so that what the trace says is what the kernel was asked.

pub(crate) mod abi;
pub(crate) mod block;
pub(crate) mod bpf;
pub(crate) mod clock;
pub(crate) mod clone;
pub(crate) mod dumpable;
pub(crate) mod fork;
pub(crate) mod init_file;
pub(crate) mod memory;
pub(crate) mod memory_file;
pub(crate) mod netlink;
pub(crate) mod nsfs;
pub(crate) mod post;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod raw;
pub(crate) mod step;
pub(crate) mod walk;
