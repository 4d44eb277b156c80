"""What living containers hold: memory of the machine, descriptors and threads of the caller. Beside bwrap.

    python benches/alive.py [COUNT]

Each container sleeps. Memory is what MemAvailable of /proc/meminfo loses for each; it says what a machine
can hold, and other processes' doings are in it too, so the figures are for comparison within one run: the
median of rounds that take turns, each begun and read when the kernel has settled.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minicontain

ROUNDS = 3


def available_kb() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])


def settled_kb() -> int:
    """What is available once the kernel has freed, in the background, what ended before."""
    deadline = time.monotonic() + 30
    before, now = 0, available_kb()
    while abs(now - before) > 512 and time.monotonic() < deadline:
        time.sleep(2)
        before, now = now, available_kb()
    return now


def held(start: Callable[[], Any], end: Callable[[Any], None], count: int) -> tuple[float, float, int]:
    """Memory in KiB and descriptors for each, and how many threads came to be."""
    end(start())  # what only the first one needs is no part of the figure
    memory, descriptors, threads = (
        settled_kb(),
        len(os.listdir("/proc/self/fd")),
        len(os.listdir("/proc/self/task")),
    )
    running = [start() for _ in range(count)]
    answer = (
        (memory - settled_kb()) / count,
        (len(os.listdir("/proc/self/fd")) - descriptors) / count,
        len(os.listdir("/proc/self/task")) - threads,
    )
    for each in running:
        end(each)
    return answer


def end_process(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    rows: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
        "minicontain": (lambda: minicontain.Container(["sleep", "3600"]).start(), lambda c: c.close()),
        "minicontain, no init": (
            lambda: minicontain.Container(["sleep", "3600"], init=False).start(),
            lambda c: c.close(),
        ),
    }
    if shutil.which("bwrap"):
        bwrap = [
            "bwrap",
            "--unshare-all",
            "--die-with-parent",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
        ]
        rows["bwrap"] = (lambda: subprocess.Popen([*bwrap, "sleep", "3600"]), end_process)
    measured: dict[str, list[tuple[float, float, int]]] = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, (start, end) in rows.items():
            measured[name].append(held(start, end, count))
    print(
        "| what | KiB each | in each round | descriptors each | threads |\n| --- | ---: | --- | ---: | ---: |"
    )
    for name, rounds in measured.items():
        memory, descriptors, threads = (statistics.median(column) for column in zip(*rounds, strict=True))
        each = ", ".join(f"{kib:,.0f}" for kib, *_ in rounds)
        print(f"| {name}, {count} | {memory:,.0f} | {each} | {descriptors:.2f} | {threads:g} |", flush=True)


if __name__ == "__main__":
    main()
