r"""The fields of a container, which `run`, `Container`, `Popen` and `Spec` take by name.

Each line says what the field is, its default, and what it is called elsewhere. None is the default, too;
where no default is named, it is off, empty or not limited. PATH is a text or an `os.PathLike`, SIZE a
number of bytes or a text such as "64M" in powers of 1024; a flag is True or False, a list any iterable.

Process:

    args                what to run: a text or PATH, or a list of these; or a `Spec`, which the other fields
                        then change
    shell               flag: `args` is a command of /bin/sh; as in `subprocess`
    executable          PATH inside of what is executed instead of args[0], which is then only its name;
                        execve(2)
    env                 {"NAME": "value"}, added to PATH, HOME and TERM; None takes the caller's value;
                        docker --env
    default_env         flag: PATH, HOME and TERM are set where `env` does not; default True; environ(7)
    cwd                 PATH inside; default "/"; docker --workdir, chdir(2)
    umask               0 to 0o777; default 0o022; umask(2)
    ulimits             {"nofile": 1024} or {"nofile": (soft, hard)}, None for unlimited; default the
                        caller's; docker --ulimit, setrlimit(2)
    pass_fds            list of descriptors from 3 up, which keep their numbers; as in `subprocess`
    start_new_session   flag: it leads a session of its own; default True; setsid(2)
    process_group       number of the group that it joins, 0 for its own; default that of its session;
                        setpgid(2)
    init                flag: process 1 is a small init; default True; docker --init, pid_namespaces(7)

Streams:

    stdin               None (the caller's, the default), PIPE, DEVNULL, a descriptor, a file object or an
                        `os.PathLike`
    stdout              the same
    stderr              the same, or STDOUT: where `stdout` goes
    tty                 flag: a terminal of its own for all three; docker --tty, pty(7)
    tty_size            (rows, columns) of that terminal; default (24, 80); TIOCSWINSZ of ioctl_tty(2)

Names and life:

    name                up to 64 letters, digits, "_", "." and "-", by which others find it; default none,
                        or random with `detach`; docker --name
    detach              flag: it outlives its creator, and its output goes to a log, that of a program that
                        joins a container to /dev/null; docker --detach
    hostname            up to 64 letters, digits, "-" and "."; default "minicontain", on a network `name` or
                        one like "ip-10-16-8-2"; docker --hostname, sethostname(2)
    domainname          the same for NIS; default the caller's; docker --domainname, setdomainname(2)

Users and rights:

    user                number, "uid:gid", "name" or "name:group", by its own /etc/passwd; default root;
                        docker --user
    group               number or name, where `user` names none; as in `subprocess`
    group_add           list of further group numbers; docker --group-add, setgroups(2)
    extra_groups        the same, or names that the caller's /etc/group has; as in `subprocess`
    uidmap              list of (inside, outside, count) or "inside:outside:count"; default 1878982656 and
                        up for a root caller, else the caller alone; podman --uidmap, user_namespaces(7)
    gidmap              the same for groups; podman --gidmap
    cap_add             list of capabilities beside Docker's default ones, or ["ALL"]; docker --cap-add,
                        capabilities(7)
    cap_drop            list of capabilities less than those, or ["ALL"]; docker --cap-drop
    no_new_privileges   flag: no execve grants any; default True; docker --security-opt, PR_SET_NO_NEW_PRIVS
                        of prctl(2)
    new_keyring         flag: a session keyring of its own, not the caller's; default True;
                        runc --no-new-keyring, keyrings(7)

File system:

    rootfs              PATH of a directory to be the root; default the host's files under a throw-away
                        layer; pivot_root(2)
    read_only           flag: the root cannot be written; docker --read-only
    root_change         "pivot_root" (the default), or "chroot", which is for lessons; chroot(2)
    host_files          {PATH: "overlay", "read-only", "hidden" or "full"}, without `rootfs`; default {"/":
                        "overlay"}
    volumes             {"/host": "/inside"}, {"/host": {"bind": "/inside", "mode": "ro"}} or
                        ["/host:/inside:ro"]; docker --volume
    tmpfs               ["/inside"] or {"/inside": "size=64M,mode=700"}; docker --tmpfs, tmpfs(5)
    storage_size        SIZE of the throw-away layer, /tmp and /dev/shm together; default "1G"; docker
                        --storage-opt size=
    proc                flag: /proc is mounted; default True; proc(5)
    sys                 flag: /sys is mounted; default True; sysfs(5)
    dev                 flag: /dev is a small one of its own; default True
    tmp                 flag: /tmp is its own; default True
    masked_paths        list of paths of the kernel that cannot be seen; default Docker's; OCI
                        linux.maskedPaths
    readonly_paths      list of paths of the kernel that cannot be written; default Docker's; OCI
                        linux.readonlyPaths

Namespaces and kernel settings:

    namespaces          {"net": SOURCE}, and so for user, mnt, pid, ipc, uts, cgroup and time; SOURCE is
                        "new" (the default), "host", a process id, a PATH, a `Namespace` or a running
                        `Container`; namespaces(7)
    time_offsets        {"monotonic": seconds, "boottime": seconds}; time_namespaces(7)
    sysctls             {"net.ipv4.ip_forward": 1}, of its own namespaces; docker --sysctl, sysctl(8)

Networks:

    network             "none" (the default), "host", a `Namespace`, a `Container` or "container:NAME"; or
                        what it is on: a `Network`, "NAME", "NAME:ip=10.16.8.5,alias=db", the PATH of a CNI
                        configuration, or a list of these; docker --network
    networks            list of what it is on, as a spec has it; see `network`
    publish             {8080: 80, "127.0.0.1:53/udp": 53} or ["8080:80"], from the host's to its own;
                        docker --publish
    loopback            flag: lo of a new network namespace is up; default True; ip-link(8)

Memory:

    memory              SIZE, 512k or more; who wants more is killed; docker --memory, memory.max
    memory_swap         SIZE of memory and swap together; default twice `memory`; docker --memory-swap
    memory_reservation  SIZE that is kept for it when the host runs short; docker --memory-reservation,
                        memory.low
    memory_high         SIZE above which it is slowed down; memory.high, only version 2 of cgroups
    memory_swappiness   0 to 100; docker --memory-swappiness, only version 1 of cgroups
    oom_group           flag: want of memory kills all of it; memory.oom.group, only version 2 of cgroups
    hugetlb             {"2MB": SIZE}, by the size of a page; hugetlb.2MB.max

CPUs:

    cpus                how many CPUs' time, such as 1.5; docker --cpus, cpu.max
    cpu_period          microseconds, 1000 to 1000000, over which that counts; default 100000; docker
                        --cpu-period
    cpu_quota           microseconds in each period, 1000 or more, instead of `cpus`; docker --cpu-quota
    cpu_shares          2 to 262144, its share when others want CPU time, too; default 1024; docker
                        --cpu-shares, cpu.weight
    cpuset_cpus         "0-2,4", a number or a list of numbers; docker --cpuset-cpus, cpuset(7)
    cpuset_mems         the same for memory nodes; docker --cpuset-mems

Processes and devices:

    pids_limit          how many processes and threads, init included; docker --pids-limit, pids.max
    blkio_weight        10 to 1000, its share of the disks' time; docker --blkio-weight, io.weight
    device_read_bps     {"/dev/sda": SIZE in a second}; docker --device-read-bps, io.max
    device_write_bps    {"/dev/sda": SIZE in a second}; docker --device-write-bps
    device_read_iops    {"/dev/sda": reads in a second}; docker --device-read-iops
    device_write_iops   {"/dev/sda": writes in a second}; docker --device-write-iops
    device_cgroup_rules list of "c 10:200 rwm": these beside the harmless ones, and no others; docker
                        --device-cgroup-rule

Cgroup and demands:

    cgroup              flag: it has a cgroup of its own without limits too, and can be measured; cgroups(7)
    cgroup_parent       path of the cgroup above its own, from "/" or below the caller's; docker
                        --cgroup-parent
    cgroup_delegate     flag: /sys/fs/cgroup is writable inside; it can make cgroups below its own
    best_effort         flag: limits that this host cannot hold are left out; otherwise they are an error
    require             list of what must hold, such as ["memory"], of the names that a result's `enforced`
                        has

An ordinary user on version 2 whose cgroup is not his has these by systemd's user manager: the first of them
that a process asks for has it moved, with all its threads, into a scope of that manager's
(minicontain-PID-STARTED.scope, once). From then on it ends with that manager, as what `systemd-run --user
--scope` runs: at the end of the user's last login, unless `loginctl enable-linger` is said.

`run`, `Popen` and `Container` also take what those of `subprocess` take for pipes and text.
`Container.exec` and `enter` take fields of a process, of rights and limits, a `Cgroup` takes limits. The
names below are types, for type checkers and editors.
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
    new_keyring: bool | None
    """Whether it has a session keyring of its own, in place of the caller's: keyrings(7). Default: True."""


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
