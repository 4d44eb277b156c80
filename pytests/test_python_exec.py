"""Programs are executed in a running container, and beside any process of the host.

What the container may see of that is in test_python_exec_attacks.py.

Covers: root and ordinary user.
"""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import minicontain
import pytest
from minicontain import DEVNULL, PIPE, STDOUT, Container
from support import soon


@pytest.fixture
def box():
    with Container(["sleep", "600"], hostname="box", env={"COLOUR": "red"}, cwd="/tmp") as container:
        yield container


def gone(pid):
    """Whether a process is gone, after the second that it may take."""
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    return not os.path.exists(f"/proc/{pid}")


def said(container, command, **fields):
    return container.exec(command, shell=True, capture_output=True, text=True, **fields).stdout


def sleeping(container, seconds):
    """How many processes in it sleep for so long."""
    return int(said(container, f"ps -eo args= | grep -c '^sleep {seconds}'"))


# It is run


def test_it_sees_what_the_container_sees(box):
    assert said(box, "hostname; cat /proc/2/comm; echo made > here") == "box\nsleep\n"
    assert said(box, "cat /tmp/here") == "made\n"
    for kind, number in box.namespaces.items():
        assert said(box, f"readlink /proc/self/ns/{kind}") == f"{kind}:[{number}]\n"


def test_what_is_not_given_is_as_the_container_has_it(box):
    assert said(box, "echo $COLOUR $(pwd) $HOME") == "red /tmp /root\n"
    assert said(box, "echo $COLOUR $(pwd) $HOME", env={"COLOUR": "blue"}, cwd="/") == "blue / /root\n"
    assert said(box, "umask", umask=0o077) == "0077\n"


def test_its_results_are_those_of_run(box):
    done = box.exec("echo out; echo err >&2; exit 3", shell=True, capture_output=True)
    assert isinstance(done, minicontain.CompletedProcess)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert (done.reason, done.oom_killed, done.args) == ("exited", False, "echo out; echo err >&2; exit 3")
    assert done.stats.wall > 0
    assert any(step.syscall == "setns" for step in done.trace)
    assert box.exec(["cat"], input="caf\u00e9", encoding="utf-8", stdout=PIPE).stdout == "caf\u00e9"
    assert box.exec("echo a; echo b >&2", shell=True, stdout=PIPE, stderr=STDOUT).stdout == b"a\nb\n"
    assert box.exec(["echo", "lost"], stdout=DEVNULL).stdout is None
    assert box.exec(minicontain.Spec(["echo", "spec"]), stdout=PIPE).stdout == b"spec\n"
    assert box.exec("kill -9 $$", shell=True).returncode == -9


def test_its_errors_are_those_of_run(box):
    with pytest.raises(minicontain.CalledProcessError) as called:
        box.exec(["false"], check=True)
    assert called.value.result.reason == "exited"
    with pytest.raises(minicontain.TimeoutExpired) as late:
        box.exec("echo so far; sleep 600", shell=True, stdout=PIPE, timeout=0.3)
    assert (late.value.output, late.value.result.reason) == (b"so far\n", "timed_out")
    assert sleeping(box, 600) == 1
    with pytest.raises(FileNotFoundError) as missing:
        box.exec(["no-such-program"])
    assert (missing.value.filename, missing.value.code) == ("no-such-program", "program_not_found")
    assert missing.value.trace
    with pytest.raises(FileNotFoundError) as missing:
        box.exec(["true"], cwd="/no/such")
    assert missing.value.code == "cwd_not_found"
    with pytest.raises(ValueError, match="preexec_fn"):
        box.exec(["true"], preexec_fn=print)
    with pytest.raises(ValueError, match="stdin and input"):
        box.exec(["true"], stdin=DEVNULL, input=b"")


def test_what_the_container_is_cannot_be_chosen_again(box):
    with pytest.raises(minicontain.SpecError) as wrong:
        box.exec(["true"], hostname="other", volumes=["/usr:/x"])
    assert [fault.field for fault in wrong.value.faults] == ["hostname", "volumes"]


