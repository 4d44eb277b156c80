"""Measure what networks cost: an address, attaching and detaching, throughput, many containers on one bridge.

    python benches/networks.py [--quick]

As root. All of it happens in network and mount namespaces of its own: the host's links, rules and files stay
as they are. Prints tables and writes them to benches/build/networks.md. See README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ours
import peers
import prepare
import report
from measure import Dialogue, Unavailable, output_of

PROGRAM = prepare.BUILD / "networks"
# Is set where the namespaces are this program's own.
INSIDE = "MINICONTAIN_BENCH_NETWORKS"
PLUGINS = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")
BRIDGE = "bench"
CNI = {
    "cniVersion": "1.0.0",
    "name": "bench",
    "type": "bridge",
    "bridge": BRIDGE,
    "ipam": {"type": "host-local", "subnet": "10.16.8.0/24", "dataDir": "/run/cni"},
}

# A network's container, by what it has more than the first, which has a loopback interface only.
LOOPBACK, ADDRESS = "loopback only", "an address"
VARIANTS: dict[str, dict[str, object]] = {
    LOOPBACK: {},
    ADDRESS: {"networks": ["lab"]},
    "an address and a name": {"networks": ["lab"], "hostname": "box"},
    "an address, a name, a port": {"networks": ["lab"], "hostname": "box", "publish": ["8080:80"]},
}
# A cycle of ours: the link is deleted; or it goes with its namespace, as a container's does.
DELETED, LEFT = "minicontain, the link deleted", "minicontain, the link left to its namespace"
GONE = "gone after"
# What the kernel does to take a namespace down holds the lock that the next one's links need.
REST_MS = 100
ASKED_START_US = 1000
ASKED_END_US = 300
ASKED_CYCLE = 4
ASKED_THROUGHPUT = 0.95
ASKED_CREATION = 1.5


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def us(ns: float) -> str:
    return f"{ns / 1000:,.0f}"


def ms(ns: float) -> str:
    return f"{ns / 1e6:,.2f}"


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def load() -> str:
    return f"load {os.getloadavg()[0]:.2f}"


# A container with an address, beside one without.


def run_turns(spec: dict[str, object], rest_ms: int, rounds: int) -> dict[str, list[dict]]:
    """Each variant once in a round, in an order that changes; what every run took."""
    specs = [json.dumps({**spec, **variant}) for variant in VARIANTS.values()]
    taken: dict[str, list[dict]] = {name: [] for name in VARIANTS}
    with dialogue(PROGRAM, "runs", *specs) as program:
        for turn in range(rounds + 1):
            order = random.Random(turn).sample(range(len(specs)), len(specs))
            answer = program.ask(" ".join(map(str, [rest_ms, *order])))
            if turn > 0:  # the first one warms up
                for place, run in zip(order, answer):
                    taken[list(VARIANTS)[place]].append(run)
    return taken


def runs_table(what: str, key: str, taken: dict[str, list[dict]], asked_us: int | None) -> str:
    """What a variant took more is the median of the differences to the loopback's run of the same round.

    Nothing is decided where those scatter by more than twice what is asked, or where the lower quartiles, in
    which other programs have less part, would decide otherwise.
    """
    columns = "median µs", "quartiles", "least", "more", "quartiles", "of lower quartiles", "of the least"
    table = report.row(what, *columns, "asked", "")
    table += report.row("---", *["---:"] * 7, "---", "---")
    plain = [run[key] for run in taken[LOOPBACK]]
    for name, runs in taken.items():
        ns = [run[key] for run in runs]
        low, middle, high = quartiles(ns)
        cells = [name, us(middle), f"{us(low)} to {us(high)}", us(min(ns))]
        if name == LOOPBACK:
            table += report.row(*cells, *[""] * 6)
            continue
        lower = low - quartiles(plain)[0]
        low, more, high = quartiles([own - other for own, other in zip(ns, plain)])
        cells += [us(more), f"{us(low)} to {us(high)}", us(lower), us(min(ns) - min(plain))]
        asked = ["", ""]
        if asked_us is not None and name == ADDRESS:
            limit = asked_us * 1000
            noisy = high - low > 2 * limit or (more <= limit) != (lower <= limit)
            asked = [f"≤ {asked_us:,} µs more", report.VERDICTS[None if noisy else more <= limit]]
        table += report.row(*cells, *asked)
    return table


def steps_table(taken: dict[str, list[dict]]) -> str:
    """Where the difference is: the acts whose time in the trace differs most, and planning."""
    with_address, without = (acts(taken[name]) for name in (ADDRESS, LOOPBACK))
    table = report.row("where it goes", "who", "loopback, µs", "address, µs") + report.row(
        "---", "---", "---:", "---:"
    )
    more = {act: ns - without.get(act, 0) for act, ns in with_address.items()}
    for act in sorted(more, key=lambda act: -abs(more[act]))[:8]:
        side, what = act
        table += report.row(what, side, us(without.get(act, 0)), us(with_address[act]))
    return table


def acts(runs: list[dict]) -> dict[tuple[str, str], float]:
    """The median of what each act took, by who performs it and what it is."""
    times: dict[tuple[str, str], list[int]] = {("caller", "plan"): [run["plan"] for run in runs]}
    for run in runs:
        sums: dict[tuple[str, str], int] = {}
        for side, what, _, ns in run["steps"]:
            sums[side, what] = sums.get((side, what), 0) + ns
        for act, ns in sums.items():
            times.setdefault(act, []).append(ns)
    return {act: statistics.median(ns) for act, ns in times.items()}


# A network namespace, a link between it and a bridge, and the link's end.


def ip(*words: str) -> None:
    output_of(["ip", *words])


def ip_cycle() -> list[tuple[str, int]]:
    commands = {
        "namespace": "netns add bench",
        "veth": f"link add bench0 up master {BRIDGE} type veth peer name eth0 netns bench",
        "address": "-n bench address add 10.16.8.2/24 dev eth0",
        "up": "-n bench link set eth0 up",
        "delete": "link del bench0",
        "leave the namespace": "netns del bench",
    }
    parts = []
    for part, command in commands.items():
        start = time.perf_counter_ns()
        ip(*command.split())
        parts.append((part, time.perf_counter_ns() - start))
    return parts


def python_with_pyroute2() -> str:
    for python in (sys.executable, "/usr/bin/python3", str(peers.VENV_PYTHON)):
        with contextlib.suppress(Unavailable):
            output_of([python, "-c", "import pyroute2"])
            return python
    peers.install_from_pypi("pyroute2")
    return str(peers.VENV_PYTHON)


def plugins() -> str:
    for directory in PLUGINS:
        if Path(directory, "bridge").exists():
            return directory
    raise Unavailable(
        f"no CNI plugin bridge in {', '.join(PLUGINS)} (Debian's package containernetworking-plugins)"
    )


def cycle_turns(rounds: int) -> dict[str, list[list] | str]:
    """Everyone once in a round, in an order that changes, with a rest between."""
    with contextlib.ExitStack() as stack:
        ip("link", "add", BRIDGE, "type", "bridge")
        stack.callback(ip, "link", "del", BRIDGE)
        ip("address", "add", "10.16.8.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")

        def program(*argv: str | os.PathLike) -> Dialogue:
            return stack.enter_context(dialogue(*argv))

        reasons: dict[str, list[list] | str] = {}
        try:
            directory = plugins()
        except Unavailable as why:
            directory, reasons["CNI bridge and host-local"] = "", str(why)
        core = program(PROGRAM, "cycles", BRIDGE, directory, json.dumps(CNI))
        everyone: dict[str, Callable[[], Any]] = {
            DELETED: lambda: core.ask("delete"),
            LEFT: lambda: core.ask("leave"),
            "CNI bridge and host-local": lambda: core.ask("cni"),
            "ip": ip_cycle,
        }
        try:
            pyroute2 = program(python_with_pyroute2(), prepare.BENCHES / "networks_pyroute2.py", BRIDGE)
            everyone["pyroute2"] = pyroute2.ask
        except Unavailable as why:
            reasons["pyroute2"] = str(why)
        taken: dict[str, list[list] | str] = {name: [] for name in everyone} | reasons
        for turn in range(rounds + 1):
            for name in random.Random(turn).sample(list(everyone), len(everyone)):
                runs = taken[name]
                if isinstance(runs, str):
                    continue
                time.sleep(REST_MS / 1000)
                try:
                    parts = everyone[name]()
                except Unavailable as why:
                    taken[name] = str(why)
                    continue
                if turn > 0:
                    runs.append(parts)
    return taken


def cycles_table(taken: dict[str, list[list] | str]) -> str:
    """A cycle is what its caller waits for."""
    ours = [f"× {name.split(', ')[1]}" for name in (DELETED, LEFT)]
    table = report.row("a cycle", "median ms", "quartiles", "least", *ours, "asked of both", "", "parts")
    table += report.row("---", *["---:"] * 5, "---", "---", "---")
    sums = {name: cycle_sums(runs) for name, runs in taken.items() if not isinstance(runs, str)}
    for name, runs in taken.items():
        if isinstance(runs, str):
            table += report.row(name, runs, *[""] * 7)
            continue
        low, middle, high = quartiles(sums[name])
        cells = [name, ms(middle), f"{ms(low)} to {ms(high)}", ms(min(sums[name]))]
        if name in (DELETED, LEFT):
            cells += [""] * 4
        else:
            pairs = [zip(sums[name], sums[own]) for own in (DELETED, LEFT)]
            ratios = [statistics.median(other / own for other, own in pair) for pair in pairs]
            cells += [f"{ratio:.2f}" for ratio in ratios]
            verdicts = ", ".join(report.VERDICTS[ratio >= ASKED_CYCLE] for ratio in ratios)
            cells += ["", ""] if name == "ip" else [f"≥ {ASKED_CYCLE}", verdicts]
        parts = [
            f"{part} {ms(statistics.median(run[place][1] for run in runs))}"
            for place, (part, _) in enumerate(runs[0])
        ]
        table += report.row(*cells, "; ".join(parts))
    return table


def cycle_sums(runs: list[list]) -> list[float]:
    return [sum(ns for part, ns in run if part != GONE) for run in runs]


# Packets.


@contextlib.contextmanager
def by_hand() -> Iterator[list[str]]:
    """Two network namespaces on a bridge, made with ip, a server in one; what runs a client in the other."""
    with contextlib.ExitStack() as stack:
        ip("link", "add", BRIDGE, "type", "bridge")
        stack.callback(ip, "link", "del", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for n in (2, 3):
            ip("netns", "add", f"bench{n}")
            stack.callback(ip, "netns", "del", f"bench{n}")
            link = f"link add bench{n} up master {BRIDGE} type veth peer name eth0 netns bench{n}"
            ip(*link.split())
            for command in ("link set lo up", f"address add 10.16.8.{n}/24 dev eth0", "link set eth0 up"):
                ip("-n", f"bench{n}", *command.split())
        server = subprocess.Popen(
            ["ip", "netns", "exec", "bench2", "iperf3", "--server", "--forceflush"],
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(server.wait)
        stack.callback(server.kill)
        # What it says after this fits into the pipe.
        if not any("listening" in line for line in server.stdout):
            raise Unavailable("iperf3: no server")
        yield ["ip", "netns", "exec", "bench3", "iperf3", "--json", "--client", "10.16.8.2"]


def throughput(rounds: int, seconds: int) -> tuple[list[float], list[float]]:
    """Bits per second between two containers, and between two namespaces made by hand, in turns."""
    if not shutil.which("iperf3"):
        raise Unavailable("iperf3: not installed")
    containers, plain = [], []
    with by_hand() as client, dialogue(PROGRAM, "iperf3") as program:

        def ask_plain() -> None:
            told = json.loads(output_of([*client, "--time", str(seconds)]))
            plain.append(told["end"]["sum_received"]["bits_per_second"])

        def ask_containers() -> None:
            containers.append(program.ask(str(seconds)))

        for turn in range(rounds):
            both = [ask_plain, ask_containers]
            for ask in both if turn % 2 else reversed(both):
                ask()
    return containers, plain


def throughput_table(rounds: int, seconds: int) -> str:
    table = report.row(
        f"iperf3, TCP, {seconds} s", "median Gbit/s", "least", "most", "× by hand", "asked", ""
    )
    table += report.row("---", *["---:"] * 4, "---", "---")
    try:
        containers, plain = throughput(rounds, seconds)
    except Unavailable as why:
        return table + report.row("two containers", why, *[""] * 5)
    ratio = statistics.median(own / other for own, other in zip(containers, plain))
    for name, rates in {"two namespaces by hand": plain, "two containers": containers}.items():
        numbers = [f"{f(rates) / 1e9:.1f}" for f in (statistics.median, min, max)]
        rest = [f"{ratio:.2f}", f"≥ {ASKED_THROUGHPUT}", report.VERDICTS[ratio >= ASKED_THROUGHPUT]]
        table += report.row(name, *numbers, *(rest if rates is containers else [""] * 3))
    return table


# Many.


def many_table(count: int, rounds: int) -> str:
    columns = (
        "first 20, median ms",
        "last 20",
        "ratio",
        "asked",
        "",
        "end of all, ms",
        "removal of the network, ms",
    )
    table = report.row(f"{count} containers", *columns)
    table += report.row("---", *["---:"] * 3, "---", "---", "---:", "---:")
    specs = {ADDRESS: {"networks": ["lab"]}, LOOPBACK: {}}
    answers: dict[str, list[dict]] = {name: [] for name in specs}
    with dialogue(PROGRAM, "many") as program:

        def ask(name: str, wanted: int) -> dict:
            spec = json.dumps({"args": ["sleep", "3600"], **specs[name]}, separators=(",", ":"))
            answer = program.ask(f"{wanted} {spec}")
            time.sleep(1)  # the kernel has that many namespaces to take down
            return answer

        for name in specs:
            ask(name, 5)
        for _ in range(rounds):
            for name in specs:
                answers[name].append(ask(name, count))
    for name, told in answers.items():
        first = statistics.median(ns for answer in told for ns in answer["starts"][:20])
        last = statistics.median(ns for answer in told for ns in answer["starts"][-20:])
        ratio = statistics.median(
            statistics.median(answer["starts"][-20:]) / statistics.median(answer["starts"][:20])
            for answer in told
        )
        asked = ["", ""]
        if name == ADDRESS:
            asked = [f"≤ {ASKED_CREATION}", report.VERDICTS[ratio <= ASKED_CREATION]]
        ends = [ms(statistics.median(answer[part] for answer in told)) for part in ("end", "remove")]
        table += report.row(name, ms(first), ms(last), f"{ratio:.2f}", *asked, *ends)
    return table


# The whole.


@contextlib.contextmanager
def dialogue(*argv: str | os.PathLike) -> Iterator[Dialogue]:
    program = Dialogue(*argv)
    try:
        yield program
    finally:
        program.close()


def versions() -> dict[str, str]:
    found = {}
    with contextlib.suppress(Unavailable):
        found["ip"] = output_of(["ip", "-V"]).split("-")[-1].split(",")[0].strip()
    with contextlib.suppress(Unavailable):
        found["iperf3"] = output_of(["iperf3", "--version"]).split()[1]
    with contextlib.suppress(Unavailable):
        question = "import importlib.metadata as m; print(m.version('pyroute2'))"
        found["pyroute2"] = output_of([python_with_pyroute2(), "-c", question]).strip()
    return found


def build() -> None:
    prepare.BUILD.mkdir(exist_ok=True)
    manifest = prepare.REPOSITORY / "Cargo.toml"
    output_of(["cargo", "build", "--quiet", "--release", "--manifest-path", manifest, "-p", "minicontain",
               "--example", "networks"])  # fmt: skip
    shutil.copy2(ours.LIBRARIES / "examples" / "networks", PROGRAM)


def enter() -> None:
    """Starts anew in namespaces of its own: what is kept of networks is kept in /run."""
    os.environ[INSIDE] = str(os.getpid())
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])


def measure(quick: bool) -> str:
    tables = [
        ", ".join(f"{name} {value}" for name, value in {**report.conditions(), **versions()}.items()) + "\n"
    ]
    fewer = 10 if quick else 1
    true, cat = {"args": ["/bin/true"]}, {"args": ["/bin/cat"], "stdin": "pipe"}

    say("measuring runs")
    rested = run_turns(true, REST_MS, 60 // fewer)
    what = f"a run of true, {REST_MS} ms after the last, {load()}"
    tables += [runs_table(what, "all", rested, ASKED_START_US), steps_table(rested)]
    hurried = run_turns(true, 0, 60 // fewer)
    tables.append(runs_table(f"a run of true, straight after the last, {load()}", "all", hurried, None))
    say("measuring ends")
    ends = run_turns(cat, REST_MS, 60 // fewer)
    tables.append(
        runs_table(f"from the end of its input to wait() returning, {load()}", "end", ends, ASKED_END_US)
    )
    say("measuring cycles")
    cycles = cycle_turns(40 // fewer)
    tables.append(cycles_table(cycles) + f"\n{load()}\n")
    say("measuring throughput")
    tables.append(throughput_table(2 if quick else 10, 1 if quick else 2) + f"\n{load()}\n")
    say("measuring starts beside others")
    tables.append(many_table(50 if quick else 200, 1 if quick else 3) + f"\n{load()}\n")
    return "\n".join(tables)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works, not to quote")
    options = parser.parse_args()
    if os.environ.get(INSIDE) != str(os.getpid()):
        say("building")
        try:
            build()
        except Unavailable as why:
            say(f"cannot build: {why}")
            return 1
        if os.geteuid() != 0:
            say("networks: to be measured as root only")
            return 0
        enter()
    try:
        output_of(["mount", "-t", "tmpfs", "tmpfs", "/run"])
        ip("link", "set", "lo", "up")
        text = measure(options.quick)
    except Unavailable as why:
        say(f"cannot measure: {why}")
        return 1
    (prepare.BUILD / "networks.md").write_text(text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
