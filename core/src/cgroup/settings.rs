//! Limits as the kernel takes them: which file of which controller gets which value, on v1 and on v2.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::error::{Code, Error};
use crate::host::cgroups::{Controller, Version};
use crate::host::read_text;
use crate::spec::{DeviceRule, Fault, Limits, parse_list};

/// A value for a file of a cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub file: String,
    pub value: String,
    /// Whether it was not asked for by name, and may be left out where the kernel does not have the file.
    pub optional: bool,
}

impl Setting {
    fn new(file: &str, value: impl std::fmt::Display) -> Self {
        Self { file: file.into(), value: value.to_string(), optional: false }
    }

    /// Whether the file shows what was written.
    pub(crate) fn readable(&self) -> bool {
        !self.file.starts_with("devices.")
    }
}

/// A part of a limit that a version of cgroups does not have: the field, and what to do.
pub(crate) type Unsupported = (&'static str, &'static str);

impl Controller {
    /// What `require` and `enforced` call it.
    pub(crate) const fn feature(self) -> &'static str {
        self.name(Version::V2)
    }
}

/// The controllers that hold these limits.
pub(crate) fn controllers(limits: &Limits) -> Vec<Controller> {
    let cpu = limits.quota().is_some() || limits.cpu_shares.is_some();
    let cpuset = limits.cpuset_cpus.is_some() || limits.cpuset_mems.is_some();
    let io = limits.blkio_weight.is_some() || !limits.device_rates().is_empty();
    let wanted = [
        (Controller::Memory, limits.of_memory()),
        (Controller::Cpu, cpu),
        (Controller::Cpuset, cpuset),
        (Controller::Pids, limits.pids_limit.is_some()),
        (Controller::Io, io),
        (Controller::Hugetlb, !limits.hugetlb.is_empty()),
        (Controller::Devices, limits.device_cgroup_rules.is_some()),
    ];
    wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(controller, _)| controller).collect()
}

/// What a version has nothing for.
pub(crate) fn unsupported(limits: &Limits, controller: Controller, version: Version) -> Vec<Unsupported> {
    let given = match (controller, version) {
        (Controller::Memory, Version::V1) => {
            vec![("memory_high", limits.memory_high.is_some()), ("oom_group", limits.oom_group)]
        }
        (Controller::Memory, Version::V2) => vec![("memory_swappiness", limits.memory_swappiness.is_some())],
        _ => Vec::new(),
    };
    let other = match version {
        Version::V1 => "cgroup v1 has nothing for it: v2 has",
        Version::V2 => "cgroup v2 has nothing for it: v1 had",
    };
    given.into_iter().filter(|(_, given)| *given).map(|(field, _)| (field, other)).collect()
}

/// What to write for a controller, in order. `parent` is the directory in which the cgroup is made.
///
/// # Errors
/// [`Error::Spec`] for values that this host cannot have, with the range that it can.
pub(crate) fn settings(
    limits: &Limits,
    controller: Controller,
    version: Version,
    parent: &Path,
) -> Result<Vec<Setting>, Error> {
    Ok(match controller {
        Controller::Memory => memory(limits, version),
        Controller::Cpu => cpu(limits, version)?,
        Controller::Cpuset => cpuset(limits, version, parent)?,
        Controller::Pids => {
            limits.pids_limit.into_iter().map(|most| Setting::new("pids.max", most)).collect()
        }
        Controller::Io => io(limits, version, parent)?,
        Controller::Hugetlb => hugetlb(limits, version)?,
        Controller::Devices if version == Version::V1 => devices(limits),
        Controller::Devices | Controller::Cpuacct | Controller::Freezer => Vec::new(),
    })
}

fn memory(limits: &Limits, version: Version) -> Vec<Setting> {
    let mut all = Vec::new();
    let mut set = |file: &str, value: Option<u64>| all.extend(value.map(|value| Setting::new(file, value)));
    let memory = limits.memory.map(|size| size.0);
    let swap = limits.memory_swap.map(|size| size.0);
    let reservation = limits.memory_reservation.map(|size| size.0);
    // As Docker has it: as much swap as memory. What cannot swap needs no such limit.
    let swaps = || read_text("/proc/swaps").is_ok_and(|table| table.lines().count() > 1);
    let defaulted = memory.filter(|_| swap.is_none() && swaps());
    match version {
        Version::V1 => {
            set("memory.limit_in_bytes", memory);
            set("memory.soft_limit_in_bytes", reservation);
            set("memory.memsw.limit_in_bytes", swap);
            set("memory.swappiness", limits.memory_swappiness);
            all.extend(defaulted.map(|memory| Setting {
                optional: true,
                ..Setting::new("memory.memsw.limit_in_bytes", memory.saturating_mul(2))
            }));
        }
        Version::V2 => {
            set("memory.max", memory);
            set("memory.high", limits.memory_high.map(|size| size.0));
            set("memory.low", reservation);
            set("memory.swap.max", swap.map(|both| both - memory.unwrap_or(both)));
            set("memory.oom.group", limits.oom_group.then_some(1));
            all.extend(
                defaulted.map(|memory| Setting { optional: true, ..Setting::new("memory.swap.max", memory) }),
            );
        }
    }
    all
}

