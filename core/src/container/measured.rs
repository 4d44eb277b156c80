//! What a container uses: its cgroup while it runs, and what is known of it in the end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Container;
use crate::cgroup::{Cgroup, Kept, Stats, Victim, sweep};
use crate::error::{Code, Error};
use crate::plan::Plan;

/// The cgroup of a container.
#[derive(Debug)]
pub(super) struct Own {
    cgroup: Cgroup,
    role: Role,
    /// The program's process as the host sees it, where memory is limited.
    program: Option<i32>,
    /// The files that its statistics were read from.
    kept: Mutex<Kept>,
}

/// What a cgroup is to a container, or to a program that joined one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It was made for it: what is left in it ends with the program.
    Whole,
    /// It was made for a program that joined a container: what that leaves stays in the container.
    Part,
    /// It is the container's, in which so many were killed for want of memory before.
    Joined(u64),
}

/// What a container's cgroup tells when it has ended.
#[derive(Debug, Default)]
pub(crate) struct Used {
    pub stats: Option<Stats>,
    pub oom_kills: u64,
    pub victims: Vec<Victim>,
    /// Whether the program was among those, where it is known.
    pub program: Option<bool>,
}

impl Own {
    pub(super) fn new(cgroup: Cgroup, role: Role) -> Self {
        Self { cgroup, role, program: None, kept: Mutex::default() }
    }

    /// That of a container that was started: the one that was made for it, or the one that it joined.
    pub(super) fn of(plan: &Plan, made: Option<Cgroup>) -> Option<Self> {
        match (made, &plan.own, &plan.joined) {
            (Some(cgroup), Some(own), _) => {
                Some(Self::new(cgroup, if own.ends_with_it { Role::Whole } else { Role::Part }))
            }
            (_, _, Some(joined)) => Some(Self::new(joined.clone(), Role::Joined(joined.oom_kills()))),
            _ => None,
        }
    }

    /// Notes which process the program is, by which its end is told from that of others.
    pub(super) fn note_program(&mut self, find: impl FnOnce() -> Option<i32>) {
        if self.cgroup.limits_memory() {
            self.program = find();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> Result<Stats, Error> {
        self.cgroup.look(self.kept().look())
    }

    /// What it used; then the cgroup is removed, where it was made for it.
    pub(super) fn finish(&self) -> Used {
        let mut used = match self.role {
            Role::Joined(before) => {
                let oom_kills = self.cgroup.oom_kills().saturating_sub(before);
                let victims = if oom_kills > 0 { self.cgroup.oom_victims() } else { Vec::new() };
                let since = victims.len().saturating_sub(oom_kills as usize);
                Used { oom_kills, victims: victims[since..].to_vec(), ..Used::default() }
            }
            Role::Whole | Role::Part => told(&self.cgroup, self.look()),
        };
        *self.kept() = Kept::default();
        // The kernel's log leaves some out when many are killed, and has ids of the first PID namespace.
        let complete = used.victims.len() as u64 == used.oom_kills && sweep::in_first_pid_namespace();
        if let (Some(program), true) = (self.program, complete) {
            used.program = Some(used.victims.iter().any(|victim| victim.pid == program));
        }
        match self.role {
            Role::Joined(_) => {}
            Role::Part => drop(self.cgroup.remove_now()),
            Role::Whole => {
                if self.cgroup.remove_now().is_err() {
                    let _ = self.cgroup.kill().and_then(|()| self.cgroup.remove());
                }
            }
        }
        used
    }
}

/// What a cgroup tells of what was in it.
pub(super) fn used(cgroup: &Cgroup) -> Used {
    told(cgroup, cgroup.stats())
}

fn told(cgroup: &Cgroup, stats: Result<Stats, Error>) -> Used {
    let stats = stats.ok();
    let oom_kills = stats.as_ref().and_then(|stats| stats.memory).map_or(0, |memory| memory.oom_kills);
    let victims = if oom_kills > 0 { cgroup.oom_victims() } else { Vec::new() };
    Used { stats, oom_kills, victims, program: None }
}

impl Container {
    /// Its cgroup: it has one when something is limited, or with `cgroup=true`.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Cgroup> {
        self.measured().map(|own| &own.cgroup)
    }

    fn measured(&self) -> Option<&Own> {
        self.cgroup.as_ref().filter(|own| !matches!(own.role, Role::Joined(_)))
    }

    /// What it uses and has used: `docker stats`.
    ///
    /// Who asks again is answered sooner: from then on the files are kept open, two dozen at most, until the container
    /// has ended.
    ///
    /// ```no_run
    /// use minicontain::{Container, Plan, Spec, spec::Size};
    /// let mut spec = Spec::new(["sleep", "1"]);
    /// spec.limits.memory = Some(Size(64 << 20));
    /// let container = Container::start(Plan::new(spec)?)?;
    /// assert!(container.stats()?.memory.unwrap().current > 0);
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::NotSupported`] when it has no cgroup; [`Code::CgroupNotFound`] when it has ended: the outcome has the
    /// last ones.
    pub fn stats(&self) -> Result<Stats, Error> {
        self.measured().ok_or_else(no_cgroup)?.look()
    }
}

/// A container without a cgroup is not measured.
fn no_cgroup() -> Error {
    let hint = "limit something, or say cgroup=true";
    Error::call(Code::NotSupported, "the container has no cgroup of its own that would measure it", 0, hint)
}
