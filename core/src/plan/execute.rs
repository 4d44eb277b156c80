//! Executes a plan: the caller's steps here, the container's in the child, and everything undone on failure.

use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use super::arg::{Fd, Slot};
use super::call::Call;
use super::diagnose;
use super::lower::lower;
use super::step::{Plan, Side, Step};
use super::trace::Trace;
use crate::error::Error;
use crate::sys::clone::STACK;
use crate::sys::dumpable::Keeper;
use crate::sys::program::{Memory, Program, Record, SHARED, Start};
use crate::sys::shared::Shared;
use crate::sys::{process, walk};

/// A container that was started.
#[derive(Debug)]
pub(crate) struct Started {
    pub pid: i32,
    pub pidfd: OwnedFd,
    pub pipes: [Option<OwnedFd>; 3],
    pub trace: Trace,
}

/// A plan that failed: why, and how far it came.
#[derive(Debug)]
pub(crate) struct Failed {
    pub error: Error,
    pub trace: Trace,
}

/// A plan being executed.
pub(super) struct Execution {
    pub(super) plan: Plan,
    program: Program,
    pub(super) records: Shared<Record>,
    pub(super) slots: Shared<i64>,
    pub(super) memory: Box<Memory>,
    _stacks: [Vec<u64>; 2],
}

/// The clone that the caller performs: with it there is a child.
pub(super) fn is_first_clone(step: &Step) -> bool {
    step.side == Side::Caller && matches!(step.call, Call::Clone { .. })
}

/// Executes a plan. `fault` fails one step without asking the kernel.
pub(crate) fn execute(plan: Plan, fault: Option<(usize, i32)>) -> Result<Started, Box<Failed>> {
    let mut execution = Execution::new(plan, fault);
    let failed = execution.run();
    execution.conclude(failed)
}

impl Execution {
    pub(super) fn new(plan: Plan, fault: Option<(usize, i32)>) -> Self {
        let mut program = lower(&plan);
        // A second process that does not share memory still writes its results where the caller sees them.
        let copied = plan.steps.iter().any(|step| matches!(step.call, Call::Clone { second: true, .. }));
        let mut records = Shared::new(program.steps.len(), Record::default(), copied);
        let mut slots = Shared::new(program.slots.max(1), -1i64, copied);
        // Not filled: only what is used of them is touched.
        let mut stacks =
            [Vec::with_capacity(STACK / 8), Vec::with_capacity(if copied { STACK / 8 } else { 0 })];
        let tops = stacks.each_mut().map(|stack: &mut Vec<u64>| {
            let size = stack.capacity() * 8;
            stack.as_mut_ptr().cast::<u8>().wrapping_add(size)
        });
        let memory = Box::new(Memory {
            data: program.seal(),
            steps: program.steps.as_ptr(),
            count: program.steps.len(),
            slots: slots.as_mut_ptr(),
            records: records.as_mut_ptr(),
            shared: AtomicU32::new(0),
            fault,
            gate: None,
            // The ABI wants the stack aligned to 16 at a call.
            stacks: tops.map(|top| top.map_addr(|address| address & !15)),
            starts: [Start { memory: std::ptr::null_mut(), step: 0 }; 2],
        });
        Self { plan, program, records, slots, memory, _stacks: stacks }
    }

    /// Executes every step; the index of the caller's step that failed, if one did.
    fn run(&mut self) -> Option<usize> {
        let _keeper = Keeper::begin();
        let count = self.plan.steps.len();
        let clone = self.plan.steps.iter().position(is_first_clone).unwrap_or(count);
        let walked =
            self.walk(0, clone).and_then(|()| self.clone(clone)).and_then(|()| self.walk(clone + 1, count));
        walked.err()
    }

    /// Walks the caller's steps of a range that has no clone in it.
    pub(super) fn walk(&mut self, from: usize, to: usize) -> Result<(), usize> {
        // SAFETY: the program is sealed, and lives until the child is gone or has memory of its own.
        let walked = unsafe { walk::walk_caller(&raw mut *self.memory, from, to) };
        walked.inspect_err(|_| self.stop_child())
    }

    /// Makes the process.
    pub(super) fn clone(&mut self, index: usize) -> Result<(), usize> {
        self.memory.shared.store(SHARED, Ordering::Release);
        // The child begins with every signal blocked, so that no handler of the caller's runs in it.
        let mask = process::block_signals();
        // SAFETY: as in `walk`.
        let made = unsafe { walk::walk_caller(&raw mut *self.memory, index, index + 1) };
        process::set_signal_mask(mask);
        made.inspect_err(|_| self.memory.shared.store(0, Ordering::Release))
    }

