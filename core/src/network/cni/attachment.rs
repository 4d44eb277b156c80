//! What a container wants of a network: which namespace, which interface, and what only the runtime knows.

use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::statfs::{NSFS_MAGIC, statfs};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::config::{Config, is_identifier};
use super::invalid;
use super::plugin::{Surroundings, joined, plugin_dirs};
use crate::error::{Code, Error};
use crate::network::Cidr;

/// What must not be dropped in silence when no plugin of a network takes it.
const NEEDED: [&str; 4] = ["portMappings", "bandwidth", "ips", "mac"];

/// A port of the host that leads to one of the container.
///
/// ```
/// use minicontain::network::cni::PortMapping;
/// let web = PortMapping { host_port: 8080, container_port: 80, ..PortMapping::default() };
/// assert_eq!(web.protocol, "tcp");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// The port on the host.
    pub host_port: u16,
    /// The port in the container.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// The host's address to listen at; every one where none is given.
    #[serde(rename = "hostIP", skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<IpAddr>,
}

impl Default for PortMapping {
    fn default() -> Self {
        Self { host_port: 0, container_port: 0, protocol: "tcp".into(), host_ip: None }
    }
}

/// How much may flow, in bits and bits each second; zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bandwidth {
    /// Into the container, each second.
    pub ingress_rate: u64,
    /// Into the container, at once.
    pub ingress_burst: u64,
    /// Out of the container, each second.
    pub egress_rate: u64,
    /// Out of the container, at once.
    pub egress_burst: u64,
}

/// A container's wish to be attached to a network.
///
/// ```no_run
/// use minicontain::network::cni::{Attachment, CONFIG_DIR, Config, PortMapping};
/// let network = Config::find("lab", &[CONFIG_DIR])?;
/// let web = PortMapping { host_port: 8080, container_port: 80, ..PortMapping::default() };
/// let attachment = Attachment::new("box", "/run/netns/box").port_mappings(&[web]);
/// let result = attachment.add(&network)?;
/// println!("{}", result.ips[0].address);
/// attachment.check(&network)?;
/// attachment.delete(&network)?;
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub(super) container_id: String,
    pub(super) netns: PathBuf,
    pub(super) ifname: String,
    pub(super) capabilities: Map<String, Value>,
    pub(super) args: Vec<(String, String)>,
    pub(super) dirs: Vec<PathBuf>,
    pub(super) detached: bool,
    pub(super) timeout: Duration,
}

impl Attachment {
    /// Of a container, by the path of its network namespace: `/run/netns/NAME` or `/proc/PID/ns/net`. The interface is
    /// `eth0`, plugins are looked for in `CNI_PATH` or the usual directories ([`super::PLUGIN_DIRS`]), and each may take a
    /// minute.
    #[must_use]
    pub fn new(container_id: impl Into<String>, netns: impl Into<PathBuf>) -> Self {
        Self {
            container_id: container_id.into(),
            netns: seen_by_others(netns.into()),
            ifname: "eth0".into(),
            capabilities: Map::new(),
            args: Vec::new(),
            dirs: plugin_dirs(),
            detached: false,
            timeout: Duration::from_secs(60),
        }
    }

    /// Of a container, by a descriptor of its network namespace, which must stay open while plugins run.
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// let own = std::fs::File::open("/proc/self/ns/net").unwrap();
    /// let attachment = minicontain::network::cni::Attachment::from_fd("box", own.as_fd()).ifname("net1");
    /// ```
    #[must_use]
    pub fn from_fd(container_id: impl Into<String>, netns: BorrowedFd<'_>) -> Self {
        Self::new(container_id, format!("/proc/self/fd/{}", netns.as_raw_fd()))
    }

    /// The interface's name in the container.
    #[must_use]
    pub fn ifname(mut self, name: impl Into<String>) -> Self {
        self.ifname = name.into();
        self
    }

    /// Ports of the host that lead to the container: the capability `portMappings`.
    #[must_use]
    pub fn port_mappings(self, ports: &[PortMapping]) -> Self {
        self.capability("portMappings", json!(ports))
    }

    /// How much may flow: the capability `bandwidth`.
    #[must_use]
    pub fn bandwidth(self, limits: Bandwidth) -> Self {
        self.capability("bandwidth", json!(limits))
    }

    /// The addresses that it shall have: the capability `ips`.
    #[must_use]
    pub fn ips(self, addresses: &[Cidr]) -> Self {
        self.capability("ips", json!(addresses))
    }

    /// The hardware address that it shall have: the capability `mac`.
    #[must_use]
    pub fn mac(self, address: &str) -> Self {
        self.capability("mac", json!(address))
    }

    /// More names for it in the network: the capability `aliases`. Where no plugin takes them, they are dropped.
    #[must_use]
    pub fn aliases(self, names: &[&str]) -> Self {
        self.capability("aliases", json!(names))
    }

    /// Name servers and search domains: the capability `dns`. Where no plugin takes them, they are dropped.
    #[must_use]
    pub fn dns(self, servers: &[IpAddr], searches: &[&str]) -> Self {
        self.capability("dns", json!({"servers": servers, "searches": searches}))
    }

