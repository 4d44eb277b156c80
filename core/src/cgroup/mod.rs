//! Cgroups: what processes use together, measured, limited, frozen and killed. See cgroups(7).

pub(crate) mod control;
pub(crate) mod devices;
mod directory;
mod events;
pub(crate) mod place;
mod reader;
pub(crate) mod scope;
pub(crate) mod settings;
mod stats;
pub(crate) mod sweep;
mod victims;

pub use directory::Directory;
pub use events::{Event, Events, Watch};
pub(crate) use reader::Kept;
pub use scope::why_no_manager;
pub use stats::{CpuStats, IoStats, MemoryStats, PidsStats, Pressure, PressureTimes, Stats};
pub use victims::Victim;

pub use crate::host::cgroups::Version;

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};
use crate::host::cgroups::{Controller, controllers_of, directories_of, hierarchies};
use crate::host::mount_table;
use crate::spec::{Fault, Limits};

/// A cgroup: one directory in the v2 tree, one in each hierarchy of v1, or both.
///
/// It stays until it is removed, whoever made it; one in a scope that systemd's user manager gave for it goes with the
/// scope, when the last process in that has ended.
///
/// ```no_run
/// use minicontain::{Cgroup, spec::{Limits, Size}};
/// let limits = Limits { memory: Some(Size(4_000_000)), ..Limits::default() };
/// let cgroup = Cgroup::create("demo", &limits)?;
/// cgroup.add(std::process::id() as i32)?;
/// assert_eq!(cgroup.stats()?.memory.unwrap().limit, Some(3_997_696));
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroup {
    directories: Vec<Directory>,
}

/// A limit that was written, and what the kernel made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The file.
    pub file: String,
    /// What was written.
    pub written: String,
    /// What it says now; the same where it cannot be read. The kernel rounds memory to pages.
    pub held: String,
}

impl Cgroup {
    /// Makes a cgroup below the caller's own, with every controller that can be had there. `name` may be a path whose
    /// last part is new. For an ordinary user without a cgroup of his, systemd's user manager is asked for one, once in
    /// a process's life.
    ///
    /// # Errors
    /// [`Code::NameTaken`] when it is there; [`Code::NotEnforced`] when a limit cannot be held;
    /// [`Code::PermissionDenied`] when the caller may have none; [`Error::Spec`] when a value cannot be.
    pub fn create(name: &str, limits: &Limits) -> Result<Self, Error> {
        check(name, limits)?;
        let hierarchies = hierarchies(&mount_table(), &Controller::ALL);
        let limited = settings::controllers(limits);
        let (places, missing) = place::find(&hierarchies, &limited, true, &|_| None);
        for controller in limited {
            if let Some(missing) = missing.iter().find(|missing| missing.controller == controller) {
                return Err(settings::cannot_be_held(controller, &missing.reason, DELEGATED));
            }
        }
        if places.is_empty() {
            let reason = missing.first().map_or("no cgroups are mounted", |missing| &missing.reason);
            let problem = format!("no cgroup can be made: {reason}");
            return Err(Error::call(Code::PermissionDenied, problem, 0, DELEGATED));
        }
        let mut directories = Vec::new();
        for place in places {
            place
                .prepare()
                .map_err(|error| failed("could not enable controllers below", &place.parent, &error))?;
            directories.push(Directory {
                path: place.parent.join(name),
                version: place.version,
                controllers: place.controllers,
            });
        }
        Self { directories }.make(limits)
    }

    /// Makes a cgroup below this one.
    ///
    /// On v2, a cgroup whose children have controllers can have no processes of its own.
    ///
    /// # Errors
    /// As [`Cgroup::create`].
    pub fn child(&self, name: &str, limits: &Limits) -> Result<Self, Error> {
        check(name, limits)?;
        let mut directories = Vec::new();
        for directory in &self.directories {
            let place = match directory.version {
                Version::V1 => None,
                Version::V2 => {
                    let wanted: Vec<Controller> = directory.controllers.clone();
                    Some(place::in_tree(&directory.path, &wanted).0)
                }
            };
            if let Some(place) = &place {
                place.enable().map_err(|error| {
                    let mut problem = failed("could not enable controllers below", &directory.path, &error);
                    if let (Some(libc::EBUSY), Error::Call { hint, .. }) = (error.raw_os_error(), &mut problem) {
                        *hint = "on v2, processes live in the leaves: move those of this one into another child first".into();
                    }
                    problem
                })?;
            }
            directories.push(Directory {
                path: directory.path.join(name),
                version: directory.version,
                controllers: place.map_or_else(|| directory.controllers.clone(), |place| place.controllers),
            });
        }
        Self { directories }.make(limits)
    }

