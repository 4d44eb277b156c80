//! The one directory in which this user's state is kept, and who made a part of it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::start_time;
use crate::error::{Code, Error};

/// `/run/minicontain`, or `$XDG_RUNTIME_DIR/minicontain` for an ordinary user; `field` is what needs it.
pub(crate) fn state_directory(field: &str) -> Result<PathBuf, Error> {
    let uid = nix::unistd::geteuid();
    if uid.is_root() {
        return Ok("/run/minicontain".into());
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let runtime = runtime.unwrap_or_else(|| format!("/run/user/{uid}").into());
    let ours = fs::metadata(&runtime).is_ok_and(|meta| meta.uid() == uid.as_raw() && meta.is_dir());
    if ours {
        return Ok(runtime.join("minicontain"));
    }
    let problem = format!("{field}: there is no directory for this user's state ({})", runtime.display());
    let hint = "set XDG_RUNTIME_DIR to a directory of yours";
    Err(Error::call(Code::SourceNotFound, problem, libc::ENOENT, hint))
}

/// The process that made something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Maker {
    /// The PID namespace that the id is of, as `/proc/self/ns/pid` has it.
    pub namespace: u64,
    pub pid: u32,
    /// When it began, as proc_pid_stat(5) has it: an id alone may become another's.
    pub started: u64,
}

impl Maker {
    /// The calling process.
    pub(crate) fn this() -> Self {
        let pid = std::process::id();
        let started = start_time(pid as i32).unwrap_or(0);
        Self { namespace: own_pid_namespace(), pid, started }
    }

    /// Whether it has ended, as far as can be seen from here.
    pub(crate) fn is_gone(&self) -> bool {
        self.namespace == own_pid_namespace() && start_time(self.pid as i32) != Some(self.started)
    }
}

/// The number of the caller's PID namespace.
pub(crate) fn own_pid_namespace() -> u64 {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let text = link.to_string_lossy();
    text.trim_start_matches("pid:[").trim_end_matches(']').parse().unwrap_or(0)
}
