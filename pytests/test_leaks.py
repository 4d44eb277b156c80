"""Nothing is left behind: not by hundreds of runs, not by failing starts, not by a caller killed at any time.

Covers: root and ordinary user.
"""

from __future__ import annotations

import errno
import gc
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import minicontain
import pytest
from support import (
    PATIENCE,
    Caller,
    belongings,
    children,
    descriptors,
    left_since,
    mounts,
    processes,
    why_no_cgroup,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 300
KILLS = 20
ALLOWED_GROWTH = 8 << 20
"""Bytes. A run that kept its plan (some 100 kB) would exceed this thrice."""


def resident() -> int:
    """The resident memory of this process in bytes: proc(5)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run() -> None:
    done = minicontain.run(
        ["sh", "-c", "cat; exit 3"], input=b"x" * 5000, capture_output=True, hostname="box"
    )
    assert (done.returncode, len(done.stdout)) == (3, 5000)
    assert len(done.trace) > 50


def step() -> None:
    with minicontain.Plan(["true"]).start_paused() as stepper:
        for _ in range(random.randrange(150)):
            stepper.step()


def leave() -> None:
    with minicontain.Container(["sleep", "600"], stdin=minicontain.PIPE, stdout=minicontain.PIPE):
        pass


def drop() -> None:
    minicontain.Container(["sleep", "600"], stdout=minicontain.PIPE).start()


def no_program() -> None:
    with pytest.raises(FileNotFoundError):
        minicontain.run(["no-such-program"], capture_output=True)


def no_directory() -> None:
    with pytest.raises(FileNotFoundError):
        minicontain.run(["true"], cwd="/no/such/directory")


def no_source() -> None:
    with pytest.raises(FileNotFoundError):
        minicontain.run(["true"], volumes=["/usr:/inside", "/no/such/source:/other"])


def no_spec() -> None:
    with pytest.raises(ValueError, match="hostname"):
        minicontain.run(["true"], hostname="no spaces")


def limited() -> None:
    done = minicontain.run(["true"], memory="64M", pids_limit=30)
    assert done.returncode == 0


def late() -> None:
    with pytest.raises(minicontain.TimeoutExpired):
        minicontain.run(["sleep", "600"], timeout=0.001, capture_output=True)


@pytest.mark.parametrize(
    "act",
    [run, step, leave, drop, no_program, no_directory, no_source, no_spec, late, limited],
    ids=lambda act: act.__name__,
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_three_hundred_times_leave_nothing(act: Callable[[], None]) -> None:
    for _ in range(50):
        act()
    before, memory = belongings(), resident()
    for _ in range(RUNS):
        act()
    assert not left_since(before)
    assert not [child for child in children() if "zombie" in child]
    assert resident() - memory < ALLOWED_GROWTH


@pytest.mark.parametrize(
    "fields",
    [{}, {"namespaces": {"pid": "host"}}, {"memory": "64M", "pids_limit": 30}],
    ids=["a clone", "a first process that joins", "limits"],
)
def test_a_start_that_fails_at_any_step_leaves_nothing(fields: dict[str, object]) -> None:
    plan = minicontain.Plan(["true"], **fields)
    before = belongings()
    for index in range(len(plan.steps)):
        try:
            with plan.start(fault=(index, errno.EIO)) as container:
                container.wait()
        except minicontain.StartError as error:
            assert error.step_index == index  # noqa: PT017  (a failure may be tolerated)
        assert descriptors() <= before["descriptor"], plan.steps[index]
        assert mounts() == before["mount"], plan.steps[index]
    assert not left_since(before)


# A caller that is killed

CALLER = """\
import sys
import minicontain

marker, form = sys.argv[1:]
print("ready", flush=True)
while True:
    if form == "run":
        minicontain.run(["sh", "-c", f": {marker}; echo"], capture_output=True)
    elif form == "join":
        minicontain.run(["sh", "-c", f": {marker}; echo"], capture_output=True, namespaces={"pid": "host"})
    else:
        with minicontain.Plan(["sh", "-c", f": {marker}; sleep 0.01"]).start_paused() as stepper:
            while stepper.step() is not None:
                pass
"""


def marked(marker: str, parent: int) -> list[str]:
    """The processes that have the marker among their arguments, or are the caller's children."""
    found = []
    for process in processes():
        try:
            arguments = (
                Path(f"/proc/{process.pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
        except OSError:
            continue
        if marker in arguments or process.parent == parent:
            found.append(f"{process} {arguments}")
    return found


@pytest.mark.parametrize("form", ["run", "join", "step"])
def test_a_caller_that_is_killed_leaves_nothing(form: str, caller: Caller) -> None:
    marker = f"marker-{uuid.uuid4()}"
    before = belongings()
    dice = random.Random(form)
    for _ in range(KILLS):
        command = [*caller.prefix, sys.executable, "-c", CALLER, marker, form]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as killed:
            assert killed.stdout is not None
            assert killed.stdout.readline() == "ready\n", "the caller could not import the library"
            time.sleep(dice.uniform(0, 0.05))
            killed.send_signal(signal.SIGKILL)
        # A container that was running goes on to the end of its short program.
        deadline = time.monotonic() + PATIENCE / 20
        while (left := marked(marker, killed.pid)) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert not left
    assert not left_since(before)


def test_what_a_killed_caller_leaves_is_found() -> None:
    marker = f"marker-{uuid.uuid4()}"
    with subprocess.Popen(["sh", "-c", f": {marker}; cat"], stdin=subprocess.PIPE) as process:
        assert any(str(process.pid) in line for line in marked(marker, -1))
        assert any(str(process.pid) in line for line in marked("another", os.getpid()))
    assert not marked(marker, -1)


def test_what_a_test_leaves_is_found() -> None:
    before = belongings()
    first, second = os.pipe()
    child = subprocess.Popen(["sleep", "600"])
    try:
        left = left_since(before)
    finally:
        os.close(first)
        os.close(second)
        child.kill()
        child.wait()
    assert len([line for line in left if line.startswith("descriptor: ") and "pipe:" in line]) == 2
    assert [line for line in left if line.startswith("child process: ") and "sleep" in line]
    assert not left_since(before)


@pytest.mark.root_only("only root can mount")
def test_a_mount_that_a_test_leaves_is_found(tmp_path: Path) -> None:
    before = belongings()
    subprocess.run(["mount", "-t", "tmpfs", "left", str(tmp_path)], check=True)
    left = left_since(before)
    subprocess.run(["umount", str(tmp_path)], check=True)
    assert [line for line in left if line.startswith("mount: ") and str(tmp_path) in line]
    assert not left_since(before)


def test_a_cgroup_that_a_test_leaves_is_found() -> None:
    if why_no_cgroup():
        pytest.skip(why_no_cgroup())
    before = belongings()
    cgroup = minicontain.Cgroup(f"minicontain-left-{os.getpid()}")
    left = left_since(before)
    cgroup.remove()
    assert {directory.path for directory in cgroup.directories} <= {
        line.removeprefix("cgroup: ") for line in left
    }
    assert not left_since(before)
