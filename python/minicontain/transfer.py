"""Files into a running container and out of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, overload

from ._running import Running

if TYPE_CHECKING:
    from .fields import Contents, Path


class Files(Running):
    """What `Container` has for files."""

    def put(self, path: Path, source: Contents, *, mode: int = 0o644) -> None:
        """Puts a file or a directory into the running container, at `path` inside: `docker cp`.

        `source` is what the file holds, as bytes or as a binary file object to read it from, and `mode` the
        file's mode; or it is a path of the host (`pathlib.Path`), whose file or directory is copied with
        everything in it. Inside it belongs to root. A file that is there is overwritten.

        No link of the container leads out of it. Raises `ContainerError`, which is also the `OSError` that
        `open` would raise, and `StateError` before the start and after the end.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.put("/tmp/greeting", b"hello")
        ...     container.exec(["cat", "/tmp/greeting"], capture_output=True).stdout
        b'hello'
        """
        inside = os.fspath(path)
        if isinstance(source, os.PathLike):
            self._open().put_tree(os.fspath(source), inside)
            return
        data: Any = source.read() if hasattr(source, "read") else source
        if isinstance(data, str):
            raise TypeError("source is text: give bytes, a binary file, or a path as pathlib.Path")
        self._open().put(inside, data if isinstance(data, bytes) else bytes(memoryview(data)), mode)

    @overload
    def get(self, path: Path) -> bytes: ...
    @overload
    def get(self, path: Path, to: Path) -> None: ...
    def get(self, path: Path, to: Path | None = None) -> bytes | None:
        """Gets a file out of the running container: what it holds.

        With `to`, a path of the host, the file or directory is copied there instead, with everything in it;
        links are copied as links. Raises what `put` raises.

        >>> import minicontain
        >>> with minicontain.Container("echo hello > /tmp/out; sleep 9", shell=True) as container:
        ...     while not container.exec(["test", "-s", "/tmp/out"]).returncode == 0:
        ...         pass
        ...     container.get("/tmp/out").decode().strip()
        'hello'
        """
        if to is None:
            return self._open().get(os.fspath(path))
        self._open().get_tree(os.fspath(path), os.fspath(to))
        return None
