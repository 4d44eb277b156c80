//! Init: the small static program (`core/init`) that joins namespaces for a start, and that is process 1.
//!
//! A process that shares the caller's memory must not be seen by anything else. So what joins a running container, and
//! what lives on beside the program, executes init first: it has memory of its own, and goes on with the plan there.

use super::{Builder, Call, Fd, Kept, Shell, Side, Slot};
use crate::namespace::Kind;
use crate::plan::call::Maker;
use crate::plan::step::Stays;
use crate::sys::abi;

/// What init needs, once the caller has opened it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Init {
    /// The program, in a sealed file.
    program: Slot,
    /// The block of results and steps that init maps.
    block: Slot,
    /// The process with which the container ends.
    owner: Option<Slot>,
}

impl Builder<'_> {
    /// Whether init stays as process 1.
    pub(super) fn init_stays(&self) -> bool {
        self.spec.init && self.new_one(Kind::Pid)
    }

    /// Whether the process that joins namespaces stays and looks after the program, as its parent.
    ///
    /// A process of another's PID namespace must be reaped soon: the first process of that namespace cannot end while
    /// it is there. The caller may take its time, so it is not the caller's child.
    pub(super) fn joiner_stays(&self) -> bool {
        self.needs_joiner() && !self.new_one(Kind::Pid)
    }

    /// Whether a process joins namespaces before another becomes the container.
    pub(super) fn needs_joiner(&self) -> bool {
        // Without init, the program's process sets the limit on memory itself: it must not share the caller's then.
        // And before Linux 6.3, only what it makes itself is in its new time namespace.
        let stays_behind = self.new_one(Kind::Time) && !self.host.time_on_exec;
        let needs_another = !self.spec.init && (self.spec.limits.of_memory() || stays_behind);
        // A detached one is nobody's child: whoever made it need not reap it.
        let nested = self.places.iter().any(|place| place.record.inside.is_some());
        self.spec.detach
            || nested
            || self.plugged.is_some()
            || needs_another
            || !self.new_one(Kind::Pid)
            || Kind::ALL.iter().any(|kind| self.spec.namespaces.get(*kind).joined())
    }

    /// The caller puts init where it can be executed from.
    pub(super) fn prepare_init(&mut self) {
        if !self.init_stays() && !self.needs_joiner() {
            return;
        }
        let program = self.slot("init");
        self.kept.program = Some(program);
        let owner = (self.init_stays() && !self.spec.detach).then(|| {
            let (caller, owner) = (self.slot("caller"), self.slot("owner"));
            self.kept.caller = Some(caller);
            self.act("open the owner", "the container ends when this process does", Shell::None, |b| {
                b.caller(Call::PidfdOpen { pid: caller, keep: owner });
            });
            owner
        });
        let block = self.slot("block");
        self.kept.block = Some(block);
        self.kept.init = match (self.init_stays(), self.joiner_stays()) {
            (true, _) => Some(Stays::First),
            (_, true) => Some(Stays::Joiner),
            _ => None,
        };
        self.init = Some(Init { program, block, owner });
    }

    /// This process becomes init, which goes on with the plan. It keeps these descriptors.
    pub(super) fn enter_init(&mut self, keep: impl IntoIterator<Item = Slot>) {
        let Some(Init { program, block, owner }) = self.init else { return };
        let why = "it has memory of its own; nothing of the caller's is left in it";
        self.act("become init", why, Shell::None, |b| {
            b.inside(Call::CloseRange { first: 3, last: u32::MAX });
            for slot in [block].into_iter().chain(owner).chain(keep) {
                b.inside(Call::CloseOnExec { fd: Fd::Slot(slot), on: false });
            }
            let next = b.steps.len() + 1;
            b.inside(Call::EnterInit { init: program, block, next });
            b.inside(Call::MapBlock { block });
            b.inside(Call::ProcessName { name: "init" });
        });
    }

    /// The joiner becomes init. Its child has what the caller opened for it, and may have to become init itself.
    pub(super) fn joiner_enters_init(&mut self) {
        let caller_only = |slot: &Slot| {
            self.kept.pipes.contains(&Some(*slot)) || self.release.is_some_and(|(_, write)| write == *slot)
        };
        let again = self.init.filter(|_| self.init_stays() || self.joiner_is_orphan());
        let again = again.map(|init| init.program);
        let opened = self.open.iter().filter(|slot| !caller_only(slot)).copied();
        let keep: Vec<Slot> = again.into_iter().chain(opened).collect();
        self.enter_init(keep);
    }

    /// Whether the joiner that stays must not be the caller's child: it goes on when the caller has ended.
    fn joiner_is_orphan(&self) -> bool {
        self.joiner_stays() && self.spec.detach
    }

    /// The joiner has another process join in its place, and ends.
    pub(super) fn orphan_joiner(&mut self) {
        if !self.joiner_is_orphan() {
            return;
        }
        let pid = self.slot("joiner that stays");
        self.kept.orphan = Some(pid);
        let flags = (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PARENT_SETTID) as u64;
        let clone3 = self.host.clone3;
        let why = "its maker ends: it is nobody's child, and goes on without the caller";
        self.act("make the process that joins and stays", why, Shell::None, |b| {
            b.inside(Call::Clone { clone3, flags, pid, pidfd: None, cgroup: None, maker: Maker::Joiner });
        });
        self.joiner_enters_init();
    }

    /// Process 1 becomes init and makes the process of the program.
    pub(super) fn leave_init_behind(&mut self) {
        let Some(Init { owner, .. }) = self.init.filter(|_| self.init_stays()) else { return };
        let streams = self.files.streams.into_iter().flatten();
        let mut keep: Vec<Slot> = streams.chain(self.files.passed.iter().map(|(slot, _)| *slot)).collect();
        keep.extend(self.late_limits());
        let resolver = self.resolver();
        keep.extend(resolver.iter().flat_map(|resolver| [resolver.socket, resolver.hosts]));
        keep.dedup();
        self.enter_init(keep);
        self.hide_process();
        if self.host.ignored >> (libc::SIGCHLD - 1) & 1 == 1 {
            let why = "ignored, as the caller has it, it would keep from init that the program has ended";
            self.act("reset SIGCHLD", why, Shell::None, |b| {
                b.inside(Call::DefaultSignal { signal: libc::SIGCHLD });
            });
        }
        let vfork = libc::CLONE_VFORK | libc::CLONE_PARENT_SETTID | libc::CLONE_CHILD_CLEARTID;
        let flags = vfork as u64 | self.shared_memory() | self.reset_handlers();
        let pid = self.slot("program's process");
        let clone3 = self.host.clone3;
        let why = "init reaps what the program leaves, and tells how it ended";
        self.act("make the program's process", why, Shell::None, |b| {
            b.inside(Call::Clone {
                clone3,
                flags,
                pid,
                pidfd: None,
                cgroup: None,
                maker: Maker::Init { owner, resolver },
            });
        });
    }

    /// Makes this process one that nothing in the container can trace, read or open.
    pub(super) fn hide_process(&mut self) {
        let why = "nothing in the container may trace it, or open what it has open";
        self.act("hide this process's memory", why, Shell::None, |b| {
            b.inside(Call::Dumpable(false));
        });
    }

    /// The caller waits until the program is executed, and its memory is its own again.
    pub(super) fn await_program(&mut self) {
        let Kept { pid, joiner, .. } = self.kept;
        let (first, second) = match joiner {
            // Its child tells it, and it ends then.
            Some((joiner, _)) if self.joiner_stays() => (Some(joiner), self.kept.orphan),
            Some((joiner, _)) => (Some(joiner), pid),
            None => (pid, None),
        };
        if let (Some(first), true) = (first, self.init.is_some()) {
            // Waited for first: the memory is free by then, and the caller is woken once.
            let why = "it is started when it runs, and not before";
            self.act("wait for the program to be executed", why, Shell::None, |b| {
                b.step(Side::Caller, Call::AwaitProgram { first, second });
            });
        }
        let why = "until then the child uses the caller's memory";
        self.act("wait for the child to leave this memory", why, Shell::None, |b| b.caller(Call::AwaitExec));
    }

    /// New processes have no handlers of their maker's.
    pub(super) fn reset_handlers(&self) -> u64 {
        if self.host.clone3 { abi::CLONE_CLEAR_SIGHAND } else { 0 }
    }
}
