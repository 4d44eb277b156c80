//! What is wanted: plain data that knows nothing of the kernel.
//!
//! A [`Spec`] is built by hand, by [`crate::Command`], or from JSON. Its fields are named as `subprocess` and
//! `docker run` name theirs. [`Spec::validate`] reports every fault at once, before anything is touched.
//!
//! ```
//! use minicontain::Spec;
//! let spec = Spec::from_json(r#"{"args": ["echo", "hi"], "hostname": "box"}"#)?;
//! assert_eq!(spec.hostname.as_deref(), Some("box"));
//! let error = Spec::from_json(r#"{"args": [], "hostname": "no spaces"}"#).unwrap_err();
//! assert_eq!(error.faults().len(), 2);
//! # Ok::<(), minicontain::Error>(())
//! ```

mod capabilities;
mod fault;
mod filesystem;
mod identity;
mod limits;
mod misread;
mod namespaces;
mod network;
mod process;
mod read;
mod size;
mod validate;

pub use capabilities::{CAPABILITIES, DOCKER_CAPABILITIES, capability_number};
pub(crate) use capabilities::{DOCKER_MASK, bit, mask as capability_mask};
pub use fault::Fault;
pub use filesystem::{HostAccess, MASKED_PATHS, READONLY_PATHS, RootChange, Tmpfs, Volume};
pub use identity::IdMap;
pub use limits::Limits;
pub(crate) use limits::{DeviceRule, parse_list};
pub use misread::word;
pub use namespaces::{NamespaceSource, Namespaces, TimeOffsets};
pub(crate) use network::is_host_name;
pub use network::{Attachment, Protocol, Publish};
pub use process::{RLIMITS, Stdio, Ulimit};
pub use read::SEE_FIELDS;
pub use size::Size;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A container as data: what to run, and what it may see and do.
///
/// Everything but `args` has a default, and the defaults are the safe ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// A name by which other processes of this user find the container. Default: none; random for a detached one.
    pub name: Option<String>,
    /// Whether it outlives its creator. A container's output then goes to a log, that of a program which joins one to
    /// `/dev/null`.
    pub detach: bool,
    /// The program and its arguments. A program without a slash is looked for in the container's `PATH`.
    pub args: Vec<String>,
    /// The program to execute in place of `args[0]`, which it then only sees as its name.
    pub executable: Option<String>,
    /// Environment, added to `PATH`, `HOME` and `TERM`. A value of `None` (JSON `null`) takes the caller's.
    pub env: BTreeMap<String, Option<String>>,
    /// Whether `PATH`, `HOME` and `TERM` are set where `env` does not set them.
    pub default_env: bool,
    /// Working directory inside the container. Default: `/`.
    pub cwd: Option<String>,
    /// `uid`, `uid:gid`, `name` or `name:group`, as the container's `/etc/passwd` knows them. Default: root.
    pub user: Option<String>,
    /// Supplementary group ids (`docker run --group-add`).
    pub group_add: Vec<u32>,
    /// File mode creation mask: umask(2). Default: `0o022`.
    pub umask: u32,
    /// Resource limits by name (`nofile`, `core`, …): setrlimit(2). What is not named is as the caller has it.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Standard input. Default: inherited.
    pub stdin: Stdio,
    /// Standard output. Default: inherited.
    pub stdout: Stdio,
    /// Standard error. Default: inherited.
    pub stderr: Stdio,
    /// Whether the program has a terminal of the container's own for its three streams: pty(7). The caller gets the
    /// other end.
    pub tty: bool,
    /// Rows and columns of that terminal.
    pub tty_size: (u16, u16),
    /// Descriptors of the caller that the program gets under the same numbers.
    pub pass_fds: Vec<i32>,
    /// Whether the program leads a new session: setsid(2). It then has no controlling terminal to push input into.
    pub start_new_session: bool,
    /// The process group that the program joins, 0 for one of its own: setpgid(2). Default: that of its session.
    pub process_group: Option<i32>,
    /// Whether process 1 is a small init, which reaps orphans, forwards signals, and ends with the program or with
    /// the caller; without it, the program is process 1 itself. A PID namespace that is not new has its own already.
    pub init: bool,

    /// Host name, up to 64 bytes: sethostname(2). Default: `minicontain`; on a network the
    /// container's name, or one like `ip-10-16-8-2`.
    pub hostname: Option<String>,
    /// NIS domain name: setdomainname(2).
    pub domainname: Option<String>,
    /// Where each of the eight namespaces comes from.
    pub namespaces: Namespaces,
    /// Offsets of the clocks of a new time namespace, in seconds.
    pub time_offsets: TimeOffsets,
    /// User ids of a new user namespace, `container:host:size`. Default: see the README.
    pub uidmap: Vec<IdMap>,
    /// Group ids of a new user namespace, `container:host:size`.
    pub gidmap: Vec<IdMap>,
    /// Whether the loopback interface of a new network namespace is up.
    pub loopback: bool,
    /// The networks that the container is on: those of [`crate::network::Network`], by name. Default: none.
    pub networks: Vec<Attachment>,
    /// Ports of the host that lead to the container's.
    pub publish: Vec<Publish>,

    /// A directory to be the root. Default: the host's own files under a throw-away layer.
    pub rootfs: Option<String>,
    /// Whether the root file system is read-only.
    pub read_only: bool,
    /// How the root changes. `chroot` is for lessons: it can be left.
    pub root_change: RootChange,
    /// How the host's directories are seen when no `rootfs` is named. Default: `{"/": "overlay"}`.
    pub host_files: BTreeMap<String, HostAccess>,
    /// Host directories and files inside: `/host:/inside[:ro]`.
    pub volumes: Vec<Volume>,
    /// Fresh tmpfs mounts: `/inside[:size=64M,mode=700]`.
    pub tmpfs: Vec<Tmpfs>,
    /// How much the throw-away layer, `/tmp` and `/dev/shm` may hold together.
    pub storage_size: Size,
    /// Whether `/proc` is mounted: proc(5).
    pub proc: bool,
    /// Whether `/sys` is mounted: sysfs(5).
    pub sys: bool,
    /// Whether `/dev` is a small one of the container's own.
    pub dev: bool,
    /// Whether `/tmp` is the container's own.
    pub tmp: bool,
    /// Kernel paths that cannot be seen. Default: Docker's.
    pub masked_paths: Option<Vec<String>>,
    /// Kernel paths that cannot be written. Default: Docker's.
    pub readonly_paths: Option<Vec<String>>,
    /// Kernel settings of the container's own namespaces (`net.ipv4.ip_forward`): sysctl(8).
    pub sysctls: BTreeMap<String, String>,

    /// Capabilities beyond Docker's default set, `ALL` for every one: capabilities(7).
    pub cap_add: Vec<String>,
    /// Capabilities taken from that set, `ALL` for every one.
    pub cap_drop: Vec<String>,
    /// Whether no execve can grant privileges: `PR_SET_NO_NEW_PRIVS` of prctl(2).
    pub no_new_privileges: bool,
    /// Whether it joins a session keyring of the container's own, in place of the caller's: keyrings(7).
    pub new_keyring: bool,
    /// What it may use of the host. In JSON these are fields of the spec itself. For an ordinary user without a cgroup of
    /// his, [`Plan::new`](crate::Plan::new) asks systemd's user manager for one, once in a process's life.
    #[serde(flatten)]
    pub limits: Limits,
    /// Whether it has a cgroup of its own even if nothing is limited: it can then be measured and frozen.
    pub cgroup: bool,
    /// The cgroup below which its own is made, `/` being that of the hierarchy; a relative path is one that
    /// [`crate::Cgroup::open`] finds. Default: found, see the README.
    pub cgroup_parent: Option<String>,
    /// Whether `/sys/fs/cgroup` is writable inside, so that the container can have cgroups of its own below its own.
    pub cgroup_delegate: bool,
    /// Whether limits that this host cannot hold are left out, which the result tells; otherwise they are an error.
    pub best_effort: bool,
    /// Features that must be fully enforced; a shortfall is an error.
    pub require: Vec<String>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            name: None,
            detach: false,
            args: Vec::new(),
            executable: None,
            env: BTreeMap::new(),
            default_env: true,
            cwd: None,
            user: None,
            group_add: Vec::new(),
            umask: 0o022,
            ulimits: BTreeMap::new(),
            stdin: Stdio::Inherit,
            stdout: Stdio::Inherit,
            stderr: Stdio::Inherit,
            tty: false,
            tty_size: (24, 80),
            pass_fds: Vec::new(),
            start_new_session: true,
            process_group: None,
            init: true,
            hostname: None,
            domainname: None,
            namespaces: Namespaces::default(),
            time_offsets: TimeOffsets::default(),
            uidmap: Vec::new(),
            gidmap: Vec::new(),
            loopback: true,
            networks: Vec::new(),
            publish: Vec::new(),
            rootfs: None,
            read_only: false,
            root_change: RootChange::PivotRoot,
            host_files: BTreeMap::new(),
            volumes: Vec::new(),
            tmpfs: Vec::new(),
            storage_size: Size(1 << 30),
            proc: true,
            sys: true,
            dev: true,
            tmp: true,
            masked_paths: None,
            readonly_paths: None,
            sysctls: BTreeMap::new(),
            cap_add: Vec::new(),
            cap_drop: Vec::new(),
            no_new_privileges: true,
            new_keyring: true,
            limits: Limits::default(),
            cgroup: false,
            cgroup_parent: None,
            cgroup_delegate: false,
            best_effort: false,
            require: Vec::new(),
        }
    }
}

