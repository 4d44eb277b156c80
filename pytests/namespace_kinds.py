"""The kinds of namespaces, and what shows in which one is."""

import ctypes
import subprocess

from minicontain import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWTIME,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
)

KINDS = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")
FLAGS = dict(
    zip(
        KINDS,
        (
            CLONE_NEWUSER,
            CLONE_NEWNS,
            CLONE_NEWPID,
            CLONE_NEWNET,
            CLONE_NEWIPC,
            CLONE_NEWUTS,
            CLONE_NEWCGROUP,
            CLONE_NEWTIME,
        ),
    )
)


def set_hostname(name: str) -> None:
    if ctypes.CDLL(None, use_errno=True).sethostname(name.encode(), len(name)):
        raise OSError(ctypes.get_errno(), "sethostname")


def raise_loopback() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
