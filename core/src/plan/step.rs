//! Plans and their steps: plain data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::arg::{Fd, Slot};
use super::call::Call;
use crate::cgroup::Cgroup;
use crate::network::cni::Plugged;
use crate::network::lan::Place;
use crate::spec::Spec;

/// Which side of the clone performs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The calling thread.
    Caller,
    /// The new process, between clone and exec.
    Container,
}

impl Side {
    /// `caller` or `container`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Container => "container",
        }
    }
}

/// One kernel operation with its final arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Who performs it.
    pub side: Side,
    /// What the kernel is asked.
    pub call: Call,
    /// The capability it needs, in the user namespace that owns what it changes (`CAP_SYS_ADMIN`).
    pub needs: Option<&'static str>,
    /// What undoes it, where the kernel does not when the process ends.
    pub undo: Undo,
    /// The failures that do not end the start.
    pub tolerate: Tolerate,
}

/// What undoes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Nothing has to.
    Nothing,
    /// The descriptor that it opened is closed.
    Close(Slot),
    /// The two that it opened are.
    CloseBoth(Slot, Slot),
    /// The directory that it made is removed.
    RemoveDirectory,
}

impl Undo {
    /// The descriptors that are closed.
    pub(crate) fn closes(self) -> impl Iterator<Item = Slot> {
        let slots = match self {
            Self::Close(slot) => [Some(slot), None],
            Self::CloseBoth(first, second) => [Some(first), Some(second)],
            Self::Nothing | Self::RemoveDirectory => [None, None],
        };
        slots.into_iter().flatten()
    }
}

impl Step {
    /// The calls that undo it.
    #[must_use]
    pub fn inverses(&self) -> Vec<Call> {
        match (self.undo, &self.call) {
            (Undo::RemoveDirectory, Call::Mkdir { path, .. }) => vec![Call::Rmdir { path: path.clone() }],
            (undo, _) => undo.closes().map(|slot| Call::Close { fd: Fd::Slot(slot) }).collect(),
        }
    }
}

/// Which failures of a step do not end the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerate {
    /// None.
    Nothing,
    /// These errno values, four at most.
    Errors(&'static [i32]),
    /// Every failure: what follows finds out more.
    Everything,
}

impl Tolerate {
    /// Whether the start goes on after `errno`.
    pub(crate) fn allows(self, errno: i32) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Errors(list) => list.contains(&errno),
        }
    }
}

/// Consecutive steps with one purpose, which a shell user knows as one command.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// What is done, in a few words (`mount /proc`).
    pub what: Cow<'static, str>,
    /// Why.
    pub why: Cow<'static, str>,
    /// Its steps' places in the plan.
    pub steps: Range<usize>,
    /// The same as shell commands.
    pub shell: Shell,
}

/// An act as shell commands, and where in the script they belong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shell {
    /// Nothing of its own: a part of another command.
    #[default]
    None,
    /// Before the namespaces are made.
    Before(Vec<String>),
    /// By the caller, once the namespaces are there: `$pid` is the new process.
    Map(Vec<String>),
    /// By the process that makes the namespaces, first thing: `$$`.
    Enter(Vec<String>),
    /// Inside the new namespaces; `$R` is the new root.
    Inside(Vec<String>),
    /// Inside, in the new root, just before the program.
    Last(Vec<String>),
}

/// How well a feature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enforcement {
    /// Fully.
    Enforced,
    /// In part, and why.
    Partial(String),
    /// Not at all, and why.
    NotEnforced(String),
}

impl Enforcement {
    /// `enforced`, `partial` or `not_enforced`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Partial(_) => "partial",
            Self::NotEnforced(_) => "not_enforced",
        }
    }

    /// Why it is not fully enforced; empty where it is.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Enforced => "",
            Self::Partial(reason) | Self::NotEnforced(reason) => reason,
        }
    }
}

/// Who stays as init beside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// The container's first process.
    First,
    /// The joiner, outside.
    Joiner,
}

/// The slots whose contents outlive the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// The caller's ends of the pipes to standard input, output and error.
    pub pipes: [Option<Slot>; 3],
    /// The caller's end of the terminal.
    pub terminal: Option<Slot>,
    /// The container's first process.
    pub pid: Option<Slot>,
    /// Its descriptor, where the caller made it itself.
    pub pidfd: Option<Slot>,
    /// The process that joined namespaces and made the first, and its descriptor.
    pub joiner: Option<(Slot, Slot)>,
    /// The process that joins and stays in its place, as nobody's child, where the program outlives the caller.
    pub orphan: Option<Slot>,
    /// Where the descriptor of init goes before the first step, where it takes part.
    pub program: Option<Slot>,
    /// Where the block's descriptor goes before the first step, where init takes part.
    pub block: Option<Slot>,
    /// Where the caller's process id goes before the first step.
    pub caller: Option<Slot>,
    /// Who stays as init, and tells how the program ended.
    pub init: Option<Stays>,
    /// Where the network namespace goes that was made before the first step.
    pub net: Option<Slot>,
    /// Where the number of the container's cgroup goes before the first step.
    pub number: Option<Slot>,
}

/// The cgroup that a start makes. Its name ends with a number that is chosen when the plan is executed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Own {
    pub cgroup: Cgroup,
    pub suffix: &'static str,
    /// The process that the name says.
    pub maker: u32,
    /// Whether what is left in it is killed when the program has ended.
    pub ends_with_it: bool,
    /// The steps that make it, and those that set limits in the end.
    pub steps: [Range<usize>; 2],
}

/// The ordered list of steps that make a container. Making one reads the host but changes nothing, save that systemd's user
/// manager is asked for a cgroup where the spec wants one and this user has none: once in a process's life.
///
/// ```
/// use minicontain::{Plan, Spec};
/// let plan = Plan::new(Spec::new(["true"]))?;
/// assert!(plan.steps.iter().any(|step| step.call.name().starts_with("clone")));
/// println!("{}", plan.explain());
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What was asked for.
    pub spec: Spec,
    /// Every kernel operation, in order.
    pub steps: Vec<Step>,
    /// The steps by purpose.
    pub acts: Vec<Act>,
    /// How well each feature will hold.
    pub enforced: BTreeMap<&'static str, Enforcement>,
    /// What the slots hold, in words.
    pub slots: Vec<Cow<'static, str>>,
    pub(crate) kept: Kept,
    pub(crate) own: Option<Own>,
    /// The cgroup of the container that is joined, where none is made.
    pub(crate) joined: Option<Cgroup>,
    /// Its places on networks.
    pub(crate) places: Vec<Place>,
    /// Its networks of CNI plugins.
    pub(crate) plugged: Option<Plugged>,
}

impl Plan {
    /// One without a step.
    pub(crate) fn empty(spec: Spec) -> Self {
        Self {
            spec,
            steps: Vec::new(),
            acts: Vec::new(),
            enforced: BTreeMap::new(),
            slots: Vec::new(),
            kept: Kept::default(),
            own: None,
            joined: None,
            places: Vec::new(),
            plugged: None,
        }
    }

    /// The act that a step belongs to.
    #[must_use]
    pub fn act_of(&self, step: usize) -> Option<&Act> {
        let at = self.acts.partition_point(|act| act.steps.end <= step);
        self.acts.get(at).filter(|act| act.steps.contains(&step))
    }
}