    /// Makes the directories and sets the limits, or leaves nothing.
    fn make(mut self, limits: &Limits) -> Result<Self, Error> {
        let undo = |made: &[Directory]| {
            for directory in made {
                let _ = fs::remove_dir(&directory.path);
            }
        };
        for (n, directory) in self.directories.iter().enumerate() {
            if let Err(error) = fs::create_dir(&directory.path) {
                undo(&self.directories[..n]);
                return Err(failed("could not make the cgroup", &directory.path, &error));
            }
        }
        for directory in self.directories.iter_mut().filter(|directory| directory.version == Version::V2) {
            directory.controllers = controllers_of(&directory.path);
        }
        match self.prepare_cpuset().and_then(|()| self.set(limits)) {
            Ok(_) => Ok(self),
            Err(error) => {
                undo(&self.directories);
                Err(error)
            }
        }
    }

    /// A new cpuset of v1 has no CPUs, and can have no process until it does.
    fn prepare_cpuset(&self) -> Result<(), Error> {
        let cpuset = |directory: &&Directory| {
            directory.version == Version::V1 && directory.controllers.contains(&Controller::Cpuset)
        };
        for directory in self.directories.iter().filter(cpuset) {
            let parent = directory.path.parent().unwrap_or(Path::new("/"));
            for setting in settings::settings(&Limits::default(), Controller::Cpuset, Version::V1, parent)? {
                let written = directory.write(&setting.file, &setting.value);
                written.map_err(|error| {
                    failed("could not write", &directory.path.join(&setting.file), &error)
                })?;
            }
        }
        Ok(())
    }

    /// Finds a cgroup below the caller's own by the name it was made with.
    ///
    /// # Errors
    /// [`Code::CgroupNotFound`].
    pub fn open(name: &str) -> Result<Self, Error> {
        check(name, &Limits::default())?;
        let hierarchies = hierarchies(&mount_table(), &Controller::ALL);
        let found =
            hierarchies.iter().filter_map(|hierarchy| Some((hierarchy.clone(), hierarchy.find(name)?)));
        let directories: Vec<Directory> = found.map(Directory::found).collect();
        if directories.is_empty() {
            let problem = format!("there is no cgroup '{name}'");
            return Err(Error::call(Code::CgroupNotFound, problem, libc::ENOENT, "make it first"));
        }
        Ok(Self { directories })
    }

    /// The cgroup that a process is in: proc_pid_cgroup(5).
    ///
    /// # Errors
    /// [`Code::Ended`] when there is no such process.
    pub fn of(pid: i32) -> Result<Self, Error> {
        let hierarchies = hierarchies(&mount_table(), &Controller::ALL);
        let found = directories_of(pid, &hierarchies)
            .ok_or_else(|| Error::call(Code::Ended, format!("there is no process {pid}"), libc::ESRCH, ""))?;
        Ok(Self { directories: found.into_iter().map(Directory::found).collect() })
    }

    /// The cgroup whose name is this one's with more at its end.
    pub(crate) fn continued(&self, end: &str) -> Self {
        let continued = |directory: &Directory| {
            let mut path = directory.path.clone().into_os_string();
            path.push(end);
            Directory { path: path.into(), ..directory.clone() }
        };
        Self { directories: self.directories.iter().map(continued).collect() }
    }

    pub(crate) fn from_directories(directories: Vec<Directory>) -> Self {
        Self { directories }
    }

