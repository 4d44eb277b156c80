"""`subprocess.Popen` in a container."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, AnyStr, Literal, overload

from ._arguments import is_on_terminal, shown_args, words_of
from ._subprocess import directory, environment, inheritable, is_of_container, settle, stream
from .asynchronous import Asynchronous, ended
from .container import Container
from .errors import ContainerError, SpecError, StartError, fault
from .results import TimeoutExpired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Unpack

    from .fields import Args, Path, Stream, Walls

_EXECUTE: Any = subprocess.Popen._execute_child  # type: ignore[attr-defined]
# Its parameters differ between versions of Python in number and order, but not in their names.
_PARAMETERS = _EXECUTE.__code__.co_varnames[1 : _EXECUTE.__code__.co_argcount]


class Popen(subprocess.Popen[AnyStr], Asynchronous[AnyStr]):
    r"""A program in a container, started at once: a `subprocess.Popen`, and more.

    It is CPython's own class but for how the process is made, waited for and signalled. So it has its
    parameters, attributes, methods and exceptions, and beside them every field of a container
    (`help(minicontain.fields)`). `container` is the container: its trace, what is enforced, its namespaces.

    What differs, for safety, and how it is switched:

    - Without `env`, the environment is a small clean one (`PATH`, `HOME`, `TERM`) and not the caller's, which
      comes in with `env=os.environ`. With `env` it is exactly that.
    - The working directory is `/`, the umask 0o022, the user the container's root, unless `cwd`, `umask` and
      `user` say otherwise.
    - The files are the host's under a layer that is thrown away: see `host_files`, `volumes`, `tmp`.
    - The program leads a session of its own, and Ctrl-C in a terminal does not reach it;
      `start_new_session=False` leaves it in the caller's.
    - Signals start as the system has them, also with `restore_signals=False`.
    - `kill` ends the program with everything that it started.
    - A `process_group` is one of the container's.
    - `preexec_fn` is a `SpecError`, which is a `ValueError`, and so is `tty`: a `Container` can have one.

    >>> import minicontain
    >>> from minicontain import PIPE
    >>> with minicontain.Popen(["cat"], stdin=PIPE, stdout=PIPE, text=True) as process:
    ...     process.communicate("meow")
    ('meow', None)
    >>> process.returncode, process.container.enforced["namespaces"].state
    (0, 'enforced')
    """

    container: Container[AnyStr]
    """The container in which it runs."""

    @overload
    def __init__(
        self: Popen[str],
        args: Args,
        bufsize: int = -1,
        executable: Path | bytes | None = None,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        preexec_fn: None = None,
        close_fds: bool = True,
        shell: bool = False,
        cwd: Path | bytes | None = None,
        env: Mapping[Any, Any] | None = None,
        universal_newlines: bool | None = None,
        startupinfo: None = None,
        creationflags: int = 0,
        restore_signals: bool = True,
        start_new_session: bool | None = None,
        pass_fds: Iterable[int] = (),
        *,
        user: int | str | None = None,
        group: int | str | None = None,
        extra_groups: Iterable[int | str] | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        text: Literal[True],
        umask: int | None = -1,
        pipesize: int | None = -1,
        process_group: int | None = None,
        **fields: Unpack[Walls],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str],
        args: Args,
        bufsize: int = -1,
        executable: Path | bytes | None = None,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        preexec_fn: None = None,
        close_fds: bool = True,
        shell: bool = False,
        cwd: Path | bytes | None = None,
        env: Mapping[Any, Any] | None = None,
        universal_newlines: bool | None = None,
        startupinfo: None = None,
        creationflags: int = 0,
        restore_signals: bool = True,
        start_new_session: bool | None = None,
        pass_fds: Iterable[int] = (),
        *,
        user: int | str | None = None,
        group: int | str | None = None,
        extra_groups: Iterable[int | str] | None = None,
        encoding: str,
        errors: str | None = None,
        text: bool | None = None,
        umask: int | None = -1,
        pipesize: int | None = -1,
        process_group: int | None = None,
        **fields: Unpack[Walls],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[bytes],
        args: Args,
        bufsize: int = -1,
        executable: Path | bytes | None = None,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        preexec_fn: None = None,
        close_fds: bool = True,
        shell: bool = False,
        cwd: Path | bytes | None = None,
        env: Mapping[Any, Any] | None = None,
        universal_newlines: Literal[False] | None = None,
        startupinfo: None = None,
        creationflags: int = 0,
        restore_signals: bool = True,
        start_new_session: bool | None = None,
        pass_fds: Iterable[int] = (),
        *,
        user: int | str | None = None,
        group: int | str | None = None,
        extra_groups: Iterable[int | str] | None = None,
        encoding: None = None,
        errors: None = None,
        text: Literal[False] | None = None,
        umask: int | None = -1,
        pipesize: int | None = -1,
        process_group: int | None = None,
        **fields: Unpack[Walls],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[Any],
        args: Args,
        bufsize: int = -1,
        executable: Path | bytes | None = None,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        preexec_fn: None = None,
        close_fds: bool = True,
        shell: bool = False,
        cwd: Path | bytes | None = None,
        env: Mapping[Any, Any] | None = None,
        universal_newlines: bool | None = None,
        startupinfo: None = None,
        creationflags: int = 0,
        restore_signals: bool = True,
        start_new_session: bool | None = None,
        pass_fds: Iterable[int] = (),
        *,
        user: int | str | None = None,
        group: int | str | None = None,
        extra_groups: Iterable[int | str] | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        umask: int | None = -1,
        pipesize: int | None = -1,
        process_group: int | None = None,
        **fields: Unpack[Walls],
    ) -> None: ...
    def __init__(
        self,
        args: Any,
        bufsize: int = -1,
        executable: Any = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        preexec_fn: None = None,
        close_fds: bool = True,
        shell: bool = False,
        cwd: Any = None,
        env: Any = None,
        universal_newlines: bool | None = None,
        startupinfo: None = None,
        creationflags: int = 0,
        restore_signals: bool = True,
        start_new_session: bool | None = None,
        pass_fds: Any = (),
        *,
        user: Any = None,
        group: Any = None,
        extra_groups: Any = None,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        umask: int | None = -1,
        pipesize: int | None = -1,
        process_group: int | None = None,
        **fields: Any,
    ) -> None:
        # What the base class would have to be told in another way, or cannot be told.
        fields.update(start_new_session=start_new_session, process_group=process_group, preexec_fn=preexec_fn)
        settle(fields)
        if is_on_terminal(args, fields):
            raise fault("tty", "the streams of a Popen are pipes or files", "use Container(..., tty=True)")
        ids = {"user": user, "group": group}
        for name, value in ids.items():
            if is_of_container(value, fields):
                fields[name], ids[name] = value, None
        stdin = stream("stdin", stdin, args, fields)
        stdout = stream("stdout", stdout, args, fields)
        stderr = stream("stderr", stderr, args, fields)
        self._fields = fields
        newer = {} if pipesize in (None, -1) else {"pipesize": pipesize}
        super().__init__(
            args,
            bufsize,
            executable,
            stdin,
            stdout,
            stderr,
            None,
            close_fds,
            shell,
            cwd,
            env,
            universal_newlines,
            startupinfo,
            creationflags,
            restore_signals,
            bool(start_new_session),
            pass_fds or (),
            extra_groups=extra_groups,
            encoding=encoding,
            errors=errors,
            text=text,
            umask=-1 if umask is None else umask,
            **ids,
            **newer,
        )
        self.args = shown_args(args)

    # How the base class makes, reaps and signals a process.

    def _execute_child(self, *arguments: Any) -> None:
        given = dict(zip(_PARAMETERS, arguments))
        ends = [given[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")]
        try:
            container = self._describe(given)
            words = words_of(given["args"], given["shell"], given["executable"])
            program = given["executable"] or words[0]
            sys.audit("subprocess.Popen", program, words, given["cwd"], given["env"])
            try:
                self.container = container.start()
            except StartError as error:
                # As it was given, and not as the engine writes it.
                if error.reason == "exec_failed":
                    error.filename = program
                elif error.syscall == "chdir":
                    error.filename = given["cwd"]
                raise
        finally:
            self._close_pipe_fds(*ends)  # type: ignore[attr-defined]
        # The program's, for os.kill and os.killpg. One that has ended already has left init's to wait for.
        self.pid = self.container.program_pid or self.container.pid
        self._child_created = True

    def _describe(self, given: dict[str, Any]) -> Container[AnyStr]:
        """The container for what the base class was given."""
        fields = self._fields
        if given["executable"] is not None:
            fields["executable"] = os.fsdecode(given["executable"])
        if given["cwd"] is not None:
            fields["cwd"] = directory(given["cwd"])
        if given["env"] is not None:
            fields["env"] = environment(given["env"])
            fields.setdefault("default_env", False)
        if given["umask"] != -1:
            fields["umask"] = given["umask"]
        streams = (("stdin", "p2cread"), ("stdout", "c2pwrite"), ("stderr", "errwrite"))
        for name, end in streams:
            if given[end] != -1:
                fields[name] = {"fd": given[end]}
        for ours, theirs in (("p2cwrite", "p2cread"), ("c2pread", "c2pwrite"), ("errread", "errwrite")):
            if given[ours] != -1:
                # Who has it open may open it again, through /dev/stdout: the container's user, too.
                os.fchmod(given[theirs], 0o666)
        if given["close_fds"]:
            passed = sorted({int(fd) for fd in given["pass_fds"]})
            if passed:
                # The standard streams are there anyway.
                fields["pass_fds"] = [fd for fd in passed if not 0 <= fd <= 2]
        else:
            fields["pass_fds"] = inheritable()
        for name, number in (("user", given["uid"]), ("group", given["gid"])):
            if number is not None:
                fields[name] = number
        if given["gids"] is not None:
            fields["extra_groups"] = given["gids"]
        return Container(given["args"], shell=given["shell"], **fields)

    def _internal_poll(self, _deadstate: int | None = None, *_: Any) -> int | None:
        return self._ended(self.container.poll, _deadstate)

    def _wait(self, timeout: float | None) -> int | None:
        return self._ended(lambda: self.container.wait(timeout))

    def _ended(
        self, ask: Callable[[], int | None], otherwise: int | None = None, _lost: Any = ContainerError
    ) -> int | None:
        if self.returncode is None:
            try:
                returncode = ask()
            except _lost as error:
                if error.code != "ended":
                    raise
                # Somebody else reaped it. Nobody knows how it ended, and subprocess says 0.
                returncode = 0 if otherwise is None else otherwise
            if returncode is not None:
                self.returncode = returncode
                with suppress(_lost):
                    self.container.close()
        return self.returncode

    def _check_timeout(self, *arguments: Any, **named: Any) -> None:
        try:
            super()._check_timeout(*arguments, **named)  # type: ignore[misc]
        except subprocess.TimeoutExpired as late:
            raise TimeoutExpired(late.cmd, late.timeout, late.output, late.stderr) from None

    def send_signal(self, sig: int) -> None:
        """Sends a signal to the program: see signal(7). One that has ended is left alone.

        >>> import minicontain, signal
        >>> with minicontain.Popen(["sleep", "9"]) as process:
        ...     process.send_signal(signal.SIGKILL)
        ...     process.wait()
        -9
        """
        if self.poll() is None:
            try:
                self.container.send_signal(sig)
            except SpecError:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None

    def kill(self) -> None:
        """Kills the program with everything that it started. One that has ended is left alone.

        >>> import minicontain
        >>> with minicontain.Popen("sleep 9 & sleep 9", shell=True) as process:
        ...     process.kill()
        ...     process.wait()
        -9
        """
        if self.poll() is None:
            self.container.kill()

    # In an event loop.

    def _engine(self) -> Container[Any]:
        return self.container

    def _encoded(self, input: Any) -> bytes | None:
        if self.stdin is not None and isinstance(input, str) and isinstance(self.stdin, io.TextIOWrapper):
            return input.encode(self.stdin.encoding, self.stdin.errors or "strict")
        return None if input is None else memoryview(input).tobytes()

    def _decoded(self, pipe: Any, data: bytes) -> Any:
        if isinstance(pipe, io.TextIOWrapper):
            return self._translate_newlines(data, pipe.encoding, pipe.errors)  # type: ignore[attr-defined]
        return data

    def _close_pipes(self) -> None:
        for name in ("stdout", "stderr", "stdin"):
            pipe = getattr(self, name)
            stream = self._connected(name)
            if stream is not None:
                stream[1].close()
            elif pipe is not None:
                pipe.close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.poll() is None:
            from asyncio import CancelledError

            if kind is not None and issubclass(kind, CancelledError):
                # Whoever cancels does not wait for the program.
                self.kill()
            try:
                self._close_pipes()
            finally:
                await ended(self.container)
        self._disconnect()
        self.__exit__(kind, error, traceback)
