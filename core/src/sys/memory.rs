//! Everything that a walker touches.
//!
//! A start has up to two memories. The caller's own is shared by the child until it executes something. Where init
//! goes on after that, there is also a *block*: a mapping that the caller and init both have, with a header, slots,
//! records, and the steps that init performs.

use core::sync::atomic::{AtomicI32, AtomicU32};

use super::step::{RawStep, Record};

/// A child uses the memory.
pub(crate) const SHARED: u32 = 1;
/// A child uses the memory, and the caller may map its ids.
#[allow(dead_code, reason = "for the core")]
pub(crate) const READY: u32 = 2;
/// The container's process and its namespaces are there, and the caller may link it to networks.
#[allow(dead_code, reason = "for the core")]
pub(crate) const PLACED: u32 = 3;

/// Two pipes: a byte in the first lets one step go, a byte in the second says that it is done.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    pub go: [i32; 2],
    pub done: [i32; 2],
}

/// What a walker uses, as addresses in its own memory.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Memory {
    pub data: *mut u8,
    /// The steps from `first` up to `end`.
    pub steps: *const RawStep,
    pub first: usize,
    pub end: usize,
    pub slots: *mut i64,
    pub records: *mut Record,
    /// [`SHARED`] while a child shares this memory; the kernel clears it (CLONE_CHILD_CLEARTID) and wakes us.
    pub shared: *mut AtomicU32,
    /// The same in the block, for the process that executes the program; [`READY`] once a joiner said so.
    pub state: *mut AtomicU32,
    /// The step to fail without asking the kernel, and its errno (fault sweeps); none is `usize::MAX`.
    pub fault: (usize, i32),
    /// The pipes that let the container's side go step by step, when it is stepped.
    pub gate: Option<Gate>,
    /// Top of the child's stack.
    pub stack: *mut u8,
    /// Where the child goes on.
    pub start: Start,
}

/// What a new process is told.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub memory: *mut Memory,
    pub step: usize,
}

/// The beginning of a block. Offsets are in bytes from here.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Header {
    /// The address for which the pointers inside the data hold.
    pub base: u64,
    /// CLOCK_REALTIME less CLOCK_MONOTONIC, in nanoseconds: init has the first only, since a time namespace shifts
    /// the other.
    pub clock: u64,
    pub slots: u32,
    pub records: u32,
    pub steps: u32,
    pub data: u32,
    /// The words of the data that are pointers into it: their offsets, and how many.
    pub pointers: u32,
    pub pointer_count: u32,
    /// The steps that are here.
    pub first: u32,
    pub end: u32,
    pub fault: u32,
    pub fault_errno: i32,
    pub gated: bool,
    pub gate: Gate,
    /// See [`Memory::state`].
    pub state: AtomicU32,
    pub post: Post,
    pub end_of_program: End,
}

/// How the caller asks something of a container's init: it writes the request, and sends [`KICK`].
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Post {
    /// A signal for the program, [`PAUSE`] or [`RESUME`]; zero when the answer is there.
    pub request: AtomicU32,
    /// Zero, or the errno.
    pub answer: AtomicI32,
    /// Not zero while the container is paused.
    pub paused: AtomicU32,
}

/// Stop every process of the container.
pub(crate) const PAUSE: u32 = 1 << 16;
/// Let them go on.
pub(crate) const RESUME: u32 = 1 << 17;
/// Kill the program's process group.
pub(crate) const KILL_GROUP: u32 = 1 << 18;
/// The signal that makes init look: SIGRTMAX.
pub(crate) const KICK: i32 = 64;

/// How the program ended, written by init before it ends itself.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct End {
    /// Not zero once the rest is there.
    pub known: AtomicU32,
    /// As wait4(2) gives it.
    pub status: i32,
    /// The largest resident set of the program or of one of its children, in KiB.
    pub peak: u64,
}

/// How much of the block's file is mapped: more than any start needs (arguments take 6 MiB at most).
pub(crate) const BLOCK_SPACE: usize = 16 << 20;
