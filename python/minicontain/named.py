"""Containers that have a name: found by any process of the user, and outliving it where they are to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _native
from ._record import Record
from ._running import Running
from .errors import NoSuchContainerError, StateError
from .spec import Spec

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal


class ContainerStatus(Record):
    """What is known of a container that has a name: see `containers`.

    >>> import minicontain
    >>> with minicontain.Container(["sleep", "9"], name="example-status"):
    ...     status = next(each for each in minicontain.containers() if each.name == "example-status")
    >>> status.state, status.args, status.returncode
    ('running', ['sleep', '9'], None)
    """

    __slots__ = (
        "name",
        "pid",
        "created",
        "args",
        "spec",
        "state",
        "returncode",
        "reason",
        "log_path",
    )

    name: str
    """Its name."""
    pid: int | None
    """The id of its first process, while that is there."""
    created: int
    """When it was started, in seconds since 1970."""
    args: list[str]
    """What it runs."""
    spec: Spec
    """What it was made of."""
    state: Literal["running", "paused", "exited"]
    """Whether it runs."""
    returncode: int | None
    """The exit status, or the negative signal, once it has ended."""
    reason: str | None
    """Why it ended, once it has."""
    log_path: str | None
    """The file with what it wrote, if it is detached."""


def containers() -> list[ContainerStatus]:
    """The containers of this user that have a name, by name, whoever started them: `docker ps --all`.

    A detached one that has ended is among them until it is removed; any other is gone with its end.

    >>> import minicontain
    >>> with minicontain.Container(["sleep", "9"], name="example-listed"):
    ...     "example-listed" in [container.name for container in minicontain.containers()]
    True
    """
    return [_status(*row) for row in _native.containers()]


def _status(
    name: str,
    pid: int | None,
    created: int,
    native: _native.Spec,
    paused: bool,
    outcome: _native.Outcome | None,
    log_path: Path | None,
) -> ContainerStatus:
    spec = Spec._of(native)
    state = "exited" if outcome is not None else "paused" if paused else "running"
    end = (None, None) if outcome is None else (outcome.returncode, outcome.reason)
    log = None if log_path is None else str(log_path)
    return ContainerStatus(name, pid, created, spec.fields["args"], spec, state, *end, log)


def remove(name: str) -> None:
    """Removes what is kept of a detached container that has ended: its state and its log.

    Raises `NoSuchContainerError`, and `StateError` (`still_runs`) while it runs.

    >>> import minicontain
    >>> minicontain.Container(["true"], name="example-removed", detach=True).start().wait()
    0
    >>> minicontain.remove("example-removed")
    """
    _native.remove(name)


class Named(Running):
    """What `Container` has for names."""

    def _kept(self) -> tuple[str | None, str | None]:
        """Its name, and where its log is."""
        raise NotImplementedError

    @property
    def name(self) -> str | None:
        """Its name, by which any process of this user finds it; None if it has none.

        A detached one that was given none gets one when it starts.

        >>> import minicontain
        >>> minicontain.Container(["true"], name="example").name
        'example'
        """
        return self._kept()[0]

    @property
    def log_path(self) -> str | None:
        """The file with what it writes to standard output and error, if it is detached; None otherwise.

        >>> import minicontain
        >>> minicontain.Container(["true"]).log_path is None
        True
        """
        return self._kept()[1]

    def logs(self) -> bytes:
        r"""What it has written so far to standard output and error, if it is detached.

        Raises `StateError` for any other, and `NoSuchContainerError` once it was removed.

        >>> import minicontain
        >>> container = minicontain.Container(["echo", "hello"], detach=True).start()
        >>> container.wait(), container.logs()
        (0, b'hello\n')
        >>> container.remove()
        """
        path = self.log_path
        if path is None:
            raise StateError("it has no log: it is no detached container, or was not started")
        try:
            with open(path, "rb") as log:
                return log.read()
        except FileNotFoundError:
            raise NoSuchContainerError(
                f"the container '{self.name}' was removed, and its log with it"
            ) from None

    def remove(self) -> None:
        """Removes what is kept of it once it has ended: see `minicontain.remove`.

        Raises `StateError` while it runs, or if it has no name.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"], detach=True) as container:
        ...     container.kill()
        ...     _ = container.wait()
        ...     container.remove()
        """
        name = self.name
        if name is None:
            raise StateError("it has no name, and nothing of it is kept")
        remove(name)
