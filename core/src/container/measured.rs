//! What a container uses: its cgroup while it runs, and what is known of it in the end.

use super::Container;
use crate::cgroup::{Cgroup, Stats, Victim};
use crate::error::{Code, Error};

/// The cgroup of a container.
#[derive(Debug)]
pub(super) struct Own {
    cgroup: Cgroup,
    /// Whether what is left in it ends with the program; of an exec, it stays in the container.
    ends_with_it: bool,
}

/// What a container's cgroup tells when it has ended.
#[derive(Debug, Default)]
pub(crate) struct Used {
    pub stats: Option<Stats>,
    pub oom_kills: u64,
    pub victims: Vec<Victim>,
}

impl Own {
    pub(super) fn new(cgroup: Cgroup, ends_with_it: bool) -> Self {
        Self { cgroup, ends_with_it }
    }

    /// What it used; then the cgroup is removed.
    pub(super) fn finish(&self) -> Used {
        let used = used(&self.cgroup);
        if self.cgroup.remove_now().is_err() && self.ends_with_it {
            let _ = self.cgroup.kill().and_then(|()| self.cgroup.remove());
        }
        used
    }
}

/// What a cgroup tells of what was in it.
pub(super) fn used(cgroup: &Cgroup) -> Used {
    let stats = cgroup.stats().ok();
    let oom_kills = stats.as_ref().and_then(|stats| stats.memory).map_or(0, |memory| memory.oom_kills);
    let victims = if oom_kills > 0 { cgroup.oom_victims() } else { Vec::new() };
    Used { stats, oom_kills, victims }
}

impl Container {
    /// Its cgroup: it has one when something is limited, or with `cgroup=true`.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref().map(|own| &own.cgroup)
    }

    /// What it uses and has used: `docker stats`.
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
        self.cgroup().ok_or_else(no_cgroup)?.stats()
    }
}

/// A container without a cgroup is not measured.
fn no_cgroup() -> Error {
    let hint = "limit something, or say cgroup=true";
    Error::call(Code::NotSupported, "the container has no cgroup of its own that would measure it", 0, hint)
}
