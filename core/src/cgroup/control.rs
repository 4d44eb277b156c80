//! Freezing, killing and removing a cgroup with everything in it.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::directory::members;
use super::{Cgroup, Directory, failed, not_found};
use crate::error::{Code, Error};
use crate::host::cgroups::{Controller, Version};
use crate::host::{ProcessStat, read_text};
use crate::sys::process;

/// How long the kernel may take for what it does at once unless a process is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait before looking again.
const MOMENT: Duration = Duration::from_micros(200);

impl Cgroup {
    /// Stops every process in it, those that come meanwhile too, until [`Cgroup::thaw`]: `cgroup.freeze`, or the
    /// freezer of v1. Nothing inside can undo that. Returns when all are stopped.
    ///
    /// # Errors
    /// [`Code::NotSupported`] when it has neither; [`Code::Io`] when a process cannot be stopped.
    pub fn freeze(&self) -> Result<(), Error> {
        self.set_frozen(true)
    }

    /// Lets what was frozen go on.
    ///
    /// # Errors
    /// As [`Cgroup::freeze`].
    pub fn thaw(&self) -> Result<(), Error> {
        self.set_frozen(false)
    }

    /// Whether it is frozen; `None` when it cannot be.
    #[must_use]
    pub fn frozen(&self) -> Option<bool> {
        let directory = self.freezer()?;
        match directory.version {
            Version::V2 => directory.read("cgroup.events").ok().map(|text| text.contains("frozen 1")),
            Version::V1 => directory.read("freezer.state").ok().map(|text| text == "FROZEN"),
        }
    }

    /// Whether it was not removed. A file that is gone reads as one that the kernel does not have.
    pub(super) fn still_there(&self) -> Result<(), Error> {
        let gone = self.directories.iter().find(|directory| !directory.path.exists());
        gone.map_or(Ok(()), |gone| Err(not_found(&gone.path)))
    }

    fn set_frozen(&self, frozen: bool) -> Result<(), Error> {
        let Some(directory) = self.freezer() else {
            self.still_there()?;
            let hint = "it takes the v2 tree, or the freezer of v1";
            return Err(Error::call(Code::NotSupported, "the cgroup cannot be frozen", 0, hint));
        };
        directory.set_frozen(frozen).map_err(|error| {
            let what = if frozen { "could not freeze" } else { "could not thaw" };
            failed(what, &directory.path.join("cgroup.procs"), &error)
        })?;
        patiently("not everything in the cgroup could be stopped", || {
            let done = self.frozen() != Some(!frozen);
            if !done && frozen {
                // The freezer of v1 misses, seldom, who is about to wait for a child that it has just made (vfork), and
                // looks for it again only when it is asked again.
                let _ = directory.set_frozen(true);
            }
            done
        })
    }

    fn freezer(&self) -> Option<&Directory> {
        let v2 = |directory: &&Directory| {
            directory.version == Version::V2 && directory.path.join("cgroup.freeze").exists()
        };
        self.directories.iter().find(v2).or_else(|| self.having(Controller::Freezer))
    }

    /// Kills every process in it and in cgroups below it, those that are being made too: `cgroup.kill`, or on v1
    /// SIGKILL to each while all are frozen. Returns when none is left.
    ///
    /// After that nothing should be started in it (Linux 6.18 kills what is cloned into it): make another one.
    ///
    /// # Errors
    /// [`Code::Io`] when a process cannot be killed.
    pub fn kill(&self) -> Result<(), Error> {
        let killed = self.tree().is_some_and(|tree| tree.write("cgroup.kill", "1").is_ok());
        if killed {
            self.let_die();
        }
        patiently("not everything in the cgroup could be killed", || {
            let left = self.directories.iter().any(|directory| populated(&directory.path));
            if left && !killed {
                self.kill_each();
            }
            !left
        })
    }

