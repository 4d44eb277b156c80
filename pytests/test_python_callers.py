"""Callers with threads, event loops, pools and forks are safe.

Covers: root and ordinary user.
"""

import asyncio
import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import minicontain
import pytest
from minicontain import PIPE, Container, run

KERNEL = tuple(int(number) for number in os.uname().release.split(".")[:2])
knows_the_status_of_the_reaped = pytest.mark.skipif(
    KERNEL < (6, 15), reason="the status of a process that others reaped is kept by Linux 6.15 and later"
)


def greet(number):
    return run(["sh", "-c", f"echo {number}; cat"], input=b"x" * number, capture_output=True).stdout


def test_thirty_two_threads_run_at_once():
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(greet, range(96)))
    assert answers == [f"{number}\n".encode() + b"x" * number for number in range(96)]


def test_other_threads_go_on_while_one_waits():
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    ticker = threading.Thread(target=tick)
    ticker.start()
    run(["sleep", "1"], capture_output=True)
    stop.set()
    ticker.join()
    assert len(ticks) > 10


def test_runs_inside_an_event_loop():
    async def several():
        return await asyncio.gather(*(asyncio.to_thread(greet, number) for number in range(8)))

    assert asyncio.run(several()) == [f"{number}\n".encode() + b"x" * number for number in range(8)]


def test_an_event_loop_is_told_of_the_end_by_the_pidfd():
    async def end():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with Container(["cat"], stdin=PIPE) as container:
            loop.add_reader(container, future.set_result, None)
            container.stdin.close()
            await asyncio.wait_for(future, 30)
            loop.remove_reader(container)
            return container.poll()

    assert asyncio.run(end()) == 0


# Run where mounting is seen by nobody else.
MOUNTS = """
import os, subprocess
import minicontain

def seen():
    return minicontain.run(["ls", "/mnt"], capture_output=True, text=True).stdout.split()

def mount(name):
    subprocess.run(["mount", "-t", "tmpfs", "none", "/mnt"], check=True)
    open("/mnt/" + name, "w").close()

before = seen()
mount("one")
assert seen() == ["one"]
if (copy := os.fork()) == 0:
    mount("two")
    os._exit(seen() != ["two"])
assert os.waitpid(copy, 0)[1] == 0
assert seen() == ["two"]
# Whoever closes wholesale leaves numbers that become others'.
os.closerange(3, 256)
others = [os.open(os.devnull, os.O_RDONLY) for _ in range(30)]
assert seen() == ["two"]
subprocess.run(["umount", "/mnt", "/mnt"], check=True)
assert seen() == before
assert all(os.path.samestat(os.fstat(other), os.stat(os.devnull)) for other in others)
"""


@pytest.mark.root_only("an ordinary user mounts in a user namespace only")
def test_what_is_mounted_meanwhile_is_seen():
    subprocess.run(["unshare", "--mount", sys.executable, "-c", MOUNTS], check=True)


def test_the_callers_own_children_are_left_alone():
    child = subprocess.Popen(["sleep", "0.3"])
    with Container(["sleep", "60"]) as container:
        container.poll()
        assert run(["true"]).returncode == 0
        assert child.wait() == 0
        assert container.poll() is None


@knows_the_status_of_the_reaped
def test_a_caller_that_reaps_every_child_does_not_lose_the_status():
    script = """
import os, minicontain
with minicontain.Container(["sh", "-c", "exit 3"]) as container:
    assert os.waitpid(-1, 0)[0] == container.pid
    print(container.wait())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "3\n", done.stderr


@knows_the_status_of_the_reaped
def test_a_caller_that_ignores_sigchld_does_not_lose_the_status():
    script = """
import signal, minicontain
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(minicontain.run(["sh", "-c", "exit 3"]).returncode)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "3\n", done.stderr


def in_a_fork(function):
    """Runs a function in a forked copy of this process; its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = function() or 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_forked_copy_does_not_end_the_container():
    container = Container(["cat"], stdin=PIPE, stdout=PIPE).start()

    def forget():
        nonlocal container
        del container
        import gc

        gc.collect()

    def leave():
        with container:
            pass

    assert in_a_fork(forget) == 0
    assert in_a_fork(leave) == 0
    with container:
        assert container.poll() is None
        assert container.communicate(b"alive") == (b"alive", None)


def test_a_forked_copy_runs_containers_of_its_own():
    with Container(["sleep", "60"]):
        assert in_a_fork(lambda: run(["sh", "-c", "exit 3"]).returncode) == 3


def test_forks_while_other_threads_run_containers():
    stop = threading.Event()
    failures = []

    def keep_running():
        while not stop.is_set():
            if run(["echo", "hi"], capture_output=True).stdout != b"hi\n":
                failures.append("output")

    threads = [threading.Thread(target=keep_running) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert [in_a_fork(lambda: run(["true"]).returncode) for _ in range(20)] == [0] * 20
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_a_fork_that_holds_the_pipe_does_not_hold_up_the_run():
    # It is forked between the making of the pipes and their end, and has copies of both ends.
    script = """
import os, threading, time, minicontain
with minicontain.Container("read x; echo answer", shell=True, stdin=-1, stdout=-1) as container:
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    start = time.monotonic()
    print(container.communicate(b"x\\n"), time.monotonic() - start < 20)
os.kill(child, 9)
os.waitpid(child, 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "(b'answer\\n', None) True\n", done.stderr


def test_results_come_back_from_a_pool_of_processes():
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        done = pool.map(run, [["echo", "1"], ["sh", "-c", "exit 2"]])
    assert [each.returncode for each in done] == [0, 2]
    assert all(isinstance(each, minicontain.CompletedProcess) and len(each.trace) > 0 for each in done)


def test_a_signal_handler_that_returns_does_not_end_the_run():
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        done = run(["sh", "-c", "sleep 0.5; echo done"], capture_output=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert done.stdout == b"done\n"
    assert len(seen) >= 2


def test_a_callers_file_mode_mask_is_not_the_containers():
    script = """
import os, minicontain
os.umask(0o077)
seen = minicontain.run(
    "stat -c %a / /dev /dev/shm /dev/null /tmp /proc/keys /sys/firmware; cat /proc/keys; ls /usr >/dev/null",
    shell=True, capture_output=True, text=True, check=True,
)
assert seen.stdout.split() == ["755", "755", "1777", "666", "1777", "444", "555"], seen.stdout
assert os.umask(0) == 0o077
"""
    subprocess.run([sys.executable, "-c", script], check=True)
