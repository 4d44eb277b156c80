//! The program's standard streams and resource limits.

use serde::{Deserialize, Serialize};

/// Where one of the three standard streams goes, as `subprocess` has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stdio {
    /// The caller's own.
    #[default]
    Inherit,
    /// `/dev/null`.
    Null,
    /// A new pipe, whose other end the caller gets.
    Pipe,
    /// For standard error: the same as standard output.
    Stdout,
    /// An open descriptor of the caller's.
    Fd(i32),
    /// A file of the host: read for standard input, written from its start for the others.
    File(String),
}

/// A soft and a hard resource limit; `None` is unlimited. In JSON a number stands for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "UlimitForm")]
pub struct Ulimit {
    /// What holds now.
    pub soft: Option<u64>,
    /// How far the program may raise it.
    pub hard: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a limit: a number, null, or {\"soft\": …, \"hard\": …}")]
enum UlimitForm {
    Pair { soft: Option<u64>, hard: Option<u64> },
    Both(Option<u64>),
}

impl From<UlimitForm> for Ulimit {
    fn from(form: UlimitForm) -> Self {
        match form {
            UlimitForm::Both(limit) => Self { soft: limit, hard: limit },
            UlimitForm::Pair { soft, hard } => Self { soft, hard },
        }
    }
}

/// Resource limits by the names that `docker run --ulimit` and limits.conf(5) use: getrlimit(2).
pub const RLIMITS: [(&str, u32); 16] = [
    ("as", libc::RLIMIT_AS),
    ("core", libc::RLIMIT_CORE),
    ("cpu", libc::RLIMIT_CPU),
    ("data", libc::RLIMIT_DATA),
    ("fsize", libc::RLIMIT_FSIZE),
    ("locks", libc::RLIMIT_LOCKS),
    ("memlock", libc::RLIMIT_MEMLOCK),
    ("msgqueue", libc::RLIMIT_MSGQUEUE),
    ("nice", libc::RLIMIT_NICE),
    ("nofile", libc::RLIMIT_NOFILE),
    ("nproc", libc::RLIMIT_NPROC),
    ("rss", libc::RLIMIT_RSS),
    ("rtprio", libc::RLIMIT_RTPRIO),
    ("rttime", libc::RLIMIT_RTTIME),
    ("sigpending", libc::RLIMIT_SIGPENDING),
    ("stack", libc::RLIMIT_STACK),
];
