//! The fields of a spec that are about what may be used of the host.

use std::ffi::c_char;

use engine::spec::{Limits, Size};

use crate::error::minicontain_error;
use crate::spec::{change, minicontain_spec};
use crate::text::{given, given_all, given_or_none};

/// Changes a limit. That a value can be is looked at when it is used, as with all fields.
fn limit(
    spec: Option<&mut minicontain_spec>,
    set: impl FnOnce(&mut Limits),
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        set(&mut spec.limits);
        Ok(())
    })
}

/// A number that limits; `UINT64_MAX` does not.
fn limited(value: u64) -> Option<u64> {
    (value != u64::MAX).then_some(value)
}

fn bytes(value: u64) -> Option<Size> {
    limited(value).map(Size)
}

/// Limits the memory of all processes together, in bytes, 512 KiB or more; what the kernel holds for them counts, and
/// it rounds to pages. Who wants more is killed (`MINICONTAIN_REASON_OOM`). `UINT64_MAX` for no limit, which is the
/// default of this and all other limits. Where a host has no cgroup for the caller, each process is limited by
/// itself, and `minicontain_plan_enforced_to_json` says `partial`. Before that, on v2, an ordinary user's process asks
/// systemd's user manager for one, once, and is moved there, as by systemd-run --user --scope: so it ends with the
/// user's last login, unless loginctl enable-linger is said.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_memory(
    spec: Option<&mut minicontain_spec>,
    size: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.memory = bytes(size))
}

/// Limits memory and swap together, in bytes: as much as the memory for no swap. The default is twice the memory.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_memory_swap(
    spec: Option<&mut minicontain_spec>,
    size: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.memory_swap = bytes(size))
}

/// Sets how much memory, in bytes, it keeps when the host runs short of it.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_memory_reservation(
    spec: Option<&mut minicontain_spec>,
    size: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.memory_reservation = bytes(size))
}

/// Sets above how much memory, in bytes, it is slowed down and its memory taken back. Version 2 of cgroups only.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_memory_high(
    spec: Option<&mut minicontain_spec>,
    size: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.memory_high = bytes(size))
}

/// Sets how willingly the kernel swaps, 0 to 100. Version 1 of cgroups only.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_memory_swappiness(
    spec: Option<&mut minicontain_spec>,
    swappiness: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.memory_swappiness = limited(swappiness))
}

/// Says whether all its processes are killed for want of memory, and not one. Version 2 of cgroups only.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_oom_group(
    spec: Option<&mut minicontain_spec>,
    oom_group: bool,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.oom_group = oom_group)
}

/// Limits CPU time to that of so many CPUs, such as 1.5; negative for no limit.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_cpus(
    spec: Option<&mut minicontain_spec>,
    cpus: f64,
) -> Option<Box<minicontain_error>> {
    // What is no number is a fault, which the core finds.
    limit(spec, |limits| limits.cpus = (cpus.is_nan() || cpus >= 0.0).then_some(cpus))
}

/// Sets over which time CPU time is counted for its limit, in microseconds, 1000 to 1000000. The default is 100000.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_cpu_period(
    spec: Option<&mut minicontain_spec>,
    microseconds: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.cpu_period = limited(microseconds))
}

/// Limits CPU time to so many microseconds in each period: another way to say `minicontain_spec_set_cpus`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_cpu_quota(
    spec: Option<&mut minicontain_spec>,
    microseconds: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.cpu_quota = limited(microseconds))
}

/// Sets its share of CPU time when others want it too, 2 to 262144, where 1024 is everybody's.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_cpu_shares(
    spec: Option<&mut minicontain_spec>,
    shares: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.cpu_shares = limited(shares))
}

/// Sets on which CPUs it runs, as `"0-2,4"`; `NULL` for all of them. See cpuset(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_cpuset_cpus(
    spec: Option<&mut minicontain_spec>,
    list: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.limits.cpuset_cpus = unsafe { given_or_none(list, "list") }?.map(String::from);
        Ok(())
    })
}

/// Sets which memory nodes it uses, as `"0-1"`; `NULL` for all of them. See cpuset(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_cpuset_mems(
    spec: Option<&mut minicontain_spec>,
    list: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.limits.cpuset_mems = unsafe { given_or_none(list, "list") }?.map(String::from);
        Ok(())
    })
}

