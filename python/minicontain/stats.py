"""What a container or a cgroup uses and has used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ._record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_Kind = TypeVar("_Kind", bound=Record)


class MemoryStats(Record):
    """Memory, in bytes. What is not known is None.

    >>> import minicontain
    >>> program = "x = bytearray(200_000_000)"
    >>> (minicontain.run(["python3", "-c", program]).stats.memory.peak or 0) > 200_000_000
    True
    """

    __slots__ = (
        "current",
        "peak",
        "limit",
        "swap",
        "anon",
        "file",
        "kernel",
        "limit_hits",
        "oom_kills",
    )

    current: int | None
    """In use now, or at the end."""
    peak: int | None
    """The most that was in use.

    In a result without a cgroup it is the largest resident set of any one process, and nothing else is known:
    see getrusage(2). With `init=False`, it is then None where it was no more than the caller's own, which the
    kernel counts in.
    """
    limit: int | None
    """The limit that holds: `memory`, rounded to pages. None for none."""
    swap: int | None
    """Swap in use."""
    anon: int | None
    """Of `current`: the programs' own."""
    file: int | None
    """Of `current`: the contents of files."""
    kernel: int | None
    """Of `current`: the kernel's, for these processes."""
    limit_hits: int | None
    """How often the limit was met, and memory had to be taken back first."""
    oom_kills: int | None
    """How many processes the kernel killed for want of memory."""


class CpuStats(Record):
    """CPU time, in nanoseconds.

    >>> import minicontain
    >>> cpu = minicontain.run(["true"], cgroup=True, best_effort=True).stats.cpu
    >>> cpu is None or cpu.usage_ns > 0
    True
    """

    __slots__ = (
        "usage_ns",
        "user_ns",
        "system_ns",
        "limit",
        "periods",
        "throttled_periods",
        "throttled_ns",
    )

    usage_ns: int | None
    """All of it. None where the host does not count it."""
    user_ns: int | None
    """In programs."""
    system_ns: int | None
    """In the kernel."""
    limit: float | None
    """The limit in CPUs; None for none."""
    periods: int
    """Periods that have passed, where there is a limit."""
    throttled_periods: int
    """Periods in which it had to wait."""
    throttled_ns: int
    """How long it waited."""


class PidsStats(Record):
    """Processes and threads.

    >>> import minicontain
    >>> pids = minicontain.run(["true"], cgroup=True, best_effort=True).stats.pids
    >>> pids is None or pids.limit is None
    True
    """

    __slots__ = ("current", "peak", "limit", "limit_hits")

    current: int
    """How many there are."""
    peak: int | None
    """The most that there were. None before Linux 6.1."""
    limit: int | None
    """The limit; None for none."""
    limit_hits: int
    """How often a fork failed for it."""


class IoStats(Record):
    """Input and output of a block device.

    >>> import minicontain
    >>> minicontain.IoStats(4096, 0, 1, 0).read_bytes
    4096
    """

    __slots__ = ("read_bytes", "write_bytes", "reads", "writes")

    read_bytes: int
    """Bytes read."""
    write_bytes: int
    """Bytes written."""
    reads: int
    """Times read."""
    writes: int
    """Times written."""


class PressureTimes(Record):
    """The part of the time, in percent, in which at least one process waited: the kernel's "PSI".

    >>> import minicontain
    >>> minicontain.PressureTimes(12.5, 3.0, 0.5, 2_000_000_000).avg10
    12.5
    """

    __slots__ = ("avg10", "avg60", "avg300", "total_ns")

    avg10: float
    """Of the last 10 seconds."""
    avg60: float
    """Of the last 60 seconds."""
    avg300: float
    """Of the last 300 seconds."""
    total_ns: int
    """In nanoseconds, from the beginning."""


class Pressure(Record):
    """How long processes waited for what others had.

    >>> import minicontain
    >>> minicontain.Pressure(None, None, None).cpu is None
    True
    """

    __slots__ = ("cpu", "memory", "io")

    cpu: PressureTimes | None
    """For a CPU."""
    memory: PressureTimes | None
    """For memory."""
    io: PressureTimes | None
    """For a device."""


