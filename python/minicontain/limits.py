"""What a container, a program that joins one, or a cgroup may use of the host, for type checkers."""

from __future__ import annotations

import os  # noqa: TC003  (the aliases below name it)
from collections.abc import Iterable, Mapping
from typing import TypedDict, Union

Size = Union[int, str]
"""Bytes, or a text such as `64M`; suffixes are powers of 1024."""
Device = Union[str, "os.PathLike[str]"]
"""A block device of the host, such as `/dev/sda`."""
Numbers = Union[str, int, Iterable[int]]
"""Numbers of CPUs or memory nodes: `0-2,4`, 3, or any numbers, as `os.sched_getaffinity` gives them."""


class Limits(TypedDict, total=False):
    """Limits, named as `docker run` names them. What is None, or not named, is not limited."""

    memory: Size | None
    """Memory, the kernel's own for the container included; who wants more is killed. Rounded to pages."""
    memory_swap: Size | None
    """Memory and swap together. Default: twice `memory`; the same as `memory` for no swap."""
    memory_reservation: Size | None
    """Memory that is kept for it when the host runs short."""
    memory_high: Size | None
    """Memory above which it is slowed down. Version 2 only."""
    memory_swappiness: int | None
    """How willingly the kernel swaps, 0 to 100. Version 1 only."""
    oom_group: bool | None
    """Whether want of memory kills all of it, and not one process. Version 2 only."""
    cpus: float | None
    """How many CPUs' time it may use, such as 1.5."""
    cpu_period: int | None
    """The time over which `cpus` or `cpu_quota` counts, in microseconds. Default: 100000."""
    cpu_quota: int | None
    """The CPU time that it may use in each period, in microseconds."""
    cpu_shares: int | None
    """Its share of CPU time when others want it too, 2 to 262144; one without has 1024."""
    cpuset_cpus: Numbers | None
    """The CPUs that it may run on."""
    cpuset_mems: Numbers | None
    """The memory nodes that it may use."""
    pids_limit: int | None
    """How many processes and threads it may have, its init included."""
    blkio_weight: int | None
    """Its share of the disks' time, 10 to 1000."""
    device_read_bps: Mapping[Device, Size] | None
    """Bytes a second that it may read, by device."""
    device_write_bps: Mapping[Device, Size] | None
    """Bytes a second that it may write, by device."""
    device_read_iops: Mapping[Device, int] | None
    """Reads a second, by device."""
    device_write_iops: Mapping[Device, int] | None
    """Writes a second, by device."""
    hugetlb: Mapping[str, Size] | None
    """Bytes of huge pages, by page size (`2MB`)."""
    device_cgroup_rules: Iterable[str] | None
    """Devices beyond the harmless ones (`c 10:200 rwm`). Any rule, or an empty list, closes all others."""


class Demands(TypedDict, total=False):
    """What is to be done where something does not hold on this host."""

    best_effort: bool | None
    """Whether limits that cannot be held are left out, which `enforced` tells; else they are an error."""
    require: Iterable[str] | None
    """Features that must be fully enforced; a shortfall is an error."""
