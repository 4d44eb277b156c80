"""What is measured, and against which target. A scenario's rows are to be read against one another."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import ours
import peers
from exec_peers import Nsenter, OciExec
from measure import Absent, Measure, Program, Result
from prepare import FLOOR, ROOTFS

# Finds the result of another row of the same scenario, by its name.
Lookup = Callable[[str], Result]


@dataclass(frozen=True)
class Target:
    """What a row is to reach; `met` says whether it did."""

    text: str
    met: Callable[[Result, Lookup], bool]


@dataclass(frozen=True)
class Row:
    name: str
    measure: Measure
    floor: str | None = "floor"  # the row of the same scenario that it is read as a multiple of
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Race:
    """Rows that take turns: `rounds` blocks of `runs` each."""

    rounds: int
    runs: int
    rows: list[Row]


def at_most(factor: float, name: str, plus_us: float = 0) -> Target:
    """The median, against another row's."""
    bound = f"{factor:g} × {name}" if factor != 1 else name
    return Target(
        f"≤ {bound} + {plus_us:,g} µs" if plus_us else f"≤ {bound}",
        lambda own, of: own.median_us <= factor * of(name).median_us + plus_us,
    )


def no_fewer_runs_than(name: str) -> Target:
    """The throughput, against another row's."""
    return Target(f"runs/s ≥ {name}", lambda own, of: own.per_second >= of(name).per_second)


def floor(*flags: str) -> Measure:
    return Program(FLOOR, *flags, root=ROOTFS)


def same_work(*flags: str) -> list[Race]:
    """The floor's work and nothing else: what the library itself costs."""
    rows = [Row("floor", floor(*flags))]
    for face, measure in ours.FACES.items():
        # What the interpreter itself needs for a call and its result, Python may have on top.
        target = at_most(1.15, "floor", plus_us=60 if face == "python" else 0)
        rows.append(Row(face, measure(*flags), targets=(target,)))
        # The floor's plan is made before its clock runs.
        rows.append(Row(f"{face}, planned before", measure(*flags, "--planned"), targets=(target,)))
    return [Race(200, 5, rows)]


def large_caller() -> list[Race]:
    """What the caller's own size costs: nothing, unless its page tables are copied.

    A race for each, since together they would need more memory than many machines have.
    """
    races = []
    for name, measure in {"floor": floor, **ours.FACES}.items():
        small = f"{name}, 10 MB"
        targets = () if name == "floor" else (at_most(1.1, small),)
        races.append(Race(200, 5, sizes(name, measure, targets)))
    for peer in ("subprocess", "sandlock", "pyroute2", "benchexec"):
        name, measure = f"Python: {peer}", functools.partial(peers.python_peer, peer)
        races.append(Race(20, 2, sizes(name, measure)))
    return races


def sizes(name: str, measure: Callable[..., Measure], targets: tuple[Target, ...] = ()) -> list[Row]:
    return [
        Row(f"{name}, 10 MB", measure("--rss", "10"), "floor, 10 MB"),
        Row(f"{name}, 2 GB", measure("--rss", "2048"), "floor, 2 GB", targets),
    ]


def defaults() -> list[Race]:
    """What the shortest call gives, beside what else there is. The floor has bwrap's namespaces, no more."""
    rows = [Row("floor", floor("--net", "--user"))]
    half = (at_most(0.5, "bwrap"),)
    for face, measure in ours.FACES.items():
        rows.append(Row(face, measure("--defaults"), targets=half))
        # bwrap has an init, too. This row tells how much of the one above is ours.
        rows.append(Row(f"{face}, init=False", measure("--defaults", "--no-init"), targets=half))
        rows.append(Row(f"{face}, planned before", measure("--defaults", "--planned"), targets=half))
    for name, argv in {"bwrap": peers.BWRAP, "crun": peers.CRUN, "unshare": peers.UNSHARE}.items():
        rows.append(Row(name, peers.debian_peer(name, argv)))
    for peer in ("subprocess", *peers.PYPI_PACKAGES):
        rows.append(Row(f"Python: {peer}", peers.python_peer(peer)))
    return [Race(50, 3, rows)]


def init() -> list[Race]:
    """What an init as process 1 adds to the floor's work."""
    without = Row("rust, no init", ours.rust())
    with_init = Row("rust, init", ours.rust("--init"), targets=(at_most(1, "rust, no init", plus_us=120),))
    return [Race(200, 5, [Row("floor", floor()), without, with_init])]


def exec_in_running() -> list[Race]:
    """A program in a container that runs: `docker exec` and its like, from a small and a large caller."""
    small = "rust, 10 MB"
    quick = Target("≤ 1 ms", lambda own, _: own.median_us <= 1000)
    rows = [
        Row("floor", floor()),
        Row(small, ours.rust("--exec", "--rss", "10"), targets=(quick, at_most(0.5, "crun exec"))),
        Row("rust, 2 GB", ours.rust("--exec", "--rss", "2048"), targets=(quick, at_most(1.1, small))),
        Row("nsenter", Nsenter()),
    ]
    for runtime, *options in (("crun", "--cgroup-manager=disabled"), ("runc",)):
        name = f"{runtime} exec"
        measure = (
            Absent(peers.missing()[runtime]) if runtime in peers.missing() else OciExec(runtime, *options)
        )
        targets = (at_most(0.5, name),) if runtime == "runc" else ()
        rows.append(Row(name, measure))
        rows[1] = Row(small, rows[1].measure, targets=(*rows[1].targets, *targets))
    return [Race(100, 3, rows)]


def threads() -> list[Race]:
    """Eight threads of one process, all making runs at once."""
    rows = []
    planned = {
        f"{face}, planned before": functools.partial(measure, "--planned")
        for face, measure in ours.FACES.items()
    }
    for name, measure in {"floor": floor, **ours.FACES, **planned}.items():
        one, eight = f"{name}, 1 thread", f"{name}, 8 threads"
        targets = () if name == "floor" else (no_fewer_runs_than(one), at_most(1.2, "floor, 8 threads"))
        rows.append(Row(one, measure("--threads", "1"), "floor, 1 thread"))
        rows.append(Row(eight, measure("--threads", "8"), "floor, 8 threads", targets))
    return [Race(50, 20, rows)]


def import_time() -> list[Race]:
    """What the import adds to a whole Python process."""
    bare = "python -c pass"
    imported = Row("python -c 'import minicontain'", ours.import_module(), None, (at_most(1, bare, 6000),))
    return [Race(40, 1, [Row(bare, ours.python_statement("pass"), None), imported])]


# By the name that --only takes. Functions, since only the chosen ones' peers are to be installed.
SCENARIOS: dict[str, Callable[[], list[Race]]] = {
    "work": same_work,
    "net": functools.partial(same_work, "--net"),
    "user": functools.partial(same_work, "--user"),
    "large": large_caller,
    "defaults": defaults,
    "init": init,
    "exec": exec_in_running,
    "threads": threads,
    "import": import_time,
}
