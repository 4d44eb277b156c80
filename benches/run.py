"""Measure what a container costs: the kernel's floor, minicontain and its peers, in one run, taking turns.

    python benches/run.py [--quick] [--only SCENARIO]...

Prints a Markdown table and writes it to benches/build/results.md, with results.json beside it. A missed
target is reported, not raised: the exit status is 0 unless the harness itself failed. See README.md.
"""

from __future__ import annotations

import argparse
import json
import sys

import peers
import prepare
import report
from measure import Unavailable
from scenarios import SCENARIOS
from turns import take_turns


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works, not to quote")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="this one alone; may be repeated")
    return parser.parse_args()


def say(text: str) -> None:
    """What goes on, where the table does not go."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    options = parse()
    say("building")
    try:
        prepare.build_floor()
        prepare.build_rootfs()
    except Unavailable as why:
        say(f"cannot build the floor: {why}")
        return 1
    say("preparing minicontain and its peers")
    chosen = {name: make() for name, make in SCENARIOS.items() if name in (options.only or SCENARIOS)}
    facts = {**report.conditions(), **peers.versions()}

    answers = []
    for name, races in chosen.items():
        say(f"measuring {name}")
        results = {}
        for race in races:
            rounds = max(2, race.rounds // 10) if options.quick else race.rounds
            results.update(take_turns({row.name: row.measure for row in race.rows}, race.runs, rounds))
        answers += report.records(name, [row for race in races for row in race.rows], results)

    table = report.markdown(facts, answers)
    (prepare.BUILD / "results.md").write_text(table)
    everything = json.dumps({"conditions": facts, "rows": answers}, indent=1)
    (prepare.BUILD / "results.json").write_text(everything + "\n")
    print(table, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
