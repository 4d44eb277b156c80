"""`cp`: files into a running container and out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .failures import Failure
from .parser import Command

if TYPE_CHECKING:
    from ..container import Container
    from .parser import Values


def cp(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain cp`."""
    source, target = rest
    from_name, from_path = _place(source)
    to_name, to_path = _place(target)
    if (from_name is None) == (to_name is None):
        raise Failure(
            "cp copies between the host and a container",
            "name one of the two as NAME:PATH, the other as a path",
        )
    from ..container import Container

    if to_name is not None:
        _put(Container.attach(to_name), from_path, to_path)
    elif from_name is not None:
        _get(Container.attach(from_name), from_path, to_path)
    return 0


def _place(text: str) -> tuple[str | None, str]:
    """A container's name and a path in it; or None and a path of the host, as for `./a:b`."""
    name, colon, path = text.partition(":")
    if not colon or not name or "/" in name or name.startswith("."):
        return None, text
    return name, path or "/"


def _put(container: Container[Any], source: str, target: str) -> None:
    if source == "-":
        raise Failure(
            "cp: a tar archive from standard input is not in this version", "copy a file or a directory"
        )
    if not os.path.lexists(source):
        raise Failure(f"{source} is not there", "name a file or a directory of the host")
    target = os.path.join("/", target)
    if _is_directory(container, target):
        target = os.path.join(target, os.path.basename(os.path.abspath(source)))
    elif target.endswith("/") and not os.path.isdir(source):
        raise Failure(f"{target} is not a directory in the container", "leave out the slash at the end")
    container.put(target.rstrip("/") or "/", Path(source))


def _get(container: Container[Any], source: str, target: str) -> None:
    source = os.path.join("/", source)
    if target == "-":
        data = container.get(source)
        left = memoryview(data)
        while left:
            left = left[os.write(1, left) :]
        return
    if os.path.isdir(target):
        target = os.path.join(target, os.path.basename(source.rstrip("/")) or "root")
    elif target.endswith("/"):
        raise Failure(f"{target} is not a directory", "make it first, or leave out the slash at the end")
    container.get(source, to=target)


def _is_directory(container: Container[Any], path: str) -> bool:
    """Whether a path is a directory inside; links lead nowhere else: openat2(2), RESOLVE_IN_ROOT."""
    import ctypes

    openat2, in_root, no_magic_links = 437, 0x10, 0x02
    root = os.open(f"/proc/{container.pid}/root", os.O_PATH | os.O_DIRECTORY)
    try:
        how = (ctypes.c_uint64 * 3)(os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, 0, in_root | no_magic_links)
        call = ctypes.CDLL(None, use_errno=True).syscall
        fd = call(
            ctypes.c_long(openat2),
            ctypes.c_int(root),
            os.fsencode(path),
            ctypes.byref(how),
            ctypes.c_size_t(24),
        )
    finally:
        os.close(root)
    if fd < 0:
        return False
    os.close(fd)
    return True


COMMANDS = {
    "cp": Command(
        "cp",
        "NAME:PATH PATH | PATH NAME:PATH",
        "Copies a file or a directory between a running container and the host.",
        cp,
        least=2,
        most=2,
        more="Copied into a directory that is there, it keeps its name. 'NAME:FILE -' shows a file.",
    )
}
