"""A caller with many busy threads starts containers from all of them, and nothing hangs, mixes or leaks.

Covers: root and ordinary user (whoever runs the tests); no cgroups.
"""

from __future__ import annotations

import concurrent.futures
import faulthandler
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import minicontain
import numpy as np
import pytest
from support import descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STARTERS = 32
STARTS = 2000
WATCHDOG = 600
"""Seconds after which a deadlock is shown, with every thread's stack, and ends the tests."""


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[None]:
    """Ends a deadlock: a thread that hangs in the kernel cannot be ended by an exception."""
    with open(os.dup(sys.__stderr__.fileno()), "w") as stderr:
        faulthandler.dump_traceback_later(WATCHDOG, exit=True, file=stderr)
        yield
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def meanwhile(work: Callable[[], None], threads: int) -> Iterator[list[int]]:
    """Threads that do the same work over and over; how often each has done it."""
    stop = threading.Event()
    counts = [0] * threads
    errors: list[BaseException] = []

    def loop(number: int) -> None:
        try:
            while not stop.is_set():
                work()
                counts[number] += 1
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=loop, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield counts
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert not errors, errors


def start(number: int) -> tuple[int, bytes]:
    """A container whose result nobody else has."""
    done = minicontain.run(["sh", "-c", f"echo {number}; exit {number % 251}"], capture_output=True)
    return done.returncode, done.stdout


def right(number: int) -> tuple[int, bytes]:
    return number % 251, b"%d\n" % number


def start_many(count: int, meantime: Callable[[], None], threads: int) -> None:
    """Starts containers from many threads beside busy ones; each has its result, and none keeps a file."""
    start(0)
    before = descriptors()
    with meanwhile(meantime, threads) as counts, concurrent.futures.ThreadPoolExecutor(STARTERS) as pool:
        results = list(pool.map(start, range(count)))
    assert results == [right(number) for number in range(count)]
    assert all(counts)
    assert len(descriptors()) <= len(before)


def allocate() -> None:
    """Small and large blocks, from Python's allocator and the C library's, at times without the GIL."""
    blocks = [bytearray(size) for size in (16, 1 << 10, 1 << 17, 1 << 20)]
    matrix = np.ones((64, 64))
    assert (matrix @ matrix)[0, 0] == 64
    np.sort(np.arange(1 << 14)[::-1])
    del blocks


def test_two_thousand_starts_while_others_allocate_and_free() -> None:
    start_many(STARTS, allocate, STARTERS)


def test_starts_while_others_fork() -> None:
    def fork() -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 7

    start_many(400, fork, 4)


def test_starts_while_others_use_subprocess() -> None:
    def call() -> None:
        done = subprocess.run(["sh", "-c", "echo other; exit 3"], capture_output=True)
        assert (done.returncode, done.stdout) == (3, b"other\n")

    start_many(400, call, 4)


def test_failing_starts_from_many_threads_each_tell_their_own_reason() -> None:
    def fail(number: int) -> str | None:
        try:
            start_missing(number)
        except FileNotFoundError as error:
            return error.filename
        return None

    def start_missing(number: int) -> None:
        minicontain.run([f"no-such-program-{number}"])

    with meanwhile(allocate, 8), concurrent.futures.ThreadPoolExecutor(STARTERS) as pool:
        names = list(pool.map(fail, range(200)))
    assert names == [f"no-such-program-{number}" for number in range(200)]


def test_the_comparison_finds_a_mixed_result() -> None:
    assert start(300) == right(300) != right(301)
