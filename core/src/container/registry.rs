//! Containers that others can find: a directory for each, below the one documented state directory.
//!
//! ```text
//! /run/minicontain/containers/NAME    ($XDG_RUNTIME_DIR/minicontain/… for an ordinary user)
//!     state.json    what it is made of, and which process is its first
//!     block         what its init shares: requests, and how the program ended
//!     log           what a detached one writes to standard output and error
//! ```
//!
//! Only a container with a name has one. That of a container which is not detached goes with it; what a killed creator
//! left is removed by whoever lists the containers next.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::cgroup::Cgroup;
use crate::error::{Code, Error};
use crate::host::{ProcessStat, state_directory};
use crate::spec::Spec;
use crate::sys::process;

/// What is known of a container that has a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub name: String,
    /// The first process, as the host sees it, and when it began: an id alone may become another's.
    pub pid: i32,
    pub started: u64,
    /// Seconds since 1970.
    pub created: u64,
    pub spec: Spec,
    pub cgroup: Option<Cgroup>,
}

/// A container's directory. It is removed with this, unless it is kept.
#[derive(Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    /// Held while the container is being started: an entry without a state, and without this lock, is a killed start's.
    lock: Option<Flock<File>>,
    keep: bool,
    /// A fork's copy of this must not remove it.
    owner: u32,
}

/// How long a start may take to lock what it made.
const GRACE: Duration = Duration::from_secs(2);

/// The directory of this user's containers.
fn directory() -> Result<PathBuf, Error> {
    Ok(state_directory("name")?.join("containers"))
}

/// Where a detached container's output goes.
pub(crate) fn log_path(name: &str) -> Result<PathBuf, Error> {
    Ok(directory()?.join(name).join("log"))
}

/// A name that nobody has: twelve random hexadecimal digits.
pub(crate) fn random_name() -> Result<String, Error> {
    let mut bytes = [0; 6];
    let read = File::open("/dev/urandom").and_then(|mut file| io::Read::read_exact(&mut file, &mut bytes));
    read.map_err(|error| failed("could not choose a name", &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Entry {
    /// Takes a name, before anything of the container is made.
    pub(crate) fn reserve(name: &str) -> Result<Self, Error> {
        let path = directory()?.join(name);
        let mut made = make_entry(&path);
        if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) && stale(&path) {
            let _ = remove_entry(&path);
            made = make_entry(&path);
        }
        match made {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let problem = format!("name: there is a container '{name}' already");
                return Err(Error::call(
                    Code::NameTaken,
                    problem,
                    0,
                    "remove it first, or choose another name",
                ));
            }
            Err(error) => return Err(failed("name: could not make the container's state directory", &error)),
        }
        let locked =
            File::open(&path).ok().and_then(|dir| Flock::lock(dir, FlockArg::LockExclusiveNonblock).ok());
        Ok(Self { path, lock: locked, keep: false, owner: std::process::id() })
    }

    /// The file of the memory that init shares.
    pub(crate) fn block_file(&self) -> Result<OwnedFd, i32> {
        let mut options = OpenOptions::new();
        let made = options.read(true).write(true).create_new(true).mode(0o600).open(self.path.join("block"));
        made.map(OwnedFd::from).map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))
    }

    /// Writes down which process it is. A detached one's entry is kept.
    pub(super) fn commit(&mut self, pid: i32, spec: &Spec, cgroup: Option<&Cgroup>) -> Result<(), Error> {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let state = State {
            name,
            pid,
            started: started(pid).unwrap_or(0),
            created,
            spec: spec.clone(),
            cgroup: cgroup.cloned(),
        };
        let text = serde_json::to_vec(&state).unwrap_or_default();
        // Nobody shall read half of it.
        let (draft, place) = (self.path.join("state.json.new"), self.path.join("state.json"));
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        let written =
            written.and_then(|mut file| file.write_all(&text)).and_then(|()| fs::rename(&draft, place));
        written.map_err(|error| failed("name: could not write the container's state", &error))?;
        self.keep = spec.detach;
        self.lock = None;
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.keep && self.owner == std::process::id() {
            let _ = remove_entry(&self.path);
        }
    }
}

/// An entry found by its name.
pub(super) struct Found {
    pub path: PathBuf,
    pub state: State,
}

