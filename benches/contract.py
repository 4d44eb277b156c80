"""The command line and the answer of floor.c and of every program measured beside it, for those in Python.

    PROGRAM [--net] [--user] [--defaults [--no-init]] [--planned] [--rss MIB] [--threads T] [--repeat]
            ROOTDIR N

A program hands `main` the function that makes one run; parsing, warming up, timing and printing happen here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import sys
import threading
import time
from collections.abc import Callable

MIB = 1024 * 1024


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", action="store_true", help="a new network namespace too")
    parser.add_argument("--user", action="store_true", help="a new user namespace too")
    parser.add_argument("--defaults", action="store_true", help="the shortest call; ROOTDIR is not used")
    parser.add_argument("--no-init", action="store_true", help="that without an init")
    parser.add_argument("--planned", action="store_true", help="plan once, before the clock runs")
    parser.add_argument("--rss", type=int, default=0, metavar="MIB", help="be this large first")
    parser.add_argument("--threads", type=int, default=0, metavar="T", help="run from T threads at once")
    parser.add_argument("--repeat", action="store_true", help="answer once for every line of standard input")
    parser.add_argument("root", metavar="ROOTDIR")
    parser.add_argument("runs", metavar="N", type=int)
    return parser.parse_args()


def main(prepare: Callable[[argparse.Namespace], Callable[[], None]]) -> None:
    """Time the runs of what `prepare(options)` returns, and print the answer. A run that fails raises."""
    options = parse()
    run = prepare(options)
    ballast = resident(options.rss)
    for _ in sys.stdin if options.repeat else [""]:
        print(json.dumps(answer(run, options)), flush=True)
    del ballast  # until here it had to stay


def answer(run: Callable[[], None], options: argparse.Namespace) -> list[int] | dict:
    if options.threads:
        ns, per_second = time_threads(run, options.runs, options.threads)
        return {"ns": ns, "per_second": round(per_second, 1)}
    run()  # not counted: it warms caches
    return time_runs(run, options.runs)


def time_runs(run: Callable[[], None], count: int) -> list[int]:
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - start)
    return times


def time_threads(run: Callable[[], None], count: int, threads: int) -> tuple[list[int], float]:
    """Each thread makes `count` runs; the clock runs from the first one's start to the last one's end."""
    barrier = threading.Barrier(threads)
    spans: list[tuple[int, int]] = []
    times: list[int] = []

    def work() -> None:
        try:
            run()
            barrier.wait()
        except BaseException:
            barrier.abort()
            raise
        start = time.perf_counter_ns()
        mine = time_runs(run, count)
        spans.append((start, time.perf_counter_ns()))
        times.extend(mine)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if len(spans) < threads:
        raise SystemExit("a thread's run failed")
    seconds = (max(end for _, end in spans) - min(start for start, _ in spans)) / 1e9
    return times, len(times) / seconds


def resident(mib: int) -> mmap.mmap | None:
    """That much resident memory, in small pages, since it is their number that makes a fork slow."""
    if mib == 0:
        return None
    memory = mmap.mmap(-1, mib * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel without huge pages: as good
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(0, len(memory), mmap.PAGESIZE):
        memory[page] = 1
    return memory
