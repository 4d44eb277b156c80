"""Containers in an event loop: no wait blocks it, and no thread is started.

Only the start of a container, about a millisecond, is done in place. asyncio is imported when it is
first used: most who start a container have no event loop.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, AnyStr, Generic

from .errors import StateError
from .results import TimeoutExpired

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

    from typing_extensions import Self

    from .container import Container

_QUIET = 0.01
"""Seconds that a pipe which nobody can write to any more is given to say that it is empty."""


class Asynchronous(Generic[AnyStr]):
    r"""What `Container` and `Popen` have for asyncio.

    `wait_async` and `communicate_async` are `wait` and `communicate` to be awaited; `stdin_async`,
    `stdout_async` and `stderr_async` are the pipes as asyncio's streams. Leaving `async with` does what
    leaving `with` does, but lets the event loop run meanwhile.

    >>> import asyncio, minicontain
    >>> async def main():
    ...     async with minicontain.Container("echo one; echo two", shell=True, stdout=minicontain.PIPE) as c:
    ...         lines = [line async for line in c.stdout_async]
    ...         return lines, await c.wait_async()
    >>> asyncio.run(main())
    ([b'one\n', b'two\n'], 0)
    """

    args: Any
    stdin: IO[AnyStr] | None
    stdout: IO[AnyStr] | None
    stderr: IO[AnyStr] | None
    _streams: dict[str, Any] | None = None
    _heard: tuple[bytearray, bytearray] | None = None

    # What the two differ in.

    def _engine(self) -> Container[Any]:
        raise NotImplementedError

    def poll(self) -> int | None:
        """Looks whether it has ended."""
        raise NotImplementedError

    def _encoded(self, input: Any) -> bytes | None:
        raise NotImplementedError

    def _decoded(self, pipe: Any, data: bytes) -> Any:
        raise NotImplementedError

    # Ended.

    async def wait_async(self, timeout: float | None = None) -> int:
        """Awaits its end; returns `returncode`. Any number of coroutines may wait, in any number of loops.

        `timeout` is in seconds; when it is up, `TimeoutExpired` is raised and the container goes on.

        >>> import asyncio, minicontain
        >>> async def main():
        ...     containers = [minicontain.Container(["sleep", "0.1"]).start() for _ in range(3)]
        ...     return await asyncio.gather(*(container.wait_async() for container in containers))
        >>> asyncio.run(main())
        [0, 0, 0]
        """
        import asyncio

        if (returncode := self.poll()) is None:
            try:
                await ended(self._engine(), timeout)
            except asyncio.TimeoutError:
                raise TimeoutExpired(self.args, timeout or 0.0) from None
            returncode = self.poll()
        assert returncode is not None
        return returncode

    async def communicate_async(
        self, input: AnyStr | None = None, timeout: float | None = None
    ) -> tuple[AnyStr, AnyStr]:
        """Writes `input` to its stdin, gathers its output until there is no more, and awaits its end.

        Returns what came from stdout and stderr, None for what is no pipe. `timeout` is in seconds; when it
        is up, `TimeoutExpired` is raised, with the output so far. After that, or after it was cancelled, it
        may be called again: nothing is lost.

        >>> import asyncio, minicontain
        >>> from minicontain import PIPE
        >>> async def main():
        ...     async with minicontain.Container(["rev"], stdin=PIPE, stdout=PIPE, text=True) as container:
        ...         return await container.communicate_async("abc")
        >>> asyncio.run(main())
        ('cba', None)
        """
        import asyncio

        if self._heard is None:
            self._feed(input)
            self._heard = (bytearray(), bytearray())
        elif input:
            raise ValueError("Cannot send input after starting communication")
        heard = self._heard
        try:
            await asyncio.wait_for(self._listen(heard), timeout)
        except asyncio.TimeoutError:
            out, err = (bytes(data) or None for data in heard)
            raise TimeoutExpired(self.args, timeout or 0.0, out, err) from None
        return self._tell(*heard)

    def _feed(self, input: Any) -> None:
        data = self._encoded(input)
        if self.stdin is None:
            if input is not None:
                raise ValueError("stdin is not a pipe: there is nothing to write the input to")
        elif not self.stdin.closed:
            writer = self.stdin_async
            if data:
                writer.write(data)
            writer.close()

    async def _listen(self, heard: tuple[bytearray, bytearray]) -> None:
        """Gathers what it says until there is no more, and it has ended."""
        import asyncio

        loop = asyncio.get_running_loop()
        pipes = ((self.stdout, "stdout"), (self.stderr, "stderr"))
        listening = {
            loop.create_task(_gather(self._reader(name), into))
            for (pipe, name), into in zip(pipes, heard)
            if pipe is not None
        }
        try:
            await self.wait_async()
            # Nobody in it is left, but a copy of the pipe may live on in a process that the caller forked.
            alone = self._engine()._gone_together()
            while any(not task.done() for task in listening):
                before = sum(map(len, heard))
                await asyncio.wait(listening, timeout=_QUIET if alone else None)
                if alone and sum(map(len, heard)) == before:
                    break
        finally:
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)

    def _tell(self, out: bytearray, err: bytearray) -> tuple[Any, Any]:
        for name in ("stdout", "stderr"):
            if self._streams and name in self._streams:
                self._streams[name][1].close()
        pipes = ((self.stdout, out), (self.stderr, err))
        stdout, stderr = (None if pipe is None else self._decoded(pipe, bytes(data)) for pipe, data in pipes)
        return stdout, stderr

    # Streams.

    @property
    def stdin_async(self) -> asyncio.StreamWriter:
        """The pipe to its standard input, for the running event loop.

        It writes bytes. `stdin` is not to be used any more then. Raises `StateError` if it is no pipe.

        >>> import asyncio, minicontain
        >>> from minicontain import PIPE
        >>> async def main():
        ...     async with minicontain.Container(["cat"], stdin=PIPE, stdout=PIPE) as container:
        ...         container.stdin_async.write(b"meow")
        ...         container.stdin_async.close()
        ...         return await container.stdout_async.read()
        >>> asyncio.run(main())
        b'meow'
        """
        import asyncio

        from ._loop import WriteEnd

        found = self._connected("stdin")
        if found is None:
            loop = asyncio.get_running_loop()
            # The protocol tells the writer when to go on, and that it is closed; there is nothing to read.
            protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(loop=loop), loop=loop)
            transport = WriteEnd(loop, self._pipe("stdin"), protocol)
            protocol.connection_made(transport)
            found = asyncio.StreamWriter(transport, protocol, None, loop), transport
            self._keep("stdin", found)
        writer: asyncio.StreamWriter = found[0]
        return writer

    @property
    def stdout_async(self) -> asyncio.StreamReader:
        r"""The pipe from its standard output, for the running event loop.

        It reads bytes, as streams of asyncio do. `stdout` is not to be used any more then. Raises
        `StateError` if it is no pipe.

        >>> import asyncio, minicontain
        >>> async def main():
        ...     async with minicontain.Container(["echo", "hello"], stdout=minicontain.PIPE) as container:
        ...         return await container.stdout_async.readline()
        >>> asyncio.run(main())
        b'hello\n'
        """
        return self._reader("stdout")

    @property
    def stderr_async(self) -> asyncio.StreamReader:
        r"""The pipe from its standard error; see `stdout_async`.

        >>> import asyncio, minicontain
        >>> from minicontain import PIPE
        >>> async def main():
        ...     async with minicontain.Container("echo no >&2", shell=True, stderr=PIPE) as container:
        ...         return await container.stderr_async.readline()
        >>> asyncio.run(main())
        b'no\n'
        """
        return self._reader("stderr")

    def _reader(self, name: str) -> asyncio.StreamReader:
        import asyncio

        from ._loop import ReadEnd

        found = self._connected(name)
        if found is None:
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader(loop=loop)
            pipe = self._pipe(name)
            if pipe.closed:
                reader.feed_eof()
                return reader
            found = reader, ReadEnd(loop, pipe, reader)
            self._keep(name, found)
        stream: asyncio.StreamReader = found[0]
        return stream

    def _pipe(self, name: str) -> IO[Any]:
        pipe: IO[Any] | None = getattr(self, name)
        if pipe is None:
            raise StateError(f"{name} is not a pipe, or it was not started: pass {name}=PIPE, and start it")
        return pipe

    def _connected(self, name: str) -> Any:
        return None if self._streams is None else self._streams.get(name)

    def _keep(self, name: str, stream: Any) -> None:
        self._streams = {**(self._streams or {}), name: stream}

    def _disconnect(self) -> None:
        """Takes the pipes from their event loop, and closes them."""
        for _, transport in (self._streams or {}).values():
            transport.abort()

    # In a block.

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        raise NotImplementedError


async def _gather(reader: asyncio.StreamReader, into: bytearray) -> None:
    while data := await reader.read(1 << 16):
        into += data


async def ended(container: Container[Any], timeout: float | None = None) -> None:
    """Until the first process of a container has ended. Raises `asyncio.TimeoutError`."""
    import asyncio

    from ._loop import Watch

    if container._closed:
        return
    loop = asyncio.get_running_loop()
    watches = container._watches
    watch = watches.get(loop)
    if watch is None:
        watch = watches[loop] = Watch(loop, container.pidfd)
    try:
        await watch.wait(timeout)
    finally:
        if watch.leave():
            watches.pop(loop, None)
            container._left_alone()
