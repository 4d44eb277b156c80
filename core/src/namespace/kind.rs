//! The eight kinds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::spec::Fault;

/// A kind of namespace. The names are those of `/proc/PID/ns`.
///
/// ```
/// use minicontain::namespace::Kind;
/// assert_eq!(Kind::Mnt.clone_flag_name(), "CLONE_NEWNS");
/// assert_eq!(Kind::ALL.len(), 8);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Users, groups and capabilities: user_namespaces(7).
    User,
    /// The tree of mounts: mount_namespaces(7).
    #[serde(alias = "mount")]
    Mnt,
    /// Process ids: pid_namespaces(7).
    Pid,
    /// Links, addresses, routes, ports: network_namespaces(7).
    #[serde(alias = "network")]
    Net,
    /// System V IPC and POSIX message queues: ipc_namespaces(7).
    Ipc,
    /// Host and domain name: uts_namespaces(7).
    Uts,
    /// The root of the visible cgroup tree: cgroup_namespaces(7).
    Cgroup,
    /// Offsets of the monotonic and boot clocks: time_namespaces(7).
    Time,
}

impl Kind {
    /// All eight, in the order in which they are made: the user namespace owns the others.
    pub const ALL: [Self; 8] =
        [Self::User, Self::Mnt, Self::Pid, Self::Net, Self::Ipc, Self::Uts, Self::Cgroup, Self::Time];

    /// The flag of clone(2), unshare(2) and setns(2).
    #[must_use]
    pub const fn clone_flag(self) -> u64 {
        (match self {
            Self::User => libc::CLONE_NEWUSER,
            Self::Mnt => libc::CLONE_NEWNS,
            Self::Pid => libc::CLONE_NEWPID,
            Self::Net => libc::CLONE_NEWNET,
            Self::Ipc => libc::CLONE_NEWIPC,
            Self::Uts => libc::CLONE_NEWUTS,
            Self::Cgroup => libc::CLONE_NEWCGROUP,
            Self::Time => crate::sys::abi::CLONE_NEWTIME as i32,
        }) as u64
    }

    /// The flag's name, as the manual spells it.
    #[must_use]
    pub const fn clone_flag_name(self) -> &'static str {
        match self {
            Self::User => "CLONE_NEWUSER",
            Self::Mnt => "CLONE_NEWNS",
            Self::Pid => "CLONE_NEWPID",
            Self::Net => "CLONE_NEWNET",
            Self::Ipc => "CLONE_NEWIPC",
            Self::Uts => "CLONE_NEWUTS",
            Self::Cgroup => "CLONE_NEWCGROUP",
            Self::Time => "CLONE_NEWTIME",
        }
    }

    /// The name in `/proc/PID/ns` (`mnt`, `net`, …).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Mnt => "mnt",
            Self::Pid => "pid",
            Self::Net => "net",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::Cgroup => "cgroup",
            Self::Time => "time",
        }
    }

    /// The long option of unshare(1).
    #[must_use]
    pub const fn unshare_option(self) -> &'static str {
        match self {
            Self::User => "--user",
            Self::Mnt => "--mount",
            Self::Pid => "--pid",
            Self::Net => "--net",
            Self::Ipc => "--ipc",
            Self::Uts => "--uts",
            Self::Cgroup => "--cgroup",
            Self::Time => "--time",
        }
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// From the name in `/proc/PID/ns`, or `mount`, `network`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let name = match text {
            "mount" => "mnt",
            "network" => "net",
            name => name,
        };
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let problem = format!("'{}' is no kind of namespace", text.escape_debug());
            let fix = "use user, mnt, pid, net, ipc, uts, cgroup or time";
            Error::Spec(vec![Fault::new("kind", problem, fix)])
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
