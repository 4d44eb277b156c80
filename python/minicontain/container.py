"""A container that is described, started, talked to and ended."""

from __future__ import annotations

import threading
import warnings
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, AnyStr, Literal, overload

from . import _native
from ._arguments import shown_args, spec_fields
from ._namespaces import namespaces_of
from .addressed import Addressed
from .asynchronous import Asynchronous, ended
from .control import Controlled
from .errors import ContainerError, StateError
from .joining import Joinable
from .measured import Measured
from .named import Named
from .plan import Plan
from .results import CompletedProcess, TimeoutExpired
from .spec import Spec
from .streams import Text
from .terminal import OnTerminal, open_pair, typed
from .trace import Trace
from .transfer import Files

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from ._loop import Watch
    from .enforcement import Enforcement
    from .fields import Args, Streams


class Container(
    Joinable, Controlled, Named, Files, OnTerminal[AnyStr], Asynchronous[AnyStr], Measured, Addressed
):
    """A container: described when made, started by `start` or `with`, then much like a `subprocess.Popen`.

    Takes what `run` takes, but for what is about its end: `help(minicontain.fields)` tells of each field.
    `PIPE` for a stream gives a file object of the same name. Leaving the `with` kills what still runs and
    closes the pipes; a container that is forgotten is killed, too. A detached one (`detach=True`) goes on;
    `attach` finds it.

    With `tty=True`, `stdin` is what is typed on its terminal, and `stdout` what that shows, both without a
    buffer. For asyncio there are `async with`, `wait_async`, `communicate_async` and `stdout_async`.

    Raises `SpecError` at once if what is asked for cannot be; `start` raises `StartError`.

    >>> import minicontain
    >>> from minicontain import PIPE
    >>> with minicontain.Container(["cat"], stdin=PIPE, stdout=PIPE, text=True) as container:
    ...     container.communicate("meow")
    ('meow', None)
    >>> container.returncode, container.result.reason
    (0, 'exited')
    """

    args: Any
    """What was asked to run."""
    stdin: IO[AnyStr] | None
    """The pipe to its standard input, where that was to be a pipe, or its terminal."""
    stdout: IO[AnyStr] | None
    """The pipe from its standard output, where that was to be a pipe, or its terminal."""
    stderr: IO[AnyStr] | None
    """The pipe from its standard error, where that was to be a pipe."""

    @overload
    def __init__(
        self: Container[str],
        args: Args,
        *,
        text: Literal[True],
        encoding: str | None = None,
        errors: str | None = None,
        universal_newlines: bool | None = None,
        bufsize: int = -1,
        **fields: Unpack[Streams],
    ) -> None: ...
    @overload
    def __init__(
        self: Container[str],
        args: Args,
        *,
        encoding: str,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        bufsize: int = -1,
        **fields: Unpack[Streams],
    ) -> None: ...
    @overload
    def __init__(
        self: Container[bytes],
        args: Args,
        *,
        encoding: None = None,
        errors: None = None,
        text: Literal[False] | None = None,
        universal_newlines: Literal[False] | None = None,
        bufsize: int = -1,
        **fields: Unpack[Streams],
    ) -> None: ...
    @overload
    def __init__(
        self: Container[Any],
        args: Args,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        bufsize: int = -1,
        **fields: Unpack[Streams],
    ) -> None: ...
    def __init__(
        self,
        args: Any,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        bufsize: int = -1,
        **fields: Any,
    ) -> None:
        streams = Text(encoding, errors, text, universal_newlines)
        spec = _native.Spec(spec_fields(args, fields))
        self._describe(shown_args(args), spec, streams, bufsize, fields)

    def _describe(
        self, args: Any, spec: _native.Spec, text: Text, bufsize: int, given: object = None
    ) -> None:
        self.args = args
        self.stdin = self.stdout = self.stderr = None
        self._spec = spec
        # Until the start: descriptors in it may be open by this alone.
        self._given = given
        self._text = text
        self._bufsize = bufsize
        self._plan: Plan | None = None
        self._native: _native.Container | None = None
        self._closed = False
        self._watches: dict[AbstractEventLoop, Watch] = {}
        self._starting = threading.Lock()
        self._outcome: _native.Outcome | None = None
        self._result: CompletedProcess[AnyStr] | None = None
        self._talking = False
        self._said: tuple[Any, Any] | None = None
        self._trace: Trace | None = None
        self._namespaces: dict[str, int] | None = None
        self._within: object = None
        self._terminal = False
        self._about: tuple[str | None, str | None] | None = None

    @classmethod
    def _joined(
        cls, args: Any, native: _native.Container, text: Text, bufsize: int = -1, within: object = None
    ) -> Self:
        """A container that runs; `within` is what would end it by its own end."""
        container = cls.__new__(cls)
        spec = native.plan.spec
        container._describe(spec.fields()["args"] if args is None else args, spec, text, bufsize)
        container._within = within
        container._run(native)
        return container

    @classmethod
    def attach(cls, name: str) -> Container[bytes]:
        """Finds a running container of this user by its name, whoever started it.

        It goes on when this is closed or forgotten. What was done to start it is not known here: `trace` is
        empty. Raises `NoSuchContainerError`, and `StateError` (`ended`) when it has ended.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"], name="example-attached") as container:
        ...     minicontain.Container.attach("example-attached").pid == container.pid
        True
        """
        found: Container[bytes] = cls._joined(None, _native.Container.attach(name), Text())  # type: ignore[assignment]
        return found

    @classmethod
    def _of(cls, plan: Plan, native: _native.Container) -> Self:
        container = cls.__new__(cls)
        spec, args = plan._spec()
        container._describe(list(args), spec, Text(), -1)
        container._plan = plan
        container._run(native)
        return container

    # Described.

    @property
    def spec(self) -> Spec:
        """What is wanted.

        >>> import minicontain
        >>> minicontain.Container(["true"]).spec
        Spec(args=['true'])
        """
        return Spec._of(self._spec)

    @property
    def plan(self) -> Plan:
        """How it is made. Raises `StartError` if it cannot be on this host.

        >>> import minicontain
        >>> minicontain.Container(["true"]).plan.steps[0].index
        0
        """
        if self._plan is None:
            native = self._native
            self._plan = Plan._of(_native.Plan(self._spec) if native is None else native.plan)
        return self._plan

    # Started.

    def start(self) -> Self:
        """Starts it; returns once the program is being executed.

        Raises `StartError`, after which nothing is left of it, and `StateError` if it was started before.

        >>> import minicontain
        >>> minicontain.Container(["true"]).start().wait()
        0
        """
        with self._starting:
            if self._native is not None:
                raise StateError("the container was started already; make another one to run it again")
            self._run(_native.Container(self.plan._native))
            self._given = None
        return self

    def _run(self, native: _native.Container) -> None:
        self._native = native
        terminal = native.take_terminal()
        if terminal is not None:
            self.stdin, self.stdout = open_pair(terminal, self._text)
            self._terminal = True
        stdin, stdout, stderr = native.take_pipes()
        if stdin is not None:
            self.stdin = self._text.open(stdin, "wb", self._bufsize)
        if stdout is not None:
            self.stdout = self._text.open(stdout, "rb", self._bufsize)
        if stderr is not None:
            self.stderr = self._text.open(stderr, "rb", self._bufsize)

    def _started(self) -> _native.Container:
        if self._native is None:
            raise StateError("the container was not started: call start(), or use it in a with statement")
        return self._native

    def _open(self) -> _native.Container:
        native = self._started()
        if self._closed:
            raise StateError("the container was closed")
        return native

    def _kept(self) -> tuple[str | None, str | None]:
        if self._native is not None and self._about is None:
            log_path = self._native.log_path
            self._about = self._native.name, None if log_path is None else str(log_path)
        return (self._spec.fields()["name"], None) if self._about is None else self._about

    def __enter__(self) -> Self:
        if self._closed:
            raise StateError("the container was closed; make another one to run it again")
        if self._native is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kills it if it still runs, with everything in it, reaps it, and closes its pipes.

        A detached one, and one that was found by its name, goes on.

        >>> import minicontain
        >>> container = minicontain.Container(["sleep", "9"]).start()
        >>> container.close()
        >>> container.returncode
        -9
        """
        if self._native is None or self._closed:
            return
        self._kept()
        self._closed = True
        self._disconnect()
        try:
            self._ended(self._end(self._native))
        finally:
            for pipe in (self.stdin, self.stdout, self.stderr):
                _close(pipe)

    def _end(self, native: _native.Container) -> _native.Outcome | None:
        if native.owned and any(not loop.is_closed() for loop in self._watches):
            # The descriptor stays for those who wait for it in an event loop; the last of them closes it.
            if native.lasting:
                return native.poll()
            native.kill()
            return native.wait()
        return native.close()

    def _left_alone(self) -> None:
        if self._closed and self._native is not None and not self._watches:
            # How it ended is known, or was told to be lost.
            with suppress(ContainerError):
                self._native.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._native is None or self._closed:
            return
        try:
            if not self._native.lasting:
                self.kill()
                if self._outcome is None:
                    await ended(self)
        finally:
            self.close()

    def __del__(self) -> None:
        native = getattr(self, "_native", None)
        if native is None or native.lasting or not native.owned or self._outcome is not None:
            return
        if native.poll() is None:
            message = f"container {native.pid} still runs, and is killed"
            warnings.warn(message, ResourceWarning, stacklevel=1, source=self)

    @property
    def pid(self) -> int:
        """The id of its first process, as the caller sees it: init, where there is one.

        Raises `StateError` before the start. `program_pid` is the program's.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.pid > 0
        True
        """
        return self._started().pid

    @property
    def program_pid(self) -> int | None:
        """The id of the program's process, as the caller sees it; None once that has ended.

        Raises `StateError` before the start. `send_signal` cannot meet another process that got its number.

        >>> import minicontain, os
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     os.readlink(f"/proc/{container.program_pid}/exe").rpartition("/")[2] != "minicontain-init"
        True
        """
        return None if self._outcome is not None else self._started().program_pid

    @property
    def pidfd(self) -> int:
        """A descriptor of its first process, which poll(2) finds readable when that has ended.

        See pidfd_open(2). Raises `StateError` before the start and after `close`. `fileno()` is the same.

        >>> import minicontain, select
        >>> with minicontain.Container(["true"]) as container:
        ...     ready, _, _ = select.select([container], [], [])
        >>> ready == [container]
        True
        """
        return self._open().pidfd

    def fileno(self) -> int:
        """See `pidfd`. It makes a container something that `select` and `selectors` can wait for.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.fileno() == container.pidfd
        True
        """
        return self.pidfd

    @property
    def trace(self) -> Trace:
        """What was done to start it. Raises `StateError` before the start.

        >>> import minicontain
        >>> with minicontain.Container(["true"]) as container:
        ...     container.trace[0].index
        0
        """
        if self._trace is None:
            self._trace = Trace(self._started().trace)
        return self._trace

    @property
    def enforced(self) -> dict[str, Enforcement]:
        """How well each feature holds, or will hold before the start.

        >>> import minicontain
        >>> minicontain.Container(["true"]).enforced["namespaces"].state
        'enforced'
        """
        return self.plan.enforced

    @property
    def namespaces(self) -> dict[str, int]:
        """The id of each of its namespaces: the inode number that `/proc/PID/ns` shows.

        See namespaces(7). Raises `StateError` before the start, and after the end if nobody has asked before.

        >>> import minicontain, os
        >>> with minicontain.Container(["sleep", "9"], network="host") as container:
        ...     ids = container.namespaces
        >>> sorted(ids)
        ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts']
        >>> own = os.stat("/proc/self/ns/net").st_ino, os.stat("/proc/self/ns/uts").st_ino
        >>> ids["net"] == own[0], ids["uts"] == own[1]
        (True, False)
        """
        if self._namespaces is None:
            found = namespaces_of(self._started().pid)
            # Had it been reaped meanwhile, its id could be another's.
            if self.poll() is not None:
                raise StateError("the container has ended, and its namespaces are gone")
            self._namespaces = found
        return self._namespaces

    # Ended.

    def _ended(self, outcome: _native.Outcome | None) -> int | None:
        if self._outcome is None:
            self._outcome = outcome
        return self.returncode

    @property
    def returncode(self) -> int | None:
        """The exit status, or the negative number of the signal that ended it; None until that is known.

        >>> import minicontain
        >>> container = minicontain.Container(["sh", "-c", "exit 3"]).start()
        >>> container.wait(), container.returncode
        (3, 3)
        """
        return None if self._outcome is None else self._outcome.returncode

    @property
    def result(self) -> CompletedProcess[AnyStr] | None:
        r"""How it ended, with what `communicate` gathered; None until that is known.

        >>> import minicontain
        >>> with minicontain.Container(["echo", "hello"], stdout=minicontain.PIPE, text=True) as container:
        ...     _ = container.communicate()
        >>> container.result
        CompletedProcess(args=['echo', 'hello'], returncode=0, stdout='hello\n')
        """
        if self._result is None and self._outcome is not None:
            self._result = CompletedProcess(
                self.args, self._outcome, self._started().trace, *self._said or ()
            )
        return self._result

    def poll(self) -> int | None:
        """Looks whether it has ended; `returncode` if so, else None. Raises `StateError` before the start.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.poll()
        """
        if self._outcome is None:
            self._ended(self._started().poll())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it has ended; returns `returncode`. Any number of threads may wait.

        `timeout` is in seconds; when it is up, `TimeoutExpired` is raised and the container goes on. Raises
        `StateError` before the start. A program that fills a pipe which nobody reads never ends: see
        `communicate`.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     try:
        ...         container.wait(timeout=0.1)
        ...     except minicontain.TimeoutExpired as error:
        ...         error.timeout
        0.1
        """
        if self._outcome is None:
            native = self._started()
            if self._closed:
                raise StateError("the container was closed, and how it ended is not known")
            self._ended(native.wait(timeout))
        if self._outcome is None:
            raise TimeoutExpired(self.args, timeout or 0.0)
        return self._outcome.returncode

    def communicate(self, input: AnyStr | None = None, timeout: float | None = None) -> tuple[AnyStr, AnyStr]:
        """Writes `input` to its stdin, gathers its output until there is no more, and waits for its end.

        Returns what came from stdout and stderr, None for what is no pipe. `timeout` is in seconds; when it
        is up, `TimeoutExpired` is raised, with the output so far, and `communicate` may be called again:
        nothing is lost. On a terminal the end of input (^D) is typed after `input`.

        >>> import minicontain
        >>> with minicontain.Container(["rev"], stdin=minicontain.PIPE, stdout=minicontain.PIPE) as container:
        ...     container.communicate(b"abc")
        (b'cba', None)
        """
        native = self._started()
        if self._talking and input:
            raise ValueError("Cannot send input after starting communication")
        if input is not None and self.stdin is None:
            raise ValueError("stdin is not a pipe: there is nothing to write the input to")
        if self._said is not None:
            return self._said
        if self._closed:
            raise StateError("the container was closed, and its pipes with it")
        if not self._talking:
            self._begin(native, input)
        deadline = _Deadline(timeout)
        done = native.advance(deadline.left())
        if done and self._outcome is None:
            self._ended(native.wait(deadline.left()))
        pipes = (self.stdout, self.stderr)
        out, err = (None if pipe is None else data for pipe, data in zip(pipes, native.said()))
        if not done or self._outcome is None:
            raise TimeoutExpired(self.args, timeout or 0.0, out or None, err or None)
        for pipe in pipes:
            _close(pipe)
        self._said = self._text.decode(out), self._text.decode(err)
        self._result = None
        return self._said

    def _engine(self) -> Container[Any]:
        self._started()
        return self

    def _gone_together(self) -> bool:
        """Whether nothing of it is left when its first process has ended."""
        return self._killed or self._spec.fields()["namespaces"]["pid"] == "new"

    def _encoded(self, input: Any) -> bytes | None:
        data = self._text.encode(input)
        return typed(data) if self._terminal else data

    def _decoded(self, pipe: Any, data: bytes) -> Any:  # noqa: ARG002  (each stream of a Popen has its encoding)
        return self._text.decode(data)

    def _tell(self, out: bytearray, err: bytearray) -> tuple[Any, Any]:
        self._said = super()._tell(out, err)
        self._result = None
        return self._said

    def _begin(self, native: _native.Container, input: Any) -> None:
        data = self._encoded(input)
        if self.stdin is not None and not self.stdin.closed:
            # What was written before comes first. A program that does not read it is no error.
            with suppress(BrokenPipeError):
                self.stdin.flush()
        native.begin(data, (_descriptor(self.stdin), _descriptor(self.stdout), _descriptor(self.stderr)))
        _close(self.stdin)
        self._talking = True

    def __repr__(self) -> str:
        if self._native is None:
            state = "not started"
        elif self._outcome is None:
            state = f"pid {self._native.pid}"
        else:
            state = f"{self._outcome.reason}, returncode {self.returncode}"
        return f"<{type(self).__name__} {self.args!r}: {state}>"


class _Deadline:
    """A time that runs from now."""

    def __init__(self, timeout: float | None) -> None:
        from time import monotonic

        self._now = monotonic
        self._end = None if timeout is None else monotonic() + timeout

    def left(self) -> float | None:
        """Seconds that are left."""
        return None if self._end is None else max(self._end - self._now(), 0.0)


def _descriptor(pipe: IO[Any] | None) -> int | None:
    return None if pipe is None or pipe.closed else pipe.fileno()


def _close(pipe: IO[Any] | None) -> None:
    """Closes a pipe. A program that did not read all is no error."""
    if pipe is not None:
        with suppress(BrokenPipeError):
            pipe.close()
