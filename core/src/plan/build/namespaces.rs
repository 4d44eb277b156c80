//! New namespaces by clone3(2), the caller's own by not asking, another's by setns(2).
//!
//! Usually one clone makes everything. When a namespace is joined, or the PID namespace is not new, a first
//! process (the joiner) executes init, does the joining and makes the second, which becomes the container: joining a
//! PID namespace only counts for children, and the caller's memory is for a child that nothing else can see.

use super::users::Mode;
use super::{Builder, Call, Enforcement, Fd, Shell, Side, Slot};
use crate::namespace::Kind;
use crate::plan::call::Maker;
use crate::spec::{NamespaceSource, bit};
use crate::sys::abi;
use crate::sys::memory::{PLACED, READY};

/// What the step that opens a process's root is called.
pub(crate) const TARGET_ROOT: &str = "open the root of the process";

impl Builder<'_> {
    /// The caller opens the namespaces that the container joins.
    pub(super) fn open_namespaces(&mut self) {
        let joined = Kind::ALL.iter().map(|kind| (*kind, self.spec.namespaces.get(*kind).clone()));
        let mut sources: Vec<(NamespaceSource, Vec<Kind>)> = Vec::new();
        for (kind, source) in joined.filter(|(_, source)| source.joined()) {
            // One descriptor, and one setns, for all that are a process's.
            match sources
                .iter_mut()
                .find(|(known, _)| *known == source && matches!(source, NamespaceSource::Fd(_)))
            {
                Some((_, kinds)) => kinds.push(kind),
                None => sources.push((source, vec![kind])),
            }
        }
        self.join_owner_of_network();
        self.join_plugged();
        for (source, kinds) in sources {
            let names = names(&kinds);
            let slot = self.slot(names.clone());
            let what = format!("open the {names} to join");
            self.act(what, "a descriptor cannot be confused with another's", Shell::None, |b| {
                let path = match source {
                    NamespaceSource::Fd(fd) => {
                        return b.caller(Call::Duplicate { fd: Fd::Number(fd), keep: slot });
                    }
                    NamespaceSource::Path(path) => path,
                    NamespaceSource::Pid(pid) => format!("/proc/{pid}/ns/{}", kinds[0]),
                    NamespaceSource::New | NamespaceSource::Host => return,
                };
                b.caller(Call::Open {
                    dir: Fd::Cwd,
                    path: path.into(),
                    flags: libc::O_CLOEXEC as u64,
                    mode: 0,
                    keep: slot,
                });
            });
            self.files.joined.push((kinds, slot));
        }
        if let Some(pid) = self.target {
            let root = self.slot("root");
            let why = "the process may have another root than its mount namespace";
            self.act(TARGET_ROOT, why, Shell::None, |b| {
                b.caller(Call::Open {
                    dir: Fd::Cwd,
                    path: format!("/proc/{pid}/root").into(),
                    flags: (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64,
                    mode: 0,
                    keep: root,
                });
            });
            self.files.target_root = Some(root);
        }
    }

    /// Makes the process, and with it every new namespace.
    pub(super) fn make_namespaces(&mut self) {
        let joined = std::mem::take(&mut self.files.joined);
        if self.caller_maps() || self.has_networks() {
            let (read, write) = (self.slot("release"), self.slot("release (caller's end)"));
            self.act(
                "make the pipe that releases the child",
                "it must not go on before its ids are mapped, and its links made",
                Shell::None,
                |b| {
                    b.caller(Call::Pipe { read, write });
                },
            );
            self.release = Some((read, write));
        }
        let new: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| self.new_one(*kind)).collect();
        if !self.needs_joiner() {
            let later = |kind: &Kind| self.overlaps() && *kind == Kind::Net;
            let new: Vec<Kind> = new.into_iter().filter(|kind| !later(kind)).collect();
            let flags =
                self.flags(&new) | (libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID | libc::CLONE_PIDFD) as u64;
            let (pid, pidfd) = (self.slot("child"), self.slot("pidfd"));
            self.kept.pid = Some(pid);
            self.kept.pidfd = Some(pidfd);
            let why = "the child uses the caller's memory until it executes something: nothing is copied";
            self.clone("make the process and its namespaces", why, flags, pid, Some(pidfd), Maker::Caller);
            self.make_network_namespace();
            self.files_meanwhile();
            self.map_users_by_caller();
            self.link_networks();
            if !self.time_by_clone() && self.new_one(Kind::Time) {
                self.unshare_time("what this process makes, or executes, is in it");
            }
            return self.clock_offsets();
        }
        self.make_joiner(&joined);
        // The user and the time namespace are the joiner's already.
        let new: Vec<Kind> =
            new.into_iter().filter(|kind| ![Kind::User, Kind::Time].contains(kind)).collect();
        // With an init of its own, this process is not the one that executes the program.
        let told = if self.init_stays() { 0 } else { libc::CLONE_CHILD_CLEARTID };
        let parent = if self.joiner_stays() || self.spec.detach { 0 } else { libc::CLONE_PARENT };
        let vfork = libc::CLONE_VFORK | libc::CLONE_PARENT_SETTID;
        let flags = self.flags(&new) | self.shared_memory() | (vfork | parent | told) as u64;
        let pid = self.slot("child");
        self.kept.pid = Some(pid);
        self.hide_process();
        let (maker, why) = if self.joiner_stays() {
            (
                Maker::Init { owner: None, resolver: None },
                "init stays outside, to reap it and to tell how it ended",
            )
        } else {
            (
                Maker::Joiner,
                "it is the caller's child, and uses the joiner's memory until it executes something",
            )
        };
        self.clone("make the container's process", why, flags, pid, None, maker);
        self.show_network_namespace();
    }

    fn make_network_namespace(&mut self) {
        if !self.overlaps() {
            return;
        }
        let why = "it takes longest to make: the caller prepares the files meanwhile";
        self.act("make the network namespace", why, Shell::None, |b| {
            b.inside(Call::Unshare { flags: libc::CLONE_NEWNET as u64 });
            if b.has_networks() {
                b.inside(Call::Ready { state: PLACED });
            }
        });
    }

    /// The first of two processes: joins what is joined, and makes the user namespace where that is new.
    fn make_joiner(&mut self, joined: &[(Vec<Kind>, Slot)]) {
        let flags =
            self.flags(&[]) | (libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID | libc::CLONE_PIDFD) as u64;
        let (pid, pidfd) = (self.slot("joiner"), self.slot("joiner's pidfd"));
        let why = "what joins must not be the caller, and must not share its memory";
        self.clone("make a process that joins namespaces", why, flags, pid, Some(pidfd), Maker::Caller);
        self.kept.joiner = Some((pid, pidfd));
        self.joiner_enters_init();
        self.orphan_joiner();
        // A privileged caller's own rights open the others first; anyone else gets them from the user namespace.
        let mut order = joined.to_vec();
        if self.host.can(bit::SYS_ADMIN) {
            let user_first = order.first().is_some_and(|(kinds, _)| *kinds == [Kind::User]);
            order.rotate_left(usize::from(user_first));
        }
        for (kinds, slot) in order {
            let flags = kinds.iter().fold(0, |flags, kind| flags | kind.clone_flag());
            self.act(format!("join the {}", names(&kinds)), "asked for", Shell::None, |b| {
                b.needs = Some("CAP_SYS_ADMIN");
                b.inside(Call::Setns { fd: Fd::Slot(slot), flags });
            });
        }
        if let Some(root) = self.files.target_root {
            let why = "what the process sees as its root, this one shall";
            self.act("take the root of the process", why, Shell::None, |b| {
                b.inside(Call::Fchdir { fd: Fd::Slot(root) });
                b.needs = Some("CAP_SYS_CHROOT");
                b.inside(Call::Chroot { path: ".".into() });
            });
        }
        self.make_joiners_user();
        if self.new_one(Kind::Time) {
            self.unshare_time("its clocks are set before the container's process is in it");
            self.clock_offsets();
        }
    }

    /// The user namespace of a container whose process is made by a joiner.
    fn make_joiners_user(&mut self) {
        if !self.new_one(Kind::User) {
            return;
        }
        let Some((first, _)) = self.kept.joiner else { return };
        self.act(
            "make the user namespace",
            "the container's other namespaces shall belong to it",
            Shell::None,
            |b| {
                b.inside(Call::Unshare { flags: libc::CLONE_NEWUSER as u64 });
                if b.caller_maps() {
                    b.inside(Call::Ready { state: READY });
                    b.caller(Call::AwaitReady { first, state: READY });
                }
            },
        );
        match (self.release, self.users.mode) {
            (Some((wait, _)), Mode::ByCaller) => {
                self.map_users_by_caller();
                self.wait_for_release(wait, "only it may map ids", false);
            }
            (_, Mode::BySelf) => self.map_self(),
            _ => {}
        }
    }

    /// Whether clone makes the time namespace. clone(2) has no flag for it; and before Linux 6.3 it takes this process
    /// there at once, and with it the clocks of the memory that it shares.
    fn time_by_clone(&self) -> bool {
        self.host.clone3 && self.host.time_on_exec
    }

    /// `CLONE_VM` for a process that another than the caller makes. Before Linux 6.3, one that shares its maker's
    /// memory cannot begin in another time namespace: it gets a copy, which is small.
    pub(super) fn shared_memory(&self) -> u64 {
        let moves = self.new_one(Kind::Time) && !self.host.time_on_exec;
        if moves { 0 } else { libc::CLONE_VM as u64 }
    }

    fn flags(&self, new: &[Kind]) -> u64 {
        let kinds = new.iter().filter(|kind| self.time_by_clone() || **kind != Kind::Time);
        // One that shall begin at the container's cgroup is made when the process is in it.
        let kinds = kinds.filter(|kind| !self.has_cgroup() || **kind != Kind::Cgroup);
        kinds.fold(self.reset_handlers(), |flags, kind| flags | kind.clone_flag())
    }

    fn clone(
        &mut self,
        what: &'static str,
        why: &'static str,
        flags: u64,
        pid: Slot,
        pidfd: Option<Slot>,
        maker: Maker,
    ) {
        let side = if maker == Maker::Caller { Side::Caller } else { Side::Container };
        // The container's first process begins in its cgroup; a joiner stays outside.
        let cgroup = self.cgroup_tree().filter(|_| Some(pid) == self.kept.pid);
        let into = if cgroup.is_some() { abi::CLONE_INTO_CGROUP } else { 0 };
        let clone3 = self.host.clone3;
        self.act(what, why, Shell::None, |b| {
            b.needs = (!b.new_one(Kind::User) && side == Side::Caller).then_some("CAP_SYS_ADMIN");
            b.step(side, Call::Clone { clone3, flags: flags | into, pid, pidfd, cgroup, maker });
        });
    }

    /// A time namespace for children and for the program: this process stays where it is until execve.
    fn unshare_time(&mut self, why: &'static str) {
        self.act("make the time namespace", why, Shell::None, |b| {
            b.inside(Call::Unshare { flags: abi::CLONE_NEWTIME });
        });
    }

    /// Host and domain name of a new UTS namespace.
    pub(super) fn name_host(&mut self) {
        if !self.new_one(Kind::Uts) {
            return;
        }
        // A name that the network knows: programs ask for their own host's.
        let known = self.places.first().and_then(|place| place.names.first());
        let name = self.spec.hostname.as_ref().or(known.filter(|name| name.len() <= 64));
        let name = name.map_or("minicontain", String::as_str).to_string();
        let shell = Shell::Inside(vec![format!("hostname {}", super::quote(&name))]);
        self.act("set the host name", "the host's own stays hidden and unchanged", shell, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.inside(Call::Sethostname { name: name.into() });
        });
        if let Some(name) = self.spec.domainname.clone() {
            let shell = Shell::Inside(vec![format!("domainname {}", super::quote(&name))]);
            self.act("set the NIS domain name", "asked for", shell, |b| {
                b.needs = Some("CAP_SYS_ADMIN");
                b.inside(Call::Setdomainname { name: name.into() });
            });
        }
    }

    /// The only interface of a new network namespace.
    pub(super) fn loopback_up(&mut self) {
        if !self.new_one(Kind::Net) || !self.spec.loopback {
            return;
        }
        let socket = self.slot("socket");
        let shell = Shell::Inside(vec!["ip link set lo up".into()]);
        self.act("set the loopback interface up", "127.0.0.1 answers only then", shell, |b| {
            b.inside(Call::Socket {
                family: libc::AF_INET as u32,
                kind: (libc::SOCK_DGRAM | libc::SOCK_CLOEXEC) as u32,
                protocol: 0,
                keep: socket,
            });
            b.needs = Some("CAP_NET_ADMIN");
            b.inside(Call::InterfaceUp { fd: Fd::Slot(socket), name: "lo" });
            b.needs = None;
            b.close(Side::Container, socket);
        });
    }

    /// What the clocks of a new time namespace add to the host's.
    fn clock_offsets(&mut self) {
        let offsets = self.spec.time_offsets;
        let lines: String = [("monotonic", offsets.monotonic), ("boottime", offsets.boottime)]
            .into_iter()
            .filter(|(_, seconds)| *seconds != 0.0)
            .map(|(clock, seconds)| {
                let whole = seconds.floor();
                format!("{clock} {whole} {}\n", ((seconds - whole) * 1e9) as u32)
            })
            .collect();
        if lines.is_empty() {
            return;
        }
        let shell = Shell::None;
        self.act("set the clocks' offsets", "before anything runs in the time namespace", shell, |b| {
            b.needs = Some("CAP_SYS_TIME");
            b.write_file(Side::Container, "/proc/self/timens_offsets", lines);
        });
    }

    /// What is enforced of the isolation.
    pub(super) fn report_namespaces(&mut self) {
        let shared: Vec<&str> =
            Kind::ALL.into_iter().filter(|kind| self.spec.namespaces.host(*kind)).map(Kind::name).collect();
        let state = match shared.len() {
            0 => Enforcement::Enforced,
            8 => Enforcement::NotEnforced("every namespace is the caller's own".into()),
            _ => Enforcement::Partial(format!("the caller's own: {}", shared.join(", "))),
        };
        self.enforced.insert("namespaces", state);
        let state = match self.users.mode {
            Mode::ByCaller | Mode::BySelf => Enforcement::Enforced,
            Mode::Host => Enforcement::NotEnforced("the container's root is the caller's user".into()),
            Mode::Joined => Enforcement::Partial("the mapping is that of the user namespace joined".into()),
        };
        self.enforced.insert("user_mapping", state);
    }
}

/// `uts namespace`, or `user, mnt and net namespaces`.
fn names(kinds: &[Kind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    match names.split_last() {
        Some((last, [])) => format!("{last} namespace"),
        Some((last, others)) => format!("{} and {last} namespaces", others.join(", ")),
        None => String::new(),
    }
}
