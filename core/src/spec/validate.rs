//! Finds every fault of a spec, with the field's name and the way out, before anything is touched.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    HostAccess, Limits, NamespaceSource, Publish, RLIMITS, Spec, Stdio, capability_number, is_host_name,
    misread,
};
use crate::namespace::Kind;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field's name; empty for the spec as a whole.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Fault {
    pub(crate) fn new(field: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into(), fix: fix.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{} ({})", self.problem, self.fix)
    }
}

/// The fix where no field there is comes near the one that was named: right in every language.
pub const SEE_FIELDS: &str = "to_json of a spec shows every field there is";

/// The kernel's bound on one string of argv or envp (MAX_ARG_STRLEN: 32 pages).
const MAX_STRING: usize = 131_071;

/// The features that `require` may name.
pub(crate) const FEATURES: [&str; 17] = [
    "namespaces",
    "user_mapping",
    "root",
    "read_only",
    "masked_paths",
    "capabilities",
    "no_new_privileges",
    "seccomp",
    "memory",
    "cpu",
    "cpuset",
    "pids",
    "io",
    "hugetlb",
    "devices",
    "network",
    "published_ports",
];

/// Reads a spec from JSON, naming every field that cannot be read.
pub(super) fn read(value: Value) -> Result<Spec, Vec<Fault>> {
    static KNOWN: LazyLock<Vec<String>> = LazyLock::new(names::<Spec>);
    read_as(value, &KNOWN, "write {\"args\": [\"program\"]}")
}

/// Reads limits alone.
pub(super) fn read_limits(value: Value) -> Result<Limits, Vec<Fault>> {
    static KNOWN: LazyLock<Vec<String>> = LazyLock::new(names::<Limits>);
    read_as(value, &KNOWN, "write {\"memory\": \"64M\"}")
}

/// The fields that there are.
fn names<T: Serialize + Default>() -> Vec<String> {
    let all = serde_json::to_value(T::default()).unwrap_or_default();
    all.as_object().map(|known| known.keys().cloned().collect()).unwrap_or_default()
}

fn read_as<T: DeserializeOwned>(value: Value, known: &[String], example: &str) -> Result<T, Vec<Fault>> {
    let Value::Object(fields) = value else {
        return Err(vec![Fault::new("", "it is not a JSON object", example)]);
    };
    let unknown: Vec<Fault> = unknown_fields(&fields, known).collect();
    match T::deserialize(&fields) {
        Ok(read) if unknown.is_empty() => Ok(read),
        whole => {
            let mut faults = unknown;
            faults.extend(fields.iter().filter_map(|(name, value)| misread::fault::<T>(name, value)));
            if let (Err(whole), true) = (whole, faults.is_empty()) {
                faults.push(Fault::new("", whole.to_string(), "correct the field named"));
            }
            Err(faults)
        }
    }
}

/// The fields that there are not, with the likeliest that was meant.
fn unknown_fields<'a>(
    fields: &'a Map<String, Value>,
    known: &'a [String],
) -> impl Iterator<Item = Fault> + 'a {
    let unknown = fields.keys().filter(|name| !known.contains(*name));
    unknown.map(|name| {
        let nearest = known.iter().min_by_key(|candidate| distance(name, candidate));
        let fix = match nearest {
            Some(near) if distance(name, near) <= 3.min(name.len() / 2) => format!("did you mean '{near}'?"),
            _ => SEE_FIELDS.into(),
        };
        Fault::new(name, "no such field", fix)
    })
}

/// Levenshtein distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let next = (corner + usize::from(ca != *cb)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

/// Every fault of a spec's values.
pub(super) fn faults(spec: &Spec) -> Vec<Fault> {
    let mut found = Vec::new();
    process(spec, &mut found);
    namespaces(spec, &mut found);
    networks(spec, &mut found);
    files(spec, &mut found);
    privileges(spec, &mut found);
    spec.limits.faults(&mut found);
    found
}

