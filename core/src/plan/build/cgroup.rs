//! The container's cgroup: made and limited by the caller, before there is a process to be in it.

use std::path::{Path, PathBuf};

use super::{Builder, Call, Enforcement, Fd, Shell, Side, Slot, Text, Tolerate, Undo, quote};
use crate::cgroup::devices;
use crate::cgroup::settings::{self, Setting};
use crate::cgroup::{Cgroup, Directory, Version, place, scope, sweep};
use crate::error::{Code, Error};
use crate::host::cgroups::{Controller, Hierarchy, hierarchies};
use crate::namespace::Kind;
use crate::plan::step::Own;
use crate::spec::bit;

/// What stands for the number of a cgroup in a shell script.
pub(in crate::plan) const SHELL_NUMBER: &str = "N";

/// What the limits are held by.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Where the first process writes itself: `tasks` of v1.
    pub tasks: Vec<Slot>,
    /// The directory of v2 that it is made in.
    pub tree: Option<Slot>,
    /// The limits on memory, and their files.
    pub memory: Vec<(Slot, Setting)>,
    /// Resource limits of the process that stand for what no cgroup holds, by their names in `ulimits`.
    pub stand_in: Vec<(&'static str, u64)>,
    /// What it is in, by hierarchy.
    pub hierarchies: Vec<(Version, Vec<Controller>)>,
    /// Whether the v2 tree decides on devices.
    filters_devices: bool,
    /// The same as shell commands.
    pub shell: Vec<String>,
}