def test_it_has_no_more_rights_than_the_container():
    with Container(["sleep", "600"], cap_drop=["ALL"]) as container:
        wanted = said(container, "grep -E 'Cap|NoNewPrivs' /proc/2/status")
        assert said(container, "grep -E 'Cap|NoNewPrivs' /proc/self/status") == wanted
        assert "CapEff:\t0000000000000000\n" in wanted


def test_descriptors_are_passed_by_name_only(box):
    reader, writer = os.pipe()
    try:
        assert said(box, "ls /proc/$$/fd").split() == ["0", "1", "2"]
        assert said(box, "ls /proc/$$/fd", pass_fds=[writer]).split() == sorted(["0", "1", "2", str(writer)])
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.root_only("an ordinary caller's container has one user")
def test_another_user_of_the_container_can_be_named(box):
    assert said(box, "id -u; id -g", user="daemon", group=1234) == "1\n1234\n"


def test_the_session_and_the_process_group_are_chosen(box):
    script = "set -- $(cat /proc/$$/stat); echo $(($1 == $5)) $(($1 == $6))"
    assert said(box, script) == "1 1\n"
    assert said(box, script, start_new_session=False) == "0 0\n"
    assert said(box, script, start_new_session=False, process_group=0) == "1 0\n"


@pytest.mark.parametrize(
    "fields",
    [
        {"init": False},
        pytest.param(
            {"namespaces": {"pid": "host"}},
            marks=pytest.mark.root_only("an ordinary user's container mounts no /proc of the host"),
        ),
        {"network": "host"},
    ],
    ids=["no init", "host's processes", "host's network"],
)
def test_any_container_can_be_joined(fields):
    with Container(["sleep", "600"], hostname="box", **fields) as container:
        for _ in range(3):
            assert said(container, "hostname") == "box\n"


# It is a container


def test_one_that_is_started_is_handled_like_a_container(box):
    with box.popen(["cat"], stdin=PIPE, stdout=PIPE, text=True) as cat:
        assert isinstance(cat, Container)
        assert cat.program_pid > 0
        assert cat.poll() is None
        cat.stdin.write("one\n")
        cat.stdin.flush()
        assert cat.stdout.readline() == "one\n"
        assert cat.communicate("two\n") == ("two\n", None)
    assert (cat.returncode, cat.result.reason, cat.args) == (0, "exited", ["cat"])
    assert cat.trace
    assert cat.plan.steps
    assert "returncode 0" in repr(cat)
    with box.popen(["sleep", "600"]) as sleeper, pytest.raises(minicontain.TimeoutExpired):
        sleeper.wait(timeout=0.05)
    assert sleeper.returncode == -9
    with box.popen(
        "trap 'exit 7' USR1; echo; while :; do sleep 0.01; done", shell=True, stdout=PIPE
    ) as shell:
        shell.stdout.readline()
        shell.send_signal(signal.SIGUSR1)
        assert shell.wait() == 7
    assert box.poll() is None


def test_kill_ends_what_it_started_too(box):
    with box.popen("sleep 601 & sleep 602", shell=True) as shell:
        soon(lambda: sleeping(box, "60[12]") == 2)
        shell.kill()
        assert shell.wait() == -9
        soon(lambda: sleeping(box, "60[12]") == 0)


def test_one_that_is_forgotten_is_killed_with_a_warning(box):
    program = box.popen(["sleep", "603"])
    pid = program.pid
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del program
        gc.collect()
    assert [str(each.message) for each in told] == [f"container {pid} still runs, and is killed"]
    del told  # which has it
    gc.collect()
    assert gone(pid)


def test_who_holds_it_holds_the_container():
    program = Container(["sleep", "600"]).start().popen(["sleep", "0.2"])
    gc.collect()
    assert program.wait() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        del program
        gc.collect()


