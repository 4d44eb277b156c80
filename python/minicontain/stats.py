"""What a container used."""

from __future__ import annotations

from ._record import Record


class MemoryStats(Record):
    """What a container used of the memory, in bytes.

    >>> import minicontain
    >>> program = "x = bytearray(200_000_000)"
    >>> (minicontain.run(["python3", "-c", program]).stats.memory.peak or 0) > 200_000_000
    True
    """

    __slots__ = ("peak",)

    peak: int | None
    """The largest resident set of any one of its processes, in bytes: see getrusage(2).

    `None` where it was no more than the caller's own, which the kernel counts in: the program's process began
    in the caller's memory.
    """


class Stats(Record):
    """What a container used, from its start to its end.

    >>> import minicontain
    >>> stats = minicontain.run(["true"]).stats
    >>> 0 < stats.wall < 60, stats.user + stats.system < 60
    (True, True)
    """

    __slots__ = ("wall", "user", "system", "memory")

    wall: float
    """Seconds that passed."""
    user: float
    """Seconds of CPU time in programs."""
    system: float
    """Seconds of CPU time in the kernel."""
    memory: MemoryStats
    """What it used of the memory."""


def from_usage(usage: tuple[int, int, int, int | None]) -> Stats:
    """From the engine's nanoseconds and bytes."""
    wall, user, system, peak = usage
    return Stats(wall / 1e9, user / 1e9, system / 1e9, MemoryStats(peak))
