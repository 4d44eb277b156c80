"""The parameters that every way of making a container takes, for type checkers and editors.

The engine knows the fields; this says of what type they are.
"""

from __future__ import annotations

import os  # noqa: TC003  (the aliases below name it)
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Union

from .limits import Demands, Limits, Size

if TYPE_CHECKING:
    from .cni import CniConfig
    from .network import Network
    from .spec import Spec

Path = Union[str, "os.PathLike[str]"]
"""A path of the host or in the container."""
Word = Union[str, bytes, "os.PathLike[str]"]
"""A program's argument."""
Args = Union[Word, Sequence[Word], "Spec"]
"""What to run: a program, a program with arguments, or a spec, to which the other parameters are changes."""
Stream = Union[None, int, IO[Any], "os.PathLike[str]", "HasFileno"]
"""A stream: None (inherited), `PIPE`, `DEVNULL`, `STDOUT`, a descriptor, a file object, or a file's path."""
Limit = Union[int, None]
"""A resource limit; None, or -1, is unlimited."""
Source = Union[Literal["new", "host"], int, Path, "HasFileno"]
"""Where a namespace comes from: `new`, `host` (the caller's own), or another's, by a process id, a path, or a
descriptor of it (as a `Namespace` has) or of a process (as a running `Container` has)."""
OnNetwork = Union[str, "Network", "CniConfig"]
"""A network that a container is on: `NAME`, `NAME:ip=ADDRESS,alias=NAME`, the path of a CNI configuration, or
an object for one of these."""
Contents = Union[bytes, bytearray, memoryview, IO[bytes], "os.PathLike[str]"]
"""What a file is to hold: bytes, a binary file object, or the path of a file or directory to copy."""
Range = Union[str, "tuple[int, int, int]"]
"""A range of ids: first id inside, first id outside, how many; also as `inside:outside:count`."""


