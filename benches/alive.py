"""What living containers hold: memory of the machine, descriptors and threads of the caller. Beside bwrap.

    python benches/alive.py [COUNT]

Each container sleeps. Memory is what MemAvailable of /proc/meminfo loses for each; it says what a machine
can hold, and other processes' doings are in it too, so the figures are for comparison within one run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minicontain


def available_kb() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])


def held(start: Callable[[], Any], end: Callable[[Any], None], count: int) -> tuple[float, float, int]:
    """Memory in KiB and descriptors for each, and how many threads came to be."""
    end(start())  # what only the first one needs is no part of the figure
    time.sleep(0.5)
    memory, descriptors, threads = (
        available_kb(),
        len(os.listdir("/proc/self/fd")),
        len(os.listdir("/proc/self/task")),
    )
    running = [start() for _ in range(count)]
    time.sleep(1)
    answer = (
        (memory - available_kb()) / count,
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
    print("| what | KiB each | descriptors each | threads |\n| --- | ---: | ---: | ---: |")
    for name, (start, end) in rows.items():
        memory, descriptors, threads = held(start, end, count)
        print(f"| {name}, {count} | {memory:,.0f} | {descriptors:.2f} | {threads} |", flush=True)


if __name__ == "__main__":
    main()