fn cpu(limits: &Limits, version: Version) -> Result<Vec<Setting>, Error> {
    let mut all = Vec::new();
    // One there is always.
    if let Some(cpus) = limits.cpus.filter(|cpus| *cpus > 1.0) {
        let online = read_text("/sys/devices/system/cpu/online").unwrap_or_default();
        let online = parse_list(&online).map_or(1, |list| list.len());
        if cpus > online as f64 {
            let problem = format!("{cpus} is more than this host has");
            return Err(out_of_range("cpus", problem, &format!("use 0.01 to {online}")));
        }
    }
    if let Some((quota, period)) = limits.quota() {
        match version {
            Version::V1 => {
                all.push(Setting::new("cpu.cfs_period_us", period));
                all.push(Setting::new("cpu.cfs_quota_us", quota));
            }
            Version::V2 => all.push(Setting::new("cpu.max", format!("{quota} {period}"))),
        }
    }
    if let Some(shares) = limits.cpu_shares {
        all.push(match version {
            Version::V1 => Setting::new("cpu.shares", shares),
            // 2 to 262144 becomes 1 to 10000.
            Version::V2 => Setting::new("cpu.weight", 1 + (shares - 2) * 9999 / 262_142),
        });
    }
    Ok(all)
}

fn cpuset(limits: &Limits, version: Version, parent: &Path) -> Result<Vec<Setting>, Error> {
    let mut all = Vec::new();
    let lists = [
        ("cpuset_cpus", "cpuset.cpus", &limits.cpuset_cpus),
        ("cpuset_mems", "cpuset.mems", &limits.cpuset_mems),
    ];
    for (field, file, wanted) in lists {
        let (effective_v1, effective_v2) =
            (file.replace("cpuset.", "cpuset.effective_"), format!("{file}.effective"));
        let effective = if version == Version::V1 { effective_v1 } else { effective_v2 };
        let there = read_text(parent.join(effective)).unwrap_or_default();
        let there = there.trim();
        match wanted {
            Some(wanted) => {
                let (asked, usable) = (parse_list(wanted), parse_list(there));
                if let (Some(asked), Some(usable)) = (asked, usable) {
                    if !asked.iter().all(|one| usable.contains(one)) {
                        let problem = format!("{wanted} is not all there");
                        return Err(out_of_range(field, problem, &format!("use some of {there}")));
                    }
                }
                all.push(Setting::new(file, wanted));
            }
            // A new one of v1 has none, and can have no process until it does.
            None if version == Version::V1 => all.push(Setting::new(file, there)),
            None => {}
        }
    }
    Ok(all)
}

fn io(limits: &Limits, version: Version, parent: &Path) -> Result<Vec<Setting>, Error> {
    let mut all: Vec<Setting> = Vec::new();
    if let Some(weight) = limits.blkio_weight {
        // Which there is depends on the kernel's schedulers.
        let there = |file: &str| parent.join(file).exists();
        all.push(match version {
            Version::V1 if there("blkio.weight") => Setting::new("blkio.weight", weight),
            Version::V1 => Setting::new("blkio.bfq.weight", weight),
            // 10 to 1000 becomes 1 to 10000.
            Version::V2 => Setting::new("io.weight", 1 + (weight - 10) * 9999 / 990),
        });
    }
    for (new, old, path, rate) in limits.device_rates() {
        let number = device_number(&format!("device_{old}"), path)?;
        match version {
            Version::V1 => {
                let file = format!("blkio.throttle.{old}_device");
                all.push(Setting::new(&file, format!("{number} {rate}")));
            }
            Version::V2 => {
                let same =
                    |one: &&mut Setting| one.file == "io.max" && one.value.starts_with(&format!("{number} "));
                match all.iter_mut().find(same) {
                    Some(known) => {
                        let _ = write!(known.value, " {new}={rate}");
                    }
                    None => all.push(Setting::new("io.max", format!("{number} {new}={rate}"))),
                }
            }
        }
    }
    Ok(all)
}

/// `major:minor` of a block device.
fn device_number(field: &str, path: &str) -> Result<String, Error> {
    let meta = fs::metadata(path).map_err(|error| {
        out_of_range(field, format!("{path}: {error}"), "name a block device of this host")
    })?;
    if !meta.file_type().is_block_device() {
        return Err(out_of_range(field, format!("{path} is not a block device"), "name one, as /dev/sda"));
    }
    Ok(format!("{}:{}", libc::major(meta.rdev()), libc::minor(meta.rdev())))
}

