//! What a cgroup uses and has used, by the same names on v1 and v2.

use std::collections::BTreeMap;

use serde::Serialize;

use super::control::visit;
use super::reader::{Kept, Reader};
use super::{Cgroup, Directory};
use crate::error::Error;
use crate::host::cgroups::{Controller, Version};
use crate::host::read_text;

/// What a cgroup uses and has used. What the host cannot tell is `None`: the controller is not there.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Stats {
    /// Memory.
    pub memory: Option<MemoryStats>,
    /// CPU time.
    pub cpu: Option<CpuStats>,
    /// Processes and threads.
    pub pids: Option<PidsStats>,
    /// Input and output of block devices, by `major:minor`.
    pub io: Option<BTreeMap<String, IoStats>>,
    /// Huge pages in bytes, by page size.
    pub hugetlb: Option<BTreeMap<String, u64>>,
    /// How long processes waited for what others had: the kernel's "PSI". Only the v2 tree tells.
    pub pressure: Option<Pressure>,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MemoryStats {
    /// In use now.
    pub current: u64,
    /// The most that was in use. `None` on v2 before Linux 5.19.
    pub peak: Option<u64>,
    /// The limit that holds; `None` for none.
    pub limit: Option<u64>,
    /// Swap in use.
    pub swap: Option<u64>,
    /// Of `current`: the programs' own.
    pub anon: u64,
    /// Of `current`: files' contents.
    pub file: u64,
    /// Of `current`: the kernel's, for these processes.
    pub kernel: Option<u64>,
    /// How often the limit was met, and memory had to be taken back first.
    pub limit_hits: u64,
    /// How many processes the kernel killed for want of memory.
    pub oom_kills: u64,
}

/// CPU time, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct CpuStats {
    /// All of it.
    pub usage_ns: Option<u64>,
    /// In programs.
    pub user_ns: Option<u64>,
    /// In the kernel.
    pub system_ns: Option<u64>,
    /// The limit in CPUs; `None` for none.
    pub limit: Option<f64>,
    /// Periods that have passed, where there is a limit.
    pub periods: u64,
    /// Periods in which it had to wait.
    pub throttled_periods: u64,
    /// How long it waited.
    pub throttled_ns: u64,
}

/// Processes and threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PidsStats {
    /// How many there are.
    pub current: u64,
    /// The most that there were. `None` before Linux 6.1.
    pub peak: Option<u64>,
    /// The limit; `None` for none.
    pub limit: Option<u64>,
    /// How often a fork failed for it.
    pub limit_hits: u64,
}

/// A block device's input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct IoStats {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Times read.
    pub reads: u64,
    /// Times written.
    pub writes: u64,
}

/// How long processes waited for each.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Pressure {
    /// For a CPU.
    pub cpu: Option<PressureTimes>,
    /// For memory.
    pub memory: Option<PressureTimes>,
    /// For a device.
    pub io: Option<PressureTimes>,
}

/// The part of the time, in percent, in which at least one process waited.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct PressureTimes {
    /// Of the last 10 seconds.
    pub avg10: f64,
    /// Of the last 60 seconds.
    pub avg60: f64,
    /// Of the last 300 seconds.
    pub avg300: f64,
    /// In nanoseconds, since the cgroup was made.
    pub total_ns: u64,
}

impl Cgroup {
    /// What it uses and has used: everything that its controllers count.
    ///
    /// # Errors
    /// [`crate::Code::CgroupNotFound`] when it was removed.
    pub fn stats(&self) -> Result<Stats, Error> {
        self.look(None)
    }

    /// The same, for who looks again and again.
    pub(crate) fn look(&self, mut kept: Option<&mut Kept>) -> Result<Stats, Error> {
        let mut stats = Stats::default();
        let mut complete = kept.is_some();
        for (place, directory) in self.directories.iter().enumerate() {
            let has = |controller| directory.controllers.contains(&controller);
            let reader = &mut Reader { directory, place, kept: kept.as_deref_mut(), complete };
            if has(Controller::Memory) {
                stats.memory = memory(reader);
            }
            if has(Controller::Pids) {
                stats.pids = pids(reader);
            }
            if has(Controller::Io) {
                stats.io = Some(io(reader));
            }
            if has(Controller::Hugetlb) {
                stats.hugetlb = hugetlb(directory);
            }
            match directory.version {
                // The tree counts CPU time without any controller.
                Version::V2 => {
                    tree_cpu(reader, &mut stats);
                    stats.pressure = pressure(reader);
                }
                Version::V1 => {
                    if has(Controller::Cpu) {
                        throttling(reader, stats.cpu.get_or_insert_default());
                    }
                    if has(Controller::Cpuacct) {
                        accounting(reader, stats.cpu.get_or_insert_default());
                    }
                }
            }
            complete = reader.complete;
        }
        // Of one that was removed, no file can be read.
        if !complete {
            self.still_there()?;
        }
        Ok(stats)
    }
}