    /// Its directories, one in each hierarchy.
    #[must_use]
    pub fn directories(&self) -> &[Directory] {
        &self.directories
    }

    /// Changes limits; what is not named stays as it is.
    ///
    /// # Errors
    /// [`Code::NotEnforced`] when a limit cannot be held; [`Error::Spec`] when a value cannot be.
    pub fn set(&self, limits: &Limits) -> Result<Vec<Held>, Error> {
        limits.validate()?;
        let mut all = Vec::new();
        for controller in settings::controllers(limits) {
            let directory = self.directory_for(controller).ok_or_else(|| without(controller))?;
            if let Some((field, why)) = settings::unsupported(limits, controller, directory.version).first() {
                return Err(settings::cannot_be_held(controller, &format!("{field}: {why}"), "leave it out"));
            }
            if controller == Controller::Devices && directory.version == Version::V2 {
                directory.filter_devices(limits)?;
                continue;
            }
            let parent = directory.path.parent().unwrap_or(&directory.path);
            for setting in settings::settings(limits, controller, directory.version, parent)? {
                if setting.optional && !directory.path.join(&setting.file).exists() {
                    continue;
                }
                let wrong = |error| failed("could not write", &directory.path.join(&setting.file), &error);
                directory.write(&setting.file, &setting.value).map_err(wrong)?;
                let held = if setting.readable() {
                    directory.read(&setting.file).map_err(wrong)?
                } else {
                    setting.value.clone()
                };
                all.push(Held { file: setting.file, written: setting.value, held });
            }
        }
        Ok(all)
    }

    /// Moves a process, with all its threads, into this cgroup; what it starts then begins there.
    ///
    /// # Errors
    /// [`Code::Ended`] when there is no such process; [`Code::PermissionDenied`].
    pub fn add(&self, pid: i32) -> Result<(), Error> {
        for directory in &self.directories {
            if let Err(error) = directory.write("cgroup.procs", &pid.to_string()) {
                if error.raw_os_error() == Some(libc::ESRCH) {
                    return Err(Error::call(
                        Code::Ended,
                        format!("there is no process {pid}"),
                        libc::ESRCH,
                        "",
                    ));
                }
                let file = directory.path.join("cgroup.procs");
                return Err(failed(&format!("could not move process {pid} into"), &file, &error));
            }
        }
        Ok(())
    }

    /// The processes in it, those of cgroups below it not included.
    ///
    /// # Errors
    /// [`Code::CgroupNotFound`] when it was removed.
    pub fn processes(&self) -> Result<Vec<i32>, Error> {
        self.ids("cgroup.procs")
    }

    /// The threads in it.
    ///
    /// # Errors
    /// As [`Cgroup::processes`].
    pub fn threads(&self) -> Result<Vec<i32>, Error> {
        let v2 = self.directories.first().is_some_and(|first| first.version == Version::V2);
        self.ids(if v2 { "cgroup.threads" } else { "tasks" })
    }

    fn ids(&self, file: &str) -> Result<Vec<i32>, Error> {
        let first = self.directories.first().ok_or_else(|| not_found(Path::new("")))?;
        let text =
            first.read(file).map_err(|error| failed("could not read", &first.path.join(file), &error))?;
        Ok(directory::numbers(&text))
    }

    /// Reads any file of its interface: `memory.max` on v2, `memory.limit_in_bytes` on v1.
    ///
    /// # Errors
    /// [`Code::CgroupNotFound`] when none of its directories has the file.
    pub fn read(&self, file: &str) -> Result<String, Error> {
        let directory = self.with_file(file)?;
        directory.read(file).map_err(|error| failed("could not read", &directory.path.join(file), &error))
    }

    /// Writes any file of its interface.
    ///
    /// # Errors
    /// As [`Cgroup::read`]; [`Code::Io`] when the kernel does not take the value.
    pub fn write(&self, file: &str, value: &str) -> Result<(), Error> {
        let directory = self.with_file(file)?;
        let written = directory.write(file, value);
        written.map_err(|error| {
            failed(&format!("'{value}' could not be written to"), &directory.path.join(file), &error)
        })
    }

