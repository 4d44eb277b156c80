"""The namespaces of a process."""

from __future__ import annotations

import os

from .errors import StateError

_KINDS = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")


def namespaces_of(pid: int) -> dict[str, int]:
    """The id of each namespace of a container's process, by its kind: the inode numbers of `/proc/PID/ns`."""
    try:
        return {kind: os.stat(f"/proc/{pid}/ns/{kind}").st_ino for kind in _KINDS}
    except (FileNotFoundError, ProcessLookupError):
        raise StateError("the container has ended, and its namespaces are gone") from None