    /// Ends the child of a failed start, if there is one, and waits until this memory is the caller's own again.
    pub(super) fn stop_child(&mut self) {
        let pidfd = self.plan.kept.joiner.map(|(_, pidfd)| pidfd).or(self.plan.kept.pidfd);
        if let Some(pidfd) = pidfd.and_then(|slot| self.take(slot)) {
            let _ = process::send_signal(pidfd.as_fd(), libc::SIGKILL);
            let _ = process::reap(pidfd.as_fd(), true);
        }
        self.end_second();
        let memory = &raw mut *self.memory;
        // SAFETY: the memory is alive; the kernel clears the word when the child ends.
        unsafe { walk::await_release(memory) };
    }

    /// Ends the process that a joiner made, if there is one: it may live on when its maker was killed.
    fn end_second(&mut self) {
        let kept = self.plan.kept;
        let pid =
            kept.joiner.and(kept.pid).and_then(|slot| i32::try_from(self.slots[usize::from(slot.0)]).ok());
        // Not reaped yet, so the id cannot be another's.
        let Some(pidfd) = pid.filter(|pid| *pid > 0).and_then(|pid| process::pidfd_open(pid).ok()) else {
            return;
        };
        let _ = process::send_signal(pidfd.as_fd(), libc::SIGKILL);
        let _ = process::reap(pidfd.as_fd(), true);
    }

    /// Takes a descriptor out of its slot.
    fn take(&mut self, slot: Slot) -> Option<OwnedFd> {
        let place = self.slots.get_mut(usize::from(slot.0))?;
        let fd = i32::try_from(std::mem::replace(place, -1)).ok().filter(|fd| *fd >= 0)?;
        // SAFETY: a step of this plan opened it, and nothing else owns it.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Empties the slots of descriptors that the caller's steps closed.
    fn forget_closed(&mut self) {
        for (index, (step, record)) in self.plan.steps.iter().zip(self.records.iter()).enumerate() {
            // A close that fails has closed all the same; one that was only made to fail was not asked of the kernel.
            let asked = self.memory.fault.is_none_or(|(fault, _)| fault != index);
            let performed = asked && record.ended != 0;
            if let (Side::Caller, Call::Close { fd: Fd::Slot(slot) }, true) =
                (step.side, &step.call, performed)
            {
                self.slots[usize::from(slot.0)] = -1;
            }
        }
    }

    /// Sees whether the program was executed, and gathers what is kept or what went wrong.
    pub(super) fn conclude(mut self, failed: Option<usize>) -> Result<Started, Box<Failed>> {
        let kept = self.plan.kept;
        let slots = self.slots.to_vec();
        self.forget_closed();
        let joiner = kept.joiner.and_then(|(_, pidfd)| self.take(pidfd));
        let ended = joiner.and_then(|joiner| process::reap(joiner.as_fd(), true).ok().flatten());
        // A joiner that somebody killed no longer says when the second process left this memory.
        let killed = ended.is_some_and(|ended| ended.code != libc::CLD_EXITED);
        if killed {
            self.end_second();
        }
        let executed = failed.is_none() && !killed && self.mark_executed();
        let pid =
            kept.pid.and_then(|slot| i32::try_from(slots[usize::from(slot.0)]).ok()).filter(|pid| *pid > 0);
        let opened = kept.pidfd.and_then(|slot| self.take(slot));
        let pidfd = opened.or_else(|| process::pidfd_open(pid?).ok());
        let pipes = if executed {
            kept.pipes.map(|slot| slot.and_then(|slot| self.take(slot)))
        } else {
            [None, None, None]
        };
        if !executed {
            self.undo();
        }
        let Self { plan, program, records, .. } = self;
        let trace = Trace { plan, records: records.to_vec(), slots };
        match (executed, pid, pidfd) {
            (true, Some(pid), Some(pidfd)) => Ok(Started { pid, pidfd, pipes, trace }),
            (_, _, pidfd) => {
                let ended = pidfd.and_then(|pidfd| process::reap(pidfd.as_fd(), true).ok().flatten());
                let error = diagnose::failure(&trace, &program, failed, ended);
                Err(Box::new(Failed { error, trace }))
            }
        }
    }

    /// The successful execve has no result of its own: the caller's wait ended, and no later step began.
    fn mark_executed(&mut self) -> bool {
        let mut container =
            self.plan.steps.iter().enumerate().filter(|(_, step)| step.side == Side::Container);
        let last = container.rfind(|(index, _)| self.records[*index].begun != 0);
        let Some((index, step)) = last else { return false };
        if self.records[index].ended != 0 || !matches!(step.call, Call::Execve { .. }) {
            return false;
        }
        let awaited = self.plan.steps.iter().position(|step| step.call == Call::AwaitExec);
        self.records[index].ended =
            awaited.map_or(0, |index| self.records[index].ended).max(self.records[index].begun + 1);
        true
    }

    /// The inverses of what was done, last first.
    fn undo(&mut self) {
        let inverses = self.plan.steps.iter().rev().flat_map(|step| &step.undo);
        let undo: Vec<Slot> = inverses
            .filter_map(|call| if let Call::Close { fd: Fd::Slot(slot) } = call { Some(*slot) } else { None })
            .collect();
        for slot in undo {
            drop(self.take(slot));
        }
    }
}