impl Cgroup {
    /// Whether it has a limit on memory of its own, or may have one below it.
    pub(crate) fn limits_memory(&self) -> bool {
        self.having(Controller::Memory).is_some()
    }

    /// How many processes in it, and below it, the kernel has killed for want of memory.
    pub(crate) fn oom_kills(&self) -> u64 {
        self.having(Controller::Memory).map_or(0, |directory| oom_kills(&mut Reader::once(directory)))
    }
}

/// v2 counts with a cgroup what happens below it, v1 does not.
pub(super) fn oom_kills(reader: &mut Reader<'_>) -> u64 {
    const CONTROL: &str = "memory.oom_control";
    match reader.directory.version {
        Version::V2 => value(&reader.text("memory.events"), "oom_kill"),
        Version::V1 => {
            let own = &reader.directory.path;
            let mut kills = 0;
            visit(own, &mut |path| {
                let below = || read_text(path.join(CONTROL)).unwrap_or_default();
                let control = if path == own { reader.text(CONTROL) } else { below() };
                kills += value(&control, "oom_kill");
            });
            kills
        }
    }
}

/// The number after a word at the beginning of a line.
pub(super) fn value(text: &str, word: &str) -> u64 {
    known(text, word).unwrap_or(0)
}

fn known(text: &str, word: &str) -> Option<u64> {
    let rest = |line: &str| line.strip_prefix(word)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(rest)
}

fn memory(reader: &mut Reader<'_>) -> Option<MemoryStats> {
    Some(match reader.directory.version {
        Version::V2 => {
            let (stat, events) = (reader.text("memory.stat"), reader.text("memory.events"));
            MemoryStats {
                current: reader.number("memory.current")?,
                peak: reader.number("memory.peak"),
                limit: reader.number("memory.max"),
                swap: reader.number("memory.swap.current"),
                anon: value(&stat, "anon"),
                file: value(&stat, "file"),
                kernel: known(&stat, "kernel"),
                limit_hits: value(&events, "max"),
                oom_kills: value(&events, "oom_kill"),
            }
        }
        Version::V1 => {
            let stat = reader.text("memory.stat");
            MemoryStats {
                current: reader.number("memory.usage_in_bytes")?,
                peak: reader.number("memory.max_usage_in_bytes"),
                // A number that no host reaches stands for none.
                limit: known(&stat, "hierarchical_memory_limit").filter(|limit| *limit < 1 << 62),
                swap: known(&stat, "total_swap"),
                anon: value(&stat, "total_rss"),
                file: value(&stat, "total_cache"),
                kernel: reader.number("memory.kmem.usage_in_bytes"),
                limit_hits: memory_limit_hits(reader),
                oom_kills: oom_kills(reader),
            }
        }
    })
}

/// How often the limit was met, of v1: the one on memory, or the one on memory and swap, which is met first where
/// there is to be no swap.
pub(super) fn memory_limit_hits(reader: &mut Reader<'_>) -> u64 {
    let times = ["memory.failcnt", "memory.memsw.failcnt"];
    times.into_iter().filter_map(|file| reader.number(file)).sum()
}

fn pids(reader: &mut Reader<'_>) -> Option<PidsStats> {
    Some(PidsStats {
        current: reader.number("pids.current")?,
        peak: reader.number("pids.peak"),
        limit: reader.number("pids.max"),
        limit_hits: value(&reader.text("pids.events"), "max"),
    })
}

fn tree_cpu(reader: &mut Reader<'_>, stats: &mut Stats) {
    let stat = reader.text("cpu.stat");
    let Some(usage) = known(&stat, "usage_usec") else { return };
    let cpu = stats.cpu.get_or_insert_default();
    cpu.usage_ns = Some(usage * 1000);
    cpu.user_ns = Some(value(&stat, "user_usec") * 1000);
    cpu.system_ns = Some(value(&stat, "system_usec") * 1000);
    if reader.directory.controllers.contains(&Controller::Cpu) {
        cpu.periods = value(&stat, "nr_periods");
        cpu.throttled_periods = value(&stat, "nr_throttled");
        cpu.throttled_ns = value(&stat, "throttled_usec") * 1000;
        let max = reader.text("cpu.max");
        let mut words = max.split_whitespace().map(str::parse::<f64>);
        cpu.limit = match (words.next(), words.next()) {
            (Some(Ok(quota)), Some(Ok(period))) => Some(quota / period),
            _ => None,
        };
    }
}

