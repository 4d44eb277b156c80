"""The options of `docker run` for what a container may use, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .failures import Failure
from .parser import Option

if TYPE_CHECKING:
    from .parser import Values

LIMITS = (
    Option(("-m", "--memory"), "memory (64M); who wants more is killed", "SIZE"),
    Option(("--memory-swap",), "memory and swap together (default: twice the memory)", "SIZE"),
    Option(("--memory-reservation",), "memory that it keeps when the host runs short", "SIZE"),
    Option(("--memory-swappiness",), "how willingly the kernel swaps, 0 to 100", "NUMBER"),
    Option(("--cpus",), "how many CPUs' time it may use (1.5)", "NUMBER"),
    Option(("--cpu-period",), "the time over which --cpu-quota counts (default: 100000)", "MICROSECONDS"),
    Option(("--cpu-quota",), "CPU time in each period", "MICROSECONDS"),
    Option(("-c", "--cpu-shares"), "its share of CPU time when others want it too (1024)", "NUMBER"),
    Option(("--cpuset-cpus",), "the CPUs that it may run on (0-2,4)", "LIST"),
    Option(("--cpuset-mems",), "the memory nodes that it may use", "LIST"),
    Option(("--pids-limit",), "how many processes and threads it may have", "NUMBER"),
    Option(("--blkio-weight",), "its share of the disks' time, 10 to 1000", "NUMBER"),
    Option(("--device-read-bps",), "bytes a second from a device", "DEVICE:SIZE", many=True),
    Option(("--device-write-bps",), "bytes a second to a device", "DEVICE:SIZE", many=True),
    Option(("--device-read-iops",), "reads a second from a device", "DEVICE:NUMBER", many=True),
    Option(("--device-write-iops",), "writes a second to a device", "DEVICE:NUMBER", many=True),
    Option(("--device-cgroup-rule",), "a device that may be used (c 10:200 rwm)", "RULE", many=True),
)
"""Limits of a container, or of a program that joins one."""

DEMANDS = (
    Option(("--require",), "a feature that must be fully enforced", "FEATURE", many=True),
    Option(("--best-effort",), "leave out limits that this host cannot hold, which are an error otherwise"),
)
"""What is to be done where something does not hold."""

_WHOLE = (
    "memory_swappiness",
    "cpu_period",
    "cpu_quota",
    "cpu_shares",
    "pids_limit",
    "blkio_weight",
)
_AS_THEY_ARE = ("memory", "memory_swap", "memory_reservation", "cpuset_cpus", "cpuset_mems")
_BY_DEVICE = ("device_read_bps", "device_write_bps", "device_read_iops", "device_write_iops")
# What Docker takes for no limit.
_NONE = {"pids_limit": ("0", "-1"), "cpu_quota": ("0", "-1"), "memory": ("0",), "memory_swap": ("0",)}


def limit_fields(values: Values) -> dict[str, Any]:
    """The fields of limits, without those that are to be none."""
    fields: dict[str, Any] = {}
    for name in _AS_THEY_ARE:
        if name in values:
            fields[name] = values[name]
    for name in _WHOLE:
        if name in values:
            fields[name] = _number(name, values[name], int)
    if "cpus" in values:
        fields["cpus"] = _number("cpus", values["cpus"], float)
    for name in _BY_DEVICE:
        if name in values:
            fields[name] = dict(_rate(name, text) for text in values[name])
    if "device_cgroup_rule" in values:
        fields["device_cgroup_rules"] = values["device_cgroup_rule"]
    return {name: value for name, value in fields.items() if values.get(name) not in _NONE.get(name, ())}


def demand_fields(values: Values) -> dict[str, Any]:
    """The fields of demands."""
    return {name: values[name] for name in ("require", "best_effort") if name in values}


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _number(name: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise Failure(f"{_spelled(name)}: '{text}' is not a number", "write a number") from None


def _rate(name: str, text: str) -> tuple[str, Any]:
    device, colon, rate = text.rpartition(":")
    if not colon or not device:
        example = "1mb" if name.endswith("bps") else "1000"
        raise Failure(f"{_spelled(name)}: '{text}' has no ':'", f"write {_spelled(name)} /dev/sda:{example}")
    return device, rate if name.endswith("bps") else _number(name, rate, int)
