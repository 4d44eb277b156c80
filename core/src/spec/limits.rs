//! What a container, an exec or a [`crate::Cgroup`] may use of the host: cgroups(7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fault, Size, read};
use crate::error::Error;

/// Limits, named as `docker run` names them. What is not named is not limited.
///
/// ```
/// use minicontain::Spec;
/// let spec = Spec::from_json(r#"{"args": ["true"], "memory": "64M", "cpus": 0.5, "pids_limit": 32}"#)?;
/// assert_eq!(spec.limits.pids_limit, Some(32));
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Memory in bytes, the kernel's own for the container included: `memory.max`, `memory.limit_in_bytes`. Whoever
    /// wants more is killed. The kernel rounds it to pages.
    pub memory: Option<Size>,
    /// Memory and swap together. Default: twice `memory`; the same as `memory` for no swap.
    pub memory_swap: Option<Size>,
    /// Memory that the container keeps when the host runs short: `memory.low`, `memory.soft_limit_in_bytes`.
    pub memory_reservation: Option<Size>,
    /// Memory above which the container is slowed down: `memory.high`, v2 only.
    pub memory_high: Option<Size>,
    /// How willingly the kernel swaps, 0 to 100: `memory.swappiness`, v1 only.
    pub memory_swappiness: Option<u64>,
    /// Whether the whole container is killed when it runs out of memory, and not one process of it:
    /// `memory.oom.group`, v2 only.
    pub oom_group: bool,
    /// How many CPUs' time it may use, such as 1.5: `cpu.max`, `cpu.cfs_quota_us`.
    pub cpus: Option<f64>,
    /// The time over which `cpu_quota` or `cpus` counts, in microseconds. Default: 100000.
    pub cpu_period: Option<u64>,
    /// The CPU time that it may use in each period, in microseconds.
    pub cpu_quota: Option<u64>,
    /// Its share of CPU time when others want it too, 2 to 262144; the default is 1024: `cpu.shares`, and scaled to
    /// 1 to 10000 `cpu.weight`, as Docker has it.
    pub cpu_shares: Option<u64>,
    /// The CPUs that it may run on, such as `0-2,4`: `cpuset.cpus`.
    pub cpuset_cpus: Option<String>,
    /// The memory nodes that it may use: `cpuset.mems`.
    pub cpuset_mems: Option<String>,
    /// How many processes and threads it may have, its init included: `pids.max`.
    pub pids_limit: Option<u64>,
    /// Its share of the disks' time, 10 to 1000: `io.weight`, `blkio.weight`.
    pub blkio_weight: Option<u64>,
    /// Bytes a second that it may read, by device (`/dev/sda`): `io.max`, `blkio.throttle`.
    pub device_read_bps: BTreeMap<String, Size>,
    /// Bytes a second that it may write, by device.
    pub device_write_bps: BTreeMap<String, Size>,
    /// Reads a second, by device.
    pub device_read_iops: BTreeMap<String, u64>,
    /// Writes a second, by device.
    pub device_write_iops: BTreeMap<String, u64>,
    /// Bytes of huge pages, by page size (`2MB`): `hugetlb.2MB.max`, `hugetlb.2MB.limit_in_bytes`.
    pub hugetlb: BTreeMap<String, Size>,
    /// Devices that may be used beyond the usual harmless ones, as `docker run --device-cgroup-rule` takes them
    /// (`c 10:200 rwm`). One rule, or an empty list, closes all others: `devices.allow`, v1; BPF, v2.
    pub device_cgroup_rules: Option<Vec<String>>,
}

/// Less memory than this is not enough for a process to begin in.
const LEAST_MEMORY: Size = Size(512 << 10);

