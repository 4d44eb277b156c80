"""Process 1 is init: it reaps, hands on signals, pauses, ends with its owner, and keeps what it has.

Covers: root and ordinary user.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import minicontain
import pytest
from minicontain import PIPE, Container, Popen

# Ends at once, and leaves a process to init.
ORPHANS = """\
import os, time

for _ in range(1000):
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)


def states():
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                yield open(f"/proc/{name}/stat").read().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                pass


deadline = time.monotonic() + 20
while len(left := list(states())) > 2 and time.monotonic() < deadline:
    time.sleep(0.01)
print(len(left), left.count("Z"))
"""
COUNTER = "while :; do echo; sleep 0.01; done"
# Starts a container, if asked to from a thread that ends, prints the ids of its processes, and waits.
OWNER = """\
import os, sys, threading, time
import minicontain

made = []
start = lambda: made.append(minicontain.Container(["sleep", "600"]).start())
if "thread" in sys.argv:
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert made[0].poll() is None
else:
    start()
heir = os.fork() if "fork" in sys.argv else 0
if "fork" in sys.argv and heir == 0:
    time.sleep(600)
print(made[0].pid, made[0].program_pid, heir, flush=True)
time.sleep(600)
"""


def until(condition, seconds=5):
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def state(pid):
    """A process's state as proc(5) has it; None for one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def count(container, seconds):
    """How many lines come in a time."""
    fd, lines, deadline = container.stdout.fileno(), 0, time.monotonic() + seconds
    os.set_blocking(fd, False)
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            lines += os.read(fd, 65536).count(b"\n")
        time.sleep(0.01)
    return lines


def test_it_reaps_a_thousand_orphans_while_the_program_runs():
    done = minicontain.run(["python3", "-c", ORPHANS], capture_output=True, text=True)
    assert done.stdout == "2 0\n", done.stderr


def test_terminate_runs_the_programs_handler():
    script = "trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.01; done"
    with Container(script, shell=True, stdout=PIPE, text=True) as container:
        container.stdout.readline()
        container.terminate()
        assert container.communicate() == ("asked\n", None)
        assert (container.returncode, container.result.reason) == (3, "exited")


def test_terminate_ends_a_program_without_a_handler():
    with Container(["sleep", "60"]) as container:
        container.terminate()
        assert container.wait() == -signal.SIGTERM
        assert container.result.reason == "signaled"


def test_stop_waits_for_a_program_that_heeds_it():
    with Container(
        "trap 'exit 4' TERM; echo; while :; do sleep 0.01; done", shell=True, stdout=PIPE
    ) as container:
        container.stdout.readline()
        assert container.stop() == 4
        assert container.stop() == 4


def test_stop_kills_a_program_that_does_not_heed_it():
    with Container("trap '' TERM; echo; while :; do sleep 0.01; done", shell=True, stdout=PIPE) as container:
        container.stdout.readline()
        began = time.monotonic()
        assert container.stop(timeout=0.5) == -signal.SIGKILL
        assert time.monotonic() - began >= 0.5
        assert container.result.reason == "killed"


def test_the_program_can_be_stopped_and_continued():
    with Container(["sleep", "60"]) as container:
        pid = container.program_pid
        container.send_signal(signal.SIGSTOP)
        assert until(lambda: state(pid) == "T")
        assert container.poll() is None
        container.send_signal(signal.SIGCONT)
        assert until(lambda: state(pid) == "S")


def test_pause_stops_everything_and_resume_lets_it_go_on():
    with Container(f"({COUNTER}) & ({COUNTER})", shell=True, stdout=PIPE) as container:
        assert container.stdout.readline()
        assert not container.paused
        container.pause()
        assert container.paused
        count(container, 0.2)
        assert count(container, 0.3) == 0
        container.resume()
        assert not container.paused
        assert count(container, 1) > 2


def test_what_is_paused_can_be_killed():
    with Container(COUNTER, shell=True, stdout=PIPE) as container:
        container.pause()
        container.kill()
        assert container.wait() == -signal.SIGKILL
        assert container.result.reason == "killed"


@pytest.mark.parametrize(
    "fields", [{"init": False}, {"namespaces": {"pid": "host"}}], ids=["no init", "shared"]
)
def test_only_an_init_can_pause(fields):
    with Container(["sleep", "60"], **fields) as container:
        assert container.program_pid == container.pid
        for ask in (container.pause, container.resume):
            with pytest.raises(minicontain.ContainerError) as caught:
                ask()
            assert caught.value.code == "not_supported"
        assert not container.paused


@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_the_pid_of_popen_is_the_programs(kill):
    with Popen(["sleep", "60"]) as process:
        assert process.pid == process.container.program_pid != process.container.pid
        kill(process.pid, signal.SIGINT)
        assert process.wait() == -signal.SIGINT
        assert process.container.result.reason == "signaled"


@pytest.mark.parametrize("how", ["alone", "thread", "fork"])
def test_it_ends_when_its_owner_is_killed(how):
    with subprocess.Popen([sys.executable, "-c", OWNER, how], stdout=subprocess.PIPE, text=True) as owner:
        init, program, heir = map(int, owner.stdout.readline().split())
        try:
            assert state(init) is not None
            assert state(program) is not None
            owner.kill()
            owner.wait()
            # A zombie is left until the host's process 1 reaps it.
            assert until(lambda: state(init) in (None, "Z") and state(program) in (None, "Z"))
            assert heir == 0 or state(heir) == "S"
        finally:
            if heir:
                os.kill(heir, signal.SIGKILL)


def test_it_does_not_end_with_a_forked_child_of_its_owner():
    with Container(["cat"], stdin=PIPE) as container:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        assert container.poll() is None
        container.stdin.close()
        assert container.wait() == 0


@pytest.mark.parametrize("path", ["exe", "fd/0", "mem", "environ", "maps", "cwd", "root"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        pytest.param(
            {"cap_add": ["SYS_PTRACE"]},
            marks=pytest.mark.root_only("an ordinary caller's init is the container's own user"),
        ),
    ],
    ids=["default", "SYS_PTRACE"],
)
def test_nothing_inside_opens_what_is_inits(path, fields):
    # A signalfd cannot be opened again, but who may look sees what it is.
    script = f"(exec 3</proc/1/{path}) 2>/dev/null || readlink /proc/1/{path} || echo no"
    done = minicontain.run(script, shell=True, capture_output=True, text=True, **fields)
    assert done.stdout == "no\n"


@pytest.mark.root_only("an ordinary caller's init is the container's own user")
def test_nothing_inside_traces_init():
    # PTRACE_SEIZE, which does not stop it.
    script = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(0x4206, 1, 0, 0), ctypes.get_errno())
"""
    done = minicontain.run(["python3", "-c", script], cap_add=["SYS_PTRACE"], capture_output=True, text=True)
    assert done.stdout == "-1 1\n", done.stderr


@pytest.mark.root_only("others may not look at init's descriptors, which is what the test before is about")
def test_nothing_of_the_hosts_is_open_in_init():
    with Container(["sleep", "60"], stdin=PIPE, stdout=PIPE) as container:
        kinds = ["anon_inode:[pidfd]", "anon_inode:[signalfd]"]
        place = f"/proc/{container.pid}/fd"
        assert until(lambda: sorted(os.readlink(f"{place}/{fd}") for fd in os.listdir(place)) == kinds)
        environment = Path(f"/proc/{container.pid}/environ").read_bytes()
        assert environment == b""
