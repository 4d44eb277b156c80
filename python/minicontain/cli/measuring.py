"""`stats` and `update`: what containers use, and what they may."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from ..errors import Error, StateError
from .ending import attached, each
from .failures import FAILED, Failure, report
from .limits import LIMITS, limit_fields
from .options import seconds
from .parser import Command, Option

if TYPE_CHECKING:
    from ..container import Container
    from ..stats import Meter, Sample
    from .parser import Values

_NO_CGROUP = "run it with a limit, or with --cgroup"


def stats(values: Values, rest: list[str]) -> int:
    """`minicontain stats`."""
    interval = seconds("--interval", values.get("interval", "1"))
    if interval <= 0:
        raise Failure("--interval: no time is not a time", "write a number of seconds")
    status, measured = _chosen(rest)
    _sample(measured)
    end = time.monotonic()
    while measured or not rest:
        # What it uses of the CPUs takes two looks.
        end = max(end + interval, time.monotonic())
        time.sleep(end - time.monotonic())
        samples = _sample(measured)
        _show(values, samples)
        if values.get("no_stream"):
            break
        if not rest:
            _find(measured)
    return status


_Measured = dict[str, "tuple[Container[Any], Meter]"]


def _chosen(names: list[str]) -> tuple[int, _Measured]:
    """What is to be measured: those that are named, or all that can be."""
    from ..stats import Meter

    measured: _Measured = {}
    if not names:
        _find(measured)
        return 0, measured
    status = 0
    for name in names:
        try:
            container = attached(name)
            if container.cgroup is None:
                raise Failure(f"the container '{name}' has no cgroup that would measure it", _NO_CGROUP)
        except (Error, Failure) as error:  # noqa: PERF203
            report(error)
            status = FAILED
        else:
            measured[name] = container, Meter()
    return status, measured


def _find(measured: _Measured) -> None:
    """Those that came meanwhile."""
    from .. import containers
    from ..stats import Meter

    for one in containers():
        if one.state != "exited" and one.name not in measured:
            try:
                container = attached(one.name)
            except Error:  # it has ended meanwhile
                continue
            if container.cgroup is not None:
                measured[one.name] = container, Meter()


def _sample(measured: _Measured) -> dict[str, Sample]:
    """What each uses; those that have ended are measured no more."""
    samples = {}
    for name, (container, meter) in list(measured.items()):
        sample = container._sample(meter)
        if sample is None:
            del measured[name]
        else:
            samples[name] = sample
    return samples


def _show(values: Values, samples: dict[str, Sample]) -> None:
    if values.get("json"):
        print(
            json.dumps([{"name": name, **sample.to_dict()} for name, sample in samples.items()]), flush=True
        )
        return
    rows = [
        ("NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "BLOCK I/O", "PIDS"),
        *(_row(name, sample) for name, sample in samples.items()),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
    # On a terminal, over what was there.
    if sys.stdout.isatty() and not values.get("no_stream"):
        print("\033[H\033[J", end="")
    print("\n".join(lines), flush=True)


def _row(name: str, sample: Sample) -> tuple[str, ...]:
    memory, io = sample.memory, sample.io
    used = percent = "-"
    if memory is not None and memory.current is not None:
        limit = "-" if memory.limit is None else _bytes(memory.limit)
        used = f"{_bytes(memory.current)} / {limit}"
        percent = "-" if not memory.limit else f"{100 * memory.current / memory.limit:.2f}%"
    moved = "-"
    if io is not None:
        read = sum(of.read_bytes for of in io.values())
        written = sum(of.write_bytes for of in io.values())
        moved = f"{_bytes(read)} / {_bytes(written)}"
    cpus = "-" if sample.cpus is None else f"{100 * sample.cpus:.2f}%"
    pids = "-" if sample.pids is None else str(sample.pids.current)
    return name, cpus, used, percent, moved, pids


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.4g}{unit}"
        count /= 1024
    return f"{count:.4g}GiB"


def update(values: Values, rest: list[str]) -> int:
    """`minicontain update`."""
    limits = limit_fields(values)
    if not limits:
        raise Failure(
            "there is no limit to change", "write it before the name: minicontain update -m 64M NAME"
        )

    def one(name: str) -> None:
        container = attached(name)
        if container.cgroup is None:
            raise Failure(f"the container '{name}' has no cgroup that could limit it", _NO_CGROUP)
        try:
            container.cgroup.set(**limits)
        except StateError:
            # It has ended meanwhile, if that is why.
            attached(name)
            raise

    return each(rest, one)


COMMANDS = {
    "stats": Command(
        "stats",
        "[OPTIONS] [NAME...]",
        "Shows what containers use, again and again.",
        stats,
        (
            Option(("--no-stream",), "only once"),
            Option(("--interval",), "how long from one look to the next (default: 1)", "SECONDS"),
            Option(("--json",), "as JSON, a line each time"),
        ),
        more="A container is measured if it has a cgroup of its own: run it with a limit, or with --cgroup.",
    ),
    "update": Command(
        "update",
        "[OPTIONS] NAME...",
        "Changes the limits of containers that run.",
        update,
        LIMITS,
        least=1,
    ),
}