impl Limits {
    /// Reads and validates limits from a JSON value: those of a [`crate::Cgroup`], which has no spec.
    ///
    /// ```
    /// use minicontain::spec::{Limits, Size};
    /// let limits = Limits::from_value(serde_json::json!({"memory": "64M"}))?;
    /// assert_eq!(limits.memory, Some(Size(64 << 20)));
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Spec`] with every fault: an unknown field, a wrong type, a value that cannot be.
    pub fn from_value(value: serde_json::Value) -> Result<Self, Error> {
        let limits = read::limits(value).map_err(Error::Spec)?;
        limits.validate()?;
        Ok(limits)
    }

    /// Whether memory is limited or looked after in any way.
    pub(crate) fn of_memory(&self) -> bool {
        let sizes = [self.memory, self.memory_swap, self.memory_reservation, self.memory_high];
        self.oom_group || self.memory_swappiness.is_some() || sizes.iter().any(Option::is_some)
    }

    /// CPU time in each period, and the period, in microseconds.
    pub(crate) fn quota(&self) -> Option<(u64, u64)> {
        let period = self.cpu_period.unwrap_or(100_000);
        let quota = self.cpu_quota.or_else(|| Some((self.cpus? * period as f64).round() as u64));
        quota.map(|quota| (quota, period))
    }

    /// The limits on devices: what is limited (as the kernel calls it in `io.max` and in `blkio.throttle`), the
    /// device and the rate.
    pub(crate) fn device_rates(&self) -> Vec<(&'static str, &'static str, &str, u64)> {
        let bytes =
            [("rbps", "read_bps", &self.device_read_bps), ("wbps", "write_bps", &self.device_write_bps)];
        let times = [
            ("riops", "read_iops", &self.device_read_iops),
            ("wiops", "write_iops", &self.device_write_iops),
        ];
        let bytes = bytes.into_iter().flat_map(|(new, old, list)| {
            list.iter().map(move |(path, rate)| (new, old, path.as_str(), rate.0))
        });
        let times = times.into_iter().flat_map(|(new, old, list)| {
            list.iter().map(move |(path, rate)| (new, old, path.as_str(), *rate))
        });
        bytes.chain(times).collect()
    }

    /// Checks every limit without touching the host.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let mut found = Vec::new();
        self.faults(&mut found);
        if found.is_empty() { Ok(()) } else { Err(Error::Spec(found)) }
    }

    /// What cannot be, on any host.
    pub(super) fn faults(&self, found: &mut Vec<Fault>) {
        let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
        if self.memory.is_some_and(|size| size < LEAST_MEMORY) {
            let given = self.memory.unwrap_or(LEAST_MEMORY);
            fault("memory", format!("{given} is not enough for a program to begin in"), "use 512k or more");
        }
        for (field, size) in
            [("memory_reservation", self.memory_reservation), ("memory_high", self.memory_high)]
        {
            if let (Some(size), Some(memory)) = (size, self.memory) {
                if size > memory {
                    fault(field, format!("{size} is above memory ({memory})"), "use less than memory");
                }
            }
        }
        match (self.memory, self.memory_swap) {
            (None, Some(_)) => fault(
                "memory_swap",
                "it is memory and swap together, and memory is not limited".into(),
                "give memory, too",
            ),
            (Some(memory), Some(both)) if both < memory => {
                fault(
                    "memory_swap",
                    format!("{both} is less than memory ({memory}), which it includes"),
                    "use the same for no swap",
                );
            }
            _ => {}
        }
        let mut within = |field: &str, value: Option<u64>, least: u64, most: u64| {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                fault(
                    field,
                    format!("{value} is not between {least} and {most}"),
                    "use a value of that range",
                );
            }
        };
        within("memory_swappiness", self.memory_swappiness, 0, 100);
        within("cpu_period", self.cpu_period, 1000, 1_000_000);
        within("cpu_quota", self.cpu_quota, 1000, 1 << 40);
        within("cpu_shares", self.cpu_shares, 2, 262_144);
        within("pids_limit", self.pids_limit, 1, 4_194_304);
        within("blkio_weight", self.blkio_weight, 10, 1000);
        match (self.cpus, self.cpu_quota) {
            (Some(_), Some(_)) => fault("cpus", "cpu_quota says the same".into(), "give one of the two"),
            (Some(cpus), None) => {
                let quota = cpus * self.cpu_period.unwrap_or(100_000) as f64;
                if !(quota.is_finite() && quota >= 999.5) {
                    fault(
                        "cpus",
                        format!("{cpus} is less than a millisecond in each period"),
                        "use 0.01 or more",
                    );
                }
            }
            (None, None) if self.cpu_period.is_some() => {
                fault("cpu_period", "nothing is limited in that time".into(), "give cpus or cpu_quota, too");
            }
            _ => {}
        }
        for (field, list) in [("cpuset_cpus", &self.cpuset_cpus), ("cpuset_mems", &self.cpuset_mems)] {
            if let Some(text) = list.as_ref().filter(|text| parse_list(text).is_none()) {
                fault(field, format!("'{}' is not a list", text.escape_debug()), "write it as 0-2,4");
            }
        }
        for (_, name, path, rate) in self.device_rates() {
            let field = format!("device_{name}");
            if !path.starts_with('/') || path.contains('\0') {
                fault(
                    &field,
                    format!("'{}' is not a device", path.escape_debug()),
                    "write its path, as /dev/sda",
                );
            }
            if rate == 0 {
                fault(&field, format!("{path}: a rate of 0 stops it for ever"), "use 1 or more");
            }
        }
        for size in self.hugetlb.keys() {
            let digits = size.strip_suffix("KB").or(size.strip_suffix("MB")).or(size.strip_suffix("GB"));
            if digits
                .is_none_or(|digits| digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()))
            {
                fault("hugetlb", format!("'{}' is not a page size", size.escape_debug()), "write it as 2MB");
            }
        }
        for rule in self.device_cgroup_rules.iter().flatten() {
            if rule.parse::<DeviceRule>().is_err() {
                fault(
                    "device_cgroup_rules",
                    format!("'{}' is not a rule", rule.escape_debug()),
                    "write it as 'c 10:200 rwm', with * for every number",
                );
            }
        }
    }
}

/// A rule of device_cgroup_rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceRule {
    /// `a`, `b` or `c`: all, block, character.
    pub kind: char,
    /// `None` is every one.
    pub major: Option<u32>,
    pub minor: Option<u32>,
    pub read: bool,
    pub write: bool,
    pub make: bool,
}

impl std::str::FromStr for DeviceRule {
    type Err = ();

    fn from_str(rule: &str) -> Result<Self, ()> {
        let mut words = rule.split_whitespace();
        let (Some(kind), Some(numbers), Some(access), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(());
        };
        let (major, minor) = numbers.split_once(':').ok_or(())?;
        let number = |text: &str| if text == "*" { Ok(None) } else { text.parse().map(Some).map_err(|_| ()) };
        if !["a", "b", "c"].contains(&kind) || access.is_empty() || !access.chars().all(|c| "rwm".contains(c))
        {
            return Err(());
        }
        Ok(Self {
            kind: kind.chars().next().ok_or(())?,
            major: number(major)?,
            minor: number(minor)?,
            read: access.contains('r'),
            write: access.contains('w'),
            make: access.contains('m'),
        })
    }
}

/// The numbers of a list such as `0-2,4`: cpuset(7). `None` where it is not one.
pub(crate) fn parse_list(text: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last > 8191 {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(limits: &Limits) -> Vec<String> {
        let mut found = Vec::new();
        limits.faults(&mut found);
        found.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn what_cannot_be_is_found_with_its_field() {
        let none = Limits::default();
        assert_eq!(problems(&none), Vec::<String>::new());
        let wrong = [
            (Limits { memory: Some(Size(1000)), ..none.clone() }, "memory"),
            (Limits { memory_swap: Some(Size(1 << 20)), ..none.clone() }, "memory_swap"),
            (Limits { cpus: Some(0.001), ..none.clone() }, "cpus"),
            (Limits { cpus: Some(f64::NAN), ..none.clone() }, "cpus"),
            (Limits { cpu_shares: Some(1), ..none.clone() }, "cpu_shares"),
            (Limits { pids_limit: Some(0), ..none.clone() }, "pids_limit"),
            (Limits { cpuset_cpus: Some("2-1".into()), ..none.clone() }, "cpuset_cpus"),
            (Limits { hugetlb: [("2M".into(), Size(1))].into(), ..none.clone() }, "hugetlb"),
            (Limits { device_read_bps: [("sda".into(), Size(1))].into(), ..none.clone() }, "device_read_bps"),
            (Limits { device_cgroup_rules: Some(vec!["c 1:3".into()]), ..none }, "device_cgroup_rules"),
        ];
        for (limits, field) in wrong {
            assert_eq!(problems(&limits), [field], "{limits:?}");
        }
    }

    #[test]
    fn fields_of_a_spec_are_no_limits() {
        let wrong = serde_json::json!({"memory": [], "hostname": "box", "cpu": 1});
        let error = Limits::from_value(wrong).expect_err("faults");
        let fields: Vec<&str> = error.faults().iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["cpu", "hostname", "memory"]);
        let error = Limits::from_value(serde_json::json!({"pids_limit": 0})).expect_err("a fault");
        assert_eq!(error.faults()[0].field, "pids_limit");
    }

    #[test]
    fn lists_of_cpus_are_read_as_the_kernel_reads_them() {
        assert_eq!(parse_list("0-2,4"), Some(vec![0, 1, 2, 4]));
        assert_eq!(parse_list(""), None);
        assert_eq!(parse_list("1,,2"), None);
    }
}
