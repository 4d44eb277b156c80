"""Standard streams as `subprocess` has them."""

from __future__ import annotations

import codecs
import io
import os
import subprocess
from typing import Any

_NAMES = {subprocess.PIPE: "pipe", subprocess.DEVNULL: "null", subprocess.STDOUT: "stdout"}


def form(stream: Any) -> object:
    """A stream in the form that a spec has: from a constant, a descriptor, a file object, or a path."""
    if isinstance(stream, int):
        return _NAMES.get(stream) or {"fd": stream}
    if isinstance(stream, os.PathLike):
        return {"file": os.fspath(stream)}
    if isinstance(stream, (str, dict)):
        return stream
    return {"fd": stream.fileno()}


class Text:
    """Whether and how streams are text."""

    __slots__ = ("_encoding", "errors", "on")

    def __init__(
        self,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        universal_newlines: bool | None = None,
    ) -> None:
        if text is not None and universal_newlines is not None and bool(text) != bool(universal_newlines):
            raise subprocess.SubprocessError(
                "Cannot disambiguate when both text and universal_newlines are supplied but different. "
                "Pass one or the other."
            )
        self.on = bool(encoding or errors or text or universal_newlines)
        # An encoding that does not exist is told before anything is made.
        if encoding:
            "".encode(encoding)
        if errors:
            codecs.lookup_error(errors)
        self._encoding = encoding or None
        self.errors = errors or "strict"

    @property
    def encoding(self) -> str:
        """The encoding that is used; the locale's where none was asked for."""
        if self._encoding is None:
            self._encoding = io.TextIOWrapper(io.BytesIO()).encoding
        return self._encoding

    def encode(self, data: Any) -> bytes | None:
        """What is written for an input."""
        if data is None or (isinstance(data, bytes) and not self.on):
            return data
        if not self.on:
            return memoryview(data).tobytes()
        if not isinstance(data, str):
            raise TypeError(f"the streams are text: input must be str, not {type(data).__name__}")
        return data.encode(self.encoding, self.errors)

    def decode(self, data: bytes | None, errors: str | None = None) -> Any:
        """What an output is handed out as; its newlines as Python has them."""
        if data is None or not self.on:
            return data
        return data.decode(self.encoding, errors or self.errors).replace("\r\n", "\n").replace("\r", "\n")

    def open(self, fd: int, mode: str, bufsize: int) -> Any:
        """A file object for a pipe."""
        by_line = bufsize == 1
        raw = open(fd, mode, -1 if by_line else bufsize)  # noqa: SIM115
        if not self.on:
            return raw
        writing = mode == "wb"
        return io.TextIOWrapper(
            raw, self._encoding, self.errors, write_through=writing, line_buffering=writing and by_line
        )