fn networks(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    for (i, attachment) in spec.networks.iter().enumerate() {
        let name = &attachment.network;
        if !(name.starts_with('/') || is_host_name(name)) {
            let problem = format!("'{}' is no name of a network", name.escape_debug());
            fault(
                "networks",
                problem,
                "name one that was made, or give the absolute path of a CNI configuration",
            );
        }
        if spec.networks[..i].iter().any(|other| other.network == *name) {
            fault(
                "networks",
                format!("'{name}' is there twice"),
                "name it once, with aliases where it has several names",
            );
        }
        for alias in attachment.aliases.iter().filter(|alias| !is_host_name(alias)) {
            fault(
                "networks",
                format!("'{}' is no name of a host", alias.escape_debug()),
                "use letters, digits and '-'",
            );
        }
    }
    if !spec.networks.is_empty() && *spec.namespaces.get(Kind::Net) != NamespaceSource::New {
        fault(
            "networks",
            "its network namespace is another's".into(),
            "leave namespaces.net out, or the networks",
        );
    }
    if spec.networks.len() > 8 {
        fault("networks", format!("{} of them are too many", spec.networks.len()), "name up to 8");
    }
    if spec.networks.iter().any(|attachment| attachment.rate.is_some_and(|rate| rate < 8)) {
        fault(
            "networks",
            "less than a byte in a second is no rate".into(),
            "give bits in a second: rate=10mbit",
        );
    }
    if spec.networks.is_empty() && !spec.publish.is_empty() {
        fault("publish", "it is on no network that the ports could lead to".into(), "name a network");
    }
    for (i, port) in spec.publish.iter().enumerate() {
        let same = |other: &&Publish| {
            (other.address, other.host, other.protocol) == (port.address, port.host, port.protocol)
        };
        if spec.publish[..i].iter().any(|other| same(&other)) {
            fault("publish", format!("port {} of the host is there twice", port.host), "choose another one");
        }
    }
}

