"""Copies of this process in other namespaces: clone.

Covers: root and ordinary user.
"""

import ctypes
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import minicontain
import pytest
from minicontain import (
    CLONE_FS,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    Namespace,
    clone,
    namespaces,
)
from namespace_kinds import FLAGS, KINDS, raise_loopback, set_hostname
from support import PATIENCE, ROOT, in_threads


def test_a_copy_is_in_new_ones_with_each_flag():
    for kind, flag in FLAGS.items():
        if not ROOT:
            flag |= CLONE_NEWUSER
        with clone(time.sleep, flag, [600]) as child:
            shared = child.namespaces.shared_with("self")
            assert set(KINDS) - set(shared) == {kind, *(() if ROOT else ("user",))}
    with clone(time.sleep, sum(FLAGS.values()), [600]) as child:
        assert child.namespaces.shared_with("self") == []
    with clone(time.sleep, 0, [600]) as child:
        assert child.namespaces.shared_with("self") == list(KINDS)


def test_the_copy_is_root_where_it_maps_root():
    def work() -> int:
        assert (os.getuid(), os.getgid(), os.getpid()) == (0, 0, 1)
        raise_loopback()
        with socket.create_server(("127.0.0.1", 80)) as server:
            assert server.getsockname()[1] == 80
        with Namespace.new("net") as net:
            assert net.is_current
        set_hostname("copy")
        return 42

    flags = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS
    assert clone(work, flags, map_root=True).wait() == 42
    assert clone(lambda: int(os.getuid() == 0), CLONE_NEWUSER).wait() == 0


def status(function, *args, **kwargs) -> int:
    return clone(function, CLONE_NEWUSER, args, kwargs).wait(PATIENCE)


def test_what_the_function_gives_is_the_exit_status(capfd):
    assert [status(lambda: None), status(lambda: 0), status(lambda: 3), status(lambda: 258)] == [0, 0, 3, 2]
    assert [status(sys.exit), status(sys.exit, 4), status(sys.exit, True)] == [0, 4, 1]
    assert capfd.readouterr() == ("", "")
    assert status(sys.exit, "told") == status(lambda: "told") == 1
    assert capfd.readouterr().err == "told\ntold\n"
    assert status(divmod, 1, 0) == 1
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert status(os._exit, 5) == 5
    assert status(lambda *args, **kwargs: len(args) + kwargs["more"], 1, 2, more=3) == 5

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(600)

    assert status(interrupted) == 1
    assert "KeyboardInterrupt" in capfd.readouterr().err