impl Spec {
    /// A spec that runs `args` with every default.
    #[must_use]
    pub fn new<S: Into<String>>(args: impl IntoIterator<Item = S>) -> Self {
        Self { args: args.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Reads and validates a spec from a JSON object.
    ///
    /// # Errors
    /// [`Error::Spec`] with every fault: an unknown field, a wrong type, a value that cannot be.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(json)
            .map_err(|e| Error::Spec(vec![Fault::new("", e.to_string(), "write one JSON object")]))?;
        Self::from_value(value)
    }

    /// Reads and validates a spec from a JSON value.
    ///
    /// # Errors
    /// [`Error::Spec`] with every fault.
    pub fn from_value(value: serde_json::Value) -> Result<Self, Error> {
        let spec = read::spec(value).map_err(Error::Spec)?;
        spec.validate()?;
        Ok(spec)
    }

    /// Checks every field without touching the host.
    ///
    /// # Errors
    /// [`Error::Spec`] with every fault.
    pub fn validate(&self) -> Result<(), Error> {
        let faults = validate::faults(self);
        if faults.is_empty() { Ok(()) } else { Err(Error::Spec(faults)) }
    }

    /// The spec as JSON, every field written out.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The program that is executed.
    #[must_use]
    pub fn program(&self) -> &str {
        self.executable.as_deref().or_else(|| self.args.first().map(String::as_str)).unwrap_or_default()
    }
}