def test_it_ends_with_the_container():
    with Container(["sleep", "600"]) as container:
        program = container.popen(["sleep", "600"])
    assert program.wait() == -9
    program.close()


def test_many_are_awaited_in_one_loop(box):
    async def main():
        runs = [box.exec_async(["echo", str(n)], capture_output=True, text=True) for n in range(20)]
        outputs = [done.stdout for done in await asyncio.gather(*runs)]
        async with box.popen("echo one; echo two", shell=True, stdout=PIPE) as program:
            lines = [line async for line in program.stdout_async]
            return outputs, lines, await program.wait_async()

    outputs, lines, returncode = asyncio.run(main())
    assert outputs == [f"{n}\n" for n in range(20)]
    assert (lines, returncode) == ([b"one\n", b"two\n"], 0)


def test_one_that_is_awaited_has_timeouts_checks_and_is_killed_when_cancelled(box):
    async def main():
        with pytest.raises(minicontain.TimeoutExpired) as late:
            await box.exec_async("echo so far; sleep 604", shell=True, stdout=PIPE, timeout=0.3)
        with pytest.raises(minicontain.CalledProcessError):
            await box.exec_async(["false"], check=True)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(box.exec_async(["sleep", "604"]), 0.2)
        return late.value.output

    assert asyncio.run(main()) == b"so far\n"
    soon(lambda: sleeping(box, 604) == 0)


# When it cannot be


def test_it_needs_a_container_that_runs():
    container = Container(["sleep", "600"])
    with pytest.raises(minicontain.StateError, match="not started"):
        container.exec(["true"])
    with container:
        container.kill()
        container.wait()
        for start in (container.exec, container.popen):
            with pytest.raises(minicontain.StateError, match="has ended") as ended:
                start(["true"])
            assert ended.value.code == "ended"
    with pytest.raises(minicontain.StateError, match="closed"):
        container.exec(["true"])


def test_one_that_is_paused_takes_none(box):
    box.pause()
    with pytest.raises(minicontain.StateError, match="resume it first") as paused:
        box.exec(["true"])
    assert paused.value.code == "paused"
    box.resume()
    assert box.exec(["true"]).returncode == 0


def test_a_pause_stops_what_joined_and_a_resume_lets_it_go_on(box):
    with box.popen("while :; do echo; sleep 0.01; done", shell=True, stdout=PIPE, bufsize=0) as program:
        program.stdout.read(1)
        box.pause()
        os.set_blocking(program.stdout.fileno(), False)
        while program.stdout.read(4096):
            pass
        time.sleep(0.1)
        assert not program.stdout.read(4096)
        box.resume()
        os.set_blocking(program.stdout.fileno(), True)
        assert program.stdout.read(1) == b"\n"


def test_a_container_that_ends_meanwhile_is_an_error_and_leaves_nothing():
    seen = set()
    for n in range(60):
        with Container(["sleep", "600"], init=n % 3 != 0) as container:
            killer = threading.Timer(n % 20 * 0.0002, container.kill)
            killer.start()
            try:
                seen.add(container.exec(["true"]).returncode)
            except (minicontain.StateError, minicontain.StartError) as error:
                seen.add(error.code)
            killer.join()
    assert seen <= {0, -9, "ended", "killed_in_setup"}, seen


def test_what_ended_is_told_by_its_descriptor_and_not_by_its_number():
    with Container(["sleep", "600"]) as container:
        pid = container.pid
        container.kill()
        container.wait()
        # The number is free for another process now, and the container does not go by it.
        with pytest.raises(minicontain.StateError, match="ended"):
            container.exec(["true"])
    with pytest.raises(minicontain.StateError, match=str(pid)) as ended:
        minicontain.enter(pid, ["true"])
    assert ended.value.code == "ended"


