//! Executes a plan: the caller's steps here, the container's in the child, and everything undone on failure.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::arg::{Fd, Slot};
use super::call::Call;
use super::diagnose;
use super::lower::{Lowered, lower};
use super::step::{Plan, Side, Stays, Step};
use super::trace::Trace;
use crate::cgroup::{Cgroup, sweep};
use crate::container::registry::Entry;
use crate::error::{Code, Error};
use crate::host::next_number;
use crate::network::cni::{self, Plugged};
use crate::network::lan::{Member, Place};
use crate::sys::block::{Block, Walk};
use crate::sys::clone::STACK;
use crate::sys::dumpable::Keeper;
use crate::sys::memory::{Gate, Memory, SHARED, Start};
use crate::sys::memory_file::memory_file;
use crate::sys::step::Record;
use crate::sys::{clock, init_file, process, walk};

/// A container that was started.
#[derive(Debug)]
pub(crate) struct Started {
    /// The container's first process.
    pub pid: i32,
    /// What the caller waits for: that process, or the init outside.
    pub pidfd: OwnedFd,
    pub pipes: [Option<OwnedFd>; 3],
    pub terminal: Option<OwnedFd>,
    pub trace: Trace,
    /// Init, where it stays.
    pub init: Option<Init>,
    /// The name that was taken.
    pub entry: Option<Entry>,
    /// The cgroup that was made.
    pub cgroup: Option<Cgroup>,
    /// Its membership of networks.
    pub members: Vec<Member>,
    /// The same of networks of CNI plugins.
    pub plugged: Option<cni::Member>,
}

/// An init that stays, and what it shares with the caller.
#[derive(Debug)]
pub(crate) struct Init {
    pub stays: Stays,
    pub block: Block,
}

/// A plan that failed: why, and how far it came.
#[derive(Debug)]
pub(crate) struct Failed {
    pub error: Error,
    pub trace: Trace,
}

/// A plan being executed.
pub(super) struct Execution {
    pub(super) plan: Arc<Plan>,
    /// The name that was taken.
    entry: Option<Entry>,
    /// The cgroup that is made.
    cgroup: Option<Cgroup>,
    members: Vec<Member>,
    plugged: Option<cni::Member>,
    lowered: Lowered,
    pub(super) block: Block,
    pub(super) memory: Box<Memory>,
    /// See [`Memory::shared`].
    shared: Box<AtomicU32>,
    _stack: Vec<u64>,
}

/// The clone that the caller performs: with it there is a child.
pub(super) fn is_first_clone(step: &Step) -> bool {
    step.side == Side::Caller && matches!(step.call, Call::Clone { .. })
}

/// Executes a plan. `fault` fails one step without asking the kernel.
pub(crate) fn execute(plan: Arc<Plan>, fault: Option<(usize, i32)>) -> Result<Started, Box<Failed>> {
    let mut execution = Execution::new(plan, fault, None)?;
    let failed = execution.run();
    execution.conclude(failed)
}

/// Executes a plan whose process ends by itself when its steps are done: what it opened, in order.
pub(super) fn visit(plan: Plan) -> Result<Vec<OwnedFd>, Box<Failed>> {
    let mut execution = Execution::new(Arc::new(plan), None, None)?;
    // Until the visitor is gone, and not only about to go.
    let keeper = Keeper::begin();
    let failed = execution.run();
    let pidfd = execution.plan.kept.pidfd.and_then(|slot| execution.take(slot));
    let ended = pidfd.and_then(|pidfd| process::reap(pidfd.as_fd(), true).ok().flatten());
    drop(keeper);
    let opened = execution.take_opened();
    if execution.block.records().iter().all(|record| record.ended != 0 && record.result >= 0) {
        return Ok(opened);
    }
    let trace = execution.trace_so_far();
    let error = diagnose::failure(&trace, &execution.lowered, &execution.block, failed, ended);
    Err(Box::new(Failed { error, trace }))
}

/// What was read back of the settings that were written, by step.
fn answers(plan: &Plan, lowered: &Lowered, block: &Block) -> BTreeMap<usize, String> {
    let reads = plan.steps.iter().enumerate().filter(|(_, step)| matches!(step.call, Call::ReadBack { .. }));
    reads
        .filter_map(|(index, _)| {
            let len = usize::try_from(block.records()[index].result).ok().filter(|len| *len > 0)?;
            Some((index, String::from_utf8_lossy(&lowered.read(block, index, len)).into_owned()))
        })
        .collect()
}

