"""Cgroups by their names: made, limited, lived in, frozen, killed, removed; and what they tell.

Covers: root, and an ordinary user with a cgroup that is delegated to him.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import minicontain
import pytest
from minicontain import Cgroup
from support import check_victims, soon, why_no_cgroup

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(why_no_cgroup()), reason=why_no_cgroup() or "-")

PATIENCE = 120
BOMB = """
import os, sys
sys.stdin.readline()
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
"""Each process of it forks for ever."""
HOG = "read line; exec tail /dev/zero"


@pytest.fixture
def name() -> Iterator[str]:
    """A name that is free, and is so again afterwards."""
    name = f"minicontain-test-{os.getpid()}"
    yield name
    with suppress(minicontain.NoSuchCgroupError), Cgroup.open(name):
        pass


@contextmanager
def program(*command: str, within: Cgroup) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a cgroup; it gets a line when it is there."""
    with subprocess.Popen(command, stdin=subprocess.PIPE) as started:
        try:
            within.add(started.pid)
            started.stdin.write(b"\n")
            started.stdin.flush()
            yield started
        finally:
            started.kill()


def refused(call, kind: type[Exception], code: str) -> None:
    with pytest.raises(kind) as error:
        call()
    assert error.value.code == code


# Made


def test_it_is_made_found_and_removed(name):
    cgroup = Cgroup(name, memory="64M")
    assert cgroup.name == name
    assert all(os.path.isdir(directory) for directory in cgroup.directories)
    assert Cgroup.open(name) == cgroup
    assert hash(Cgroup.open(name)) == hash(cgroup)
    assert cgroup.paths["memory"].path in repr(cgroup)
    refused(lambda: Cgroup(name), FileExistsError, "name_taken")
    cgroup.remove()
    cgroup.remove()
    assert not any(os.path.exists(directory) for directory in cgroup.directories)
    refused(lambda: Cgroup.open(name), LookupError, "cgroup_not_found")


def test_what_was_removed_is_told_so_by_every_call(name):
    cgroup = Cgroup(name)
    cgroup.remove()
    for call in (
        cgroup.stats,
        cgroup.processes,
        cgroup.threads,
        cgroup.freeze,
        cgroup.watch,
        lambda: cgroup.add(os.getpid()),
        lambda: cgroup.set(pids_limit=9),
        lambda: cgroup.read("pids.max"),
        lambda: cgroup.write("pids.max", "9"),
    ):
        refused(call, minicontain.NoSuchCgroupError, "cgroup_not_found")
    cgroup.kill()


def test_leaving_the_block_kills_and_removes(name):
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        with suppress(KeyError), Cgroup(name) as cgroup:
            cgroup.add(sleeper.pid)
            raise KeyError
        assert sleeper.wait() == -9
    refused(lambda: Cgroup.open(name), minicontain.NoSuchCgroupError, "cgroup_not_found")


def test_what_was_only_found_is_not_ended_by_a_block():
    for found in (Cgroup.of(os.getpid()), Cgroup.of(1)):
        with pytest.raises(minicontain.StateError), found:
            pass
    refused(lambda: Cgroup.of(2**22 + 1), minicontain.StateError, "ended")


def test_names_that_cannot_be():
    for wrong in ("", "/etc", "../up", "a//b", "a\nb"):
        with pytest.raises(minicontain.SpecError) as error:
            Cgroup(wrong)
        assert error.value.faults[0].field == "name"


def test_cgroups_nest(name):
    with Cgroup(name, memory="64M", pids_limit=20) as outer:
        inner = outer.child("inner", memory="16M")
        assert inner.name == "inner"
        assert inner.stats().memory.limit == 16 << 20
        assert Cgroup.open(f"{name}/inner") == inner
        with program("sh", "-c", "read line; exec sleep 600", within=inner) as started:
            assert inner.processes() == [started.pid]
            assert outer.processes() == []
            assert outer.stats().pids.current >= 1
            refused(outer.remove, minicontain.StateError, "still_runs")
            assert Cgroup.of(started.pid).paths["pids"].path == inner.paths["pids"].path
        soon(lambda: inner.processes() == [], PATIENCE)


# Limited


def test_limits_are_set_and_what_the_kernel_holds_is_told(name):
    with Cgroup(name) as cgroup:
        assert cgroup.set() == []
        (held,) = [one for one in cgroup.set(memory=4_000_000) if one.written == "4000000"]
        assert held.held == "3997696"
        assert cgroup.read(held.file) == "3997696"
        cgroup.set(cpus=0.25, pids_limit=7, cpu_shares=512)
        stats = cgroup.stats()
        assert (stats.memory.limit, stats.cpu.limit, stats.pids.limit) == (3_997_696, 0.25, 7)
        cgroup.write("pids.max", "max")
        assert cgroup.stats().pids.limit is None
        with pytest.raises(OSError, match="nonsense") as error:
            cgroup.write("pids.max", "nonsense")
        assert isinstance(error.value, minicontain.CgroupError)
        refused(lambda: cgroup.read("no.such.file"), minicontain.NoSuchCgroupError, "cgroup_not_found")


def test_files_have_the_names_of_their_version(name):
    with Cgroup(name, memory="64M") as cgroup:
        directory = cgroup.paths["memory"]
        file = {1: "memory.limit_in_bytes", 2: "memory.max"}[directory.version]
        with open(os.path.join(directory, file)) as opened:
            assert opened.read().strip() == cgroup.read(file) == str(64 << 20)
        assert "memory" in directory.controllers
        other = {1: "memory.max", 2: "memory.limit_in_bytes"}[directory.version]
        refused(lambda: cgroup.read(other), minicontain.NoSuchCgroupError, "cgroup_not_found")
        if "unified" in cgroup.paths:
            assert cgroup.paths["unified"].version == 2
            assert cgroup.read("cgroup.type").startswith("domain")


# Lived in


def test_processes_and_threads_are_listed(name):
    threads = "import sys, threading as t; t.Thread(target=sys.stdin.read).start(); sys.stdin.read()"
    with Cgroup(name) as cgroup, program(sys.executable, "-c", threads, within=cgroup) as started:
        assert cgroup.processes() == [started.pid]
        soon(lambda: len(cgroup.threads()) == 2, PATIENCE)
        assert started.pid in cgroup.threads()
        refused(lambda: cgroup.add(2**22 + 1), minicontain.StateError, "ended")


def test_what_is_used_is_counted(name):
    with Cgroup(name) as cgroup:
        before = cgroup.stats()
        assert before.pids.current == 0
        # What it has from before it was there is not counted.
        grow = "kept=0123456789abcdef; for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do kept=$kept$kept; done"
        work = f"read line; {grow}; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; read line"
        with program("sh", "-c", work, within=cgroup):
            soon(lambda: cgroup.stats().cpu.usage_ns > before.cpu.usage_ns + 1_000_000, PATIENCE)
            during = cgroup.stats()
            assert during.pids.current == 1
            assert during.memory.current > 0
            assert during.to_dict()["cpu"]["usage_ns"] == during.cpu.usage_ns
        assert cgroup.stats().cpu.usage_ns >= during.cpu.usage_ns


# Stopped and killed


def test_what_is_frozen_does_not_count_on(name, tmp_path):
    counter = tmp_path / "counter"
    count = (
        f"read line; n=0; while :; do n=$((n+1)); echo $n >{counter}.new; mv {counter}.new {counter}; done"
    )
    with Cgroup(name) as cgroup, program("sh", "-c", count, within=cgroup):

        def counted() -> int:
            return int(counter.read_text()) if counter.exists() else 0

        soon(lambda: counted() > 3, PATIENCE)
        assert cgroup.frozen is False
        cgroup.freeze()
        assert (cgroup.frozen, cgroup.events().frozen) == (True, True)
        stopped = counted()
        time.sleep(0.5)
        assert counted() == stopped
        cgroup.thaw()
        assert cgroup.frozen is False
        soon(lambda: counted() > stopped + 1, PATIENCE)


def test_what_is_frozen_can_be_killed(name):
    with Cgroup(name) as cgroup, program("sh", "-c", "read line; exec sleep 600", within=cgroup) as started:
        cgroup.freeze()
        cgroup.kill()
        assert started.wait(PATIENCE) == -9


def test_a_fork_bomb_is_killed_to_the_last(name):
    with Cgroup(name, pids_limit=40) as cgroup:
        with program(sys.executable, "-c", BOMB, within=cgroup) as started:
            soon(lambda: cgroup.stats().pids.limit_hits > 0, PATIENCE)
            assert len(cgroup.processes()) <= 40
            cgroup.kill()
            assert cgroup.processes() == []
            assert started.wait(PATIENCE) == -9
        assert cgroup.events().pids_limit > 0


# Events


def test_want_of_memory_is_an_event_and_the_victim_is_named(name):
    with Cgroup(name, memory="16M") as cgroup, cgroup.watch() as watch:
        assert cgroup.events().oom_kills == 0
        with program("sh", "-c", HOG, within=cgroup) as started:
            assert started.wait(PATIENCE) == -9
        seen = []
        soon(lambda: seen.extend(watch.wait(1)) or "oom_kill" in seen, PATIENCE)
        assert cgroup.events().oom_kills == 1
        assert cgroup.stats().memory.limit_hits > 0
        check_victims(cgroup.oom_victims(), started.pid, "tail")


def test_a_watch_is_read_waited_for_and_polled(name):
    with Cgroup(name) as cgroup, cgroup.watch() as watch:
        assert (watch.read(), watch.wait(0)) == ([], [])
        cgroup.freeze()
        assert select.select([watch], [], [], PATIENCE)[0] == [watch]
        assert watch.read() == ["frozen"]
        cgroup.thaw()
        assert watch.wait(PATIENCE) == ["thawed"]
        began = time.monotonic()
        assert watch.wait(0.2) == []
        assert time.monotonic() - began >= 0.2


def test_coming_and_going_are_events(name):
    with Cgroup(name) as cgroup, cgroup.watch() as watch:
        if "unified" not in cgroup.paths:
            pytest.skip("only the tree of version 2 tells of it, and there is none")
        with program("sh", "-c", "read line; exec sleep 600", within=cgroup):
            assert watch.wait(PATIENCE) == ["populated"]
            assert cgroup.events().populated
        assert watch.wait(PATIENCE) == ["empty"]


def test_forks_that_fail_are_an_event(name):
    forks = "read line; (read line) & read line"
    with Cgroup(name, pids_limit=1) as cgroup, cgroup.watch() as watch:
        with program("sh", "-c", forks, within=cgroup):
            seen = []
            soon(lambda: seen.extend(watch.wait(1)) or "pids_limit" in seen, PATIENCE)
        assert cgroup.events().pids_limit >= 1


def test_a_closed_watch_says_so(name):
    with Cgroup(name) as cgroup:
        watch = cgroup.watch()
        watch.close()
        watch.close()
        assert watch.fileno() == -1
        refused(watch.read, minicontain.StateError, "ended")
        refused(lambda: watch.wait(0), minicontain.StateError, "ended")


def test_other_threads_go_on_while_one_waits(name):
    with Cgroup(name) as cgroup, cgroup.watch() as watch:
        happened = []
        waiting = threading.Thread(target=lambda: happened.extend(watch.wait(PATIENCE)))
        began = time.monotonic()
        waiting.start()
        cgroup.freeze()
        waiting.join()
        assert happened == ["frozen"]
        assert time.monotonic() - began < PATIENCE / 2


def test_a_signal_ends_the_waiting(name):
    def late(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, late)
    try:
        with Cgroup(name) as cgroup, cgroup.watch() as watch:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(InterruptedError):
                watch.wait()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_events_are_iterated_until_it_is_removed(name):
    cgroup = Cgroup(name)
    events = iter(cgroup.watch())
    cgroup.freeze()
    assert next(events) == "frozen"
    cgroup.thaw()
    assert next(events) == "thawed"
    cgroup.remove()
    assert "oom_kill" not in list(events)


def test_an_event_loop_waits_for_events_without_a_thread(name):
    async def main() -> None:
        cgroup = Cgroup(name)
        seen, beats = [], 0

        async def look() -> None:
            async for event in cgroup.watch():
                seen.append(event)

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.01)
                beats += 1

        looking, beating = asyncio.create_task(look()), asyncio.create_task(beat())
        await asyncio.sleep(0.1)
        threads = threading.active_count()
        for change, event in ((cgroup.freeze, "frozen"), (cgroup.thaw, "thawed")):
            change()
            deadline = time.monotonic() + PATIENCE
            while event not in seen:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
        with cgroup.watch() as other:
            assert await other.wait_async(timeout=0.05) == []
        assert threading.active_count() == threads
        cgroup.remove()
        await asyncio.wait_for(looking, PATIENCE)
        assert beats > 5
        beating.cancel()

    asyncio.run(main())


def test_a_coroutine_that_is_cancelled_leaves_the_loop_clean(name):
    async def main() -> None:
        with Cgroup(name) as cgroup, cgroup.watch() as watch:
            for _ in range(3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(watch.wait_async(), 0.05)
            cgroup.freeze()
            assert await watch.wait_async(PATIENCE) == ["frozen"]

    asyncio.run(main())
