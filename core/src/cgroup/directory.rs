//! A directory of a cgroup, and what is done to one alone.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{devices, failed, settings};
use crate::error::Error;
use crate::host::cgroups::{Controller, Hierarchy, Version, controllers_of, path_in};
use crate::host::read_text;
use crate::spec::Limits;
use crate::sys::bpf;

/// A directory of a cgroup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Where it is.
    pub path: PathBuf,
    /// Whose interface its files are.
    pub version: Version,
    pub(crate) controllers: Vec<Controller>,
}

impl Directory {
    /// The controllers that it has, by their names there.
    #[must_use]
    pub fn controllers(&self) -> Vec<&'static str> {
        self.controllers.iter().map(|controller| controller.name(self.version)).collect()
    }

    /// One that is there, in its hierarchy.
    pub(super) fn found((hierarchy, path): (Hierarchy, PathBuf)) -> Self {
        let controllers = match hierarchy.version {
            Version::V1 => hierarchy.controllers,
            Version::V2 => controllers_of(&path),
        };
        Self { path, version: hierarchy.version, controllers }
    }

    /// Where below it a process is: its own cgroup, or one that the processes went to.
    pub(crate) fn place_of(&self, pid: i32) -> PathBuf {
        let below = || {
            let name = self.path.file_name()?.to_str()?;
            let cgroups = read_text(format!("/proc/{pid}/cgroup")).ok()?;
            let path = path_in(&cgroups, self.version, &self.controllers)?;
            let rest = path.split_once(&format!("/{name}/"))?.1;
            Some(self.path.join(rest))
        };
        below().unwrap_or_else(|| self.path.clone())
    }

    /// Lets its processes use the harmless devices and those that were named, and no other: BPF.
    pub(super) fn filter_devices(&self, limits: &Limits) -> Result<(), Error> {
        let rules = settings::device_rules(limits);
        let wrong = |errno: i32| {
            let error = io::Error::from_raw_os_error(errno);
            failed("could not filter the devices of", &self.path.join("cgroup.procs"), &error)
        };
        let directory =
            fs::File::open(&self.path).map_err(|error| failed("could not open", &self.path, &error))?;
        let program = bpf::load_device_program(&devices::program(&rules)).map_err(wrong)?;
        bpf::attach_device_program(directory.as_fd(), program.as_fd()).map_err(wrong)
    }

    /// Reads a file of it, without the spaces at the end.
    pub(super) fn read(&self, file: &str) -> io::Result<String> {
        let mut text = read_text(self.path.join(file))?;
        text.truncate(text.trim_end().len());
        Ok(text)
    }

    pub(super) fn write(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.path.join(file), value)
    }

    /// Begins to freeze or to thaw it, where it can be.
    pub(super) fn set_frozen(&self, frozen: bool) -> io::Result<()> {
        match (self.version, frozen) {
            (Version::V2, true) => self.write("cgroup.freeze", "1"),
            (Version::V2, false) => self.write("cgroup.freeze", "0"),
            (Version::V1, true) => self.write("freezer.state", "FROZEN"),
            (Version::V1, false) => self.write("freezer.state", "THAWED"),
        }
    }
}

/// The processes that a cgroup has itself.
pub(super) fn members(path: &Path) -> Vec<i32> {
    numbers(&read_text(path.join("cgroup.procs")).unwrap_or_default())
}

/// The ids of a list, one a line.
pub(super) fn numbers(text: &str) -> Vec<i32> {
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