/// What the cpu controller of v1 tells.
fn throttling(reader: &mut Reader<'_>, cpu: &mut CpuStats) {
    let stat = reader.text("cpu.stat");
    cpu.periods = value(&stat, "nr_periods");
    cpu.throttled_periods = value(&stat, "nr_throttled");
    cpu.throttled_ns = value(&stat, "throttled_time");
    let quota = reader.number("cpu.cfs_quota_us");
    let period = reader.number("cpu.cfs_period_us");
    cpu.limit = quota.zip(period).map(|(quota, period)| quota as f64 / period as f64);
}

/// What the cpuacct controller of v1 tells.
fn accounting(reader: &mut Reader<'_>, cpu: &mut CpuStats) {
    cpu.usage_ns = reader.number("cpuacct.usage").or(cpu.usage_ns);
    cpu.user_ns = reader.number("cpuacct.usage_user").or(cpu.user_ns);
    cpu.system_ns = reader.number("cpuacct.usage_sys").or(cpu.system_ns);
}

fn io(reader: &mut Reader<'_>) -> BTreeMap<String, IoStats> {
    match reader.directory.version {
        Version::V2 => tree_io(&reader.text("io.stat")),
        Version::V1 => {
            let (bytes, times) = (
                reader.text("blkio.throttle.io_service_bytes_recursive"),
                reader.text("blkio.throttle.io_serviced_recursive"),
            );
            throttled_io(&bytes, &times)
        }
    }
}

/// `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`
fn tree_io(text: &str) -> BTreeMap<String, IoStats> {
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let Some((device, values)) = line.split_once(' ') else { continue };
        let of = |name: &str| {
            let found = values.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        let stats = IoStats {
            read_bytes: of("rbytes"),
            write_bytes: of("wbytes"),
            reads: of("rios"),
            writes: of("wios"),
        };
        all.insert(device.to_string(), stats);
    }
    all
}

/// `8:0 Read 1`, a line for each.
fn throttled_io(bytes: &str, times: &str) -> BTreeMap<String, IoStats> {
    let mut all: BTreeMap<String, IoStats> = BTreeMap::new();
    for (text, counts_bytes) in [(bytes, true), (times, false)] {
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [device, what, value] = words[..] else { continue };
            let stats = all.entry(device.to_string()).or_default();
            let place = match (what, counts_bytes) {
                ("Read", true) => &mut stats.read_bytes,
                ("Write", true) => &mut stats.write_bytes,
                ("Read", false) => &mut stats.reads,
                ("Write", false) => &mut stats.writes,
                _ => continue,
            };
            *place = value.parse().unwrap_or(0);
        }
    }
    all
}

fn hugetlb(directory: &Directory) -> Option<BTreeMap<String, u64>> {
    let suffix = if directory.version == Version::V1 { ".usage_in_bytes" } else { ".current" };
    let entries = std::fs::read_dir(&directory.path).ok()?.flatten();
    let size = |name: &str| Some(name.strip_prefix("hugetlb.")?.strip_suffix(suffix)?.to_string());
    let used = |name: &str| {
        Some((size(name).filter(|size| !size.contains('.'))?, directory.read(name).ok()?.parse().ok()?))
    };
    Some(entries.filter_map(|entry| used(entry.file_name().to_str()?)).collect())
}

fn pressure(reader: &mut Reader<'_>) -> Option<Pressure> {
    let mut of = |file: &'static str| {
        let text = reader.text(file);
        let line = text.lines().find(|line| line.starts_with("some "))?;
        let of = |name: &str| {
            let found = line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.and_then(|value| value.parse::<f64>().ok()).unwrap_or(0.0)
        };
        let total = of("total") * 1000.0;
        Some(PressureTimes {
            avg10: of("avg10"),
            avg60: of("avg60"),
            avg300: of("avg300"),
            total_ns: total as u64,
        })
    };
    let pressure = Pressure { cpu: of("cpu.pressure"), memory: of("memory.pressure"), io: of("io.pressure") };
    (pressure != Pressure::default()).then_some(pressure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_that_of_its_own_word() {
        let text = "low 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 3\n";
        assert_eq!((value(text, "oom_kill"), value(text, "oom"), value(text, "max")), (1, 2, 7));
        assert_eq!(value(text, "high"), 0);
    }

    #[test]
    fn io_of_both_versions_is_the_same() {
        let new = tree_io("8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n");
        let old = throttled_io(
            "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 0\nTotal 12288\n",
            "8:0 Read 1\n8:0 Write 2\n",
        );
        assert_eq!(new, old);
        assert_eq!(new["8:0"].writes, 2);
    }
}