    fn with_file(&self, file: &str) -> Result<&Directory, Error> {
        let plain = !file.is_empty() && !file.contains('/') && !file.contains('\0');
        let found = self.directories.iter().find(|directory| plain && directory.path.join(file).is_file());
        found.ok_or_else(|| {
            let names: Vec<String> =
                self.directories.iter().map(|one| one.path.display().to_string()).collect();
            let problem = format!("there is no file '{}' in {}", file.escape_debug(), names.join(", "));
            Error::call(
                Code::CgroupNotFound,
                problem,
                libc::ENOENT,
                "its files are those of the version and the controllers it has",
            )
        })
    }

    /// The directory that has a controller. Devices are the v2 tree's where no hierarchy of v1 has them, without one.
    fn directory_for(&self, controller: Controller) -> Option<&Directory> {
        match controller {
            Controller::Devices => self.having(controller).or_else(|| self.tree()),
            _ => self.having(controller).or_else(|| self.enable(controller)),
        }
    }

    /// Gets a controller of v2 that it does not have yet.
    fn enable(&self, controller: Controller) -> Option<&Directory> {
        let directory = self.tree()?;
        let control = directory.path.parent()?.join("cgroup.subtree_control");
        let _ = fs::write(control, place::enabling(&[controller]));
        controllers_of(&directory.path).contains(&controller).then_some(directory)
    }

    /// Its directory in the v2 tree.
    fn tree(&self) -> Option<&Directory> {
        self.directories.iter().find(|directory| directory.version == Version::V2)
    }

    fn having(&self, controller: Controller) -> Option<&Directory> {
        self.directories.iter().find(|directory| directory.controllers.contains(&controller))
    }
}

/// What takes the place of a privilege.
const DELEGATED: &str = "be root, or have a cgroup delegated to this user";

/// The error of a limit whose controller a cgroup does not have.
fn without(controller: Controller) -> Error {
    let hierarchies = hierarchies(&mount_table(), &[controller]);
    let apart =
        hierarchies.iter().any(|one| one.version == Version::V1 && one.controllers.contains(&controller));
    let (reason, hint) = if apart {
        let reason = "it was made without that controller, and is in no cgroup of its hierarchy (v1)";
        (reason, "start the container with such a limit, or with cgroup=True: then it can be changed")
    } else {
        ("the cgroup does not have the controller", DELEGATED)
    };
    settings::cannot_be_held(controller, reason, hint)
}

/// What is wrong with a name or with limits.
fn check(name: &str, limits: &Limits) -> Result<(), Error> {
    limits.validate()?;
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    if name.split('/').all(part) && !name.contains(['\0', '\n']) {
        return Ok(());
    }
    let problem = format!("'{}' is no name for a cgroup", name.escape_debug());
    Err(Error::Spec(vec![Fault::new("name", problem, "write it as demo or demo/inner")]))
}

fn not_found(path: &Path) -> Error {
    let problem = format!("there is no cgroup {}", path.display());
    Error::call(Code::CgroupNotFound, problem, libc::ENOENT, "it was removed")
}

/// What a refusal of the kernel means.
fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    let errno = error.raw_os_error().unwrap_or(0);
    let (code, hint) = match errno {
        libc::ENOENT | libc::ENODEV if !path.parent().is_some_and(Path::exists) => {
            return not_found(path.parent().unwrap_or(path));
        }
        libc::EEXIST => (Code::NameTaken, "open it, remove it first, or choose another name"),
        libc::EACCES | libc::EPERM | libc::EROFS => {
            (Code::PermissionDenied, "be root, or have the cgroup delegated to this user")
        }
        libc::ENOENT => (Code::NotSupported, "this kernel, or this version of cgroups, does not have it"),
        libc::EBUSY => (Code::Io, "more is in use than the new limit allows, or processes are in the way"),
        libc::EINVAL | libc::ERANGE | libc::ENODEV => {
            (Code::Io, "the kernel does not take this value: see the kernel's cgroup documentation")
        }
        _ => (Code::Io, ""),
    };
    Error::call(code, format!("{what} {}", path.display()), errno, hint)
}
