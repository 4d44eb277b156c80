//! The one directory in which this user's state is kept, who made a part of it, and who has it to himself.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::ProcessStat;
use crate::error::{Code, Error};

/// `/run/minicontain`, or `$XDG_RUNTIME_DIR/minicontain` for an ordinary user; `field` is what needs it.
pub(crate) fn state_directory(field: &str) -> Result<PathBuf, Error> {
    let uid = nix::unistd::geteuid();
    if uid.is_root() {
        return Ok("/run/minicontain".into());
    }
    let runtime = runtime_directory();
    let ours = fs::metadata(&runtime).is_ok_and(|meta| meta.uid() == uid.as_raw() && meta.is_dir());
    if ours {
        return Ok(runtime.join("minicontain"));
    }
    let problem = format!("{field}: there is no directory for this user's state ({})", runtime.display());
    let hint = "set XDG_RUNTIME_DIR to a directory of yours";
    Err(Error::call(Code::SourceNotFound, problem, libc::ENOENT, hint))
}

/// Where an ordinary user's login has its sockets: `$XDG_RUNTIME_DIR`, or where systemd has it for the user.
pub(crate) fn runtime_directory() -> PathBuf {
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    named.unwrap_or_else(|| format!("/run/user/{}", nix::unistd::geteuid()).into())
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
        static KNOWN: Mutex<Option<Maker>> = Mutex::new(None);
        let (namespace, pid) = (own_pid_namespace(), std::process::id());
        // A copy of this process has another id, or is in another namespace; and it may have been made while a thread that
        // it has not had the lock.
        let known = KNOWN.try_lock().ok().and_then(|known| *known);
        if let Some(known) = known.filter(|known| (known.namespace, known.pid) == (namespace, pid)) {
            return known;
        }
        let started = ProcessStat::of(pid as i32).map_or(0, |stat| stat.started);
        let this = Self { namespace, pid, started };
        if let Ok(mut known) = KNOWN.try_lock() {
            *known = Some(this);
        }
        this
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let hexadecimal = |text: &str| u64::from_str_radix(text, 16).ok();
        let maker = Self {
            namespace: hexadecimal(parts.next()?)?,
            pid: parts.next()?.parse().ok()?,
            started: hexadecimal(parts.next()?)?,
        };
        parts.next().is_none().then_some(maker)
    }

    /// Whether it has ended, as far as can be seen from here. Its parent need not have waited for it yet.
    pub(crate) fn is_gone(&self) -> bool {
        let lives = |stat: ProcessStat| stat.started == self.started && !stat.ended;
        self.namespace == own_pid_namespace() && !ProcessStat::of(self.pid as i32).is_some_and(lives)
    }
}

impl fmt::Display for Maker {
    /// `NAMESPACE-PID-STARTED`, for names that say who made something.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}-{:x}", self.namespace, self.pid, self.started)
    }
}

/// A number that nothing else has that this process made.
pub(crate) fn next_number() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Makes a directory where it is not there, and locks it, against others who do so before they change what is in it, or
/// remove it.
pub(crate) fn hold(directory: &Path) -> io::Result<Flock<File>> {
    loop {
        match DirBuilder::new().recursive(true).mode(0o755).create(directory) {
            // The one above it was empty, and was removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            made => made?,
        }
        let file = match File::open(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        // Whoever had the lock may have removed the directory.
        let held = lock.metadata()?.ino();
        if fs::metadata(directory).is_ok_and(|now| now.ino() == held) {
            return Ok(lock);
        }
    }
}

/// The number of the caller's PID namespace.
pub(crate) fn own_pid_namespace() -> u64 {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let text = link.to_string_lossy();
    text.trim_start_matches("pid:[").trim_end_matches(']').parse().unwrap_or(0)
}