/// Limits how many processes and threads there are, init included. Further forks fail with `EAGAIN`: fork(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_pids_limit(
    spec: Option<&mut minicontain_spec>,
    count: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.pids_limit = limited(count))
}

/// Sets its share of the disks' time when others want it too, 10 to 1000.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_blkio_weight(
    spec: Option<&mut minicontain_spec>,
    weight: u64,
) -> Option<Box<minicontain_error>> {
    limit(spec, |limits| limits.blkio_weight = limited(weight))
}

/// Limits how many bytes it reads in a second from a block device of the host, `"/dev/sda"`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_device_read_bps(
    spec: Option<&mut minicontain_spec>,
    device: *const c_char,
    rate: u64,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_rate(spec, device, bytes(rate), |limits| &mut limits.device_read_bps) }
}

/// Limits how many bytes it writes in a second to a block device of the host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_device_write_bps(
    spec: Option<&mut minicontain_spec>,
    device: *const c_char,
    rate: u64,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_rate(spec, device, bytes(rate), |limits| &mut limits.device_write_bps) }
}

/// Limits how often it reads in a second from a block device of the host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_device_read_iops(
    spec: Option<&mut minicontain_spec>,
    device: *const c_char,
    rate: u64,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_rate(spec, device, limited(rate), |limits| &mut limits.device_read_iops) }
}

/// Limits how often it writes in a second to a block device of the host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_device_write_iops(
    spec: Option<&mut minicontain_spec>,
    device: *const c_char,
    rate: u64,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_rate(spec, device, limited(rate), |limits| &mut limits.device_write_iops) }
}

/// Limits how much memory in huge pages it has, in bytes, for a size of page: `"2MB"`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_hugetlb(
    spec: Option<&mut minicontain_spec>,
    page_size: *const c_char,
    size: u64,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_rate(spec, page_size, bytes(size), |limits| &mut limits.hugetlb) }
}

/// Sets a limit of one device or size of page, or takes it away.
///
/// # Safety
/// As [`given`].
unsafe fn set_rate<T>(
    spec: Option<&mut minicontain_spec>,
    of: *const c_char,
    value: Option<T>,
    list: impl FnOnce(&mut Limits) -> &mut std::collections::BTreeMap<String, T>,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let of = unsafe { given(of, "device or page_size") }?;
        let list = list(&mut spec.limits);
        match value {
            Some(value) => list.insert(of.into(), value),
            None => list.remove(of),
        };
        Ok(())
    })
}

/// Closes all devices but the usual harmless ones and those that `count` rules open, such as `"c 10:200 rwm"`: kind,
/// numbers and access as `docker run --device-cgroup-rule` has them. A `count` of 0 opens no others; devices are not
/// limited where this is not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_device_cgroup_rules(
    spec: Option<&mut minicontain_spec>,
    rules: *const *const c_char,
    count: usize,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.limits.device_cgroup_rules = Some(unsafe { given_all(rules, count, "rules") }?);
        Ok(())
    })
}

/// Says whether it has a cgroup of its own even if nothing is limited: it can then be measured
/// (`minicontain_container_stats`), watched and frozen (`minicontain_container_cgroup`).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_cgroup(
    spec: Option<&mut minicontain_spec>,
    cgroup: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.cgroup = cgroup;
        Ok(())
    })
}

/// Sets the cgroup below which its own is made: a path from the hierarchy's root, or without a slash at its beginning
/// from the caller's cgroup; `NULL` for the default, which is found.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_cgroup_parent(
    spec: Option<&mut minicontain_spec>,
    path: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.cgroup_parent = unsafe { given_or_none(path, "path") }?.map(String::from);
        Ok(())
    })
}

/// Says whether `/sys/fs/cgroup` is writable inside, so that the container can have cgroups below its own.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_cgroup_delegate(
    spec: Option<&mut minicontain_spec>,
    delegate: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.cgroup_delegate = delegate;
        Ok(())
    })
}

/// Says whether limits that this host cannot hold are left out, which `minicontain_plan_enforced_to_json` tells;
/// otherwise they are an error, `MINICONTAIN_CODE_NOT_ENFORCED`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_best_effort(
    spec: Option<&mut minicontain_spec>,
    best_effort: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.best_effort = best_effort;
        Ok(())
    })
}