fn process(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    if spec.args.is_empty() {
        fault("args", "there is no program to run".into(), "name at least the program");
    }
    if spec.args.first().is_some_and(std::string::String::is_empty) && spec.executable.is_none() {
        fault("args", "the program's name is empty".into(), "name the program");
    }
    for (i, arg) in spec.args.iter().enumerate() {
        if let Some(problem) = string_problem(arg) {
            fault(
                "args",
                format!("argument {i} {problem}"),
                "pass large or binary data through stdin or a volume",
            );
        }
    }
    for (name, value) in &spec.env {
        if name.is_empty() || name.contains('=') {
            fault("env", format!("'{name}' cannot be a variable's name"), "use a name without '='");
        }
        for text in [Some(name), value.as_ref()].into_iter().flatten() {
            if let Some(problem) = string_problem(text) {
                fault(
                    "env",
                    format!("'{}' {problem}", shorten(name)),
                    "pass large or binary data through stdin or a volume",
                );
            }
        }
    }
    if let Some(name) = &spec.name {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if !first || name.len() > 64 || !name.chars().all(plain) {
            let fix = "use up to 64 letters, digits, '_', '.' and '-', a letter or digit first";
            fault("name", format!("'{}' is no name for a container", shorten(name)), fix);
        }
    }
    let findable = [("name", spec.name.is_some()), ("detach", spec.detach)];
    for (field, _) in findable.into_iter().filter(|(_, wanted)| *wanted) {
        if !spec.init || !spec.namespaces.new_one(Kind::Pid) {
            fault(
                field,
                "needs an init in a PID namespace of its own".into(),
                "leave init on, and namespaces.pid new",
            );
        }
    }
    for (field, stream) in [("stdin", &spec.stdin), ("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        if spec.detach && *stream == Stdio::Pipe {
            fault(
                field,
                "a pipe ends with the caller, what is detached does not".into(),
                "use a file, or leave it out",
            );
        }
    }
    if spec.detach && spec.tty {
        fault(
            "tty",
            "a terminal ends with the caller, what is detached does not".into(),
            "leave one of the two out",
        );
    }
    if spec.tty && !spec.start_new_session {
        fault("tty", "a terminal belongs to a session".into(), "leave start_new_session on");
    }
    for (field, stream) in [("stdin", &spec.stdin), ("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        if spec.tty && *stream != Stdio::Inherit {
            fault(
                field,
                "with tty, the three streams are the terminal".into(),
                "leave it out, or leave tty out",
            );
        }
    }
    match spec.process_group {
        Some(group) if group < 0 => {
            fault("process_group", format!("{group} is no process group"), "use 0 or more");
        }
        Some(group) if group > 0 && spec.start_new_session => fault(
            "process_group",
            "the leader of a session cannot join another's process group".into(),
            "use start_new_session=false, or process_group=0",
        ),
        _ => {}
    }
    for (field, path) in [("cwd", &spec.cwd), ("executable", &spec.executable)] {
        if let Some(problem) = path.as_deref().and_then(string_problem) {
            fault(field, format!("the path {problem}"), "use an ordinary path");
        }
    }
    if spec.cwd.as_deref().is_some_and(|path| !path.starts_with('/')) {
        fault(
            "cwd",
            "the working directory is inside the container and must be absolute".into(),
            "start it with '/'",
        );
    }
    if spec.umask > 0o777 {
        fault("umask", format!("0o{:o} is not a mask", spec.umask), "use 0 to 0o777");
    }
    for (name, limit) in &spec.ulimits {
        if !RLIMITS.iter().any(|(known, _)| known == name) {
            let known = RLIMITS.map(|(known, _)| known).join(", ");
            fault("ulimits", format!("'{name}' is not a resource limit"), &format!("use one of {known}"));
        }
        if limit.soft.unwrap_or(u64::MAX) > limit.hard.unwrap_or(u64::MAX) {
            fault("ulimits", format!("{name}: the soft limit is above the hard one"), "raise the hard limit");
        }
    }
    for (field, stream) in [("stdin", &spec.stdin), ("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        match stream {
            Stdio::Fd(fd) if *fd < 0 => fault(field, format!("{fd} is not a descriptor"), "pass an open one"),
            Stdio::Stdout if field != "stderr" => {
                fault(field, "only standard error can be merged".into(), "use it for stderr");
            }
            _ => {}
        }
    }
    if spec.limits.pids_limit == Some(1) && spec.init && spec.namespaces.new_one(Kind::Pid) {
        fault(
            "pids_limit",
            "1 is taken by init, and leaves no process for the program".into(),
            "use 2 or more, or init=false",
        );
    }
    let mut seen = BTreeSet::new();
    for fd in &spec.pass_fds {
        if *fd < 3 || !seen.insert(fd) {
            fault(
                "pass_fds",
                format!("{fd} cannot be passed on"),
                "pass each descriptor once; 0, 1 and 2 have fields of their own",
            );
        }
    }
}

