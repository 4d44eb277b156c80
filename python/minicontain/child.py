"""A function in a copy of this process that begins in new namespaces: clone(2)."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, NoReturn

from . import _native, errors
from .flags import CLONE_NEWUSER
from .namespace import Namespaces
from .results import TimeoutExpired

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self


class Child:
    """A process that `clone` made: much like a `subprocess.Popen`. Leaving the `with` kills it, and reaps it.

    >>> import minicontain, time
    >>> with minicontain.clone(time.sleep, minicontain.CLONE_NEWUSER, [9]) as child:
    ...     child.poll() is None
    True
    >>> child.returncode
    -9
    """

    __slots__ = ("__weakref__", "_name", "_native", "_returncode")

    def __init__(self, native: _native.Child, name: str) -> None:
        self._returncode: int | None = None
        self._native = native
        self._name = name

    @property
    def pid(self) -> int:
        """Its process id, as the caller sees it.

        >>> import minicontain, os
        >>> with minicontain.clone(os.getpid, minicontain.CLONE_NEWUSER | minicontain.CLONE_NEWPID) as child:
        ...     child.wait(), child.pid == 1
        (1, False)
        """
        return self._native.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or the negative signal; None until `poll` or `wait` has found that it ended.

        >>> import minicontain
        >>> child = minicontain.clone(lambda: 3, minicontain.CLONE_NEWUSER)
        >>> child.returncode, child.wait(), child.returncode
        (None, 3, 3)
        """
        return self._returncode

    @property
    def namespaces(self) -> Namespaces:
        """The namespaces that it is in. Raises `NoSuchNamespaceError` once it has ended.

        >>> import minicontain, time
        >>> with minicontain.clone(time.sleep, minicontain.CLONE_NEWUSER, [9]) as child:
        ...     "user" in child.namespaces.shared_with("self")
        False
        """
        return Namespaces(self.pid)

    def poll(self) -> int | None:
        """`returncode`, after a look whether it has ended.

        >>> import minicontain
        >>> with minicontain.clone(input, minicontain.CLONE_NEWUSER) as child:
        ...     child.kill()
        ...     child.wait() == child.poll()
        True
        """
        if self._returncode is None:
            self._returncode = self._native.poll()
        return self._returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it has ended, and gives `returncode`.

        Raises `TimeoutExpired` when that takes longer than `timeout` seconds.

        >>> import minicontain, time
        >>> with minicontain.clone(time.sleep, minicontain.CLONE_NEWUSER, [9]) as child:
        ...     try:
        ...         child.wait(timeout=0.01)
        ...     except minicontain.TimeoutExpired as error:
        ...         print(error)
        Command 'sleep' timed out after 0.01 seconds
        """
        if self._returncode is None:
            self._returncode = self._native.wait(timeout)
        if self._returncode is None:
            raise TimeoutExpired(self._name, timeout or 0.0)
        return self._returncode

    def send_signal(self, signal: int) -> None:
        """Sends it a signal: see signal(7). One that has ended is left alone.

        >>> import minicontain, signal, time
        >>> child = minicontain.clone(time.sleep, minicontain.CLONE_NEWUSER, [9])
        >>> child.send_signal(signal.SIGKILL)
        >>> child.wait()
        -9
        """
        if self.poll() is None:
            with suppress(errors.StateError):
                self._native.send_signal(int(signal))

    def terminate(self) -> None:
        """Sends `SIGTERM`, which the first process of a PID namespace ignores unless it handles it.

        >>> import minicontain, time
        >>> child = minicontain.clone(time.sleep, minicontain.CLONE_NEWUSER, [9])
        >>> child.terminate()
        >>> child.wait()
        -15
        """
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends `SIGKILL`; with the first process of a PID namespace, all others in it are killed.

        >>> import minicontain, time
        >>> child = minicontain.clone(time.sleep, minicontain.CLONE_NEWUSER, [9])
        >>> child.kill()
        >>> child.wait()
        -9
        """
        self.send_signal(signal.SIGKILL)

    def fileno(self) -> int:
        """Its pidfd, which poll(2) finds readable when it has ended: pidfd_open(2).

        >>> import minicontain, select
        >>> with minicontain.clone(int, minicontain.CLONE_NEWUSER) as child:
        ...     select.select([child], [], [], 9)[0] == [child]
        True
        """
        return self._native.pidfd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        self.wait()

    def __del__(self) -> None:
        with suppress(errors.Error):
            if self.poll() is None:
                _forgotten.append(self._native)
                warnings.warn(f"{self!r} is forgotten", ResourceWarning, 2, source=self)

    def __repr__(self) -> str:
        state = "running" if self._returncode is None else f"returncode {self._returncode}"
        return f"<{type(self).__name__} {self.pid} of {self._name}, {state}>"