/// Kills a process, and reaps it if it is a child.
fn end(pidfd: &OwnedFd) {
    let _ = process::send_signal(pidfd.as_fd(), libc::SIGKILL);
    let _ = process::reap(pidfd.as_fd(), true);
}

impl Execution {
    pub(super) fn new(
        plan: Arc<Plan>,
        fault: Option<(usize, i32)>,
        gate: Option<Gate>,
    ) -> Result<Self, Box<Failed>> {
        let nothing = |plan, error| Box::new(Failed { error, trace: Trace::empty(plan) });
        let entry = match plan.spec.name.as_deref().map(Entry::reserve).transpose() {
            Ok(entry) => entry,
            Err(error) => return Err(nothing(plan, error)),
        };
        if plan.own.as_ref().is_some_and(|own| own.maker != std::process::id()) {
            let hint = "plan again in this process";
            return Err(nothing(
                plan,
                Error::call(
                    Code::NotSupported,
                    "another process made this plan, and its cgroup would be that one's",
                    0,
                    hint,
                ),
            ));
        }
        let members = match plan.places.iter().map(Place::enter).collect() {
            Ok(members) => members,
            Err(error) => return Err(nothing(plan, error)),
        };
        let plugged = match plan.plugged.as_ref().map(Plugged::attach).transpose() {
            Ok(plugged) => plugged,
            Err(error) => return Err(nothing(plan, error)),
        };
        let mut lowered = lower(&plan);
        let made = Self::make_block(
            &plan,
            entry.as_ref(),
            &lowered,
            Walk { fault, gate, clock: clock::realtime_offset() },
        );
        let mut block = match made {
            Ok(block) => block,
            Err(errno) => {
                let error = Error::call(
                    Code::OutOfResources,
                    "could not make the memory that init shares",
                    errno,
                    "",
                );
                return Err(nothing(plan, error));
            }
        };
        if let (Some(slot), Some(plugged)) = (plan.kept.net, &plugged) {
            block.slots_mut()[usize::from(slot.0)] = plugged.number();
        }
        let mut cgroup = None;
        if let (Some(slot), Some(own)) = (plan.kept.number, &plan.own) {
            let number = next_number();
            block.slots_mut()[usize::from(slot.0)] = i64::from(number);
            sweep::sweep_once(own.cgroup.directories());
            cgroup = Some(own.cgroup.continued(&format!("{number}{}", own.suffix)));
        }
        let mut shared = Box::new(AtomicU32::new(0));
        // Not filled: only what is used of it is touched.
        let mut stack: Vec<u64> = Vec::with_capacity(STACK / 8);
        let top = stack.as_mut_ptr().cast::<u8>().wrapping_add(stack.capacity() * 8);
        let state = block.header().map_or(std::ptr::null_mut(), |header| {
            // SAFETY: the header lives as long as the block.
            unsafe { &raw mut (*header).state }
        });
        let memory = Box::new(Memory {
            data: lowered.caller.seal(),
            steps: lowered.caller.steps.as_ptr(),
            first: 0,
            end: lowered.caller.steps.len(),
            slots: block.slots_mut().as_mut_ptr(),
            records: block.records_mut().as_mut_ptr(),
            shared: &raw mut *shared,
            state,
            fault: fault.unwrap_or((usize::MAX, 0)),
            gate,
            // The ABI wants the stack aligned to 16 at a call.
            stack: top.map_addr(|address| address & !15),
            start: Start { memory: std::ptr::null_mut(), step: 0 },
        });
        Ok(Self { plan, entry, cgroup, members, plugged, lowered, block, memory, shared, _stack: stack })
    }

    /// The memory for results, shared with init where that takes part, and the slots that are filled beforehand.
    fn make_block(plan: &Plan, entry: Option<&Entry>, lowered: &Lowered, walk: Walk) -> Result<Block, i32> {
        let (slots, records) = (plan.slots.len(), plan.steps.len());
        let Some(file_slot) = plan.kept.block else { return Ok(Block::owned(slots, records)) };
        let file = entry.map_or_else(|| memory_file(c"minicontain-block", 0), Entry::block_file)?;
        let number = i64::from(file.as_raw_fd());
        let mut block = Block::shared(file, slots, records, lowered.first, &lowered.init, walk)?;
        block.slots_mut()[usize::from(file_slot.0)] = number;
        if let Some(program) = plan.kept.program {
            block.slots_mut()[usize::from(program.0)] = i64::from(init_file::number()?);
        }
        if let Some(caller) = plan.kept.caller {
            block.slots_mut()[usize::from(caller.0)] = i64::from(std::process::id());
        }
        Ok(block)
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
        self.shared.store(SHARED, Ordering::Release);
        // The child begins with every signal blocked, so that no handler of the caller's runs in it.
        let mask = process::block_signals();
        // SAFETY: as in `walk`.
        let made = unsafe { walk::walk_caller(&raw mut *self.memory, index, index + 1) };
        process::set_signal_mask(mask);
        made.inspect_err(|_| self.shared.store(0, Ordering::Release))
    }

