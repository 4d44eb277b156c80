"""Measure what limits cost: a run, a look at the statistics, and a start beside 1,000 others.

    python benches/limits.py [--quick] [--vm]

Prints tables and writes them to benches/build/limits.md. With --vm also the ratios of runs on cgroups v2, in
the machine of pytests/vm: it is emulated, so its microseconds say nothing. See README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import minicontain
import ours
import peers
import prepare
import report
from exec_peers import oci_run
from measure import Dialogue, Unavailable

# What a run may have: no limit that it meets.
LIMITS: dict[str, dict[str, object]] = {
    "plain": {},
    "memory": {"memory": "64M"},
    "three limits": {"memory": "64M", "pids_limit": 64, "cpus": 1},
    "cgroup=True": {"cgroup": True},
}
THREE = "three limits"
# A run without what takes long: a network and a user namespace, /dev. What limits add stands out in it.
BARE = {
    "rootfs": str(prepare.ROOTFS),
    "namespaces": {"net": "host", "user": "host", "time": "host"},
    **dict.fromkeys(("loopback", "sys", "dev", "tmp"), False),
    "masked_paths": [],
    "readonly_paths": [],
}
# How many microseconds more than the plain run it may take, by the version of the cgroups that limit.
ASKED = {1: 150, 2: 60}
ASKED_STATS = 60
ASKED_RATIO = 1.3
# The files of each, on v1 and on v2. None is what the parent's says: a new cpuset of v1 takes nobody without.
FILES: dict[str, dict[str, str | None]] = {
    "memory": {"memory.limit_in_bytes": "67108864", "memory.max": "67108864"},
    "pids_limit": {"pids.max": "64"},
    "cpus": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000", "cpu.max": "100000"},
    "cgroup": {"cpuset.cpus": None, "cpuset.mems": None},
}
OCI_LIMITS = {
    "memory": {"limit": 64 << 20},
    "pids": {"limit": 64},
    "cpu": {"quota": 100_000, "period": 100_000},
}
FLOOR = prepare.BUILD / "limits-floor"

# Nanoseconds of each run, by variant.
Times = dict[str, list[int]]


@dataclass
class Racer:
    """Someone who runs variants of something, named by their places, and tells the nanoseconds of each."""

    variants: list[str]
    ask: Callable[[list[int]], list[int]]
    close: Callable[[], None] = lambda: None
    every: int = 1  # of so many rounds, it takes part in one


def race(racers: dict[str, Racer], rounds: int, runs: int = 1) -> dict[str, Times | str]:
    """In each round, everyone runs all variants.

    The order is another in each round, since what one run leaves the kernel to do disturbs the next one.
    """
    results: dict[str, Times | str] = {
        name: {variant: [] for variant in racer.variants} for name, racer in racers.items()
    }
    with contextlib.ExitStack() as stack:
        for racer in racers.values():
            stack.callback(racer.close)
        for turn in range(rounds + 1):
            chance = random.Random(turn)
            for name in chance.sample(list(racers), len(racers)):
                racer, times = racers[name], results[name]
                if isinstance(times, str) or turn % racer.every:
                    continue
                places = range(len(racer.variants))
                order = [place for place in chance.sample(places, len(places)) for _ in range(runs)]
                try:
                    answer = racer.ask(order)
                except Unavailable as why:
                    results[name] = str(why)
                    continue
                if turn > 0:  # the first one warms up
                    for place, ns in zip(order, answer):
                        times[racer.variants[place]].append(ns)
    return results


def timed(call: Callable[[], object]) -> int:
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


# Who takes part.


def program(variants: list[str], *argv: str | os.PathLike) -> Racer:
    """A program that reads places, and answers with nanoseconds."""
    dialogue = Dialogue(*argv)
    return Racer(variants, lambda order: dialogue.ask(" ".join(map(str, order))), dialogue.close)


def rust(specs: dict[str, dict], *flags: str) -> Racer:
    arguments = [json.dumps(spec) for spec in specs.values()]
    return program(list(specs), prepare.BUILD / "rust", "--turns", *flags, *arguments)


def python_runs(specs: dict[str, dict]) -> Racer:
    chosen = list(specs.values())
    return Racer(
        list(specs),
        lambda order: [timed(lambda n=n: minicontain.run(check=True, **chosen[n])) for n in order],
    )


def python_stats(specs: dict[str, dict]) -> Racer:
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(minicontain.Container(**spec)) for spec in specs.values()]
        close = stack.pop_all().close
    return Racer(list(specs), lambda order: [timed(running[n].stats) for n in order], close)


def floor() -> tuple[int, Racer]:
    """The cgroups that the library makes, by bare system calls; and the version that limits here."""
    version, variants = 2, {}
    for name, limits in LIMITS.items():
        made = variants[name] = cgroups(limits) if limits else []
        others = [(directory, values) for directory, values in made if directory.version == 1]
        version = 1 if others else version
        if others and others != made:
            variants[f"{name}, but for the v2 tree"] = others
    words = [
        [word for directory, values in made for word in (os.path.dirname(directory), *values)]
        for made in variants.values()
    ]
    return version, program(list(variants), FLOOR, *map(" ".join, words))


def cgroups(limits: dict) -> list[tuple[minicontain.CgroupDirectory, list[str]]]:
    """The directories that a container has for these limits, and what is written there."""
    found = []
    with minicontain.Container(["sleep", "60"], **limits) as container:
        for directory in container.cgroup.directories:
            files = {file: value for field in limits for file, value in FILES[field].items()}
            there = {file: value for file, value in files.items() if Path(directory, file).exists()}
            values = [
                f"{file}={value or Path(directory, file).read_text().strip()}"
                for file, value in there.items()
            ]
            found.append((directory, values))
    return found


def oci(runtime: str) -> Racer:
    """A process of its own for each run: so slow that it takes part in few rounds."""

    def ask(order: list[int]) -> list[int]:
        if runtime in peers.missing():
            raise Unavailable(peers.missing()[runtime])
        commands = [oci_run(runtime, limits) for limits in ({}, OCI_LIMITS)]
        return [commands[place].block(1).ns[0] for place in order]

    return Racer(["plain", THREE], ask, every=25)


# What is measured.


def run_costs(rounds: int, others: dict[str, Racer]) -> tuple[int, dict[str, Times | str]]:
    """A run of /bin/true with each of LIMITS; and the version that limits here."""
    version, calls = floor()
    specs = {name: {"args": ["/bin/true"], **limits} for name, limits in LIMITS.items()}
    bare = {name: {**spec, **BARE} for name, spec in specs.items()}
    racers = {
        "floor": calls,
        "rust, bare": rust(bare),
        "python, bare": python_runs(bare),
        "rust": rust(specs),
        "python": python_runs(specs),
        **others,
    }
    return version, race(racers, rounds)


def stats_costs(rounds: int) -> dict[str, Times | str]:
    """A look at the statistics of a container that sleeps, 20 at a time."""
    specs = {name: {"args": ["sleep", "3600"], **LIMITS[name]} for name in (THREE, "cgroup=True")}
    return race({"rust": rust(specs, "--stats"), "python": python_stats(specs)}, rounds, runs=20)


def creation_costs(limits: dict, count: int) -> list[int]:
    """The start of each of so many containers, all of which live until the last one is there."""

    def container() -> minicontain.Container:
        return minicontain.Container(["sleep", "3600"], **limits)

    with contextlib.ExitStack() as stack:
        for _ in range(5):  # what only the first ones need
            with container():
                pass
        return [timed(lambda: stack.enter_context(container())) for _ in range(count)]


# What is told.


def extra(times: Times, name: str) -> tuple[float, float]:
    """How many µs it took more than the plain run of its round, and how many times as long: the medians."""
    pairs = list(zip(times[name], times["plain"]))
    more = statistics.median(own - plain for own, plain in pairs) / 1000
    return more, statistics.median(own / plain for own, plain in pairs)


def runs_table(version: int, results: dict[str, Times | str]) -> str:
    table = report.row("a run", "with", "median µs", "least µs", "more µs", "× plain", "asked", "")
    table += report.row("---", "---", *["---:"] * 4, "---", "---")
    for name, times in results.items():
        if isinstance(times, str):
            table += report.row(name, times, *[""] * 6)
            continue
        for variant, ns in times.items():
            more, ratio = extra(times, variant)
            asked: tuple[str, ...] = ("", "")
            if variant == THREE and not name.startswith(("floor", "crun", "runc")):
                verdict = report.VERDICTS[more <= ASKED[version]]
                asked = f"≤ {ASKED[version]} µs more (v{version})", verdict
            numbers = f"{statistics.median(ns) / 1000:,.0f}", f"{min(ns) / 1000:,.0f}"
            rest = ("", "") if variant == "plain" else (f"{more:,.0f}", f"{ratio:.2f}")
            table += report.row(name, variant, *numbers, *rest, *asked)
    return table


def ratios_table(version: int, results: dict[str, Times | str]) -> str:
    table = report.row(f"a run, v{version}", "with", "× plain") + report.row("---", "---", "---:")
    for name, times in results.items():
        if isinstance(times, str):
            table += report.row(name, times, "")
            continue
        for variant in list(times)[1:]:
            table += report.row(name, variant, f"{extra(times, variant)[1]:.2f}")
    return table


def stats_table(results: dict[str, Times | str]) -> str:
    table = report.row("stats()", "with", "median µs", "least µs", "asked", "") + report.row(
        "---", "---", "---:", "---:", "---", "---"
    )
    for name, times in results.items():
        if isinstance(times, str):
            table += report.row(name, times, *[""] * 4)
            continue
        for variant, ns in times.items():
            median = statistics.median(ns) / 1000
            verdict = report.VERDICTS[median <= ASKED_STATS]
            table += report.row(
                name, variant, f"{median:,.0f}", f"{min(ns) / 1000:,.0f}", f"≤ {ASKED_STATS} µs", verdict
            )
    return table


def creation_table(count: int) -> str:
    columns = "mean µs of the first 10", "of the last 100", "ratio", "of the medians", "asked", ""
    table = report.row(f"{count:,} alive, python", *columns) + report.row("---", *["---:"] * 4, "---", "---")
    for name in (THREE, "plain"):
        ns = creation_costs(LIMITS[name], count)
        first, last = ns[:10], ns[-100:]
        means = statistics.mean(first) / 1000, statistics.mean(last) / 1000
        ratio = means[1] / means[0]
        asked = (f"≤ {ASKED_RATIO:g}", report.VERDICTS[ratio <= ASKED_RATIO]) if name == THREE else ("", "")
        medians = statistics.median(last) / statistics.median(first)
        table += report.row(
            name, f"{means[0]:,.0f}", f"{means[1]:,.0f}", f"{ratio:.2f}", f"{medians:.2f}", *asked
        )
    return table


def as_many_as_can_live(wanted: int) -> int:
    """Each holds descriptors: as many as the limit on them lets live."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    before = len(os.listdir("/proc/self/fd"))
    with minicontain.Container(["sleep", "3600"], **LIMITS[THREE]):
        each = max(1, len(os.listdir("/proc/self/fd")) - before)
    return min(wanted, (most - before - 100) // each)


def in_machine() -> str:
    """The ratios where cgroups are version 2, from this program in the virtual machine."""
    command = [prepare.REPOSITORY / "pytests" / "vm" / "in-vm", sys.executable, __file__, "--ratios"]
    environment = {**os.environ, "MINICONTAIN_VM_TIMEOUT": "900"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    return done.stdout if done.returncode == 0 else done.stderr


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works, not to quote")
    parser.add_argument("--vm", action="store_true", help="in the virtual machine of pytests/vm, too")
    parser.add_argument("--ratios", action="store_true", help="of runs, by what is built: --vm uses it")
    options = parser.parse_args()
    if options.ratios:
        print(ratios_table(*run_costs(30, {})), end="")
        return 0

    say("building")
    try:
        prepare.BUILD.mkdir(exist_ok=True)
        prepare.build_rootfs()
        prepare.compile_c(FLOOR, "-std=c99", prepare.BENCHES / "limits_floor.c")
        ours.build_rust()
    except Unavailable as why:
        say(f"cannot build: {why}")
        return 1
    facts = report.conditions()
    fewer = 20 if options.quick else 1
    say("measuring runs")
    runs = runs_table(*run_costs(500 // fewer, {runtime: oci(runtime) for runtime in ("crun", "runc")}))
    say("measuring stats()")
    stats = stats_table(stats_costs(max(2, 50 // fewer)))
    say("measuring starts beside others")
    creation = creation_table(as_many_as_can_live(max(200, 1000 // fewer)))
    tables = [", ".join(f"{name} {value}" for name, value in facts.items()) + "\n", runs, stats, creation]
    if options.vm:
        say("measuring in the virtual machine")
        tables.append(in_machine())
    text = "\n".join(tables)
    (prepare.BUILD / "limits.md").write_text(text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
