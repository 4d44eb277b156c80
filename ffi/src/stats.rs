//! What a cgroup uses and has used.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use engine::cgroup::{CpuStats, IoStats, MemoryStats, PidsStats, PressureTimes, Stats};

use crate::container::minicontain_container;
use crate::error::minicontain_error;
use crate::guard;
use crate::spec::create;
use crate::text::{borrowed, c_string, needed, number, owned};

/// What a container or a cgroup used, as it was when it was asked. Sizes are in bytes, times in nanoseconds, both
/// counted for all its processes together, those that have ended included. What this host does not count is
/// `UINT64_MAX`, and so is a limit where there is none. Any thread may read it. Free it with
/// `minicontain_stats_free`, except that of an outcome, which belongs to the outcome.
pub struct minicontain_stats {
    stats: Stats,
    devices: Vec<(CString, IoStats)>,
    page_sizes: Vec<(CString, u64)>,
}

/// What processes wait for, for `minicontain_stats_pressure`. Numbers are never used again for
/// something else.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum minicontain_resource {
    /// A CPU.
    Cpu = 0,
    /// Memory.
    Memory = 1,
    /// A block device.
    Io = 2,
}

impl From<Stats> for minicontain_stats {
    fn from(stats: Stats) -> Self {
        let devices = stats.io.iter().flatten().map(|(name, io)| (c_string(name.as_str()), *io)).collect();
        let sizes = stats.hugetlb.iter().flatten().map(|(size, used)| (c_string(size.as_str()), *used));
        Self { devices, page_sizes: sizes.collect(), stats }
    }
}

/// A number that the host may not tell.
fn told(stats: Option<&minicontain_stats>, pick: impl FnOnce(&Stats) -> Option<u64>) -> u64 {
    number(stats, u64::MAX, |stats| pick(&stats.stats).unwrap_or(u64::MAX))
}

fn memory(stats: Option<&minicontain_stats>, pick: impl FnOnce(MemoryStats) -> Option<u64>) -> u64 {
    told(stats, |stats| pick(stats.memory?))
}

fn cpu(stats: Option<&minicontain_stats>, pick: impl FnOnce(CpuStats) -> Option<u64>) -> u64 {
    told(stats, |stats| pick(stats.cpu?))
}

fn pids(stats: Option<&minicontain_stats>, pick: impl FnOnce(PidsStats) -> Option<u64>) -> u64 {
    told(stats, |stats| pick(stats.pids?))
}

/// What a container uses and has used: `docker stats`. Free `*out` with `minicontain_stats_free`.
///
/// Who asks again is answered sooner: from then on the files are kept open, two dozen at most, until the container has
/// ended.
///
/// Errors: `MINICONTAIN_CODE_NOT_SUPPORTED` when it has no cgroup of its own: limit something, or use
/// `minicontain_spec_set_cgroup`. `MINICONTAIN_CODE_CGROUP_NOT_FOUND` when it has ended: `minicontain_outcome_stats`
/// has the last ones.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_stats(
    container: Option<&minicontain_container>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_stats>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(needed(container, "container")?.read().stats()?.into()))
}

/// Memory in use.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_current(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| Some(memory.current))
}

/// The most memory that was in use. Version 2 of cgroups tells it from Linux 5.19 on.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_peak(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| memory.peak)
}

/// The limit on memory that holds.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_limit(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| memory.limit)
}

/// Swap in use.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_swap(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| memory.swap)
}

/// The part of the memory in use that is the programs' own.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_anon(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| Some(memory.anon))
}

/// The part of the memory in use that holds what is in files.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_file(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| Some(memory.file))
}

/// The part of the memory in use that is the kernel's, for these processes.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_kernel(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| memory.kernel)
}

/// How often the limit on memory was met, and some had to be taken back first.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_memory_limit_hits(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| Some(memory.limit_hits))
}

/// How many processes the kernel killed for want of memory.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_oom_kills(stats: Option<&minicontain_stats>) -> u64 {
    memory(stats, |memory| Some(memory.oom_kills))
}

/// CPU time.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_cpu_usage_ns(stats: Option<&minicontain_stats>) -> u64 {
    cpu(stats, |cpu| cpu.usage_ns)
}

/// CPU time in programs.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_cpu_user_ns(stats: Option<&minicontain_stats>) -> u64 {
    cpu(stats, |cpu| cpu.user_ns)
}

/// CPU time in the kernel.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_cpu_system_ns(stats: Option<&minicontain_stats>) -> u64 {
    cpu(stats, |cpu| cpu.system_ns)
}

/// The limit on CPU time, as that of so many CPUs; -1 where there is none, or the host does not tell.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_cpu_limit(stats: Option<&minicontain_stats>) -> f64 {
    number(stats, -1.0, |stats| stats.stats.cpu.and_then(|cpu| cpu.limit).unwrap_or(-1.0))
}

/// How many periods have passed in which CPU time was limited.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_cpu_periods(stats: Option<&minicontain_stats>) -> u64 {
    cpu(stats, |cpu| Some(cpu.periods))
}