def test_a_killed_creator_takes_everything_with_it():
    program = textwrap.dedent("""
        import minicontain, sys, time
        container = minicontain.Container(["sleep", "600"]).start()
        inside = container.popen(["sleep", "600"])
        print(container.pid, inside.pid, inside.program_pid or inside.pid, flush=True)
        time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as creator:
        pids = creator.stdout.readline().split()
        creator.kill()
    assert len(pids) == 3
    assert all(gone(pid) for pid in pids)


# Pipes


def test_a_closed_reader_ends_it(box):
    with box.popen(["yes"], stdout=PIPE) as yes:
        yes.stdout.read(10)
        yes.stdout.close()
        assert yes.wait(timeout=60) == -signal.SIGPIPE


def test_full_pipes_stop_neither_side(box):
    data = os.urandom(1 << 20)
    done = box.exec("cat; head -c 1000000 /dev/zero >&2", shell=True, input=data, capture_output=True)
    assert (done.stdout, len(done.stderr)) == (data, 1000000)
    assert box.exec(["true"], input=data).returncode == 0
    with box.popen(["yes"], stdout=PIPE) as yes:
        with pytest.raises(minicontain.TimeoutExpired):
            yes.wait(timeout=0.1)
        yes.kill()
        assert yes.wait() == -9


# Beside any process


def test_a_process_of_a_container_can_be_entered():
    with Container(["sleep", "600"], hostname="box") as container:
        done = minicontain.enter(container.pid, ["hostname"], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "box\n")
        assert minicontain.enter(container.program_pid, ["cat"], input=b"in", stdout=PIPE).stdout == b"in"
        with pytest.raises(minicontain.CalledProcessError):
            minicontain.enter(container.pid, ["false"], check=True)
        with pytest.raises(minicontain.TimeoutExpired):
            minicontain.enter(container.pid, ["sleep", "600"], timeout=0.1)


@pytest.mark.root_only("a process in the caller's own user namespace can be joined by root only")
def test_a_process_that_another_tool_made_can_be_entered():
    command = ["unshare", "--uts", "sh", "-c", "hostname other; echo; exec sleep 600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert minicontain.enter(other.pid, ["hostname"], capture_output=True).stdout == b"other\n"
        other.kill()


# Callers


BIG = """
import json, os, sys, threading, time
import minicontain

size = json.loads(sys.argv[1])
ballast = bytearray(size)
for at in range(0, size, 4096):
    ballast[at] = 1
stop = threading.Event()

def churn():
    while not stop.is_set():
        bytearray(1 << 16)

threads = [threading.Thread(target=churn) for _ in range(8 if size else 0)]
with minicontain.Container(["sleep", "600"]) as container:
    for thread in threads:
        thread.start()
    codes = {container.exec(["true"]).returncode for _ in range(20)}
    stop.set()
    for thread in threads:
        thread.join()
    best = 1e9
    for _ in range(20):
        start = time.perf_counter()
        container.exec(["true"])
        best = min(best, time.perf_counter() - start)
print(json.dumps([sorted(codes), best]))
"""


def test_it_does_not_depend_on_how_large_its_caller_is():
    def measured(size):
        done = subprocess.run([sys.executable, "-c", BIG, str(size)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    (few, small), (many, large) = measured(0), measured(2 << 30)
    assert few == many == [0]
    # A fork of two gigabytes copies a million page table entries: ten milliseconds at the least.
    assert large < small * 2 + 0.003, (small, large)


REPEATED = """
import json, os, sys
import minicontain

def state():
    with open("/proc/self/statm") as statm:
        return len(os.listdir("/proc/self/fd")), int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

with minicontain.Container(["sleep", "600"]) as container:
    for n in range(2200):
        if n == 200:
            before = state()
        assert container.exec(["true"]).returncode == 0
    after = state()
print(json.dumps([before, after]))
"""


def test_two_thousand_leave_no_descriptor_and_no_memory():
    done = subprocess.run([sys.executable, "-c", REPEATED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (descriptors, memory), (descriptors_after, memory_after) = json.loads(done.stdout)
    assert descriptors_after == descriptors
    assert memory_after - memory < 2 << 20
