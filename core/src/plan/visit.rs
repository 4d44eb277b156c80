//! A plan without a program: a process that is made to look into namespaces, opens something there, and ends.
//!
//! It shares the caller's memory and its descriptors (`CLONE_VM | CLONE_FILES`), and it is a process of its own to the
//! kernel: it may make or join a user namespace, which no thread of a larger process may. What it opens is the caller's.

use std::borrow::Cow;
use std::os::fd::OwnedFd;

use super::arg::{Fd, Slot, Text};
use super::call::{Call, Maker};
use super::execute;
use super::step::{Act, Plan, Shell, Side, Step, Tolerate, Undo};
use crate::error::Error;
use crate::spec::Spec;
use crate::sys::process;

/// A visit in the making.
#[derive(Debug)]
pub(crate) struct Visit {
    plan: Plan,
}

impl Visit {
    pub(crate) fn new() -> Self {
        let mut visit = Self { plan: Plan::empty(Spec::default()) };
        let (pid, pidfd) = (visit.slot("visitor"), visit.slot("visitor's pidfd"));
        (visit.plan.kept.pid, visit.plan.kept.pidfd) = (Some(pid), Some(pidfd));
        let flags = libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_CHILD_CLEARTID | libc::CLONE_PIDFD;
        let clone = Call::Clone {
            clone3: process::has_clone3(),
            flags: flags as u64,
            pid,
            pidfd: Some(pidfd),
            cgroup: None,
            maker: Maker::Caller,
        };
        visit.act("make a process for a visit", None, Side::Caller, [clone]);
        visit
    }

    /// A place for what a step opens.
    fn slot(&mut self, name: &'static str) -> Slot {
        self.plan.slots.push(Cow::Borrowed(name));
        Slot((self.plan.slots.len() - 1) as u16)
    }

    fn act(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        needs: Option<&'static str>,
        side: Side,
        calls: impl IntoIterator<Item = Call>,
    ) {
        let from = self.plan.steps.len();
        let step = |call| Step { side, call, needs, undo: Undo::Nothing, tolerate: Tolerate::Nothing };
        self.plan.steps.extend(calls.into_iter().map(step));
        let steps = from..self.plan.steps.len();
        self.plan.acts.push(Act { what: what.into(), why: "asked for".into(), steps, shell: Shell::None });
    }

    /// The visitor performs these calls.
    pub(crate) fn does(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        needs: Option<&'static str>,
        calls: impl IntoIterator<Item = Call>,
    ) {
        self.act(what, needs, Side::Container, calls);
    }

    /// The visitor opens something that the caller shall have.
    pub(crate) fn gives(&mut self, what: impl Into<Cow<'static, str>>, call: impl FnOnce(Slot) -> Call) {
        let slot = self.slot("what is opened");
        self.does(what, None, [call(slot)]);
    }

    /// The visitor writes a file.
    pub(crate) fn writes(&mut self, what: &'static str, path: &'static str, data: String) {
        let file = self.slot("file");
        let flags = (libc::O_WRONLY | libc::O_CLOEXEC) as u64;
        let open = Call::Open { dir: Fd::Cwd, path: path.into(), flags, mode: 0, keep: file };
        let write = Call::Write { fd: Fd::Slot(file), data: Text::from(data) };
        // Here, unlike in a container, what stays open would stay the caller's.
        self.does(what, None, [open, write, Call::Close { fd: Fd::Slot(file) }]);
    }

    /// Performs it: what it gave, in order.
    pub(crate) fn perform(mut self) -> Result<Vec<OwnedFd>, Error> {
        self.act("wait for its end", None, Side::Caller, [Call::AwaitExec]);
        let performed = execute::visit(self.plan);
        performed.map_err(|failed| failed.error)
    }
}