    /// Any other capability. It is given, in `runtimeConfig`, to the plugins that declare it.
    #[must_use]
    pub fn capability(mut self, name: &str, value: Value) -> Self {
        self.capabilities.insert(name.into(), value);
        self
    }

    /// One pair of `CNI_ARGS`. Many plugins refuse what they do not know, unless `IgnoreUnknown=1` comes first.
    #[must_use]
    pub fn arg(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.args.push((key.into(), value.into()));
        self
    }

    /// The directories with plugins, instead of `CNI_PATH`.
    #[must_use]
    pub fn plugin_dirs(mut self, dirs: &[impl AsRef<Path>]) -> Self {
        self.dirs = dirs.iter().map(|dir| dir.as_ref().into()).collect();
        self
    }

    /// How long each plugin may take before it is killed.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Whether it outlives this process: it is left behind when its network namespace is gone, and not when this process is.
    #[must_use]
    pub fn detached(mut self, detached: bool) -> Self {
        self.detached = detached;
        self
    }

    /// Whether it can be at all.
    pub(super) fn validate(&self) -> Result<(), Error> {
        if !is_identifier(&self.container_id) {
            let problem = format!("container id: '{}' is none", self.container_id);
            return Err(invalid(
                problem,
                "begin with a letter or digit, and use only those, '_', '.' and '-'",
            ));
        }
        let name = &self.ifname;
        let odd = |c: char| matches!(c, '/' | ':' | '\0') || c.is_whitespace();
        if name.is_empty() || name.len() > 15 || name == "." || name == ".." || name.contains(odd) {
            let problem = format!("ifname: '{name}' is no name of an interface");
            return Err(invalid(problem, "use 1 to 15 characters, without '/', ':' and spaces"));
        }
        let reserved = |text: &str| text.is_empty() || text.contains([';', '=', '\0']);
        if let Some((key, value)) = self.args.iter().find(|(key, value)| reserved(key) || reserved(value)) {
            let problem = format!("args: '{key}={value}' is no pair for CNI_ARGS");
            return Err(invalid(problem, "use neither ';' nor '=', and nothing empty"));
        }
        Ok(())
    }

    /// Whether the network can give what must not be dropped in silence.
    pub(super) fn check_capabilities(&self, config: &Config) -> Result<(), Error> {
        let asked = NEEDED.into_iter().filter(|name| self.capabilities.contains_key(*name));
        let missing =
            asked.into_iter().find(|name| !config.plugins().iter().any(|plugin| plugin.takes(name)));
        let Some(name) = missing else { return Ok(()) };
        let kind = match name {
            "portMappings" => "portmap",
            "bandwidth" => "bandwidth",
            _ => "…",
        };
        let problem = format!("no plugin of the CNI network '{}' takes '{name}'", config.name());
        let hint = format!(
            "have {{\"type\": \"{kind}\", \"capabilities\": {{\"{name}\": true}}}} among its plugins"
        );
        Err(invalid(problem, hint))
    }

    /// The network namespace that its path stands for.
    pub(super) fn namespace(&self) -> Result<NamespaceId, Error> {
        NamespaceId::of(&self.netns).ok_or_else(|| {
            let path = self.netns.display().to_string();
            let hint =
                "give /proc/PID/ns/net of a process that runs, or what `ip netns add` made in /run/netns";
            let problem = format!("{path} is no network namespace");
            Error::call(Code::NamespaceNotFound, problem, 0, hint).about(&path)
        })
    }

    /// What each plugin of a network finds around it.
    pub(super) fn surroundings(&self, config: &Config, netns: &Path) -> Surroundings {
        let args: Vec<_> = self.args.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let environment: Vec<(&'static str, OsString)> = vec![
            ("CNI_CONTAINERID", self.container_id.clone().into()),
            ("CNI_NETNS", netns.into()),
            ("CNI_IFNAME", self.ifname.clone().into()),
            ("CNI_ARGS", args.join(";").into()),
            ("CNI_PATH", joined(&self.dirs)),
        ];
        let whom =
            format!("{} of container '{}' in network '{}'", self.ifname, self.container_id, config.name());
        Surroundings { environment, whom, limit: self.timeout }
    }
}

/// A path below `/proc/self` or `/proc/thread-self` as a plugin must have it, whose own those would be otherwise.
fn seen_by_others(path: PathBuf) -> PathBuf {
    let process = || format!("/proc/{}", std::process::id());
    if let Ok(rest) = path.strip_prefix("/proc/self") {
        return Path::new(&process()).join(rest);
    }
    match path.strip_prefix("/proc/thread-self") {
        Ok(rest) => Path::new(&process()).join(format!("task/{}", nix::unistd::gettid())).join(rest),
        Err(_) => path,
    }
}

/// Which namespace a path stood for: a path alone may become another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamespaceId {
    dev: u64,
    ino: u64,
}

impl NamespaceId {
    /// Of what is at a path, if that is a namespace.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let namespace = statfs(path).ok()?.filesystem_type() == NSFS_MAGIC;
        namespace.then_some(Self { dev: meta.dev(), ino: meta.ino() })
    }
}
