"""Programs that join a running container, or any process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from . import _native
from ._arguments import shown_args, spec_fields
from ._running import Running
from ._subprocess import settle
from .process import not_detached, settled, to_end
from .streams import Text

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from .container import Container
    from .fields import Args, Beside, Joining, Stream
    from .results import CompletedProcess


class Joinable(Running):
    """What `Container` has for programs that join it."""

    @overload
    def exec(
        self,
        args: Args,
        *,
        text: Literal[True],
        stdin: Stream = None,
        input: str | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[str]: ...
    @overload
    def exec(
        self,
        args: Args,
        *,
        encoding: str,
        stdin: Stream = None,
        input: str | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[str]: ...
    @overload
    def exec(
        self,
        args: Args,
        *,
        encoding: None = None,
        errors: None = None,
        text: Literal[False] | None = None,
        universal_newlines: Literal[False] | None = None,
        stdin: Stream = None,
        input: Buffer | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[bytes]: ...
    @overload
    def exec(
        self,
        args: Args,
        *,
        stdin: Stream = None,
        input: Any | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[Any]: ...
    def exec(
        self,
        args: Any,
        *,
        stdin: Any = None,
        input: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Any,
    ) -> CompletedProcess[Any]:
        r"""Runs a program in this running container to its end: `docker exec`. Otherwise it is `run`.

        It sees the container's files, processes and network, and has no more rights than the container's own
        program. What is not given (`env`, `cwd`, `user`) is as it was given to the container. `timeout` kills
        this program and its process group; it ends with the container at the latest. `popen` with `detach`
        is `docker exec --detach`.

        Raises what `run` raises, and `StateError` before the start, after the end, and while it is paused.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"], hostname="box") as container:
        ...     container.exec(["hostname"], capture_output=True, text=True).stdout
        'box\n'
        """
        fields.update(stdin=stdin, stdout=stdout, stderr=stderr, shell=shell)
        streams = Text(encoding, errors, text, universal_newlines)
        return to_end(self._open(), args, fields, input, capture_output, timeout, check, streams)

    @overload
    async def exec_async(
        self,
        args: Args,
        *,
        text: Literal[True],
        stdin: Stream = None,
        input: str | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[str]: ...
    @overload
    async def exec_async(
        self,
        args: Args,
        *,
        encoding: str,
        stdin: Stream = None,
        input: str | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[str]: ...
    @overload
    async def exec_async(
        self,
        args: Args,
        *,
        encoding: None = None,
        errors: None = None,
        text: Literal[False] | None = None,
        universal_newlines: Literal[False] | None = None,
        stdin: Stream = None,
        input: Buffer | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[bytes]: ...
    @overload
    async def exec_async(
        self,
        args: Args,
        *,
        stdin: Stream = None,
        input: Any | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Joining],
    ) -> CompletedProcess[Any]: ...
    async def exec_async(
        self,
        args: Any,
        *,
        stdin: Any = None,
        input: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        capture_output: bool = False,
        shell: bool = False,
        timeout: float | None = None,
        check: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Any,
    ) -> CompletedProcess[Any]:
        r"""`exec`, awaited: any number at once in one event loop, and no thread for any.

        A coroutine that is cancelled kills its program.

        >>> import asyncio, minicontain
        >>> async def main():
        ...     async with minicontain.Container(["sleep", "9"], hostname="box") as container:
        ...         return await container.exec_async(["hostname"], capture_output=True, text=True)
        >>> asyncio.run(main()).stdout
        'box\n'
        """
        from .process_async import to_end_async

        fields.update(stdin=stdin, stdout=stdout, stderr=stderr, shell=shell)
        told = Text(encoding, errors, text, universal_newlines)
        settled(args, fields, input, capture_output)
        wanted = spec_fields(args, fields)
        not_detached(wanted)
        return await to_end_async(_start(self, args, wanted, Text(), -1), told, input, timeout, check)

    @overload
    def popen(
        self,
        args: Args,
        *,
        text: Literal[True],
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        shell: bool = False,
        bufsize: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Beside],
    ) -> Container[str]: ...
    @overload
    def popen(
        self,
        args: Args,
        *,
        encoding: str,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        shell: bool = False,
        bufsize: int = -1,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Beside],
    ) -> Container[str]: ...
    @overload
    def popen(
        self,
        args: Args,
        *,
        encoding: None = None,
        errors: None = None,
        text: Literal[False] | None = None,
        universal_newlines: Literal[False] | None = None,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        shell: bool = False,
        bufsize: int = -1,
        **fields: Unpack[Beside],
    ) -> Container[bytes]: ...
    @overload
    def popen(
        self,
        args: Args,
        *,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        shell: bool = False,
        bufsize: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Unpack[Beside],
    ) -> Container[Any]: ...
    def popen(
        self,
        args: Any,
        *,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        shell: bool = False,
        bufsize: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        **fields: Any,
    ) -> Container[Any]:
        r"""Starts a program in this running container, as `exec` does, and hands it out as a `Container`.

        That one is started already: it can be waited for, talked to, signalled and killed, and leaving its
        `with` kills it.

        With `detach` it goes on instead, also when this process has ended: `docker exec --detach`. What it
        writes then goes to `/dev/null`, if not to a file, and it ends with the container at the latest, where
        that has a PID namespace of its own.

        >>> import minicontain
        >>> from minicontain import PIPE
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     with container.popen(["cat"], stdin=PIPE, stdout=PIPE, text=True) as cat:
        ...         cat.communicate("meow")
        ('meow', None)
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     with container.popen(["sleep", "9"], detach=True) as sleep:
        ...         pass
        ...     sleep.returncode is None
        True
        """
        fields.update(stdin=stdin, stdout=stdout, stderr=stderr, shell=shell)
        settle(fields)
        told = Text(encoding, errors, text, universal_newlines)
        return _start(self, args, spec_fields(args, fields), told, bufsize)


def _start(within: Joinable, args: Any, wanted: dict[str, Any], text: Text, bufsize: int) -> Container[Any]:
    from .container import Container

    native = _native.join(wanted, within._open())
    # Who holds this does not want the container to be forgotten, and so killed.
    return Container._joined(shown_args(args), native, text, bufsize, within)


@overload
def enter(
    pid: int,
    args: Args,
    *,
    text: Literal[True],
    stdin: Stream = None,
    input: str | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Joining],
) -> CompletedProcess[str]: ...
@overload
def enter(
    pid: int,
    args: Args,
    *,
    encoding: str,
    stdin: Stream = None,
    input: str | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Joining],
) -> CompletedProcess[str]: ...
@overload
def enter(
    pid: int,
    args: Args,
    *,
    encoding: None = None,
    errors: None = None,
    text: Literal[False] | None = None,
    universal_newlines: Literal[False] | None = None,
    stdin: Stream = None,
    input: Buffer | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **fields: Unpack[Joining],
) -> CompletedProcess[bytes]: ...
@overload
def enter(
    pid: int,
    args: Args,
    *,
    stdin: Stream = None,
    input: Any | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Joining],
) -> CompletedProcess[Any]: ...
def enter(
    pid: int,
    args: Any,
    *,
    stdin: Any = None,
    input: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Any,
) -> CompletedProcess[Any]:
    r"""Runs a program beside a process of the host, in its namespaces and with its root: nsenter(1).

    Any process that the caller may look into can be entered, also one of a container that something else
    made. The program has no more rights than a container's has by default. Otherwise it is `run`, and `pid`
    is the process's id as the caller sees it.

    Raises what `run` raises, and `StateError` (`ended`) when there is no such process.

    >>> import minicontain
    >>> with minicontain.Container(["sleep", "9"], hostname="box") as container:
    ...     minicontain.enter(container.pid, ["hostname"], capture_output=True, text=True).stdout
    'box\n'
    """
    fields.update(stdin=stdin, stdout=stdout, stderr=stderr, shell=shell)
    streams = Text(encoding, errors, text, universal_newlines)
    return to_end(pid, args, fields, input, capture_output, timeout, check, streams)