fn namespaces(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    for (field, name, kind) in
        [("hostname", &spec.hostname, Kind::Uts), ("domainname", &spec.domainname, Kind::Uts)]
    {
        let Some(name) = name else { continue };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) || name.starts_with(['-', '.']) {
            fault(
                field,
                format!("'{}' is not a valid name", shorten(name)),
                "use 1 to 64 letters, digits, '-' and '.'",
            );
        }
        if spec.namespaces.host(kind) {
            fault(field, "it would rename the host".into(), "give the container a uts namespace of its own");
        }
    }
    for (field, maps, kind) in [("uidmap", &spec.uidmap, Kind::User), ("gidmap", &spec.gidmap, Kind::User)] {
        if !maps.is_empty() && !spec.namespaces.new_one(kind) {
            fault(field, "there is no new user namespace to map".into(), "leave namespaces.user new");
        }
        if maps.len() > 340 {
            fault(field, format!("{} ranges", maps.len()), "the kernel takes at most 340");
        }
        for (i, map) in maps.iter().enumerate() {
            let overlaps = |start: fn(&super::IdMap) -> u32| {
                maps[..i].iter().any(|other| {
                    let (a, b) = (u64::from(start(map)), u64::from(start(other)));
                    a < b + u64::from(other.size) && b < a + u64::from(map.size)
                })
            };
            if map.size == 0 || overlaps(|m| m.container) || overlaps(|m| m.host) {
                fault(field, format!("the range {map} is empty or overlaps another"), "use separate ranges");
            }
        }
        if !maps.is_empty() && !maps.iter().any(|map| map.contains(0)) {
            fault(field, "the container's root is not mapped".into(), "map id 0");
        }
    }
    let offsets = spec.time_offsets;
    if offsets != super::TimeOffsets::default() && !spec.namespaces.new_one(Kind::Time) {
        fault("time_offsets", "there is no new time namespace".into(), "leave namespaces.time new");
    }
    if !(offsets.monotonic.abs() < 4e9 && offsets.boottime.abs() < 4e9) {
        fault("time_offsets", "an offset is not a sensible number of seconds".into(), "use less than 4e9");
    }
    for (name, value) in &spec.sysctls {
        let kind = match name.split('.').collect::<Vec<_>>()[..] {
            ["net", _, ..] => Some(Kind::Net),
            ["kernel", key] if key.starts_with("msg") || key.starts_with("sem") || key.starts_with("shm") => {
                Some(Kind::Ipc)
            }
            ["fs", "mqueue", _] => Some(Kind::Ipc),
            ["kernel", "domainname" | "hostname"] => Some(Kind::Uts),
            _ => None,
        };
        let plain = |text: &str| !text.contains(['\0', '/']) && !text.contains("..");
        match kind {
            _ if !plain(name) || value.contains('\0') => fault(
                "sysctls",
                format!("'{name}' is not a setting"),
                "write it as sysctl(8) does: net.ipv4.ip_forward",
            ),
            None => fault(
                "sysctls",
                format!("'{name}' belongs to the whole host"),
                "only net.*, kernel.msg*, kernel.sem*, kernel.shm* and fs.mqueue.* belong to a namespace",
            ),
            Some(kind) if !spec.namespaces.new_one(kind) => {
                fault(
                    "sysctls",
                    format!("'{name}' would change a {kind} namespace that is not the container's own"),
                    "leave that namespace new",
                );
            }
            Some(_) => {}
        }
    }
}