    /// Whether there is a process that has not executed the program yet.
    pub(super) fn has_child(&self) -> bool {
        let state = self.memory.state;
        // SAFETY: the block outlives the execution.
        let inside = !state.is_null() && unsafe { (*state).load(Ordering::Acquire) } != 0;
        self.shared.load(Ordering::Acquire) != 0 || inside
    }

    /// What a slot holds now.
    pub(super) fn slot(&self, slot: Slot) -> i64 {
        self.block.slots().get(usize::from(slot.0)).copied().unwrap_or(-1)
    }

    /// What is known of a step now.
    pub(super) fn record(&self, index: usize) -> Record {
        self.block.records()[index]
    }

    pub(super) fn trace_so_far(&self) -> Trace {
        let (records, slots) = (self.block.records().to_vec(), self.block.slots().to_vec());
        let read = answers(&self.plan, &self.lowered, &self.block);
        Trace { plan: Arc::clone(&self.plan), records, slots, read }
    }

    /// Ends the processes of a failed start, and waits until this memory is the caller's own again.
    pub(super) fn stop_child(&mut self) {
        let pidfd = self.plan.kept.joiner.map(|(_, pidfd)| pidfd).or(self.plan.kept.pidfd);
        // What a joiner made is ended while the joiner, which has not reaped it, is there; and once more, if it came
        // meanwhile: it may live on without its maker.
        let made = self.end_second();
        if let Some(pidfd) = pidfd.and_then(|slot| self.take(slot)) {
            end(&pidfd);
        }
        self.end_orphan();
        if !made {
            self.end_second();
        }
        // SAFETY: the word is alive; the kernel clears it when the child ends.
        unsafe { walk::await_release(&raw mut *self.shared) };
    }

    /// Ends the process that a joiner made, if there is one.
    fn end_second(&self) -> bool {
        let kept = self.plan.kept;
        // Not reaped yet, so the id cannot be another's.
        self.open_process(kept.joiner.and(kept.pid)).as_ref().map(end).is_some()
    }

    /// Ends the joiner that is nobody's child, if there is one, and waits until it makes no process any more.
    fn end_orphan(&self) {
        let Some(pidfd) = self.open_process(self.plan.kept.orphan) else { return };
        end(&pidfd);
        let mut ended = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
        while poll(&mut ended, PollTimeout::NONE) == Err(Errno::EINTR) {}
    }

    fn open_process(&self, slot: Option<Slot>) -> Option<OwnedFd> {
        process::pidfd_open(self.process(slot?)?).ok()
    }

    /// The process whose id is in a slot.
    fn process(&self, slot: Slot) -> Option<i32> {
        i32::try_from(self.slot(slot)).ok().filter(|pid| *pid > 0)
    }

