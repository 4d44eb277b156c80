//! How the container's first process comes into its cgroup, what it sees of it, and the limits that come last.
//!
//! Whoever is killed for want of memory takes along every process that shares its memory, and that is the caller until
//! init or the program is executed. So the limit on memory is set from inside, when that is over.

use super::system::PLAIN;
use super::{Builder, Call, Fd, Shell, Side, Slot};
use crate::cgroup::Version;
use crate::namespace::Kind;

impl Builder<'_> {
    /// Opens that by which the first process comes into a cgroup.
    pub(super) fn open_entrance(&mut self, version: Version, directory: Slot, shown: &str) {
        let file = match version {
            Version::V2 if self.host.clone3 => {
                self.held.tree = Some(directory);
                self.held.shell.push(format!("echo $$ > {shown}/cgroup.procs"));
                return;
            }
            Version::V2 => "cgroup.procs",
            // Of a process with one thread, tasks takes the whole; and it does not make the kernel wait for RCU.
            Version::V1 => "tasks",
        };
        let tasks = self.slot(file);
        self.act(
            "open the way into the cgroup",
            "the container's first process writes itself there",
            Shell::None,
            |b| {
                b.caller(Call::Open {
                    dir: Fd::Slot(directory),
                    path: file.into(),
                    flags: (libc::O_WRONLY | libc::O_CLOEXEC) as u64,
                    mode: 0,
                    keep: tasks,
                });
            },
        );
        self.held.tasks.push(tasks);
        self.held.shell.push(format!("echo $$ > {shown}/cgroup.procs"));
    }

    /// A program that joins a container is in its cgroup, too, where it has none of its own.
    pub(super) fn join_container(&mut self) {
        let Some(container) = self.container else { return };
        for directory in container.directories() {
            let own = self.own.as_ref().is_some_and(|own| {
                own.cgroup.directories().iter().any(|one| one.path.starts_with(&directory.path))
            });
            if own {
                continue;
            }
            let path = self.target.map_or_else(|| directory.path.clone(), |pid| directory.place_of(pid));
            let slot = self.slot("cgroup");
            self.act(
                "open the container's cgroup",
                "what is started in it is counted with it",
                Shell::None,
                |b| {
                    b.caller(Call::Open {
                        dir: Fd::Cwd,
                        path: path.display().to_string().into(),
                        flags: (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64,
                        mode: 0,
                        keep: slot,
                    });
                },
            );
            self.open_entrance(directory.version, slot, &path.display().to_string());
        }
    }

    /// Whether a cgroup is entered.
    pub(super) fn has_cgroup(&self) -> bool {
        self.held.tree.is_some() || !self.held.tasks.is_empty()
    }

    /// The directory of v2 that the container's first process is made in.
    pub(super) fn cgroup_tree(&self) -> Option<Slot> {
        self.held.tree
    }

    /// The first process goes into its cgroup; a new cgroup namespace begins there.
    pub(super) fn enter_cgroup(&mut self) {
        if !self.has_cgroup() {
            return;
        }
        let (tasks, shell) = (std::mem::take(&mut self.held.tasks), std::mem::take(&mut self.held.shell));
        let why = "before anything else that it does; what it starts is there, too";
        self.act("enter the cgroup", why, Shell::Enter(shell), |b| {
            for slot in tasks {
                b.inside(Call::Write { fd: Fd::Slot(slot), data: "0".into() });
            }
        });
        if self.new_one(Kind::Cgroup) {
            let why = "its root is the cgroup that the process is in: the host's tree is not seen";
            self.act("make the cgroup namespace", why, Shell::None, |b| {
                b.needs = Some("CAP_SYS_ADMIN");
                b.inside(Call::Unshare { flags: libc::CLONE_NEWCGROUP as u64 });
            });
        }
    }

    /// Shows the container its cgroup at the usual place: of v1 only where it is asked for, since it takes a mount for
    /// each hierarchy.
    pub(super) fn mount_cgroups(&mut self) {
        let hierarchies = std::mem::take(&mut self.held.hierarchies);
        let asked = self.spec.cgroup || self.spec.cgroup_delegate;
        let unified = matches!(hierarchies[..], [(Version::V2, _)]);
        let shown = self.spec.sys && self.new_one(Kind::Cgroup) && !self.lent().any(|lent| lent == "/sys");
        if hierarchies.is_empty() || !shown || !(unified || asked) {
            return;
        }
        let why = "the container's own cgroup and those below it";
        let flags = PLAIN | if self.spec.cgroup_delegate { 0 } else { libc::MS_RDONLY };
        if unified {
            return self.mount("/sys/fs/cgroup", "cgroup2", flags, None, why);
        }
        self.mount_scratch(Side::Container, "cgroup", "/sys/fs/cgroup", 0o755, "a place for each hierarchy");
        for (version, controllers) in hierarchies {
            let names: Vec<&str> = controllers.iter().map(|one| one.name(version)).collect();
            let (name, kind, data) = match version {
                Version::V1 => (names.join(","), "cgroup", Some(names.join(","))),
                Version::V2 => ("unified".into(), "cgroup2", None),
            };
            let path = format!("/sys/fs/cgroup/{name}");
            let shell = Shell::Inside(vec![format!("mkdir \"$R\"{path}")]);
            self.act(format!("make {path}"), "a mount needs a directory to lie over", shell, |b| {
                b.inside(Call::Mkdir { dir: Fd::Cwd, path: path.clone().into(), mode: 0o755 });
            });
            self.mount(path, kind, flags, data, why);
        }
    }

    /// The files of limits that are still to be set.
    pub(super) fn late_limits(&self) -> Vec<Slot> {
        self.held.memory.iter().map(|(slot, _)| *slot).collect()
    }

    /// Sets the limits on memory: this process shares it with nobody outside any more.
    pub(super) fn limit_memory(&mut self) {
        let from = self.steps.len();
        for (file, setting) in std::mem::take(&mut self.held.memory) {
            let why = "only now: who is killed for want of memory takes along whoever shares it";
            self.act(format!("set {}", setting.file), why, Shell::None, |b| {
                b.write_setting(Side::Container, file, &setting);
            });
        }
        if let Some(own) = &mut self.own {
            own.steps[1] = from..self.steps.len();
        }
    }
}