impl Found {
    /// Finds a container of this user.
    pub(super) fn by_name(name: &str) -> Result<Self, Error> {
        let missing = || {
            let problem = format!("there is no container '{name}'");
            Error::call(Code::NoSuchContainer, problem, 0, "list the containers that there are")
        };
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(missing());
        }
        let path = directory()?.join(name);
        let state = read_state(&path).ok_or_else(missing)?;
        Ok(Self { path, state })
    }

    /// The process's descriptor, while it runs and is the same.
    pub(super) fn open_process(&self) -> Option<OwnedFd> {
        let pidfd = process::pidfd_open(self.state.pid).ok()?;
        // Opened first: what the id stands for now is what was opened.
        let same = started(self.state.pid) == Some(self.state.started);
        (same && !process::has_ended(pidfd.as_fd())).then_some(pidfd)
    }

    pub(super) fn block_file(&self) -> io::Result<OwnedFd> {
        OpenOptions::new().read(true).write(true).open(self.path.join("block")).map(OwnedFd::from)
    }

    pub(super) fn remove(&self) -> Result<(), Error> {
        if let Some(cgroup) = &self.state.cgroup {
            let _ = cgroup.kill().and_then(|()| cgroup.remove());
        }
        match remove_entry(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("could not remove the container's state", &error))
            }
            _ => Ok(()),
        }
    }
}

/// The names of this user's containers. Entries that a killed creator left are removed.
pub(super) fn names() -> Result<Vec<String>, Error> {
    // Where there is no directory for this user's state, nothing of his has a name.
    let Ok(directory) = directory() else { return Ok(Vec::new()) };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("could not list the containers", &error)),
    };
    let mut names = Vec::new();
    for entry in entries.flatten() {
        if stale(&entry.path()) {
            let _ = remove_entry(&entry.path());
        } else if entry.path().join("state.json").exists() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

/// When a process began, while it has its id.
fn started(pid: i32) -> Option<u64> {
    ProcessStat::of(pid).map(|stat| stat.started)
}

/// Makes a container's directory, and those above it.
fn make_entry(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    let mut tries = 0..100;
    loop {
        let above = path.parent().map_or(Ok(()), |above| builder.recursive(true).mode(0o700).create(above));
        match above.and_then(|()| builder.recursive(false).create(path)) {
            // Whoever removed the last container took the directory with it in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
            made => return made,
        }
    }
}

/// Removes a container's directory, and with the last one the state directory, which is empty then.
fn remove_entry(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)?;
    let _ = path.ancestors().skip(1).take(2).try_for_each(fs::remove_dir);
    Ok(())
}

/// Whether an entry is one that nobody will remove: of a start that was killed, or of a container that went with its
/// creator.
fn stale(path: &Path) -> bool {
    match read_state(path) {
        None => {
            let Ok(dir) = File::open(path) else { return false };
            // One that was just made may not be locked yet.
            let age =
                dir.metadata().and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
            age.is_some_and(|age| age > GRACE)
                && !matches!(Flock::lock(dir, FlockArg::LockExclusiveNonblock), Err((_, Errno::EWOULDBLOCK)))
        }
        Some(state) => {
            let found = Found { path: path.into(), state };
            !found.state.spec.detach && found.open_process().is_none()
        }
    }
}

fn read_state(path: &Path) -> Option<State> {
    serde_json::from_slice(&fs::read(path.join("state.json")).ok()?).ok()
}

fn failed(what: &str, error: &io::Error) -> Error {
    Error::call(Code::Io, what, error.raw_os_error().unwrap_or(0), "")
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;

    use super::*;

    #[test]
    fn an_entry_of_a_killed_start_is_stale_and_one_that_begins_is_not() {
        let path = std::env::temp_dir().join(format!("minicontain-registry-{}/a/b", std::process::id()));
        make_entry(&path).expect("an entry");
        assert!(!stale(&path), "it may be locked in a moment");
        let dir = File::open(&path).expect("the entry");
        let long_ago = FileTimes::new().set_modified(UNIX_EPOCH);
        dir.set_times(long_ago).expect("its time");
        let lock = Flock::lock(dir, FlockArg::LockExclusiveNonblock).expect("a lock");
        assert!(!stale(&path), "its start still holds it");
        drop(lock);
        assert!(stale(&path));
        let root = path.ancestors().nth(2).expect("a directory");
        remove_entry(&path).expect("removed");
        assert!(!root.exists(), "what was empty above it went, too");
    }
}