fn files(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    let mut targets = BTreeSet::new();
    let mut target = |field: &str, path: &str| {
        if !clean(path) || path == "/" {
            return Some(Fault::new(
                field,
                format!("'{}' is not a place inside", shorten(path)),
                "use an absolute path without '..'",
            ));
        }
        let twice = !targets.insert(path.trim_end_matches('/').to_string());
        twice.then(|| Fault::new(field, format!("'{path}' is mounted twice"), "name each place once"))
    };
    let mut also = Vec::new();
    for volume in &spec.volumes {
        also.extend(target("volumes", &volume.target));
        if !clean(&volume.source) {
            fault(
                "volumes",
                format!("'{}' is not an absolute host path", shorten(&volume.source)),
                "start it with '/', without '..'",
            );
        }
    }
    for tmpfs in &spec.tmpfs {
        also.extend(target("tmpfs", &tmpfs.target));
        if tmpfs.mode > 0o7777 || tmpfs.size == Some(super::Size(0)) {
            fault(
                "tmpfs",
                format!("{}: no such size or mode", tmpfs.target),
                "use a size above 0 and an octal mode",
            );
        }
    }
    if spec.storage_size.0 < 64 << 10 || spec.storage_size.0 > 1 << 50 {
        fault("storage_size", format!("{} is not a sensible size", spec.storage_size), "use 64k to 1024T");
    }
    if let Some(root) = &spec.rootfs {
        if !clean(root) {
            fault(
                "rootfs",
                format!("'{}' is not an absolute host path", shorten(root)),
                "start it with '/', without '..'",
            );
        }
        if !spec.host_files.is_empty() {
            fault("host_files", "they are not seen when rootfs names another root".into(), "use volumes");
        }
    }
    for (path, access) in &spec.host_files {
        if !clean(path) {
            fault(
                "host_files",
                format!("'{}' is not an absolute path", shorten(path)),
                "start it with '/', without '..'",
            );
        }
        if path == "/" && *access == HostAccess::Hidden {
            fault(
                "host_files",
                "without any root no program can be found".into(),
                "hide single directories, or name a rootfs",
            );
        }
    }
    for (field, paths) in [("masked_paths", &spec.masked_paths), ("readonly_paths", &spec.readonly_paths)] {
        for path in paths.iter().flatten() {
            if !clean(path) || path == "/" {
                fault(
                    field,
                    format!("'{}' is not a place inside", shorten(path)),
                    "use an absolute path without '..'",
                );
            }
        }
    }
    if !spec.namespaces.new_one(Kind::Mnt) {
        let asked = [
            ("rootfs", spec.rootfs.is_some()),
            ("read_only", spec.read_only),
            ("host_files", !spec.host_files.is_empty()),
            ("volumes", !spec.volumes.is_empty()),
            ("tmpfs", !spec.tmpfs.is_empty()),
        ];
        for (field, _) in asked.into_iter().filter(|(_, asked)| *asked) {
            fault(
                field,
                "mounting needs a mount namespace of the container's own".into(),
                "leave namespaces.mnt new",
            );
        }
    }
    found.extend(also);
}

fn privileges(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    for (field, names) in [("cap_add", &spec.cap_add), ("cap_drop", &spec.cap_drop)] {
        for name in names {
            if !name.eq_ignore_ascii_case("ALL") && capability_number(name).is_none() {
                fault(
                    field,
                    format!("'{}' is not a capability", shorten(name)),
                    "see capabilities(7), or use ALL",
                );
            }
        }
    }
    if let Some(user) = &spec.user {
        let parts: Vec<&str> = user.split(':').collect();
        if parts.len() > 2
            || parts.iter().any(|part| part.is_empty() || part.starts_with('-') || part.contains(['\0', '/']))
        {
            fault(
                "user",
                format!("'{}' is not a user", shorten(user)),
                "write uid, uid:gid, name or name:group",
            );
        }
    }
    if let Some(parent) = &spec.cgroup_parent {
        if parent.is_empty() || parent.contains('\0') || parent.split('/').any(|part| part == "..") {
            fault(
                "cgroup_parent",
                format!("'{}' is no path of a cgroup", shorten(parent)),
                "write it as /web or web/a",
            );
        }
    }
    for name in &spec.require {
        if !FEATURES.contains(&name.as_str()) {
            fault(
                "require",
                format!("'{}' is not a feature", shorten(name)),
                &format!("use one of {}", FEATURES.join(", ")),
            );
        }
    }
}

/// Why a string cannot be passed to execve, if it cannot.
fn string_problem(text: &str) -> Option<String> {
    if text.contains('\0') {
        Some("has a NUL byte in it".into())
    } else if text.len() > MAX_STRING {
        Some(format!("has {} bytes, more than the kernel's {MAX_STRING}", text.len()))
    } else {
        None
    }
}

/// Whether a path is absolute, has no `..` and no NUL.
fn clean(path: &str) -> bool {
    path.starts_with('/')
        && path.len() < 4096
        && !path.contains(char::is_control)
        && !path.split('/').any(|part| part == "..")
}

/// A text short enough for a message.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() > 60 {
        text.chars().take(57).chain("...".chars()).collect()
    } else {
        text.escape_debug().to_string()
    }
}
