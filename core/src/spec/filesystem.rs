//! What the container sees as its files.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::Size;

/// How a directory of the host is seen inside, in the default file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostAccess {
    /// Read from the host; what is written goes to a layer that is thrown away.
    Overlay,
    /// Read only.
    #[serde(alias = "ro")]
    ReadOnly,
    /// An empty directory in its place.
    Hidden,
    /// Read and written as it is.
    #[serde(alias = "rw")]
    Full,
}

/// How the process gets its new root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootChange {
    /// pivot_root(2), and the old root detached: there is no way back.
    PivotRoot,
    /// chroot(2): the old root is still mounted, and a privileged process can leave. For lessons.
    Chroot,
}

/// A directory or file of the host inside the container: `/host:/inside[:ro]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Absolute path on the host.
    pub source: String,
    /// Absolute path inside.
    pub target: String,
    /// Whether it is read-only.
    pub read_only: bool,
}

impl FromStr for Volume {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, target, read_only) = match *text.split(':').collect::<Vec<_>>() {
            [source, target] | [source, target, "rw"] => (source, target, false),
            [source, target, "ro"] => (source, target, true),
            _ => return Err(format!("'{text}' is not a volume: write /host/path:/inside[:ro]")),
        };
        Ok(Self { source: source.into(), target: target.into(), read_only })
    }
}

impl<'de> Deserialize<'de> for Volume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a volume: \"/host:/inside[:ro]\" or {\"source\", \"target\", \"read_only\"}"
        )]
        enum Form {
            Text(String),
            Fields {
                source: String,
                target: String,
                #[serde(default)]
                read_only: bool,
            },
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
            Form::Fields { source, target, read_only } => Ok(Self { source, target, read_only }),
        }
    }
}

/// A fresh tmpfs(5): `/inside[:size=64M,mode=1777]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tmpfs {
    /// Absolute path inside.
    pub target: String,
    /// How much it may hold. Default: the spec's `storage_size`.
    pub size: Option<Size>,
    /// Mode of its root directory. Default: `0o1777`.
    pub mode: u32,
}

impl FromStr for Tmpfs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        let mut tmpfs = Self { target: target.into(), size: None, mode: 0o1777 };
        for option in options.split(',').filter(|o| !o.is_empty()) {
            match option.split_once('=') {
                Some(("size", size)) => tmpfs.size = Some(size.parse()?),
                Some(("mode", mode)) => {
                    tmpfs.mode = u32::from_str_radix(mode, 8)
                        .map_err(|_| format!("'{mode}' is not an octal mode: write mode=1777"))?;
                }
                _ => return Err(format!("'{option}' is not an option of a tmpfs: write size=… or mode=…")),
            }
        }
        Ok(tmpfs)
    }
}

impl<'de> Deserialize<'de> for Tmpfs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a tmpfs: \"/inside[:size=64M,mode=1777]\" or {\"target\", \"size\", \"mode\"}"
        )]
        enum Form {
            Text(String),
            Fields {
                target: String,
                size: Option<Size>,
                #[serde(default = "sticky")]
                mode: u32,
            },
        }
        fn sticky() -> u32 {
            0o1777
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
            Form::Fields { target, size, mode } => Ok(Self { target, size, mode }),
        }
    }
}

/// Kernel paths that Docker hides.
pub const MASKED_PATHS: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

/// Kernel paths that Docker makes read-only.
pub const READONLY_PATHS: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