fn hugetlb(limits: &Limits, version: Version) -> Result<Vec<Setting>, Error> {
    let entries = fs::read_dir("/sys/kernel/mm/hugepages").into_iter().flatten().flatten();
    let sizes: Vec<String> =
        entries.filter_map(|entry| page_size(&entry.file_name().to_string_lossy())).collect();
    let mut all = Vec::new();
    for (size, most) in &limits.hugetlb {
        if !sizes.contains(size) {
            let fix = format!("use one of {}", sizes.join(", "));
            return Err(out_of_range("hugetlb", format!("this host has no pages of {size}"), &fix));
        }
        let file = if version == Version::V1 { "limit_in_bytes" } else { "max" };
        all.push(Setting::new(&format!("hugetlb.{size}.{file}"), most.0));
    }
    Ok(all)
}

/// `hugepages-2048kB` as cgroups call it: `2MB`.
fn page_size(directory: &str) -> Option<String> {
    let kilobytes: u64 = directory.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
    Some(match kilobytes {
        n if n % (1 << 20) == 0 => format!("{}GB", n >> 20),
        n if n % (1 << 10) == 0 => format!("{}MB", n >> 10),
        n => format!("{n}KB"),
    })
}

/// What every container may use: making nodes, and the harmless ones.
pub(crate) const HARMLESS: [&str; 9] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:* rwm",
    "c 136:* rwm",
];

/// The rules that hold: the harmless devices, and those that were named.
pub(crate) fn device_rules(limits: &Limits) -> Vec<DeviceRule> {
    let named = limits.device_cgroup_rules.iter().flatten().map(String::as_str);
    HARMLESS.into_iter().chain(named).filter_map(|rule| rule.parse().ok()).collect()
}

fn devices(limits: &Limits) -> Vec<Setting> {
    let Some(named) = &limits.device_cgroup_rules else { return Vec::new() };
    let allowed = HARMLESS.into_iter().chain(named.iter().map(String::as_str));
    let allowed = allowed.map(|rule| Setting::new("devices.allow", rule));
    [Setting::new("devices.deny", "a")].into_iter().chain(allowed).collect()
}

fn out_of_range(field: &str, problem: String, fix: &str) -> Error {
    Error::Spec(vec![Fault::new(field, problem, fix)])
}

/// A limit that cannot be held, as an error.
pub(crate) fn cannot_be_held(controller: Controller, reason: &str, hint: &str) -> Error {
    let problem = format!("{}: the limit cannot be held here: {reason}", controller.feature());
    Error::call(Code::NotEnforced, problem, 0, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Size;

    fn lines(all: &[Setting]) -> Vec<String> {
        all.iter().map(|one| format!("{} {}", one.file, one.value)).collect()
    }

    #[test]
    fn the_same_limits_have_other_files_and_scales_on_each_version() {
        let limits = Limits { cpus: Some(0.5), cpu_shares: Some(1024), ..Limits::default() };
        let cpu = |version| lines(&cpu(&limits, version).expect("settings"));
        assert_eq!(
            cpu(Version::V1),
            ["cpu.cfs_period_us 100000", "cpu.cfs_quota_us 50000", "cpu.shares 1024"]
        );
        assert_eq!(cpu(Version::V2), ["cpu.max 50000 100000", "cpu.weight 39"]);
    }

    #[test]
    fn swap_counts_with_memory_on_v1_and_alone_on_v2() {
        let (memory_size, swap) = (Some(Size(4 << 20)), Some(Size(6 << 20)));
        let limits = Limits { memory: memory_size, memory_swap: swap, ..Limits::default() };
        assert_eq!(lines(&memory(&limits, Version::V1))[1], "memory.memsw.limit_in_bytes 6291456");
        assert_eq!(lines(&memory(&limits, Version::V2))[1], "memory.swap.max 2097152");
    }

    #[test]
    fn page_sizes_have_the_names_of_cgroups() {
        assert_eq!(page_size("hugepages-2048kB").as_deref(), Some("2MB"));
        assert_eq!(page_size("hugepages-1048576kB").as_deref(), Some("1GB"));
        assert_eq!(page_size("hugepages-64kB").as_deref(), Some("64KB"));
    }

    #[test]
    fn devices_are_closed_before_some_are_opened() {
        let limits = Limits { device_cgroup_rules: Some(vec!["c 10:200 rwm".into()]), ..Limits::default() };
        let all = lines(&devices(&limits));
        assert_eq!(
            (all[0].as_str(), all[all.len() - 1].as_str()),
            ("devices.deny a", "devices.allow c 10:200 rwm")
        );
    }
}
