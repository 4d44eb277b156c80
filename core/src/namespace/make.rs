//! Making namespaces, and sockets inside them, without moving the calling thread: a visitor does it.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::{Kind, Namespace};
use crate::error::{Code, Error};
use crate::plan::arg::{Fd, Slot};
use crate::plan::call::Call;
use crate::plan::visit::Visit;
use crate::spec::{Fault, bit};
use crate::sys::process;

const NEEDS: Option<&str> = Some("CAP_SYS_ADMIN");

impl Namespace {
    /// Makes a new one, with no process in it. A user namespace has the caller's user as its root, and nobody else.
    ///
    /// ```no_run
    /// use minicontain::namespace::{Kind, Namespace};
    /// let user = Namespace::create(Kind::User)?;                     // anyone may
    /// let net = Namespace::create_in(Kind::Net, &user)?;             // its root may
    /// assert_eq!(net.owner()?, Some(user));
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::PermissionDenied`] without CAP_SYS_ADMIN; [`Code::UserNamespaceForbidden`]; [`Code::NotSupported`] of a
    /// PID namespace, which lives with its first process.
    pub fn create(kind: Kind) -> Result<Self, Error> {
        Self::make(kind, None)
    }

    /// Makes a new one that a user namespace owns: its root has all rights in it.
    ///
    /// # Errors
    /// As [`Namespace::create`]; [`Code::InvalidSpec`] when the owner is no user namespace.
    pub fn create_in(kind: Kind, owner: &Self) -> Result<Self, Error> {
        if owner.kind() != Kind::User {
            let fix = "give a user namespace";
            return Err(Error::Spec(vec![Fault::new("owner", format!("{owner} owns nothing"), fix)]));
        }
        Self::make(kind, Some(owner))
    }

    fn make(kind: Kind, owner: Option<&Self>) -> Result<Self, Error> {
        if kind == Kind::Pid {
            let hint =
                "start a container, or use namespace clone with CLONE_NEWPID: its first process keeps it";
            let problem = "a PID namespace cannot be without a first process";
            return Err(Error::call(Code::NotSupported, problem, 0, hint));
        }
        let mut visit = Visit::new();
        if let Some(owner) = owner {
            // Not so an ordinary user's: what is not to be traced cannot write its maps either, in no thread.
            if nix::unistd::geteuid().is_root() {
                hide(&mut visit);
            }
            join(&mut visit, owner);
        }
        let unshare = Call::Unshare { flags: kind.clone_flag() };
        visit.does(format!("make a {kind} namespace"), NEEDS.filter(|_| kind != Kind::User), [unshare]);
        match kind {
            Kind::User => {
                let (uid, gid) = match owner {
                    None => (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw()),
                    Some(_) => (0, 0),
                };
                let setgroups = "give up changing groups, as an ordinary user must";
                visit.writes(setgroups, "/proc/self/setgroups", "deny\n".into());
                visit.writes("map the caller's user to root", "/proc/self/uid_map", format!("0 {uid} 1\n"));
                visit.writes("map the caller's group to root", "/proc/self/gid_map", format!("0 {gid} 1\n"));
            }
            Kind::Mnt => {
                let private = Call::Mount {
                    source: None,
                    target: "/".into(),
                    kind: None,
                    flags: libc::MS_REC | libc::MS_PRIVATE,
                    data: None,
                };
                visit.does("keep mounts from spreading", NEEDS, [private]);
            }
            _ => {}
        }
        let file = if kind == Kind::Time { "time_for_children" } else { kind.name() };
        visit.gives(format!("open the new {kind} namespace"), |keep| Call::Open {
            dir: Fd::Cwd,
            path: format!("/proc/thread-self/ns/{file}").into(),
            flags: libc::O_CLOEXEC as u64,
            mode: 0,
            keep,
        });
        let given =
            visit.perform().map_err(|error| if owner.is_none() { without_owner(error) } else { error })?;
        Self::of_kind(first(given)?, kind)
    }

    /// A socket made inside this network namespace, where it stays: socket(2).
    ///
    /// ```no_run
    /// use minicontain::namespace::{Kind, Namespace};
    /// let net = Namespace::create(Kind::Net)?;
    /// let socket = net.socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::PermissionDenied`] without rights in it; with what the kernel says; [`Code::InvalidSpec`] of another kind.
    pub fn socket(&self, family: i32, kind: i32, protocol: i32) -> Result<OwnedFd, Error> {
        // In another, it would be in the caller's network.
        self.must_be_net("namespace")?;
        self.inside("make a socket".into(), |keep| Call::Socket {
            family: family as u32,
            kind: (kind | libc::SOCK_CLOEXEC) as u32,
            protocol: protocol as u32,
            keep,
        })
    }

    /// A file opened by somebody inside: `/dev/net/tun` belongs to the network namespace of who opens it.
    pub(crate) fn open_inside(&self, path: &'static str, flags: i32) -> Result<OwnedFd, Error> {
        self.inside(format!("open {path}"), |keep| Call::Open {
            dir: Fd::Cwd,
            path: path.into(),
            flags: (flags | libc::O_CLOEXEC) as u64,
            mode: 0,
            keep,
        })
    }

    /// What a visitor who is inside opens.
    fn inside(&self, what: String, open: impl FnOnce(Slot) -> Call) -> Result<OwnedFd, Error> {
        let mut visit = Visit::new();
        // Who has rights everywhere needs none from the user namespace that owns it.
        let privileged = process::effective_capabilities() & bit::SYS_ADMIN != 0;
        let owner = if privileged { None } else { self.owner()? };
        let own = Self::current(Kind::User)?;
        if let Some(owner) = owner.as_ref().filter(|owner| **owner != own) {
            join(&mut visit, owner);
        }
        join(&mut visit, self);
        visit.gives(what, open);
        first(visit.perform()?)
    }
}

/// Who is privileged in the user namespace that the visitor joins may trace it, and has the caller's memory with that, unless
/// this is marked as not to be traced.
fn hide(visit: &mut Visit) {
    visit.does("keep the caller's memory from those inside", None, [Call::Dumpable(false)]);
}

/// The visitor joins a namespace.
fn join(visit: &mut Visit, namespace: &Namespace) {
    let fd = Fd::Number(namespace.as_fd().as_raw_fd());
    let setns = Call::Setns { fd, flags: namespace.kind().clone_flag() };
    visit.does(format!("join {namespace}"), NEEDS, [setns]);
}

/// What an ordinary user can do, who may not make a namespace that his own user namespace owns.
fn without_owner(mut error: Error) -> Error {
    match &mut error {
        Error::Step(step) if step.code == Code::PermissionDenied => {
            step.hint = "it needs CAP_SYS_ADMIN: be root, or make a user namespace first, and this one in it as its owner".into();
        }
        _ => {}
    }
    error
}

/// The one thing that a visit gave.
fn first(given: Vec<OwnedFd>) -> Result<OwnedFd, Error> {
    given.into_iter().next().ok_or_else(|| Error::call(Code::Io, "nothing was opened", 0, ""))
}
