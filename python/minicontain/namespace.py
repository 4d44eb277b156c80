"""Namespaces: look at a process's, make one, keep it by name, go in and come back."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Callable, Literal, Protocol, Union

from . import _native
from .flags import CLONE_FS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import TypeVar

    from typing_extensions import ParamSpec, Self

    from .fields import HasFileno, Path

    _P = ParamSpec("_P")
    _T = TypeVar("_T")
    _Kind = Literal["user", "mnt", "mount", "pid", "net", "network", "ipc", "uts", "cgroup", "time"]


class HasPid(Protocol):
    """Anything with a process: a running container, a `Child`, a `subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """The process id."""


Process = Union[int, Literal["self"], HasPid]
"""A process by its id, what has one, or `self`: the calling thread."""


class Namespace:
    """A namespace, held by a descriptor: see namespaces(7).

    It lives at least until it is closed or forgotten, with or without a process in it. Two are equal when
    they are the same one. It goes wherever a descriptor of a namespace does: `minicontain.setns`, `os.setns`,
    a container's `namespaces` and `network`.

    `with` takes the calling thread inside, and back at the end. Other threads stay where they are; what is
    opened in the block, and threads that are started there, stay inside. It needs CAP_SYS_ADMIN: see `clone`
    for the way without. Do not `await` in the block: the event loop's other tasks would be inside too. Of a
    PID namespace, the children that are made in the block are inside; threads cannot be started. Nobody comes
    back from a user namespace (see `clone`), and a mount namespace wants a thread of its own (see `call`).

    Raises `NamespaceError` (an `OSError`), whose `hint` names the way that works.

    >>> import minicontain
    >>> own = minicontain.Namespace.of("self", "net")
    >>> user = minicontain.Namespace.new("user")
    >>> net = minicontain.Namespace.new("net", user=user)
    >>> net == own, net.owner == user
    (False, True)
    """

    __slots__ = ("__weakref__", "_core")

    _core: _native.Namespace

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("use Namespace.of, Namespace.open, Namespace.new or Namespace.named")

    @classmethod
    def _of(cls, native: _native.Namespace) -> Self:
        namespace = cls.__new__(cls)
        namespace._core = native
        return namespace

    @classmethod
    def of(cls, process: Process, kind: _Kind) -> Self:
        """The one that a process is in: by its id, a container or another object with one, or `self`.

        Raises `NoSuchNamespaceError` when there is no such process, and a `PermissionError` when it is
        another user's.

        >>> import minicontain, os
        >>> str(minicontain.Namespace.of("self", "uts")) == os.readlink("/proc/self/ns/uts")
        True
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     minicontain.Namespace.of(container, "net").id == container.namespaces["net"]
        True
        """
        return cls._of(_native.Namespace.of(_pid(process), kind))

    @classmethod
    def open(cls, path: Path | int | HasFileno) -> Self:
        """The one that a file or a descriptor stands for: `/proc/PID/ns/net`, `/run/netns/NAME`.

        A descriptor stays the caller's. Raises `NoSuchNamespaceError`.

        >>> import minicontain
        >>> minicontain.Namespace.open("/proc/self/ns/uts") == minicontain.Namespace.of("self", "uts")
        True
        """
        if isinstance(path, (str, os.PathLike)):
            return cls._of(_native.Namespace.open(path))
        return cls._of(_native.Namespace.from_fd(_fileno(path)))

    @classmethod
    def new(cls, kind: _Kind, name: str | None = None, *, user: Namespace | None = None) -> Self:
        """Makes a new one, with no process in it; the calling thread does not move.

        In a new network namespace the loopback is down: `Link.get("lo", net).up()`.

        With a name, it is kept until `remove`, a network namespace where `ip netns` has it; that takes root.
        `user` is the user namespace that owns it: its root has all rights in it, and anybody may make one.
        A user namespace has the caller as its root, and nobody else.

        Raises a `PermissionError` without CAP_SYS_ADMIN where `user` is not given, a `FileExistsError` where
        the name is taken, and `NamespaceError` for a PID namespace, which lives with its first process.

        >>> import minicontain
        >>> user = minicontain.Namespace.new("user")
        >>> minicontain.Namespace.new("uts", user=user).is_current
        False
        """
        if not (user is None or isinstance(user, Namespace)):
            raise TypeError(f"user is {user!r}, no Namespace: Namespace.of(process, 'user') gives one")
        return cls._of(_native.Namespace(kind, name, None if user is None else user._core))

    @classmethod
    def named(cls, name: str, kind: _Kind = "net") -> Self:
        """The one that has a name, whoever gave it: `Namespace.new` or, to a network namespace, `ip netns`.

        Raises `NoSuchNamespaceError`.

        >>> import minicontain
        >>> try:
        ...     minicontain.Namespace.named("no-such-name")
        ... except FileNotFoundError as error:
        ...     error.code, error.filename
        ('namespace_not_found', '/run/netns/no-such-name')
        """
        return cls._of(_native.Namespace.named(name, kind))

    # Looked at.

    @property
    def kind(self) -> str:
        """Which of the eight it is: `user`, `mnt`, `pid`, `net`, `ipc`, `uts`, `cgroup` or `time`.

        >>> import minicontain
        >>> minicontain.Namespace.of("self", "mount").kind
        'mnt'
        """
        return self._core.kind

    @property
    def id(self) -> int:
        """Its number, as `/proc/PID/ns` shows it: an inode. No two that live have the same.

        >>> import minicontain, os
        >>> minicontain.Namespace.of("self", "net").id == os.stat("/proc/self/ns/net").st_ino
        True
        """
        return self._core.id

    @property
    def name(self) -> str | None:
        """The name that it was made or found by; None if there was none.

        >>> import minicontain
        >>> minicontain.Namespace.of("self", "net").name is None
        True
        """
        return self._core.name

    @property
    def path(self) -> str:
        """Where other programs of this user can open it, until it is closed: `/proc/PID/fd/N`.

        >>> import minicontain, os
        >>> namespace = minicontain.Namespace.of("self", "net")
        >>> os.readlink(namespace.path) == str(namespace)
        True
        """
        return self._core.path

    @property
    def parent(self) -> Namespace | None:
        """The one above it, of a user or PID namespace; None where that is above the caller's own.

        Raises `NamespaceError` (`not_supported`) of another kind: see ioctl_nsfs(2).

        >>> import minicontain
        >>> user = minicontain.Namespace.new("user")
        >>> user.parent == minicontain.Namespace.of("self", "user")
        True
        """
        return _wrapped(self._core.parent)

    @property
    def owner(self) -> Namespace | None:
        """The user namespace whose root has all rights in it; None where that is above the caller's own.

        >>> import minicontain
        >>> minicontain.Namespace.of("self", "net").owner in (minicontain.Namespace.of("self", "user"), None)
        True
        """
        return _wrapped(self._core.owner)

    @property
    def owner_uid(self) -> int:
        """The user who made a user namespace. Raises `NamespaceError` (`not_supported`) of another kind.

        >>> import minicontain, os
        >>> minicontain.Namespace.new("user").owner_uid == os.geteuid()
        True
        """
        return self._core.owner_uid

    @property
    def is_current(self) -> bool:
        """Whether the calling thread is in it.

        >>> import minicontain
        >>> minicontain.Namespace.of("self", "net").is_current
        True
        """
        return self._core.is_current

    # Gone into.

    def __enter__(self) -> Self:
        self._core.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._core.leave()

    def call(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Calls a function inside, in a thread of its own, which ends with it; gives back what it gives.

        What the function raises is raised here. If the wait for it is interrupted, the thread goes on to its
        end. It needs CAP_SYS_ADMIN, as `with` does, and works for mount namespaces too.

        >>> import minicontain
        >>> def work():
        ...     net = minicontain.Namespace.new("net")
        ...     assert net.call(lambda: net.is_current) and not net.is_current
        >>> minicontain.clone(work, minicontain.CLONE_NEWUSER, map_root=True).wait()
        0
        """
        context = copy_context()
        native = self._core

        def inside() -> _T:
            if native.kind == "mnt":
                _native.unshare(CLONE_FS)
            _native.setns(native.fd, native.clone_flag)
            return context.run(function, *args, **kwargs)

        return _in_a_thread(inside)

    # Let go of.

    def fileno(self) -> int:
        """Its descriptor's number. Raises `StateError` once it was closed.

        >>> import minicontain, os
        >>> namespace = minicontain.Namespace.of("self", "net")
        >>> os.fstat(namespace.fileno()).st_ino == namespace.id
        True
        """
        return self._core.fd

    def remove(self) -> None:
        """Takes its name away. It lives on while a process is in it, or something holds it, as this does.

        Raises `NoSuchNamespaceError` when it has no name, or not any more.

        >>> import minicontain
        >>> try:
        ...     minicontain.Namespace.of("self", "net").remove()
        ... except LookupError as error:
        ...     error.code
        'namespace_not_found'
        """
        self._core.remove()

    def close(self) -> None:
        """Lets go of it: closes the descriptor. Kind, id and name are still known.

        >>> import minicontain
        >>> namespace = minicontain.Namespace.of("self", "net")
        >>> namespace.close()
        """
        self._core.close()

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Namespace) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return f"{self.kind}:[{self.id}]"

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name!r}"
        return f"<{type(self).__name__} {self}{name}>"


class Namespaces(Mapping[str, Namespace]):
    """The namespaces of a process, by their kinds: see `namespaces`. They do not change as the process does.

    >>> import minicontain
    >>> own = minicontain.namespaces()
    >>> own["net"] == minicontain.Namespace.of("self", "net")
    True
    """

    __slots__ = ("_all", "_whose")

    def __init__(self, process: Process = "self") -> None:
        pid = _pid(process)
        self._whose = "this thread" if pid is None else f"process {pid}"
        self._all = {native.kind: Namespace._of(native) for native in _native.namespaces(pid)}

    def shared_with(self, other: Namespaces | Process) -> list[str]:
        """The kinds of which both are in the same one.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"], network="host") as container:
        ...     "net" in minicontain.namespaces().shared_with(container)
        True
        """
        others = other if isinstance(other, Namespaces) else Namespaces(other)
        return [kind for kind, namespace in self.items() if others.get(kind) == namespace]

    def __getitem__(self, kind: str) -> Namespace:
        return self._all[_ALIASES.get(kind, kind)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._whose}: {' '.join(map(str, self.values()))}>"

    def _repr_html_(self) -> str:
        from ._html import table

        shared = self.shared_with("self")
        rows = [
            (namespace, _SHOWS[kind], "yes" if kind in shared else "no") for kind, namespace in self.items()
        ]
        head = ("namespace", "of", "also this thread's")
        return table(f"The namespaces of {self._whose}", head, rows, code=(0,))


_ALIASES = {"mount": "mnt", "network": "net"}
_SHOWS = {
    "user": "users, groups, capabilities",
    "mnt": "mounts",
    "pid": "process ids",
    "net": "links, addresses, routes, ports",
    "ipc": "System V IPC, message queues",
    "uts": "host and domain name",
    "cgroup": "the root of cgroups",
    "time": "clocks since the start",
}


def namespaces(process: Process = "self") -> Namespaces:
    """The namespaces of a process: by its id, a container or another object with one, or the calling thread.

    Raises as `Namespace.of`.

    >>> import minicontain
    >>> list(minicontain.namespaces())
    ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time']
    """
    return Namespaces(process)


def named_namespaces(kind: _Kind = "net") -> list[Namespace]:
    """Those that have a name, by name; of network namespaces those of `ip netns list`.

    >>> import minicontain
    >>> all(namespace.kind == "net" for namespace in minicontain.named_namespaces())
    True
    """
    return [Namespace._of(native) for native in _native.named_namespaces(kind)]


def unshare(flags: int) -> None:
    """Moves the calling thread into new namespaces, for good, as `os.unshare`.

    The flags are `CLONE_NEWNET` and its like. A new PID or time namespace is for the children that it makes
    from then on. A process with several threads cannot change its user namespace: see `clone`.

    Raises `NamespaceError`, a `PermissionError` without CAP_SYS_ADMIN.

    >>> import minicontain
    >>> def work():
    ...     before = minicontain.Namespace.of("self", "uts")
    ...     minicontain.unshare(minicontain.CLONE_NEWUTS)
    ...     assert not before.is_current
    >>> minicontain.clone(work, minicontain.CLONE_NEWUSER, map_root=True).wait()
    0
    """
    _native.unshare(flags)


def setns(fd: int | HasFileno, nstype: int = 0) -> None:
    """Moves the calling thread into a namespace, for good, as `os.setns`; `with` comes back.

    `fd` is a `Namespace`, a descriptor of one, or a pidfd, or what has one (a running container, a `Child`):
    `nstype` then tells which of the process's namespaces, as flags.

    Raises as `unshare`, and `NoSuchNamespaceError` for a descriptor that stands for nothing of the kind.

    >>> import minicontain
    >>> def work():
    ...     net = minicontain.Namespace.new("net")
    ...     minicontain.setns(net, minicontain.CLONE_NEWNET)
    ...     assert net.is_current
    >>> minicontain.clone(work, minicontain.CLONE_NEWUSER, map_root=True).wait()
    0
    """
    _native.setns(_fileno(fd), nstype)


def _pid(process: Any) -> int | None:
    if isinstance(process, str):
        if process != "self":
            raise TypeError(f"{process!r} is no process: give its id, an object that has one, or 'self'")
        return None
    pid: int = process if isinstance(process, int) else process.pid
    return pid


def _fileno(fd: Any) -> int:
    number: int = fd if isinstance(fd, int) else fd.fileno()
    return number


def _wrapped(native: _native.Namespace | None) -> Namespace | None:
    return None if native is None else Namespace._of(native)


def _in_a_thread(function: Callable[[], _T]) -> _T:
    """What a function gives, or raises, in a thread of its own."""
    given: list[_T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            given.append(function())
        except BaseException as error:
            raised.append(error)

    # If the wait is interrupted, the end of the process does not wait for it.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised.pop()
    return given[0]
