//! Executing a plan one step at a time, to stop between two steps and look.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;

use super::call::Call;
use super::execute::{Execution, is_first_clone};
use super::step::{Plan, Side, Step};
use super::trace::Entry;
use crate::container::Container;
use crate::error::{Code, Error};
use crate::sys::dumpable::Keeper;
use crate::sys::memory::Gate;

/// A plan that is executed a step at a time. Dropping it before the end kills the child and undoes the rest.
///
/// Between two steps the half-made container can be looked at: its process is [`Stepper::pid`].
///
/// ```no_run
/// use minicontain::{Plan, Spec};
/// let mut stepper = Plan::new(Spec::new(["true"]))?.start_paused()?;
/// while let Some(done) = stepper.step()? {
///     println!("{}({}) = {}", done.syscall, done.arguments, done.result);
/// }
/// let outcome = stepper.finish()?.wait()?;
/// # Ok::<(), minicontain::Error>(())
/// ```
pub struct Stepper {
    execution: Option<Execution>,
    next: usize,
    failed: Option<usize>,
    /// Whether the program was executed: what would follow on its side is over.
    executed: bool,
    /// The caller's ends of the gate, and the child's until it has them.
    go: File,
    done: File,
    theirs: Option<[OwnedFd; 2]>,
    keeper: Option<Keeper>,
    began: Instant,
}

impl Stepper {
    pub(super) fn new(plan: Arc<Plan>) -> Result<Self, Error> {
        let out = |errno: nix::Error| {
            Error::call(
                Code::OutOfResources,
                "could not make the pipes that hold the child",
                errno as i32,
                "",
            )
        };
        let (go_read, go_write) = pipe2(OFlag::O_CLOEXEC).map_err(out)?;
        let (done_read, done_write) = pipe2(OFlag::O_CLOEXEC).map_err(out)?;
        let gate = Gate {
            go: [go_read.as_raw_fd(), go_write.as_raw_fd()],
            done: [done_read.as_raw_fd(), done_write.as_raw_fd()],
        };
        let execution = Execution::new(plan, None, Some(gate)).map_err(|failed| failed.error)?;
        Ok(Self {
            execution: Some(execution),
            next: 0,
            failed: None,
            executed: false,
            go: File::from(go_write),
            done: File::from(done_read),
            theirs: Some([go_read, done_write]),
            keeper: Some(Keeper::begin()),
            began: Instant::now(),
        })
    }

    /// The place in the plan of the step that comes next; `None` at the end.
    #[must_use]
    pub fn next_index(&self) -> Option<usize> {
        let execution = self.execution.as_ref()?;
        let over = |step: &Step| self.executed && step.side == Side::Container;
        let mut left = execution.plan.steps.iter().enumerate().skip(self.next);
        left.find(|(_, step)| !over(step)).map(|(index, _)| index).filter(|_| self.failed.is_none())
    }

    /// The plan that is executed.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.execution.as_ref().map(|execution| &*execution.plan)
    }

    /// The container's process, once it is made.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        let execution = self.execution.as_ref()?;
        let kept = execution.plan.kept;
        let slots = [kept.pid, kept.orphan, kept.joiner.map(|(pid, _)| pid)];
        let pids = slots.into_iter().flatten().map(|slot| execution.slot(slot));
        pids.into_iter().find(|pid| *pid > 0).and_then(|pid| i32::try_from(pid).ok())
    }

    /// Performs the next step, and tells what came of it; `None` at the end of the plan.
    ///
    /// # Errors
    /// As a start: the step that failed.
    pub fn step(&mut self) -> Result<Option<Entry>, Error> {
        while let Some(index) = self.next_index() {
            self.next = index + 1;
            let Some(execution) = self.execution.as_mut() else { return Ok(None) };
            let step = &execution.plan.steps[index];
            let (side, first_clone, program) =
                (step.side, is_first_clone(step), matches!(step.call, Call::Execve { .. }));
            if side == Side::Caller {
                let walked =
                    if first_clone { execution.clone(index) } else { execution.walk(index, index + 1) };
                if first_clone {
                    self.theirs = None;
                }
                self.failed = walked.err();
            } else if !self.let_go() {
                // The program was executed, or the child ended: what was to follow on its side is over.
                if program {
                    self.executed = true;
                    return Ok(None);
                }
                continue;
            } else if self.refused(index) {
                self.failed = Some(index);
                self.execution.as_mut().map(Execution::stop_child).unwrap_or_default();
            }
            if self.failed.is_some() {
                return self.take_failure().map_or(Ok(None), Err);
            }
            return Ok(self.entry(index));
        }
        Ok(None)
    }

    /// Performs the rest, and returns the running container.
    ///
    /// # Errors
    /// As a start: the step that failed.
    pub fn finish(mut self) -> Result<Container, Error> {
        while self.next_index().is_some() {
            self.step()?;
        }
        let failed = self.failed.take();
        let execution = self
            .execution
            .take()
            .ok_or_else(|| Error::call(Code::Ended, "the start has failed already", 0, ""))?;
        drop(self.keeper.take());
        let started = execution.conclude(failed).map_err(|failed| failed.error)?;
        Container::from_started(started, self.began).map_err(|(error, _)| error)
    }

    /// Lets the child perform one step; whether it did and is still there.
    fn let_go(&mut self) -> bool {
        let Some(execution) = &self.execution else { return false };
        let alone = || !execution.has_child();
        if alone() || self.go.write_all(b"1").is_err() {
            return false;
        }
        loop {
            let mut ready = [PollFd::new(self.done.as_fd(), PollFlags::POLLIN)];
            if poll(&mut ready, PollTimeout::from(2u8)).is_ok_and(|count| count > 0) {
                return self.done.read(&mut [0]).is_ok_and(|count| count == 1);
            }
            if alone() {
                return false;
            }
        }
    }

    /// Whether a step of the child failed for good.
    fn refused(&self, index: usize) -> bool {
        self.execution.as_ref().is_some_and(|execution| {
            let (result, tolerate) = (execution.record(index).result, execution.plan.steps[index].tolerate);
            result < 0 && !tolerate.allows(-(result as i32))
        })
    }

    fn take_failure(&mut self) -> Option<Error> {
        let execution = self.execution.take()?;
        execution.conclude(self.failed).err().map(|failed| failed.error)
    }

    fn entry(&self, index: usize) -> Option<Entry> {
        let execution = self.execution.as_ref()?;
        let mut trace = execution.trace_so_far();
        let record = trace.records.get_mut(index)?;
        if let (Call::Clone { pid, .. }, 0) = (&execution.plan.steps[index].call, record.ended) {
            // The maker sleeps until the other has executed something: so far only the new process tells.
            while execution.slot(*pid) <= 0 && execution.has_child() {
                std::thread::sleep(Duration::from_micros(100));
            }
            (record.ended, record.result) = (record.begun + 1, execution.slot(*pid));
        }
        trace.entry(index)
    }
}

impl Drop for Stepper {
    fn drop(&mut self) {
        if let Some(mut execution) = self.execution.take() {
            execution.stop_child();
            let _ = execution.conclude(Some(0));
        }
    }
}

impl std::fmt::Debug for Stepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stepper").field("next", &self.next).field("pid", &self.pid()).finish_non_exhaustive()
    }
}
