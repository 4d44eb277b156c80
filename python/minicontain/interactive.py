"""The caller's terminal and a container's, joined: what `docker run -it` does.

import minicontain
from minicontain.interactive import interact, size

with minicontain.Container(["sh"], tty=True, tty_size=size()) as container:
    interact(container)
"""

from __future__ import annotations

import errno
import os
import select
import signal
import termios
import tty
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .container import Container

_CHUNK = 1 << 14
_ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
_END = b"\x04"
_RETRY = 0.1
"""Seconds until it is looked whether a terminal that nobody had open is open again."""


def size(fd: int = 1, default: tuple[int, int] = (24, 80)) -> tuple[int, int]:
    """Rows and columns of the terminal that a descriptor stands for.

    >>> from minicontain.interactive import size
    >>> size(fd=-1)
    (24, 80)
    """
    with suppress(OSError):
        columns, rows = os.get_terminal_size(fd)
        if rows and columns:
            return rows, columns
    return default


def interact(container: Container[Any], *, stdin: int | None = 0, stdout: int = 1) -> int:
    """Relays between the caller's terminal and that of a started container until its program ends.

    Returns its `returncode`. The caller's terminal is in raw mode meanwhile, so that every key, Ctrl-C too,
    goes to the program; its size is the container's, also when it changes. However this is left, the terminal
    is then as it was before; a signal that would end the caller (`SIGTERM`, `SIGHUP`, `SIGINT`, `SIGQUIT`) is
    sent again after that, for whoever handles it. The container is left as it is.

    `stdin` and `stdout` are descriptors of the caller's, which need not be terminals. Without a `stdin`, the
    program is only watched, and signals are left to the caller.
    """
    return _Session(container, stdin, stdout).run()


class _Signalled(BaseException):
    """A signal came while output was being written, which may take for ever."""


class _Session:
    """One interactive session."""

    def __init__(self, container: Container[Any], stdin: int | None, stdout: int) -> None:
        self._container = container
        self._stdin = stdin
        self._stdout = stdout
        self._terminal = container.stdout.fileno() if container.stdout is not None else -1
        self._came: set[int] = set()
        self._writing = False
        self._raw: list[Any] | None = None
        self._input = bytearray()
        self._last = b""
        # Nobody inside has the terminal open.
        self._hung_up = False

    def run(self) -> int:
        if self._terminal < 0:
            raise ValueError("the container has no terminal: start it with tty=True")
        with ExitStack() as undo:
            wakeup = undo.enter_context(self._signals())
            undo.enter_context(_nonblocking(self._terminal))
            undo.callback(self._cook)
            self._make_raw()
            self._resize()
            try:
                ended_by = self._relay(wakeup)
            except _Signalled:
                ended_by = self._signalled()
        if ended_by is not None:
            signal.raise_signal(ended_by)
        return self._container.wait()

    # The caller's terminal.

    def _make_raw(self) -> None:
        if self._stdin is not None and os.isatty(self._stdin):
            saved = termios.tcgetattr(self._stdin)
            if self._raw is None:
                self._raw = saved
            # What was typed already stays.
            tty.setraw(self._stdin, termios.TCSANOW)

    def _cook(self) -> None:
        if self._raw is None or self._stdin is None:
            return
        # In the background, this would stop us: with the terminal left raw.
        with _ignored(signal.SIGTTOU), suppress(termios.error):
            termios.tcsetattr(self._stdin, termios.TCSANOW, self._raw)
        self._raw = None

    def _resize(self) -> None:
        for fd in (self._stdout, self._stdin):
            if fd is not None and os.isatty(fd):
                with suppress(OSError):
                    self._container.resize(*size(fd))
                return

    # Signals.

    @contextmanager
    def _signals(self) -> Iterator[int | None]:
        """Notes signals, and makes a descriptor readable when one comes; in the main thread only."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            try:
                before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
            except ValueError:
                yield None
                return
            noted = [signal.SIGWINCH]
            if self._stdin is not None:
                noted += [*_ENDS, signal.SIGCONT, signal.SIGTSTP]
            handlers = {
                number: signal.signal(number, self._note)
                for number in noted
                if signal.getsignal(number) is not signal.SIG_IGN
            }
            try:
                yield reader
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(before)
        finally:
            os.close(reader)
            os.close(writer)

    def _note(self, number: int, frame: object) -> None:  # noqa: ARG002
        self._came.add(number)
        if self._writing and number in _ENDS:
            raise _Signalled

    def _signalled(self) -> int | None:
        """Does what the signals ask for; the one that ends the session, if one came."""
        came, self._came = self._came, set()
        for number in _ENDS:
            if number in came:
                return number
        if signal.SIGTSTP in came:
            self._cook()
            handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, handler)
            came.add(signal.SIGCONT)
        if signal.SIGCONT in came:
            self._make_raw()
        if came:
            self._resize()
        return None

    # Bytes.

    def _relay(self, wakeup: int | None) -> int | None:
        """Relays until the program has ended; the signal that ended this earlier, if one did."""
        reading = self._stdin is not None
        while True:
            poll = select.poll()
            poll.register(self._container.fileno(), select.POLLIN)
            if wakeup is not None:
                poll.register(wakeup, select.POLLIN)
            if reading and self._stdin is not None and len(self._input) < _CHUNK:
                poll.register(self._stdin, select.POLLIN)
            if not self._hung_up:
                poll.register(self._terminal, select.POLLIN | (select.POLLOUT if self._input else 0))
            ready = dict(poll.poll(_RETRY * 1000 if self._hung_up else None))
            if wakeup is not None and wakeup in ready:
                with suppress(BlockingIOError):
                    os.read(wakeup, _CHUNK)
            if self._came:
                ending = self._signalled()
                if ending is not None:
                    return ending
            if self._stdin in ready:
                reading = self._read_input()
            if self._input and not self._hung_up:
                self._feed()
            ended = self._container.fileno() in ready
            # What it said last is all there when it has ended; others may go on, and are not waited for.
            for _ in range(64 if ended else 1):
                if not self._show():
                    break
            if ended:
                return None

    def _read_input(self) -> bool:
        """Reads what was typed; whether there may be more."""
        try:
            typed = os.read(self._stdin, _CHUNK)  # type: ignore[arg-type]
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            typed = b""
        # The end of a file is Ctrl-D for who reads a terminal; within a line, the first only hands that over.
        self._input += typed or (_END if self._last in b"\r\n" else _END * 2)
        self._last = typed[-1:]
        return bool(typed)

    def _feed(self) -> None:
        try:
            del self._input[: os.write(self._terminal, self._input)]
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._hung_up = True

    def _show(self) -> bool:
        """Shows what the program says; whether there was something."""
        try:
            said = os.read(self._terminal, _CHUNK)
        except BlockingIOError:
            self._hung_up = False
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._hung_up = True
            return False
        self._hung_up = False
        try:
            self._writing = True
            if self._came.isdisjoint(_ENDS):
                _write(self._stdout, said)
        except _Signalled:
            pass
        finally:
            self._writing = False
        return bool(said)


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:  # noqa: PERF203
            # The caller's own, whose mode is not ours to change.
            select.select([], [fd], [])


@contextmanager
def _nonblocking(fd: int) -> Iterator[None]:
    before = os.get_blocking(fd)
    os.set_blocking(fd, False)
    try:
        yield
    finally:
        os.set_blocking(fd, before)


@contextmanager
def _ignored(number: signal.Signals) -> Iterator[None]:
    try:
        handler = signal.signal(number, signal.SIG_IGN)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, handler)