class HasFileno(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int:
        """The descriptor's number."""


class Bind(TypedDict, total=False):
    """A volume as the Docker SDK for Python has it."""

    bind: Path
    """Where it is inside."""
    mode: Literal["ro", "rw"]
    """Whether it can be written. Default: `rw`."""


class TimeOffsets(TypedDict, total=False):
    """What a new time namespace adds to the clocks, in seconds: time_namespaces(7)."""

    monotonic: float
    """Added to CLOCK_MONOTONIC."""
    boottime: float
    """Added to CLOCK_BOOTTIME, and so to the uptime."""


class Program(TypedDict, total=False):
    """What a program can be given, named as `subprocess` names it. None is the default."""

    executable: Path | None
    """The program to execute in place of `args[0]`, which it then only sees as its name."""
    env: Mapping[str, str | None] | None
    """Environment, added to `PATH`, `HOME` and `TERM`. A value of None takes the caller's."""
    default_env: bool | None
    """Whether `PATH`, `HOME` and `TERM` are set where `env` does not set them. Default: True."""
    cwd: Path | None
    """Working directory inside. Default: `/`."""
    user: int | str | None
    """`uid`, `uid:gid`, `name` or `name:group`, as its `/etc/passwd` knows them. Default: root."""
    group: int | str | None
    """The group, where `user` does not name it."""
    extra_groups: Iterable[int] | None
    """Supplementary group ids; the same as `group_add`."""
    group_add: Iterable[int] | None
    """Supplementary group ids."""
    umask: int | None
    """File mode creation mask: umask(2). Default: `0o022`."""
    ulimits: Mapping[str, Limit | tuple[Limit, Limit]] | None
    """Resource limits by name (`nofile`, `core`), one for both or soft and hard: setrlimit(2)."""
    pass_fds: Iterable[int] | None
    """Descriptors of the caller that the program gets under the same numbers."""
    start_new_session: bool | None
    """Whether the program leads a new session: setsid(2). Default: True."""
    process_group: int | None
    """The process group that the program joins, 0 for its own: setpgid(2). Default: that of its session."""
    tty: bool | None
    """Whether the program has a terminal of the container's own for its three streams: pty(7)."""
    tty_size: tuple[int, int] | None
    """Rows and columns of that terminal. Default: 24 and 80."""


class Rights(TypedDict, total=False):
    """What a program may do. None is the default."""

    cap_add: Iterable[str] | None
    """Capabilities beyond Docker's default set, `ALL` for every one: capabilities(7)."""
    cap_drop: Iterable[str] | None
    """Capabilities taken from that set, `ALL` for every one."""
    no_new_privileges: bool | None
    """Whether no execve can grant privileges: prctl(2). Default: True."""


class Walls(Rights, Limits, Demands, total=False):
    """What is put round it, named as `docker run` names it. None is the default."""

    name: str | None
    """A name by which other processes of this user find it. Default: none; random for a detached one."""
    detach: bool | None
    """Whether it outlives its creator. Its output then goes to a log."""
    init: bool | None
    """Whether process 1 is a small init: it reaps orphans, hands on signals, and ends with program or owner.

    Without one the program is process 1, and that ignores signals: pid_namespaces(7). Default: True.
    """
    hostname: str | None
    """Host name, up to 64 bytes: sethostname(2)."""
    domainname: str | None
    """NIS domain name: setdomainname(2)."""
    namespaces: (
        Mapping[
            Literal["user", "mnt", "mount", "pid", "net", "network", "ipc", "uts", "cgroup", "time"], Source
        ]
        | None
    )
    """Where each of the eight namespaces comes from. Default: each is new."""
    network: OnNetwork | HasFileno | Iterable[OnNetwork] | None
    """`none`: a network namespace with nothing but loopback (the default); `host`: the caller's; one that is
    there: a `Namespace`, or a running `Container` (or `container:NAME`), whose network it then shares; or the
    networks that it is on: a `Network`, `NAME`, `NAME:ip=10.16.9.5,alias=db`, a list of these."""
    networks: Iterable[OnNetwork | Mapping[str, Any]] | None
    """The networks that it is on, as a spec has them; see `network`."""
    publish: Mapping[int | str, int | str] | Iterable[int | str] | None
    """Ports of the host that lead to its own: `{8080: 80, "127.0.0.1:8081": 80, "53/udp": 53}`, or as
    `docker run` has them: `["8080:80", "127.0.0.1:8081:80/tcp"]`. It takes a network."""
    time_offsets: TimeOffsets | None
    """Offsets of the clocks of a new time namespace."""
    uidmap: Iterable[Range] | None
    """User ids of a new user namespace: user_namespaces(7)."""
    gidmap: Iterable[Range] | None
    """Group ids of a new user namespace."""
    loopback: bool | None
    """Whether the loopback interface of a new network namespace is up. Default: True."""

    rootfs: Path | None
    """A directory to be the root. Default: the host's own files under a throw-away layer."""
    read_only: bool | None
    """Whether the root file system is read-only."""
    root_change: Literal["pivot_root", "chroot"] | None
    """How the root changes. `chroot` is for lessons: it can be left."""
    host_files: Mapping[Path, Literal["overlay", "read-only", "hidden", "full"]] | None
    """How the host's directories are seen when no `rootfs` is named. Default: `{"/": "overlay"}`."""
    volumes: Mapping[Path, Path | Bind] | Iterable[str] | None
    """Host directories and files inside.

    `{"/host": "/inside"}`, `{"/host": {"bind": "/inside", "mode": "ro"}}` or `["/host:/inside:ro"]`.
    """
    tmpfs: Mapping[Path, str] | Iterable[str] | None
    """Fresh tmpfs mounts: `["/inside"]` or `{"/inside": "size=64M,mode=700"}`: tmpfs(5)."""
    storage_size: Size | None
    """How much the throw-away layer, `/tmp` and `/dev/shm` may hold together. Default: 1 GiB."""
    proc: bool | None
    """Whether `/proc` is mounted: proc(5). Default: True."""
    sys: bool | None
    """Whether `/sys` is mounted: sysfs(5). Default: True."""
    dev: bool | None
    """Whether `/dev` is a small one of the container's own. Default: True."""
    tmp: bool | None
    """Whether `/tmp` is the container's own. Default: True."""
    masked_paths: Iterable[str] | None
    """Kernel paths that cannot be seen. Default: Docker's."""
    readonly_paths: Iterable[str] | None
    """Kernel paths that cannot be written. Default: Docker's."""
    sysctls: Mapping[str, int | str] | None
    """Kernel settings of the container's own namespaces: sysctl(8)."""

    cgroup: bool | None
    """Whether it has a cgroup of its own even if nothing is limited: it can then be measured."""
    cgroup_parent: str | None
    """The cgroup below which its own is made: from `/`, or below the caller's own."""
    cgroup_delegate: bool | None
    """Whether `/sys/fs/cgroup` is writable inside: it can then have cgroups of its own below its own."""


class Fields(Program, Walls, total=False):
    """What a container can be given."""


class Streams(Fields, total=False):
    """What a container can be given, with its standard streams, and whether a shell reads `args`."""

    stdin: Stream
    """Standard input."""
    stdout: Stream
    """Standard output."""
    stderr: Stream
    """Standard error; `STDOUT` merges it into standard output."""
    shell: bool
    """Whether `args` is a command of `/bin/sh`."""


class Process(Fields, total=False):
    """What `subprocess` takes beyond that. Most of it can mean one thing only in a container."""

    bufsize: int
    """How the pipes' file objects are buffered."""
    pipesize: int
    """How much a pipe holds: fcntl(2), F_SETPIPE_SZ."""
    close_fds: bool
    """Whether inheritable descriptors stay out, all but those of `pass_fds`. Default: True."""
    restore_signals: bool
    """No effect: every signal starts as the system has it."""
    creationflags: Literal[0]
    """For Windows."""
    startupinfo: None
    """For Windows."""
    preexec_fn: None
    """No Python runs in the container before the program."""


class Joining(Program, Rights, Limits, Demands, total=False):
    """What a program that joins a running container can be given. None is as the container has it.

    With limits, it has a cgroup of its own below the container's, whose limits hold for it as well.
    """


class Beside(Joining, total=False):
    """What `Container.popen` can be given beyond the streams."""

    detach: bool | None
    """Whether it outlives its creator. What it writes then goes to `/dev/null`."""


class Popened(Streams, Process, total=False):
    """What `Popen` takes by name."""