_forgotten: list[_native.Child] = []
"""Those that ran when they were forgotten: the next `clone` reaps them, as `subprocess` does."""


def clone(
    function: Callable[..., object],
    flags: int,
    args: Iterable[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    map_root: bool = False,
) -> Child:
    """Calls a function in a copy of this process that begins in new namespaces.

    The flags are `CLONE_NEWNET` and its like; with `CLONE_NEWUSER` anybody may. `map_root` makes the caller
    root there; without it the copy has no rights outside, and is nobody.

    What the function returns is the exit status, as of `sys.exit`: None is 0, a number itself, anything else
    is written to standard error, and 1. An exception is written there too, and is 1; `SystemExit` is what it
    says. The copy ends there: no `finally` above, no `atexit`. Where `sys.stdout` is no file, as in a
    notebook, the copy writes to the process's standard output.

    The copy has one thread, and the caller's memory as it was; what other threads held stays locked, as with
    `os.fork`. Copying costs by the size of the process: a container does not.

    Raises `NamespaceError`, a `PermissionError` without rights; `SpecError` for other flags.

    >>> import minicontain, os
    >>> flags = minicontain.CLONE_NEWUSER | minicontain.CLONE_NEWPID | minicontain.CLONE_NEWUTS
    >>> def work(base):
    ...     assert os.getuid() == 0
    ...     return base + os.getpid()
    >>> minicontain.clone(work, flags, [41], map_root=True).wait()
    42
    """
    if not callable(function):
        raise TypeError(f"{function!r} is no function")
    if map_root and not flags & CLONE_NEWUSER:
        raise errors.fault("map_root", "there is no new user namespace", "add CLONE_NEWUSER to flags")
    args, kwargs = tuple(args), dict(kwargs or {})
    root = (os.geteuid(), os.getegid()) if map_root else None
    for child in _forgotten[:]:
        with suppress(errors.Error, ValueError):
            if child.poll() is not None:
                _forgotten.remove(child)
    _flush()
    forked = _native.fork(flags)
    if forked is None:
        _work(function, args, kwargs, root)
    return Child(forked, getattr(function, "__name__", None) or repr(function))


def _work(
    function: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    root: tuple[int, int] | None,
) -> NoReturn:
    """The copy's life, which ends here whatever happens."""
    status = 1
    try:
        _settle_streams()
        if root is not None:
            _native.map_root(*root)
        try:
            end = function(*args, **kwargs)
        except SystemExit as error:
            end = error.code
        status = _status(end)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            _flush()
        finally:
            os._exit(status)


def _status(end: object) -> int:
    """The exit status, as of `sys.exit`."""
    if end is None:
        return 0
    if isinstance(end, int):
        return end & 0xFF
    print(end, file=sys.stderr)
    return 1


def _settle_streams() -> None:
    """What is no file, but goes through a thread or a socket of the caller, has neither in the copy."""
    for name, fd in (("stdout", 1), ("stderr", 2)):
        if not isinstance(getattr(sys, name), io.TextIOWrapper):
            with suppress(OSError):
                stream = open(fd, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
                setattr(sys, name, stream)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # It may be None, closed, or a pipe that nobody reads.
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