    /// Takes a descriptor out of its slot.
    fn take(&mut self, slot: Slot) -> Option<OwnedFd> {
        let place = self.block.slots_mut().get_mut(usize::from(slot.0))?;
        let fd = i32::try_from(std::mem::replace(place, -1)).ok().filter(|fd| *fd >= 0)?;
        // SAFETY: a step of this plan opened it, and nothing else owns it.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Takes what steps of a visitor opened and did not close.
    fn take_opened(&mut self) -> Vec<OwnedFd> {
        let performed =
            self.plan.steps.iter().zip(self.block.records()).filter(|(_, record)| record.ended != 0);
        let mut open: Vec<Slot> = Vec::new();
        for (step, _) in performed {
            match &step.call {
                Call::Close { fd: Fd::Slot(slot) } => open.retain(|known| known != slot),
                call => open.extend(call.signature().keep),
            }
        }
        open.into_iter().filter_map(|slot| self.take(slot)).collect()
    }

    /// Empties the slots of descriptors that the caller's steps closed.
    fn forget_closed(&mut self) {
        for (index, step) in self.plan.steps.iter().enumerate() {
            // A close that fails has closed all the same; one that was only made to fail was not asked of the kernel.
            let performed = self.memory.fault.0 != index && self.block.records()[index].ended != 0;
            if let (Side::Caller, Call::Close { fd: Fd::Slot(slot) }, true) =
                (step.side, &step.call, performed)
            {
                self.block.slots_mut()[usize::from(slot.0)] = -1;
            }
        }
    }

    /// Sees whether the program was executed, and gathers what is kept or what went wrong.
    pub(super) fn conclude(mut self, failed: Option<usize>) -> Result<Started, Box<Failed>> {
        let kept = self.plan.kept;
        let slots = self.block.slots().to_vec();
        self.block.close_file();
        self.forget_closed();
        // A joiner that stays is what the caller waits for; another one has done its part.
        let stays = kept.init == Some(Stays::Joiner) && kept.orphan.is_none();
        let joiner = kept.joiner.filter(|_| !stays).and_then(|(_, pidfd)| self.take(pidfd));
        let ended = joiner.as_ref().and_then(|joiner| process::reap(joiner.as_fd(), true).ok().flatten());
        // A joiner that somebody killed no longer says when the second process left this memory.
        let killed = ended.is_some_and(|ended| ended.code != libc::CLD_EXITED);
        if killed {
            self.end_orphan();
            self.end_second();
        }
        let executed = failed.is_none() && !killed && self.mark_executed();
        let pid = kept.pid.and_then(|slot| self.process(slot));
        let watched = if stays { kept.joiner.map(|(_, pidfd)| pidfd) } else { kept.pidfd };
        let opened = watched.and_then(|slot| self.take(slot));
        let pidfd = opened.or_else(|| self.open_process(kept.orphan.or(kept.pid).filter(|_| !stays)));
        // Nobody's child may have ended, and be reaped: that it has, the joiner's descriptor says as well.
        let pidfd = pidfd.or(joiner.filter(|_| executed));
        let pipes = if executed {
            kept.pipes.map(|slot| slot.and_then(|slot| self.take(slot)))
        } else {
            [None, None, None]
        };
        let terminal = kept.terminal.filter(|_| executed).and_then(|slot| self.take(slot));
        if !executed {
            self.undo();
        }
        let Self { plan, entry, cgroup, members, plugged, lowered, block, .. } = self;
        let read = answers(&plan, &lowered, &block);
        let trace = Trace { plan, records: block.records().to_vec(), slots, read };
        match (executed, pid, pidfd) {
            (true, Some(pid), Some(pidfd)) => {
                let init = kept.init.map(|stays| Init { stays, block });
                Ok(Started { pid, pidfd, pipes, terminal, trace, init, entry, cgroup, members, plugged })
            }
            (_, _, pidfd) => {
                let ended = pidfd.and_then(|pidfd| process::reap(pidfd.as_fd(), true).ok().flatten());
                // With its last process gone, and not before.
                if let Some(cgroup) = cgroup {
                    let _ = cgroup.kill().and_then(|()| cgroup.remove());
                }
                let error = diagnose::failure(&trace, &lowered, &block, failed, ended);
                Err(Box::new(Failed { error, trace }))
            }
        }
    }

    /// The successful execve has no result of its own: the caller's wait ended, and no later step began.
    fn mark_executed(&mut self) -> bool {
        let records = self.block.records_mut();
        let mut container =
            self.plan.steps.iter().enumerate().filter(|(_, step)| step.side == Side::Container);
        let last = container.rfind(|(index, _)| records[*index].begun != 0);
        let Some((index, step)) = last else { return false };
        if records[index].ended != 0 || !matches!(step.call, Call::Execve { .. }) {
            return false;
        }
        let waits = |step: &Step| matches!(step.call, Call::AwaitExec | Call::AwaitProgram { .. });
        let awaited = self.plan.steps.iter().rposition(waits);
        records[index].ended = awaited.map_or(0, |index| records[index].ended).max(records[index].begun + 1);
        true
    }

    /// The inverses of what was done, last first.
    fn undo(&mut self) {
        let plan = Arc::clone(&self.plan);
        for step in plan.steps.iter().rev() {
            // Directories are those of the cgroup, which goes with its last process.
            for slot in step.undo.closes() {
                drop(self.take(slot));
            }
        }
    }
}
