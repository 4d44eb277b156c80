"""Cgroups by their names: processes that are measured, limited, frozen and killed together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import _native, stats
from ._arguments import limit_fields
from ._record import Record
from .errors import StateError
from .watching import Watch

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .limits import Limits
    from .stats import Stats


class Held(Record):
    """A limit that was written, and what the kernel made of it.

    >>> import minicontain
    >>> held = minicontain.Held("memory.max", "4000000", "3997696")
    >>> held.held
    '3997696'
    """

    __slots__ = ("file", "written", "held")

    file: str
    """The file, as this version of cgroups has it."""
    written: str
    """What was written to it."""
    held: str
    """What it says now: the kernel rounds memory to pages."""


class Victim(Record):
    """A process that the kernel killed for want of memory.

    >>> import minicontain
    >>> minicontain.Victim(4711, "python3").name
    'python3'
    """

    __slots__ = ("pid", "name")

    pid: int
    """Its id, as the host sees it."""
    name: str
    """Its name, as in `/proc/PID/comm`."""


class CgroupEvents(Record):
    """How often each thing has happened to a cgroup, since it was made, and how it is now.

    >>> import minicontain
    >>> minicontain.CgroupEvents(0, 0, 0, 0, False, False).oom_kills
    0
    """

    __slots__ = ("oom_kills", "memory_limit", "memory_high", "pids_limit", "populated", "frozen")

    oom_kills: int
    """Processes that the kernel killed for want of memory."""
    memory_limit: int
    """Times that the memory limit was met."""
    memory_high: int
    """Times that it was slowed down for being above `memory_high`. Version 2 only."""
    pids_limit: int
    """Forks that failed for the limit of processes."""
    populated: bool
    """Whether there is a process in it, or below it."""
    frozen: bool
    """Whether it is frozen."""


class CgroupDirectory(Record):
    """A directory of a cgroup: a path, also for `open` and `os.path.join`, and what is in it.

    >>> import minicontain, os
    >>> directory = minicontain.CgroupDirectory("/sys/fs/cgroup/demo", 2, ("memory", "pids"))
    >>> os.path.join(directory, "memory.max")
    '/sys/fs/cgroup/demo/memory.max'
    """

    __slots__ = ("path", "version", "controllers")

    path: str
    """Where it is."""
    version: int
    """1 or 2: how its files are named, and what they mean."""
    controllers: tuple[str, ...]
    """What it controls."""

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path


class Cgroup:
    """A cgroup, below the caller's own: see cgroups(7).

    Making one makes its directories, with every controller that can be had, and sets its limits. It stays
    until `remove`, whoever made it; leaving the `with` kills what is in it, and removes it. `name` may be a
    path whose last part is new.

    It is the same on hosts with cgroups of version 1, 2 and both. Making one takes root, or a cgroup that is
    delegated to the user, or a scope of systemd's user manager (see `help(minicontain.fields)`): that goes
    with the last process in it, and the cgroups below it too. Raises `SpecError` for limits that cannot be,
    `CgroupError` (an `OSError`) where the kernel refuses, and `NoSuchCgroupError` once it was removed.

    >>> import minicontain, subprocess
    >>> with minicontain.Cgroup("minicontain-example", memory="64M", pids_limit=20) as cgroup:
    ...     program = subprocess.Popen(["sleep", "9"])
    ...     cgroup.add(program.pid)
    ...     cgroup.processes() == [program.pid], cgroup.stats().memory.limit
    (True, 67108864)
    >>> program.wait()
    -9
    """

    __slots__ = ("_found", "_native")

    def __init__(self, name: str, **limits: Unpack[Limits]) -> None:
        self._native = _native.Cgroup(name, limit_fields(dict(limits)))
        self._found = False

    @classmethod
    def _of(cls, native: _native.Cgroup, *, found: bool) -> Self:
        cgroup = cls.__new__(cls)
        cgroup._native = native
        cgroup._found = found
        return cgroup

    @classmethod
    def open(cls, name: str) -> Self:
        """Finds a cgroup below the caller's own by the name it was made with.

        Raises `NoSuchCgroupError`.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     minicontain.Cgroup.open("minicontain-example") == cgroup
        True
        """
        return cls._of(_native.Cgroup.open(name), found=False)

    @classmethod
    def of(cls, pid: int) -> Self:
        """The cgroup that a process is in. `with` does not take it: others may live in it.

        Raises `StateError` (`ended`) when there is no such process.

        >>> import minicontain, os
        >>> os.getpid() in minicontain.Cgroup.of(os.getpid()).processes()
        True
        """
        return cls._of(_native.Cgroup.of(pid), found=True)

    def child(self, name: str, **limits: Unpack[Limits]) -> Self:
        """Makes a cgroup below this one, whose limits hold for it as well.

        On version 2, a cgroup whose children have controllers can have no processes of its own.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example", memory="64M") as cgroup:
        ...     cgroup.child("inner", memory="16M").stats().memory.limit
        16777216
        """
        return type(self)._of(self._native.child(name, limit_fields(dict(limits))), found=False)

    @property
    def name(self) -> str:
        """The last part of its path.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.name
        'minicontain-example'
        """
        return os.path.basename(self.directories[0].path)

    @property
    def directories(self) -> list[CgroupDirectory]:
        """Its directories: one in each hierarchy of version 1, one in the tree of version 2.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     {directory.version for directory in cgroup.directories} <= {1, 2}
        True
        """
        found = self._native.directories
        return [CgroupDirectory(str(path), version, tuple(names)) for path, version, names in found]

    @property
    def paths(self) -> dict[str, CgroupDirectory]:
        r"""The directory for each controller; that in the tree of version 2 is also `unified`.

        >>> import minicontain, os
        >>> with minicontain.Cgroup("minicontain-example", pids_limit=20) as cgroup:
        ...     with open(os.path.join(cgroup.paths["pids"], "pids.max")) as file:
        ...         file.read()
        '20\n'
        """
        found = {}
        for directory in self.directories:
            for controller in directory.controllers:
                found[controller] = directory
            if directory.version == 2:
                found["unified"] = directory
        return found

    # Limited.

    def set(self, **limits: Unpack[Limits]) -> list[Held]:
        """Changes limits; what is not named stays as it is. What was written, and what the kernel holds.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     [(held.written, held.held) for held in cgroup.set(memory=4_000_000)]
        [('4000000', '3997696')]
        """
        return [Held(*held) for held in self._native.set(limit_fields(dict(limits)))]

    def read(self, file: str) -> str:
        """Reads a file of its interface: `memory.max` on version 2, `memory.limit_in_bytes` on 1.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example", pids_limit=20) as cgroup:
        ...     cgroup.read("pids.max")
        '20'
        """
        return self._native.read(file)

    def write(self, file: str, value: str | int) -> None:
        """Writes a file of its interface, in the first of its directories that has it.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.write("pids.max", 20)
        ...     cgroup.stats().pids.limit
        20
        """
        self._native.write(file, str(value))

    # Lived in.

    def add(self, pid: int) -> None:
        """Moves a process, with all its threads, into it; what the process starts then begins there.

        Memory that it has already stays counted where it was.

        >>> import minicontain, subprocess
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     program = subprocess.Popen(["sleep", "9"])
        ...     cgroup.add(program.pid)
        >>> program.wait()
        -9
        """
        self._native.add(pid)

    def processes(self) -> list[int]:
        """The ids of the processes in it; of those in cgroups below it, each tells itself.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.processes()
        []
        """
        return self._native.processes()

    def threads(self) -> list[int]:
        """The ids of the threads in it.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.threads()
        []
        """
        return self._native.threads()

    # Measured.

    def stats(self) -> Stats:
        """What it uses and has used, by the same names on each version.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example", cpus=0.5) as cgroup:
        ...     cgroup.stats().cpu.limit
        0.5
        """
        return stats.from_plain(self._native.stats())

    def events(self) -> CgroupEvents:
        """How often each thing has happened to it, and how it is now.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.events().populated
        False
        """
        plain = self._native.events()
        return CgroupEvents(*(plain[name] for name in CgroupEvents.__slots__))

    def watch(self) -> Watch:
        """Begins to look at its events: see `Watch`.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup, cgroup.watch() as watch:
        ...     cgroup.freeze()
        ...     watch.wait(timeout=5)
        ['frozen']
        """
        return Watch(self._native)

    def oom_victims(self) -> list[Victim]:
        """Whom the kernel killed for want of memory in it and below it, as far as its log goes back.

        Nobody where the caller may not read `/dev/kmsg`.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.oom_victims()
        []
        """
        return [Victim(*victim) for victim in self._native.oom_victims()]

    # Stopped and ended.

    def freeze(self) -> None:
        """Stops every process in it, those that come meanwhile too. Nothing inside can undo that.

        Returns when all are stopped.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.freeze()
        ...     cgroup.frozen
        True
        """
        self._native.freeze()

    def thaw(self) -> None:
        """Lets what was frozen go on.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.freeze()
        ...     cgroup.thaw()
        ...     cgroup.frozen
        False
        """
        self._native.thaw()

    @property
    def frozen(self) -> bool | None:
        """Whether it is frozen; None when it cannot be.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.frozen
        False
        """
        return self._native.frozen

    def kill(self) -> None:
        """Kills every process in it and below it, those that are being made too. Returns when none is left.

        Nothing should be started in it after that: make another one.

        >>> import minicontain, subprocess
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     program = subprocess.Popen("sleep 9 & sleep 9", shell=True)
        ...     cgroup.add(program.pid)
        ...     cgroup.kill()
        >>> program.wait()
        -9
        """
        self._native.kill()

    def remove(self) -> None:
        """Removes it and those below it. One that is gone already is no error.

        Raises `StateError` (`still_runs`) while there is a process in it.

        >>> import minicontain
        >>> minicontain.Cgroup("minicontain-example").remove()
        """
        self._native.remove()

    def __enter__(self) -> Self:
        if self._found:
            raise StateError(
                "leaving the block would kill everything in it: make one, or open it by its name"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        self.remove()

    def __eq__(self, other: object) -> bool:
        return self.directories == other.directories if isinstance(other, Cgroup) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self.directories))

    def __repr__(self) -> str:
        paths = ", ".join(sorted({directory.path for directory in self.directories}))
        return f"<{type(self).__name__} {paths}>"
