"""What several test files need: who calls, root file systems, and what a process may leave behind."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = os.geteuid() == 0
ORDINARY_ID = int(os.environ.get("MINICONTAIN_TEST_UID", "65534"))
"""Who owns nothing and may do nothing."""
DROP = ["setpriv", f"--reuid={ORDINARY_ID}", f"--regid={ORDINARY_ID}", "--clear-groups", "--"]
PATIENCE = 600
"""Seconds after which a test is said to hang. No result depends on it."""


# Who calls


@dataclass(frozen=True)
class Caller:
    """A user of the host who runs commands from a directory that everyone can read."""

    name: str
    prefix: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        return self.name == "root"

    def run(self, command: list[str], input: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *command], input=input, capture_output=True, text=True, cwd="/", timeout=PATIENCE
        )

    def python(self, program: str, argument: object = None) -> Any:
        """What a Python program prints as JSON; it finds its argument as JSON in `sys.argv[1]`."""
        done = self.run([sys.executable, "-c", program, json.dumps(argument)])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@cache
def find_caller(name: str) -> Caller | str:
    """The caller of that name, or why there is none."""
    if name == "root":
        return Caller(name) if ROOT else "the tests were not started by root"
    if not ROOT:
        return Caller(name)
    if shutil.which("setpriv") is None:
        return "setpriv(1) is missing: it is in util-linux"
    caller = Caller(name, tuple(DROP))
    # Through env: what setpriv executes itself, it reaches with rights that are gone afterwards.
    tried = caller.run(["env", sys.executable, "-c", "import minicontain"])
    if tried.returncode != 0:
        return f"user {ORDINARY_ID} cannot read this Python, or minicontain: {tried.stderr.strip()[-200:]}"
    return caller


@cache
def why_no_cgroup() -> str:
    """Why this user can make no cgroup that limits memory, processes and CPU time; empty if he can."""
    import minicontain

    try:
        with minicontain.Cgroup(f"minicontain-probe-{os.getpid()}", memory="64M", pids_limit=9, cpus=0.5):
            return ""
    except minicontain.CgroupError as error:
        return f"this user can make no cgroup ({error.code})"


@cache
def why_no_cpuset() -> str:
    """Why this user can name no CPUs, nor limit disks; empty if he can. systemd delegates neither."""
    import minicontain

    if why_no_cgroup():
        return why_no_cgroup()
    try:
        with minicontain.Cgroup(f"minicontain-probe-{os.getpid()}", cpuset_cpus=max(os.sched_getaffinity(0))):
            return ""
    except minicontain.CgroupError as error:
        return f"what is delegated to this user has no cpuset ({error.code})"


@contextmanager
def in_threads(count: int, function: Callable[[], object]) -> Iterator[None]:
    """Calls a function in so many threads at once; the end of the block waits for all."""
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def soon(condition: Callable[[], object], patience: float = 20) -> None:
    """Waits until something is so, in seconds at most."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def check_victims(victims: list[Any], pid: int | None, name: str) -> None:
    """Whether it is told whom the kernel killed, as far as its log tells.

    It leaves some out when many are killed at a time, has the ids of the first PID namespace, and is not for
    everybody to read.
    """
    assert len(victims) <= 1
    assert all(victim.name == name for victim in victims)
    first = os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"
    assert all(victim.pid == pid for victim in victims if pid is not None and first)


# Files