/// In how many of these periods it had used up its CPU time, and waited.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_cpu_throttled_periods(stats: Option<&minicontain_stats>) -> u64 {
    cpu(stats, |cpu| Some(cpu.throttled_periods))
}

/// How long it waited in them.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_cpu_throttled_ns(stats: Option<&minicontain_stats>) -> u64 {
    cpu(stats, |cpu| Some(cpu.throttled_ns))
}

/// How many processes and threads there are.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_pids_current(stats: Option<&minicontain_stats>) -> u64 {
    pids(stats, |pids| Some(pids.current))
}

/// The most processes and threads that there were at once. Told from Linux 6.1 on.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_pids_peak(stats: Option<&minicontain_stats>) -> u64 {
    pids(stats, |pids| pids.peak)
}

/// The limit on processes and threads.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_pids_limit(stats: Option<&minicontain_stats>) -> u64 {
    pids(stats, |pids| pids.limit)
}

/// How often a fork failed for that limit.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_pids_limit_hits(stats: Option<&minicontain_stats>) -> u64 {
    pids(stats, |pids| Some(pids.limit_hits))
}

/// How many block devices there is something to tell of.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_device_count(stats: Option<&minicontain_stats>) -> usize {
    number(stats, 0, |stats| stats.devices.len())
}

/// Which block device, as `"8:0"`: its numbers, as in `/proc/partitions`; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_device(stats: Option<&minicontain_stats>, index: usize) -> *const c_char {
    borrowed(stats, |stats| stats.devices.get(index).map(|(name, _)| name.as_c_str()))
}

/// How many bytes were read from that device.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_device_read_bytes(
    stats: Option<&minicontain_stats>,
    index: usize,
) -> u64 {
    device(stats, index, |io| io.read_bytes)
}

/// How many bytes were written to that device.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_device_write_bytes(
    stats: Option<&minicontain_stats>,
    index: usize,
) -> u64 {
    device(stats, index, |io| io.write_bytes)
}

/// How often that device was read.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_device_reads(stats: Option<&minicontain_stats>, index: usize) -> u64 {
    device(stats, index, |io| io.reads)
}

/// How often that device was written.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_device_writes(stats: Option<&minicontain_stats>, index: usize) -> u64 {
    device(stats, index, |io| io.writes)
}

fn device(stats: Option<&minicontain_stats>, index: usize, pick: impl FnOnce(&IoStats) -> u64) -> u64 {
    number(stats, u64::MAX, |stats| stats.devices.get(index).map_or(u64::MAX, |(_, io)| pick(io)))
}

/// How many sizes of huge pages there are.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_hugetlb_count(stats: Option<&minicontain_stats>) -> usize {
    number(stats, 0, |stats| stats.page_sizes.len())
}

/// Which size of huge pages, as `"2MB"`; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_hugetlb_page_size(
    stats: Option<&minicontain_stats>,
    index: usize,
) -> *const c_char {
    borrowed(stats, |stats| stats.page_sizes.get(index).map(|(size, _)| size.as_c_str()))
}

/// How much memory is in use in huge pages of that size.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_hugetlb_current(stats: Option<&minicontain_stats>, index: usize) -> u64 {
    number(stats, u64::MAX, |stats| stats.page_sizes.get(index).map_or(u64::MAX, |(_, used)| *used))
}

/// In which part of the last `seconds`, 10, 60 or 300, at least one process waited for a resource, one of
/// `minicontain_resource`: in percent; -1 where the host does not tell. Only version 2 of cgroups does: "PSI" in the
/// kernel's documentation.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_pressure(
    stats: Option<&minicontain_stats>,
    resource: i32,
    seconds: u32,
) -> f64 {
    let of = |times: PressureTimes| match seconds {
        10 => times.avg10,
        60 => times.avg60,
        300 => times.avg300,
        _ => -1.0,
    };
    number(stats, -1.0, |stats| pressure(&stats.stats, resource).map_or(-1.0, of))
}

/// How long at least one process waited for a resource, one of `minicontain_resource`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_pressure_ns(stats: Option<&minicontain_stats>, resource: i32) -> u64 {
    told(stats, |stats| Some(pressure(stats, resource)?.total_ns))
}

fn pressure(stats: &Stats, resource: i32) -> Option<PressureTimes> {
    const CPU: i32 = minicontain_resource::Cpu as i32;
    const MEMORY: i32 = minicontain_resource::Memory as i32;
    const IO: i32 = minicontain_resource::Io as i32;
    let pressure = stats.pressure?;
    match resource {
        CPU => pressure.cpu,
        MEMORY => pressure.memory,
        IO => pressure.io,
        _ => None,
    }
}

/// The statistics as JSON, with `null` for what the host does not count. Free it with `minicontain_string_free`.
/// `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_to_json(stats: Option<&minicontain_stats>) -> *mut c_char {
    owned(stats, |stats| serde_json::to_string(&stats.stats).unwrap_or_default())
}

/// Frees statistics. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_stats_free(stats: Option<Box<minicontain_stats>>) {
    guard::infallible((), || drop(stats));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_stats>();
};