class Stats(Record):
    """What a cgroup uses and has used; what the host does not count is None.

    `Container.stats` and `Cgroup.stats` give it. A result has it with times (`Usage`), a stream with the
    moment (`Sample`).

    >>> import minicontain
    >>> with minicontain.Container(["sleep", "9"], cgroup=True, best_effort=True) as container:
    ...     stats = container.stats() if container.cgroup else None
    >>> stats is None or stats.pids.current > 0
    True
    """

    __slots__ = ("memory", "cpu", "pids", "io", "hugetlb", "pressure")

    memory: MemoryStats | None
    """Memory."""
    cpu: CpuStats | None
    """CPU time."""
    pids: PidsStats | None
    """Processes and threads."""
    io: dict[str, IoStats] | None
    """Input and output of block devices, by `major:minor`."""
    hugetlb: dict[str, int] | None
    """Huge pages in bytes, by page size."""
    pressure: Pressure | None
    """How long processes waited for what others had. Only cgroups of version 2 tell."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values in dicts, for JSON and for tables.

        >>> import minicontain
        >>> sorted(minicontain.run(["true"]).stats.to_dict()["memory"])[:3]
        ['anon', 'current', 'file']
        """
        return {name: _plain(getattr(self, name)) for name in self._names}

    def __hash__(self) -> int:
        plain = (tuple(value.items()) if isinstance(value, dict) else value for value in self._values())
        return hash(tuple(plain))


class Usage(Stats):
    """What a container used, from its start to its end.

    All but the times and `memory.peak` is known where it had a cgroup: when something was limited, or with
    `cgroup=True`.

    >>> import minicontain
    >>> stats = minicontain.run(["true"]).stats
    >>> 0 < stats.wall < 60, stats.user + stats.system < 60
    (True, True)
    """

    __slots__ = ("wall", "user", "system")

    wall: float
    """Seconds that passed."""
    user: float
    """Seconds of CPU time in programs."""
    system: float
    """Seconds of CPU time in the kernel."""
    memory: MemoryStats
    """Memory."""


class Sample(Stats):
    """What a container used at a moment: see `Container.stats_stream`.

    >>> import minicontain
    >>> issubclass(minicontain.Sample, minicontain.Stats)
    True
    """

    __slots__ = ("time", "cpus")

    time: float
    """The moment, in seconds since 1970."""
    cpus: float | None
    """How many CPUs it used since the sample before: 0.1 is 10 % of one. None in the first."""


class Meter:
    """Makes samples of what is measured again and again."""

    def __init__(self) -> None:
        self._before: tuple[float, int] | None = None

    def sample(self, plain: Mapping[str, Any]) -> Sample:
        """What was measured just now."""
        from time import monotonic, time

        now, values = monotonic(), _values(plain)
        used = None if values[1] is None else values[1].usage_ns
        cpus = None
        if used is not None:
            if self._before is not None:
                then, before = self._before
                cpus = (used - before) / 1e9 / max(now - then, 1e-9)
            self._before = now, used
        return Sample(time(), cpus, *values)


def from_plain(plain: Mapping[str, Any]) -> Stats:
    """From the engine's plain values."""
    return Stats(*_values(plain))


def from_usage(usage: tuple[int, int, int, int | None], plain: Mapping[str, Any] | None) -> Usage:
    """From the engine's nanoseconds and bytes, and from what the cgroup told, where there was one."""
    wall, user, system, peak = usage
    memory, *others = _values(plain or {})
    if memory is None:
        memory = MemoryStats(None, peak, *[None] * 7)
    elif memory.peak is None:
        memory = _read(MemoryStats, {**(plain or {})["memory"], "peak": peak})
    return Usage(wall / 1e9, user / 1e9, system / 1e9, memory, *others)


def _values(plain: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of `Stats`, in order."""
    io, pressure = plain.get("io"), plain.get("pressure")
    return (
        _read(MemoryStats, plain.get("memory")),
        _read(CpuStats, plain.get("cpu")),
        _read(PidsStats, plain.get("pids")),
        None if io is None else {device: _read(IoStats, of) for device, of in io.items()},
        plain.get("hugetlb"),
        None
        if pressure is None
        else Pressure(*(_read(PressureTimes, pressure[of]) for of in Pressure.__slots__)),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    return {name: _plain(of) for name, of in value.items()} if isinstance(value, dict) else value


def _read(kind: type[_Kind], plain: Mapping[str, Any] | None) -> _Kind | None:
    return None if plain is None else kind(*(plain[name] for name in kind.__slots__))