@contextmanager
def public_directory() -> Iterator[Path]:
    """A directory that every user can read, and no more; pytest's own cannot be."""
    path = Path(tempfile.mkdtemp(prefix="minicontain-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def static_busybox() -> Path | None:
    """A busybox that needs no library, if there is one."""
    found = shutil.which("busybox")
    if found is None:
        return None
    # A program that names no interpreter needs none: elf(5), PT_INTERP.
    return None if b"/ld-linux" in Path(found).read_bytes()[:4096] else Path(found)


def make_busybox_root(root: Path, busybox: Path) -> Path:
    """The smallest root file system with a shell in it."""
    for name in ("bin", "proc", "sys", "dev", "tmp", "etc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(busybox, root / "bin/busybox")
    for tool in ("sh", "true", "cat", "echo", "id", "ls", "hostname"):
        (root / "bin" / tool).symlink_to("busybox")
    return root


# What a process may leave behind


@dataclass(frozen=True)
class Process:
    """A line of /proc/PID/stat."""

    pid: int
    name: str
    state: str
    parent: int

    def __str__(self) -> str:
        return f"{self.pid} ({self.name}), {'a zombie' if self.state == 'Z' else 'running'}"


def read_process(pid: int) -> Process | None:
    """A process, if it has not been reaped."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")
    except OSError:
        return None
    state, parent = after.split()[:2]
    return Process(pid, before.partition("(")[2], state, int(parent))


def processes() -> Iterator[Process]:
    """Every process of the host."""
    found = (read_process(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return (process for process in found if process is not None)


def children() -> set[str]:
    """The processes that this one has made and not reaped."""
    return {str(process) for process in processes() if process.parent == os.getpid()}


def descriptors() -> set[str]:
    """The open descriptors with what they stand for."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # that of the listing itself
            found.add(f"{fd} -> {os.readlink(f'/proc/self/fd/{fd}')}")
    return found


def mounts() -> set[str]:
    return set(Path("/proc/self/mountinfo").read_text().splitlines())


def cgroups() -> set[str]:
    """The cgroups of this library, and those of the tests. That for the caller himself stays: v2 wants it."""
    trees = [line.split()[4] for line in mounts() if " - cgroup" in line]
    return {
        os.path.join(parent, name)
        for tree in trees
        for parent, names, _ in os.walk(tree)
        for name in names
        if "minicontain" in name and name != "minicontain-callers" and not _is_anothers(name)
    }


def _is_anothers(name: str) -> bool:
    """Whether a cgroup is, as its name tells, of a running process that is none of ours, or of other ids."""
    parts = name.split("-")
    # minicontain-NAMESPACE-PID-STARTED-NUMBER: a container's.
    if len(parts) == 5 and parts[1] != f"{os.stat('/proc/self/ns/pid').st_ino:x}":
        return True
    pid = parts[2] if len(parts) == 5 else parts[-1]
    process = read_process(int(pid)) if pid.isdigit() else None
    while process is not None and process.pid != os.getpid():
        if process.parent <= 1:
            return True
        process = read_process(process.parent)
    return False


def links() -> set[str]:
    return set(os.listdir("/sys/class/net"))


def state_files() -> set[str]:
    """The files of the one directory where the library keeps what outlives a process."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    places = ["/run/minicontain", *([f"{runtime}/minicontain"] if runtime else [])]
    return {
        os.path.join(parent, name)
        for place in places
        for parent, _, files in os.walk(place)
        for name in files
    }


LOOKS = {
    "mount": mounts,
    "cgroup": cgroups,
    "network link": links,
    "child process": children,
    "descriptor": descriptors,
    "state file": state_files,
}
Belongings = dict[str, set[str]]


def belongings() -> Belongings:
    """Everything that a container could leave behind.

    A namespace outlives its processes only by a mount or a descriptor.
    """
    return {kind: look() for kind, look in LOOKS.items()}


def left_since(before: Belongings) -> list[str]:
    """What is there now and was not before, after what is still ending has had a second to end."""
    deadline = time.monotonic() + 1
    while True:
        now = belongings()
        left = [f"{kind}: {item}" for kind in now for item in sorted(now[kind] - before[kind])]
        gone = [
            f"{kind} is gone: {item}"
            for kind in ("mount", "network link")
            for item in before[kind] - now[kind]
        ]
        if not (left or gone) or time.monotonic() > deadline:
            return left + gone
        gc.collect()
        time.sleep(0.02)
