//! Init: the small static program that joins namespaces for a start, and that is process 1 of a container.
//!
//! It has no libc and no allocator, and is executed from a sealed file in memory. It maps the block that the start
//! prepared, goes on with the steps there (`sys/walk.rs`, the very code that the caller's child ran before), and
//! makes the process that executes the program. Then it ends, or stays as init (`stay.rs`), and answers the container's
//! questions for names where its network wants that (`resolver.rs`).

#![no_std]
#![no_main]
#![allow(dead_code, reason = "the files of the core that it shares have more than it needs")]

#[path = "../src/sys/abi.rs"]
mod abi;
mod clock;
#[path = "../src/sys/clone.rs"]
mod clone;
#[path = "../src/sys/memory.rs"]
mod memory;
mod names;
#[path = "../src/sys/raw.rs"]
mod raw;
mod resolver;
mod start;
mod stay;
#[path = "../src/sys/step.rs"]
mod step;
#[path = "../src/sys/walk.rs"]
mod walk;

use core::cell::UnsafeCell;
use core::sync::atomic::AtomicU32;

use abi::number;
use memory::{BLOCK_SPACE, Header, Memory, Start};
use raw::syscall;
use step::{Record, Then};

/// The child's stack; it uses it alone, while init sleeps.
#[repr(C, align(16))]
struct Stack(UnsafeCell<[u8; clone::STACK]>);

// SAFETY: init has one thread, and one child that shares its memory.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; clone::STACK]));

/// Where `start.rs` calls, with the stack as the kernel left it: argc, argv, envp, auxv.
unsafe extern "C" fn begin(stack: *const usize) -> ! {
    // SAFETY: the kernel's layout of a new program's stack; the caller of init wrote the two arguments.
    unsafe {
        clock::find(start::auxiliary(stack, start::AT_SYSINFO_EHDR));
        let (Some(file), Some(step)) = (start::argument(stack, 1), start::argument(stack, 2)) else {
            walk::give_up()
        };
        let began = clock::now();
        let header = map(file);
        if header.is_null() {
            walk::give_up();
        }
        let mut memory = prepare(header);
        let memory = &raw mut memory;
        let mapped = record(memory, header, step, began);
        // When the start is stepped: the execveat is done, and the mapping, once that may go on.
        walk::gate_done(memory);
        let go = walk::gate_wait(memory);
        walk::gate_done(memory);
        let walked = if mapped && go { walk::walk_on(memory, step.wrapping_add(1)) } else { None };
        match walked {
            Some(made) if made.then == Then::Stay => stay::stay(header, &made),
            Some(_) => walk::exit(0),
            None => walk::give_up_on(memory),
        }
    }
}

/// Maps the block; NULL if that cannot be.
unsafe fn map(file: usize) -> *mut Header {
    const READ_WRITE: u64 = 1 | 2;
    const SHARED: u64 = 1;
    let args = [0, BLOCK_SPACE as u64, READ_WRITE, SHARED, file as u64, 0];
    // SAFETY: a new mapping, where the kernel likes.
    let place = unsafe { syscall(number::MMAP, &args) };
    if place < 0 { core::ptr::null_mut() } else { place as *mut Header }
}

/// Makes the block's pointers those of this mapping, and finds its parts.
unsafe fn prepare(header: *mut Header) -> Memory {
    // SAFETY: the caller laid the block out as its header says.
    unsafe {
        let block = header.cast::<u8>();
        let data = block.add((*header).data as usize);
        let shift = (data as u64).wrapping_sub((*header).base);
        let pointers = block.add((*header).pointers as usize).cast::<u32>();
        for n in 0..(*header).pointer_count as usize {
            let word = data.cast::<u64>().add(*pointers.add(n) as usize);
            *word = (*word).wrapping_add(shift);
        }
        (*header).base = data as u64;
        clock::set_offset((*header).clock);
        let state: *mut AtomicU32 = &raw mut (*header).state;
        Memory {
            data,
            steps: block.add((*header).steps as usize).cast(),
            first: (*header).first as usize,
            end: (*header).end as usize,
            slots: block.add((*header).slots as usize).cast(),
            records: block.add((*header).records as usize).cast(),
            shared: state,
            state,
            fault: ((*header).fault as usize, (*header).fault_errno),
            gate: if (*header).gated { Some((*header).gate) } else { None },
            stack: STACK.0.get().cast::<u8>().add(clone::STACK),
            start: Start { memory: core::ptr::null_mut(), step: 0 },
        }
    }
}

/// Notes the two steps that are over: the execveat that began this program, and the mapping; whether that may count.
unsafe fn record(memory: *mut Memory, header: *mut Header, step: usize, began: u64) -> bool {
    // SAFETY: both are steps of the plan.
    unsafe {
        let records = (*memory).records;
        let executed = records.add(step.wrapping_sub(1));
        let began = began.wrapping_sub((*header).clock);
        (*executed).ended = began;
        (*executed).result = 0;
        let (faulty, errno) = (*memory).fault;
        let result = if faulty == step { i64::from(errno).wrapping_neg() } else { header as i64 };
        *records.add(step) = Record { begun: began, ended: clock::now(), result };
        result > 0
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    walk::give_up()
}
