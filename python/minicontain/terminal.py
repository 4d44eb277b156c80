"""The caller's end of a container's terminal."""

from __future__ import annotations

import errno
import io
import os
from typing import IO, TYPE_CHECKING, Any, AnyStr, Generic

from ._running import Running
from .errors import StateError, fault

if TYPE_CHECKING:
    from .streams import Text

_END_OF_INPUT = b"\x04"


class _Shown(io.FileIO):
    """What a terminal shows. It ends when nobody inside has the terminal open any more."""

    def read(self, size: int | None = -1) -> Any:
        if size is None or size < 0:
            return self.readall()
        try:
            return super().read(size)
        except OSError as error:
            # So the kernel says it: pty(7).
            return _end(error)

    def readinto(self, buffer: Any) -> Any:
        try:
            return super().readinto(buffer)
        except OSError as error:
            return len(_end(error))

    def readall(self) -> Any:
        parts = []
        while part := self.read(1 << 16):
            parts.append(part)
        return b"".join(parts)


def _end(error: OSError) -> bytes:
    if error.errno != errno.EIO:
        raise error
    return b""


def open_pair(fd: int, text: Text) -> tuple[Any, Any]:
    """What is typed and what is shown, as file objects that are not buffered; each is closed by itself."""
    typed: Any = io.FileIO(os.dup(fd), "wb")
    shown: Any = _Shown(fd, "rb")
    if text.on:
        typed = io.TextIOWrapper(typed, text.encoding, text.errors, write_through=True)
        shown = io.TextIOWrapper(shown, text.encoding, text.errors)
    return typed, shown


def typed(data: bytes | None) -> bytes:
    """An input as it is typed: with the end of input (^D) after it."""
    data = data or b""
    # Within a line, the first one only hands over what was typed of it: termios(3), VEOF.
    return data + _END_OF_INPUT * (1 if data.endswith(b"\n") or not data else 2)


def settle(fields: dict[str, Any]) -> None:
    """What `run` is to capture is what the terminal shows, which is not asked for by name."""
    if fields.get("stdout") != -1:
        raise fault(
            "tty",
            "nobody would read what the terminal shows",
            "use capture_output=True, or a Container, whose stdin and stdout are the terminal",
        )
    for name, pipe in (("stdin", -1), ("stdout", -1), ("stderr", -1), ("stderr", -2)):
        if fields.get(name) == pipe:
            fields[name] = None


class OnTerminal(Running, Generic[AnyStr]):
    """What `Container` has for a terminal."""

    stdin: IO[AnyStr] | None
    stdout: IO[AnyStr] | None

    def resize(self, rows: int, columns: int) -> None:
        r"""Changes the size of its terminal; the program gets `SIGWINCH`.

        Raises `StateError` if it has no terminal (`tty=True`), or that was closed.

        >>> import minicontain
        >>> with minicontain.Container("read line; stty size", shell=True, tty=True, text=True) as container:
        ...     container.resize(33, 77)
        ...     _ = container.stdin.write("\n")
        ...     container.stdout.read().strip()
        '33 77'
        """
        import fcntl
        import struct
        import termios

        native = self._open()
        for end in (self.stdout, self.stdin):
            if native.plan.spec.fields()["tty"] and end is not None and not end.closed:
                fcntl.ioctl(end.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                return
        raise StateError("it has no terminal, or that was closed: use tty=True")