impl Builder<'_> {
    /// Makes the cgroup and sets what does no harm before the program runs.
    pub(super) fn make_cgroup(&mut self) -> Result<(), Error> {
        let spec = self.spec;
        let limited = settings::controllers(&spec.limits);
        let asked = spec.cgroup || spec.cgroup_delegate || spec.cgroup_parent.is_some();
        let wants = asked || !limited.is_empty();
        if !wants && self.container.is_none() {
            return Ok(());
        }
        if wants {
            self.make_own(&limited)?;
        }
        self.join_container();
        Ok(())
    }

    fn make_own(&mut self, limited: &[Controller]) -> Result<(), Error> {
        let spec = self.spec;
        let below = spec.cgroup_parent.is_some() && limited.is_empty();
        let asked = spec.cgroup || spec.cgroup_delegate || below;
        let wanted = if asked { &Controller::ALL[..] } else { limited };
        let hierarchies = hierarchies(self.host.mount_table(), wanted);
        let listed = hierarchies.iter().any(|one| one.controllers.contains(&Controller::Devices));
        let given = |hierarchy: &Hierarchy| self.parent_in(hierarchy);
        let (places, missing) = place::find(&hierarchies, limited, asked, &given);
        if !listed && limited.contains(&Controller::Devices) {
            let tree = places.iter().any(|place| place.version == Version::V2);
            let refused = match (self.host.can(bit::SYS_ADMIN), tree) {
                (false, _) => Some("a BPF program takes CAP_SYS_ADMIN"),
                (true, false) => Some("no v2 tree may be written"),
                (true, true) => None,
            };
            self.held.filters_devices = refused.is_none();
            if let Some(reason) = refused {
                self.stand_in(&place::Missing { controller: Controller::Devices, reason: reason.into() })?;
            }
        }
        for missing in missing.iter().filter(|missing| limited.contains(&missing.controller)) {
            if spec.cgroup_parent.is_some() {
                let hint = "make it first, with the controllers that its children need";
                return Err(Error::call(Code::CgroupNotFound, missing.reason.clone(), 0, hint));
            }
            self.stand_in(missing)?;
        }
        if let (Some(path), true) = (&spec.cgroup_parent, places.is_empty()) {
            let nowhere = || format!("cgroup_parent: there is no cgroup {path}");
            let problem = missing.first().map_or_else(nowhere, |missing| missing.reason.clone());
            return Err(Error::call(Code::CgroupNotFound, problem, 0, "make it first"));
        }
        if places.is_empty() && asked && !spec.best_effort {
            let reason = missing.first().map_or("no cgroups are mounted", |missing| &missing.reason);
            let hint = "be root, have a cgroup delegated to this user, or say best_effort to go on without";
            return Err(Error::call(
                Code::PermissionDenied,
                format!("cgroup: none can be made: {reason}"),
                0,
                hint,
            ));
        }
        if places.is_empty() {
            return Ok(());
        }
        let from = self.steps.len();
        let name = sweep::Name::new(spec.detach);
        let number = self.slot("cgroup's number");
        self.kept.number = Some(number);
        let mut directories = Vec::new();
        for place in places {
            self.make_directory(&place, limited, &name, number)?;
            self.held.hierarchies.push((place.version, place.controllers.clone()));
            directories.push(Directory {
                path: place.parent.join(&name.before),
                version: place.version,
                controllers: place.controllers,
            });
        }
        let cgroup = Cgroup::from_directories(directories);
        self.own = Some(Own {
            cgroup,
            suffix: name.after,
            maker: name.maker,
            ends_with_it: self.target.is_none(),
            steps: [from..self.steps.len(), 0..0],
        });
        Ok(())
    }

    /// Where a cgroup is to be made that is not left to the host's rules.
    fn parent_in(&self, hierarchy: &Hierarchy) -> Option<Result<PathBuf, String>> {
        let inside = self.container.and_then(|container| {
            container.directories().iter().find(|directory| {
                directory.version == hierarchy.version
                    && (directory.version == Version::V2 || directory.controllers == hierarchy.controllers)
            })
        });
        if let Some(directory) = inside {
            return Some(Ok(directory.path.clone()));
        }
        let path = self.spec.cgroup_parent.as_deref()?;
        let place = if path.starts_with('/') { hierarchy.directory(path) } else { hierarchy.find(path) };
        Some(place.ok_or_else(|| format!("cgroup_parent: there is no cgroup {path}")))
    }

    /// Makes the directory in one hierarchy, and sets its limits.
    fn make_directory(
        &mut self,
        place: &place::Place,
        limited: &[Controller],
        name: &sweep::Name,
        number: Slot,
    ) -> Result<(), Error> {
        let parent = place.parent.display().to_string();
        self.prepare_parent(place, &parent);
        let before = format!("{parent}/{}", name.before);
        let path = || Text::slotted(before.clone(), number, name.after);
        let directory = self.slot("cgroup");
        let shown = quote(&format!("{before}{SHELL_NUMBER}{}", name.after));
        let names: Vec<&str> = place.controllers.iter().map(|one| one.name(place.version)).collect();
        let what = match place.version {
            Version::V1 => format!("make the cgroup ({})", names.join(", ")),
            Version::V2 => "make the cgroup".to_string(),
        };
        let together = "what the container's processes use is counted and limited together";
        let why = match scope::around(&place.parent).and_then(Path::file_name) {
            None => together.to_string(),
            Some(scope) => {
                format!("{together}; in {}, which systemd's user manager gave", scope.to_string_lossy())
            }
        };
        self.act(what, why, Shell::Before(vec![format!("mkdir {shown}")]), |b| {
            b.caller(Call::Mkdir { dir: Fd::Cwd, path: path(), mode: 0o755 });
            if let Some(step) = b.steps.last_mut() {
                step.undo = Undo::RemoveDirectory;
            }
            b.caller(Call::Open {
                dir: Fd::Cwd,
                path: path(),
                flags: (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64,
                mode: 0,
                keep: directory,
            });
        });
        for controller in &place.controllers {
            // A new cpuset of v1 has no CPUs until it is given some.
            let empty = *controller == Controller::Cpuset && place.version == Version::V1;
            let asked = limited.contains(controller);
            if asked {
                self.judge(*controller, place.version)?;
            }
            if asked || empty {
                self.limit(*controller, place, directory, &shown)?;
            }
        }
        if place.version == Version::V2 && self.held.filters_devices {
            self.filter_devices(directory);
        }
        let inner = if self.spec.cgroup_delegate { self.delegate(place, directory)? } else { directory };
        self.open_entrance(place.version, inner, &shown);
        Ok(())
    }

    /// What v2 asks of the parent of such a cgroup.
    fn prepare_parent(&mut self, place: &place::Place, parent: &str) {
        if let Some((leaf, pids)) = &place.leave {
            let leaf = leaf.display().to_string();
            let why = "on v2 a cgroup has processes, or children with controllers";
            let shell = pids.iter().map(|pid| format!("echo {pid} > {}/cgroup.procs", quote(&leaf)));
            let shell =
                Shell::Before([format!("mkdir -p {}", quote(&leaf))].into_iter().chain(shell).collect());
            self.act("move the parent's processes into a leaf", why, shell, |b| {
                b.tolerate = Tolerate::Errors(&[libc::EEXIST]);
                b.caller(Call::Mkdir { dir: Fd::Cwd, path: leaf.clone().into(), mode: 0o755 });
                b.tolerate = Tolerate::Nothing;
                let procs = b.slot("leaf");
                b.caller(Call::Open {
                    dir: Fd::Cwd,
                    path: format!("{leaf}/cgroup.procs").into(),
                    flags: (libc::O_WRONLY | libc::O_CLOEXEC) as u64,
                    mode: 0,
                    keep: procs,
                });
                // One that has ended meanwhile is not there any more.
                b.tolerate = Tolerate::Errors(&[libc::ESRCH]);
                for pid in pids {
                    b.caller(Call::Write { fd: Fd::Slot(procs), data: pid.to_string().into() });
                }
                b.tolerate = Tolerate::Nothing;
                b.close(Side::Caller, procs);
            });
        }
        if !place.enable.is_empty() {
            let (control, path) =
                (place::enabling(&place.enable), format!("{parent}/cgroup.subtree_control"));
            let shell = Shell::Before(vec![format!("echo {} > {}", quote(&control), quote(&path))]);
            self.act("enable controllers", "for the children of that cgroup", shell, |b| {
                b.write_file(Side::Caller, path, control);
            });
        }
    }

    /// Notes how well a controller's limits will hold.
    fn judge(&mut self, controller: Controller, version: Version) -> Result<(), Error> {
        let unsupported = settings::unsupported(&self.spec.limits, controller, version);
        let state = match unsupported.first() {
            None => Enforcement::Enforced,
            Some((field, why)) if self.spec.best_effort => Enforcement::Partial(format!("{field}: {why}")),
            Some((field, why)) => {
                return Err(settings::cannot_be_held(
                    controller,
                    &format!("{field}: {why}"),
                    "say best_effort to go on without it",
                ));
            }
        };
        self.enforced.insert(controller.feature(), state);
        Ok(())
    }

    /// Sets a controller's limits, or prepares what is set later.
    fn limit(
        &mut self,
        controller: Controller,
        place: &place::Place,
        directory: Slot,
        shown: &str,
    ) -> Result<(), Error> {
        let limits = &self.spec.limits;
        for setting in settings::settings(limits, controller, place.version, &place.parent)? {
            let shell =
                Shell::Before(vec![format!("echo {} > {shown}/{}", quote(&setting.value), setting.file)]);
            if controller == Controller::Memory {
                let why = "it is set when the program is about to run";
                let mut file = None;
                self.act(format!("open {}", setting.file), why, shell, |b| {
                    file = Some(b.open_setting(directory, &setting));
                });
                self.held.memory.extend(file.map(|file| (file, setting)));
            } else {
                self.set(directory, &setting, "asked for", shell);
            }
        }
        Ok(())
    }

    /// Sets one value of a cgroup.
    fn set(&mut self, directory: Slot, setting: &Setting, why: &'static str, shell: Shell) {
        self.act(format!("set {}", setting.file), why, shell, |b| {
            let file = b.open_setting(directory, setting);
            b.write_setting(Side::Caller, file, setting);
            b.close(Side::Caller, file);
        });
    }

    /// Opens the file of a value.
    fn open_setting(&mut self, directory: Slot, setting: &Setting) -> Slot {
        let flags = if setting.readable() { libc::O_RDWR } else { libc::O_WRONLY };
        let file = self.slot(setting.file.clone());
        self.tolerate = if setting.optional { Tolerate::Errors(&[libc::ENOENT]) } else { Tolerate::Nothing };
        self.caller(Call::Open {
            dir: Fd::Slot(directory),
            path: setting.file.clone().into(),
            flags: (flags | libc::O_CLOEXEC) as u64,
            mode: 0,
            keep: file,
        });
        file
    }

    /// Lets the harmless devices and those that were named be used, and no other: v2 asks a BPF program.
    fn filter_devices(&mut self, cgroup: Slot) {
        let instructions = devices::program(&settings::device_rules(&self.spec.limits));
        let why = "the kernel asks it each time that a device is opened or made";
        let program = self.slot("device filter");
        self.act("filter devices", why, Shell::None, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.caller(Call::LoadDeviceFilter { instructions, keep: program });
            b.caller(Call::AttachDeviceFilter { cgroup, program });
        });
        self.enforced.insert(Controller::Devices.feature(), Enforcement::Enforced);
    }

    /// Writes a limit, and reads what the kernel made of it.
    pub(super) fn write_setting(&mut self, side: Side, file: Slot, setting: &Setting) {
        // What the kernel does not have was not opened.
        self.tolerate = if setting.optional { Tolerate::Errors(&[libc::EBADF]) } else { Tolerate::Nothing };
        self.step(side, Call::Write { fd: Fd::Slot(file), data: setting.value.clone().into() });
        if setting.readable() {
            self.step(side, Call::ReadBack { fd: Fd::Slot(file), len: 64 });
        }
    }

    /// A cgroup below the limited one that belongs to the container's root, who can make others below it.
    fn delegate(&mut self, place: &place::Place, directory: Slot) -> Result<Slot, Error> {
        let inner = self.slot("cgroup inside");
        let (user, group) = self.users.root();
        let why = "the container's root may have cgroups below it; the limits above it stay";
        if place.version == Version::V2 {
            let control = place::enabling(&place.controllers);
            if !control.is_empty() {
                self.act("enable controllers for the container's own", why, Shell::None, |b| {
                    b.write_file_at(Side::Caller, Fd::Slot(directory), "cgroup.subtree_control", control);
                });
            }
        }
        let files: &[&str] = match place.version {
            Version::V1 => &["cgroup.procs", "tasks"],
            Version::V2 => &["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"],
        };
        self.act("make the container's own cgroup", why, Shell::None, |b| {
            b.caller(Call::Mkdir { dir: Fd::Slot(directory), path: "container".into(), mode: 0o755 });
            b.caller(Call::Open {
                dir: Fd::Slot(directory),
                path: "container".into(),
                flags: (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64,
                mode: 0,
                keep: inner,
            });
            let mut give = |path: &'static str, flags: u64| {
                if b.host.can(bit::CHOWN) {
                    b.caller(Call::Chown { dir: Fd::Slot(inner), path: path.into(), user, group, flags });
                }
            };
            give("", crate::sys::abi::AT_EMPTY_PATH);
            for file in files {
                give(file, 0);
            }
        });
        if place.controllers.contains(&Controller::Cpuset) && place.version == Version::V1 {
            for setting in
                settings::settings(&self.spec.limits, Controller::Cpuset, place.version, &place.parent)?
            {
                self.set(inner, &setting, "a new cpuset has none", Shell::None);
            }
        }
        Ok(inner)
    }

    /// What holds nearly the same where a controller is missing, or an error.
    fn stand_in(&mut self, missing: &place::Missing) -> Result<(), Error> {
        let limits = &self.spec.limits;
        let place::Missing { controller, reason } = missing;
        let stand_in = match controller {
            Controller::Memory => {
                limits.memory.map(|size| ("data", size.0, "RLIMIT_DATA holds for each process by itself"))
            }
            // Counted for each user and user namespace: with a new one, that is the container's.
            Controller::Pids if self.new_one(Kind::User) => limits
                .pids_limit
                .map(|most| ("nproc", most, "RLIMIT_NPROC holds for each user of the container by itself")),
            _ => None,
        };
        let state = match stand_in {
            Some((name, value, what)) => {
                self.held.stand_in.push((name, value));
                Enforcement::Partial(format!("{what}: {reason}"))
            }
            None if self.spec.best_effort => Enforcement::NotEnforced(reason.clone()),
            None => {
                let hint = "have the controller delegated to this user, or say best_effort to go on without the limit";
                return Err(settings::cannot_be_held(*controller, reason, hint));
            }
        };
        self.enforced.insert(controller.feature(), state);
        Ok(())
    }
}