    /// Lets processes that the freezer of v1 holds see that they were killed.
    pub(crate) fn let_die(&self) {
        if let Some(directory) = self.having(Controller::Freezer) {
            let _ = directory.set_frozen(false);
        }
    }

    /// SIGKILL to each process, all of them frozen where that can be: none escapes by a fork, and no id becomes another's.
    fn kill_each(&self) {
        let freezer = self.freezer();
        let set = |frozen: bool| freezer.is_some_and(|directory| directory.set_frozen(frozen).is_ok());
        set(true);
        for directory in &self.directories {
            visit(&directory.path, &mut |path| {
                for pid in members(path) {
                    // Opened, then looked at again: what the id stands for now is what is killed.
                    let Ok(pidfd) = process::pidfd_open(pid) else { continue };
                    if members(path).contains(&pid) {
                        let _ = process::send_signal(pidfd.as_fd(), libc::SIGKILL);
                    }
                }
            });
        }
        set(false);
    }

    /// Removes it and those below it, if they are empty.
    pub(crate) fn remove_now(&self) -> io::Result<()> {
        self.directories.iter().try_for_each(|directory| match remove_tree(&directory.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Removes it and the cgroups below it. There must be no process in them.
    ///
    /// # Errors
    /// [`Code::StillRuns`] while there is one. That it is gone already is no error.
    pub fn remove(&self) -> Result<(), Error> {
        let until = Instant::now() + Duration::from_millis(500);
        for directory in &self.directories {
            while let Err(error) = remove_tree(&directory.path) {
                match error.raw_os_error() {
                    Some(libc::ENOENT | libc::ENODEV) => break,
                    // One that has just ended is there for a moment still.
                    Some(libc::EBUSY) if Instant::now() < until => {
                        if inhabited(&directory.path) {
                            let problem = format!("there are processes in {}", directory.path.display());
                            return Err(Error::call(
                                Code::StillRuns,
                                problem,
                                libc::EBUSY,
                                "kill them first",
                            ));
                        }
                        std::thread::sleep(MOMENT);
                    }
                    _ => return Err(failed("could not remove", &directory.path, &error)),
                }
            }
        }
        Ok(())
    }
}

/// Looks again and again until it is done, or too long.
fn patiently(problem: &str, mut done: impl FnMut() -> bool) -> Result<(), Error> {
    let until = Instant::now() + PATIENCE;
    while !done() {
        if Instant::now() > until {
            let hint = "a process waits in the kernel for something that does not come";
            return Err(Error::call(Code::Io, problem, libc::ETIMEDOUT, hint));
        }
        std::thread::sleep(MOMENT);
    }
    Ok(())
}

/// Removes a cgroup and those below it, which must be empty.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    // Most have none below them, which is seen soonest by trying.
    match fs::remove_dir(path) {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
        done => return done,
    }
    for entry in
        fs::read_dir(path)?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
    {
        remove_tree(&entry.path())?;
    }
    fs::remove_dir(path)
}

/// Whether there is a process in a cgroup or below it.
pub(super) fn populated(path: &Path) -> bool {
    if let Ok(events) = read_text(path.join("cgroup.events")) {
        return events.contains("populated 1");
    }
    let mut any = false;
    visit(path, &mut |path| any |= !members(path).is_empty());
    any
}

/// Whether a process lives in a cgroup or below it, and is not just ending.
fn inhabited(path: &Path) -> bool {
    let mut any = false;
    visit(path, &mut |path| any |= members(path).iter().any(|pid| lives(*pid)));
    any
}

/// Calls for a cgroup and every one below it.
pub(super) fn visit(path: &Path, each: &mut dyn FnMut(&Path)) {
    each(path);
    // A directory has a link from each one below it: most cgroups have none.
    if fs::metadata(path).is_ok_and(|meta| meta.nlink() <= 2) {
        return;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        visit(&entry.path(), each);
    }
}

fn lives(pid: i32) -> bool {
    ProcessStat::of(pid).is_some_and(|stat| !stat.ended)
}
