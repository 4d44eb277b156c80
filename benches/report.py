"""The results: a table for people, records for programs."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path

from measure import Result
from scenarios import Lookup, Row

HEADER = """\
| scenario | what | median µs | × floor | runs/s | target | |
| --- | --- | ---: | ---: | ---: | --- | --- |
"""
VERDICTS = {True: "met", False: "not met", None: "?"}


def conditions() -> dict[str, str | int]:
    """What a figure depends on besides the code. Taken before measuring: the load is what else goes on."""
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "root": "yes" if os.geteuid() == 0 else "no",
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def records(scenario: str, rows: list[Row], results: dict[str, Result]) -> list[dict]:
    """One a row, in the table's order."""
    return [{"scenario": scenario, **record(row, results.__getitem__)} for row in rows]


def record(row: Row, of: Lookup) -> dict:
    own = of(row.name)
    answer: dict = {"what": row.name, "targets": [target.text for target in row.targets]}
    if not own.measured:
        return {**answer, "reason": own.reason}
    low, _, high = statistics.quantiles(own.ns, n=4)
    answer.update(median_us=own.median_us, quartiles_us=[low / 1000, high / 1000], runs=len(own.ns))
    if own.rates:
        answer["per_second"] = own.per_second
    if row.floor and of(row.floor).measured:
        answer["times_floor"] = own.median_us / of(row.floor).median_us
    if row.targets:
        try:
            answer["met"] = all(target.met(own, of) for target in row.targets)
        except statistics.StatisticsError:  # the row that it is held against was not measured
            answer["met"] = None
    return answer


def markdown(facts: dict[str, str | int], answers: list[dict]) -> str:
    table = ", ".join(f"{name} {value}" for name, value in facts.items()) + "\n\n" + HEADER
    previous = None
    for answer in answers:
        scenario = answer["scenario"] if answer["scenario"] != previous else ""
        table += "| " + " | ".join([scenario, answer["what"], *figures(answer), *verdict(answer)]) + " |\n"
        previous = answer["scenario"]
    return table


def row(*cells: object) -> str:
    """Of a table."""
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |\n"


def figures(answer: dict) -> list[str]:
    if "median_us" not in answer:
        return [answer["reason"].replace("|", "\\|"), "", ""]
    return [
        f"{answer['median_us']:,.0f}",
        f"{answer['times_floor']:.2f}" if "times_floor" in answer else "",
        f"{answer['per_second']:,.0f}" if "per_second" in answer else "",
    ]


def verdict(answer: dict) -> list[str]:
    return ["; ".join(answer["targets"]), VERDICTS[answer["met"]] if "met" in answer else ""]
