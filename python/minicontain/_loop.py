"""Processes and pipes in an event loop, which waits for descriptors: no thread is needed."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from typing import IO, Any

_AT_ONCE = 1 << 16


class Watch:
    """The coroutines of one event loop that await the end of one process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pidfd: int) -> None:
        self.loop = loop
        self._pidfd = pidfd
        self._over = False
        self._waiting: set[asyncio.Future[None]] = set()
        loop.add_reader(pidfd, self._ended)

    def _ended(self) -> None:
        self._over = True
        self.loop.remove_reader(self._pidfd)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, timeout: float | None) -> None:
        """Until the process has ended. Raises `asyncio.TimeoutError`."""
        if self._over:
            return
        future = self.loop.create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, timeout)
        finally:
            self._waiting.remove(future)

    def leave(self) -> bool:
        """Stops watching if nobody waits; whether that is so."""
        if self._waiting:
            return False
        self.loop.remove_reader(self._pidfd)
        return True


class ReadEnd(asyncio.ReadTransport):
    """Brings what comes through a pipe to a `StreamReader`; closes the pipe at its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pipe: IO[Any], reader: asyncio.StreamReader) -> None:
        super().__init__({"pipe": pipe})
        self._loop = loop
        self._pipe = pipe
        self._fd = pipe.fileno()
        self._reader = reader
        self._reading = False
        os.set_blocking(self._fd, False)
        reader.set_transport(self)
        self.resume_reading()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            # A terminal that nobody has open any more.
            if error.errno != errno.EIO:
                self._reader.set_exception(error)
            self.close()
            return
        if data:
            self._reader.feed_data(data)
        else:
            self.close()

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def resume_reading(self) -> None:
        if not (self._reading or self._pipe.closed):
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def is_closing(self) -> bool:
        return self._pipe.closed

    def close(self) -> None:
        self.pause_reading()
        if not self._pipe.closed:
            self._pipe.close()
            self._reader.feed_eof()

    def abort(self) -> None:
        self.close()


class WriteEnd(asyncio.WriteTransport):
    """Writes to a pipe as fast as it is read."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, pipe: IO[Any], protocol: asyncio.BaseProtocol
    ) -> None:
        super().__init__({"pipe": pipe})
        self._loop = loop
        self._pipe = pipe
        self._fd = pipe.fileno()
        self._protocol = protocol
        self._left = bytearray()
        self._closing = False
        self._paused = False
        # What was written before comes first. A program that does not read it is no error.
        with suppress(BrokenPipeError):
            pipe.flush()
        os.set_blocking(self._fd, False)

    def write(self, data: Any) -> None:
        if self._closing:
            return
        if not self._left:
            self._loop.add_writer(self._fd, self._writable)
        self._left += data
        self._writable()
        if len(self._left) > _AT_ONCE and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def _writable(self) -> None:
        try:
            while self._left:
                with memoryview(self._left) as view, view[:_AT_ONCE] as chunk:
                    written = os.write(self._fd, chunk)
                del self._left[:written]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._shut(error)
            return
        self._loop.remove_writer(self._fd)
        if self._paused:
            self._paused = False
            self._protocol.resume_writing()
        if self._closing:
            self._shut(None)

    def _shut(self, error: Exception | None) -> None:
        self._closing = True
        self._left.clear()
        if self._pipe.closed:
            return
        self._loop.remove_writer(self._fd)
        with suppress(BrokenPipeError):
            self._pipe.close()
        if not self._loop.is_closed():
            self._loop.call_soon(self._protocol.connection_lost, error)

    def get_write_buffer_size(self) -> int:
        return len(self._left)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
        if not self._left:
            self._shut(None)

    def abort(self) -> None:
        self._shut(None)
