"""Programs that join a running container and outlive who started them: `docker exec --detach`.

Covers: root and ordinary user. Limits need a cgroup.
"""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import minicontain
import pytest
from minicontain import PIPE, Container
from support import soon, why_no_cgroup


@pytest.fixture
def box():
    with Container(["sleep", "600"], hostname="box") as container:
        yield container


def parent(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def children():
    """This process's, zombies among them."""
    found = set()
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/children") as pids:
            found.update(map(int, pids.read().split()))
    return found


def runs(pid):
    """Whether a process is there, and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_goes_on_when_it_is_closed_or_forgotten_and_ends_with_the_container(box):
    with box.popen(["sleep", "600"], detach=True) as program:
        pid = program.program_pid
    assert program.returncode is None
    forgotten = box.popen(["sleep", "600"], detach=True).program_pid
    assert runs(pid)
    assert runs(forgotten)
    box.kill()
    box.wait()
    soon(lambda: not runs(pid))
    soon(lambda: not runs(forgotten))


def test_it_goes_on_when_who_started_it_has_ended_or_was_killed():
    starter = textwrap.dedent("""
        import minicontain, os, signal, sys
        box = minicontain.Container.attach(sys.argv[1])
        program = box.popen(["sleep", "600"], detach=True)
        print(program.program_pid, flush=True)
        if len(sys.argv) > 2:
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    name = f"test-exec-detached-{os.getpid()}"
    with Container(["sleep", "600"], name=name) as box:
        pids = []
        for more in ([], ["killed"]):
            command = [sys.executable, "-c", starter, name, *more]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60)
            assert done.returncode == (-signal.SIGKILL if more else 0)
            pids.append(int(done.stdout))
        assert all(runs(pid) for pid in pids)
        box.exec(["true"], check=True)
    for pid in pids:
        soon(lambda pid=pid: not runs(pid))


def test_no_child_and_no_zombie_is_left_to_the_caller(box):
    before = children()
    programs = [box.popen(["true"], detach=True) for _ in range(20)]
    sleeper = box.popen(["sleep", "600"], detach=True).program_pid
    assert children() == before
    assert parent(parent(sleeper)) != os.getpid()
    assert [program.wait() for program in programs] == [0] * 20
    # Inside, too: each is reaped at once, by what stays outside as its parent.
    assert box.exec("ps -eo stat= | grep -c Z", shell=True, stdout=PIPE).stdout == b"0\n"


def test_its_end_is_told_while_it_is_held(box):
    async def awaited():
        async with box.popen("sleep 0.1; exit 4", shell=True, detach=True) as program:
            return await program.wait_async()

    assert box.popen("exit 3", shell=True, detach=True).wait() == 3
    assert asyncio.run(awaited()) == 4
    program = box.popen(["sleep", "600"], detach=True)
    assert program.poll() is None
    program.send_signal(signal.SIGTERM)
    assert (program.wait(), program.result.reason) == (-signal.SIGTERM, "signaled")
    program = box.popen(["sleep", "600"], detach=True)
    program.kill()
    assert program.wait() == -signal.SIGKILL


def test_what_it_writes_goes_nowhere_or_to_a_file(box, tmp_path):
    script = "exec 3> /tmp/open; ls -l /proc/$$/fd >&3"
    box.popen(script, shell=True, detach=True).wait()
    assert box.get("/tmp/open").count(b"-> /dev/null\n") == 3
    path = tmp_path / "said"
    with box.popen(["echo", "said"], stdout=path, detach=True) as program:
        program.wait()
    assert path.read_text() == "said\n"
    assert program.log_path is None
    with pytest.raises(minicontain.StateError, match="no log"):
        program.logs()


def test_what_cannot_be_is_told(box):
    for fields in ({"stdout": PIPE}, {"tty": True}):
        with pytest.raises(minicontain.SpecError) as wrong:
            box.popen(["true"], detach=True, **fields)
        assert [fault.field for fault in wrong.value.faults] == list(fields)
    with pytest.raises(FileNotFoundError):
        box.popen(["no-such-program"], detach=True)
    box.pause()
    with pytest.raises(minicontain.StateError, match="resume it first"):
        box.popen(["true"], detach=True)
    box.resume()


def test_what_is_waited_for_is_not_detached(box):
    waiting = [
        lambda: box.exec(["true"], detach=True),
        lambda: box.exec(minicontain.Spec(["true"], detach=True)),
        lambda: asyncio.run(box.exec_async(["true"], detach=True)),
        lambda: minicontain.enter(box.pid, ["true"], detach=True),
    ]
    for wait in waiting:
        with pytest.raises(minicontain.SpecError, match="start it with popen") as wrong:
            wait()
        assert [fault.field for fault in wrong.value.faults] == ["detach"]


@pytest.mark.skipif(why_no_cgroup() != "", reason=why_no_cgroup())
def test_its_limits_hold_and_its_cgroup_goes():
    with Container(["sleep", "600"], cgroup=True) as box:
        program = box.popen(["tail", "/dev/zero"], memory="16M", detach=True)
        places = list(program.cgroup.paths.values())
        assert program.wait() == -signal.SIGKILL
        assert (program.result.reason, program.result.stats.memory.limit) == ("oom", 16 << 20)
        assert not any(os.path.exists(place) for place in places)
        # Nobody has a handle of this one: its cgroup goes with the container's.
        left = list(box.popen(["sleep", "600"], pids_limit=4, detach=True).cgroup.paths.values())
        assert all(os.path.exists(place) for place in left)
    assert not any(os.path.exists(place) for place in left)
