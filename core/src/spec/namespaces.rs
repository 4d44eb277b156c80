//! Where each of the eight namespaces comes from.

use serde::{Deserialize, Serialize};

use crate::namespace::Kind;

/// Where one namespace comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceSource {
    /// A new one.
    #[default]
    New,
    /// The caller's own.
    Host,
    /// That of a process, by its id.
    Pid(i32),
    /// One that a file stands for: `/proc/PID/ns/net`, `/run/netns/NAME`.
    Path(String),
    /// One that an open descriptor of the caller stands for: a namespace's, or a process's (pidfd).
    Fd(i32),
}

impl NamespaceSource {
    /// Whether it belongs to others: neither new nor the caller's own.
    #[must_use]
    pub const fn joined(&self) -> bool {
        !matches!(self, Self::New | Self::Host)
    }
}

/// The eight namespaces of a container; all new unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the kinds of `Kind`")]
pub struct Namespaces {
    pub user: NamespaceSource,
    #[serde(alias = "mount")]
    pub mnt: NamespaceSource,
    pub pid: NamespaceSource,
    #[serde(alias = "network")]
    pub net: NamespaceSource,
    pub ipc: NamespaceSource,
    pub uts: NamespaceSource,
    pub cgroup: NamespaceSource,
    pub time: NamespaceSource,
}

impl Namespaces {
    /// The caller's own, all eight.
    pub(crate) fn of_caller() -> Self {
        let mut all = Self::default();
        for kind in Kind::ALL {
            all.set(kind, NamespaceSource::Host);
        }
        all
    }

    /// Where the namespace of a kind comes from.
    #[must_use]
    pub const fn get(&self, kind: Kind) -> &NamespaceSource {
        match kind {
            Kind::User => &self.user,
            Kind::Mnt => &self.mnt,
            Kind::Pid => &self.pid,
            Kind::Net => &self.net,
            Kind::Ipc => &self.ipc,
            Kind::Uts => &self.uts,
            Kind::Cgroup => &self.cgroup,
            Kind::Time => &self.time,
        }
    }

    /// Sets where the namespace of a kind comes from.
    pub fn set(&mut self, kind: Kind, source: NamespaceSource) {
        *(match kind {
            Kind::User => &mut self.user,
            Kind::Mnt => &mut self.mnt,
            Kind::Pid => &mut self.pid,
            Kind::Net => &mut self.net,
            Kind::Ipc => &mut self.ipc,
            Kind::Uts => &mut self.uts,
            Kind::Cgroup => &mut self.cgroup,
            Kind::Time => &mut self.time,
        }) = source;
    }

    /// Whether the container gets a new namespace of this kind.
    #[must_use]
    pub fn new_one(&self, kind: Kind) -> bool {
        *self.get(kind) == NamespaceSource::New
    }

    /// Whether the container stays in the caller's namespace of this kind.
    #[must_use]
    pub fn host(&self, kind: Kind) -> bool {
        *self.get(kind) == NamespaceSource::Host
    }
}

/// What a new time namespace adds to the host's clocks, in seconds: time_namespaces(7).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeOffsets {
    /// Added to CLOCK_MONOTONIC.
    pub monotonic: f64,
    /// Added to CLOCK_BOOTTIME, and so to the uptime.
    pub boottime: f64,
}