def test_what_is_buffered_is_written_once():
    program = """
import sys, minicontain
print("before", end=" ")
child = minicontain.clone(lambda: print("inside", end=" "), minicontain.CLONE_NEWUSER)
child.wait()
print("after", end="")
try:
    minicontain.clone(sys.exit, minicontain.CLONE_NEWUSER).wait()
finally:
    print(" once")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("before inside after once\n", "")


def test_output_that_is_no_file_goes_to_the_process(capfd, monkeypatch):
    class Cell:
        """As of a notebook: written by a thread that is not in the copy."""

        def write(self, text: str) -> None:
            raise AssertionError(text)

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stdout", Cell())
    assert status(print, "inside") == 0
    monkeypatch.setattr(sys, "stdout", None)
    assert status(print, "again") == 0
    assert capfd.readouterr().out == "inside\nagain\n"


def test_a_copy_is_waited_for_and_ended():
    child = clone(time.sleep, CLONE_NEWUSER, [600])
    assert (child.poll(), child.returncode, "running" in repr(child)) == (None, None, True)
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired) as late:
        child.wait(0.1)
    assert (late.value.cmd, late.value.timeout) == ("sleep", 0.1)
    assert 0.1 <= time.monotonic() - began < PATIENCE
    with pytest.raises(ValueError, match="not a number"):
        child.wait(float("nan"))
    assert select.select([child], [], [], 0)[0] == []
    child.terminate()
    assert select.select([child], [], [], PATIENCE)[0] == [child]
    assert (child.wait(), child.poll(), child.returncode) == (-15, -15, -15)
    assert "-15" in repr(child)
    for call in (child.kill, child.terminate, lambda: child.send_signal(0)):
        call()
    with pytest.raises(minicontain.NoSuchNamespaceError):
        _ = child.namespaces
    with pytest.raises(KeyError), clone(time.sleep, CLONE_NEWUSER, [600]) as child:
        raise KeyError
    assert child.returncode == -9


def test_several_threads_wait_for_one():
    child = clone(time.sleep, CLONE_NEWUSER, [600])
    given = []
    with in_threads(4, lambda: given.append(child.wait())):
        child.kill()
    assert given == [-9] * 4


def test_a_signal_ends_the_waiting():
    def late(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, late)
    try:
        with clone(time.sleep, CLONE_NEWUSER, [600]) as child:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(InterruptedError):
                child.wait()
            assert child.poll() is None
    finally:
        signal.signal(signal.SIGALRM, before)


def test_one_that_is_forgotten_is_reaped_later():
    pids = []
    with pytest.warns(ResourceWarning, match="forgotten"):
        pids.append(clone(time.sleep, CLONE_NEWUSER, [0.2]).pid)
    deadline = time.monotonic() + PATIENCE
    while os.path.exists(f"/proc/{pids[0]}"):
        assert time.monotonic() < deadline
        clone(int, CLONE_NEWUSER).wait()


def test_copies_of_a_process_with_threads():
    stop = threading.Event()

    def busy() -> None:
        held = threading.Lock()
        while not stop.is_set():
            with held:
                " ".join(map(str, range(100)))
                ctypes.CDLL(None).malloc_trim(0)

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()

    def work(number: int) -> int:
        thread = threading.Thread(target=lambda: "x" * 100_000)
        thread.start()
        thread.join()
        return threading.active_count() + number % 50

    try:
        for number in range(100):
            with clone(work, CLONE_NEWUSER | CLONE_NEWPID, [number]) as child:
                assert child.wait(60) == 1 + number % 50
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_threads_make_copies_at_once():
    wrong = []

    def many() -> None:
        for number in range(20):
            with clone(lambda: number, CLONE_NEWUSER | CLONE_NEWPID) as child:  # noqa: B023
                if child.wait(60) != number:
                    wrong.append(number)

    with in_threads(4, many):
        pass
    assert wrong == []


def test_a_copy_makes_copies_and_containers():
    def work() -> int:
        inner = clone(lambda: 7, CLONE_NEWPID | CLONE_NEWNET)
        return inner.wait() + minicontain.run(["sh", "-c", "exit 35"]).returncode

    assert clone(work, CLONE_NEWUSER | CLONE_NEWNS, map_root=True).wait() == 42


def test_hooks_of_a_fork_are_called():
    program = """
import os, minicontain
seen = []
os.register_at_fork(
    before=lambda: seen.append("before"),
    after_in_parent=lambda: seen.append("parent"),
    after_in_child=lambda: seen.append("child"),
)
flags = minicontain.CLONE_NEWUSER
assert minicontain.clone(lambda: seen != ["before", "child"], flags).wait() == 0
assert seen == ["before", "parent"]
try:
    minicontain.clone(int, 1 << 8)
except ValueError:
    assert seen == ["before", "parent"] * 2
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_garbage_is_refused_before_anything_is_copied():
    for wrong in (None, 3, "text"):
        with pytest.raises(TypeError):
            clone(wrong, CLONE_NEWUSER)
    with pytest.raises(minicontain.SpecError) as error:
        clone(int, CLONE_FS)
    assert error.value.faults[0].field == "flags"
    with pytest.raises(minicontain.SpecError) as error:
        clone(int, CLONE_NEWNET, map_root=True)
    assert error.value.faults[0].field == "map_root"
    with pytest.raises(OverflowError):
        clone(int, -1)
    for wrong in ("flags", None, 1.5):
        with pytest.raises(TypeError):
            clone(int, wrong)
    with pytest.raises(TypeError):
        clone(int, CLONE_NEWUSER, 3)
    with pytest.raises((TypeError, ValueError)):
        clone(int, CLONE_NEWUSER, (), "text")
    with clone(time.sleep, CLONE_NEWUSER, [600]) as child:
        with pytest.raises(ValueError, match="KILL"):
            child.send_signal("KILL")
        with pytest.raises(OSError, match="signal"):
            child.send_signal(1000)


def test_no_descriptor_is_left():
    user = Namespace.new("user")

    def everything() -> None:
        net = Namespace.new("net", user=user)
        namespaces().shared_with(namespaces(os.getpid()))
        Namespace.open(net)
        assert net.owner == user
        clone(int, CLONE_NEWUSER).wait()
        for wrong in (
            lambda: Namespace.open("/dev/null"),
            lambda: user.call(int),
            lambda: clone(int, 1 << 8),
        ):
            with suppress(minicontain.Error):
                wrong()
        if ROOT:
            with Namespace.new("uts") as uts:
                uts.call(int)

    everything()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        everything()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
