"""The command line's limits: `run`, `exec`, `update` and `stats`.

Covers: root; an ordinary user with what stands in for a cgroup.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from support import why_no_cgroup
from test_cgroup_limits import version_of
from test_cli import CLI, PATIENCE, cli, problem, said, state_directory  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_cgroup = pytest.mark.skipif(bool(why_no_cgroup()), reason=why_no_cgroup() or "-")

HEAD = ["NAME", "CPU", "%", "MEM", "USAGE", "/", "LIMIT", "MEM", "%", "BLOCK", "I/O", "PIDS"]


@pytest.fixture
def name() -> Iterator[str]:
    """A name, whose container is gone after the test."""
    name = f"test-limits-{os.getpid()}"
    yield name
    cli("rm", "-f", name)


def fields_of(*words: str) -> dict[str, object]:
    """What the options make of a spec."""
    from minicontain.cli.options import container_fields
    from minicontain.cli.parser import parse
    from minicontain.cli.running import COMMANDS

    return container_fields(parse(COMMANDS["run"], [*words, "true"])[0])


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (["-m", "64m", "--memory-swap", "64m"], {"memory": "64m", "memory_swap": "64m"}),
        (["--memory=64m", "--memory-reservation=32m"], {"memory": "64m", "memory_reservation": "32m"}),
        (["--memory-swappiness", "10"], {"memory_swappiness": 10}),
        (["--cpus", "1.5"], {"cpus": 1.5}),
        (["--cpu-period", "50000", "--cpu-quota", "25000"], {"cpu_period": 50_000, "cpu_quota": 25_000}),
        (["-c", "512"], {"cpu_shares": 512}),
        (["--cpu-shares=512"], {"cpu_shares": 512}),
        (["--cpuset-cpus", "0-2,4", "--cpuset-mems", "0"], {"cpuset_cpus": "0-2,4", "cpuset_mems": "0"}),
        (["--pids-limit", "9"], {"pids_limit": 9}),
        (["--pids-limit", "-1"], {}),
        (["--blkio-weight", "300"], {"blkio_weight": 300}),
        (
            ["--device-read-bps", "/dev/x:1mb", "--device-read-bps", "/dev/y:2mb"],
            {"device_read_bps": {"/dev/x": "1mb", "/dev/y": "2mb"}},
        ),
        (["--device-write-bps", "/dev/x:1mb"], {"device_write_bps": {"/dev/x": "1mb"}}),
        (["--device-read-iops", "/dev/x:100"], {"device_read_iops": {"/dev/x": 100}}),
        (["--device-write-iops", "/dev/x:100"], {"device_write_iops": {"/dev/x": 100}}),
        (["--device-cgroup-rule", "c 10:200 rwm"], {"device_cgroup_rules": ["c 10:200 rwm"]}),
        (["--cgroup-parent", "/a", "--cgroup"], {"cgroup_parent": "/a", "cgroup": True}),
        (
            ["--best-effort", "--require", "memory", "-m1g"],
            {"best_effort": True, "require": ["memory"], "memory": "1g"},
        ),
    ],
)
def test_options_are_dockers(words: list[str], fields: dict[str, object]) -> None:
    assert fields_of(*words) == fields


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--cpus", "many"], "--cpus: 'many' is not a number"),
        (["--pids-limit", "9.5"], "--pids-limit: '9.5' is not a number"),
        (["--device-read-bps", "/dev/sda"], "--device-read-bps: '/dev/sda' has no ':'"),
        (["--device-read-iops", "/dev/sda:1mb"], "--device-read-iops: '1mb' is not a number"),
        (["-m", "elephant"], "memory: 'elephant' is not a size"),
        (["-m", "64m", "--memory-swap", "1m"], "memory_swap: 1M is less than memory"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], line: str) -> None:
    status, told, _ = problem("run", *words, "true")
    assert (status, told.startswith(line)) == (125, True), told


def test_explain_shows_what_would_be_set() -> None:
    text = said("explain", "-m", "4000000", "--best-effort", "true")
    assert "4000000" in text


@needs_cgroup
def test_who_wants_more_is_killed() -> None:
    assert cli("run", "-m", "16m", "tail", "/dev/zero").returncode == 137


@needs_cgroup
def test_a_program_that_joins_has_limits_of_its_own(name: str) -> None:
    said("run", "-d", "--name", name, "--cgroup", "sleep", "600")
    assert cli("exec", "-m", "16m", name, "tail", "/dev/zero").returncode == 137
    assert said("exec", "-m", "16m", "--pids-limit", "5", name, "echo", "on") == "on\n"


@needs_cgroup
def test_limits_are_updated(name: str) -> None:
    said("run", "-d", "--name", name, "-m", "64m", "--pids-limit", "20", "sleep", "600")
    assert said("update", "-m", "32m", "--pids-limit", "10", name) == f"{name}\n"
    (one,) = json.loads(said("stats", "--no-stream", "--json", "--interval", "0.1", name))
    assert (one["memory"]["limit"], one["pids"]["limit"]) == (32 << 20, 10)
    status, line, hint = problem("update", name)
    assert (status, line, "-m 64M" in hint) == (125, "there is no limit to change", True)
    if version_of("cpuset") == 1:
        status, line, hint = problem("update", "--cpuset-cpus", "0", name)
        assert (status, "is in no cgroup of its hierarchy" in line, "--cgroup" in hint) == (125, True, True)
        assert "best" not in hint
    assert problem("update", "-m", "32m", "no-such")[1] == "there is no container 'no-such'"


def test_one_without_a_cgroup_is_not_measured(name: str) -> None:
    said("run", "-d", "--name", name, "sleep", "600")
    for words in (["update", "-m", "64m"], ["stats", "--no-stream", "--interval", "0.1"]):
        done = cli(*words, name)
        line, hint = done.stderr.splitlines()
        assert done.returncode == 125
        assert f"the container '{name}' has no cgroup" in line
        assert "--cgroup" in hint


@needs_cgroup
def test_statistics_are_a_table(name: str) -> None:
    said("run", "-d", "--name", name, "--cgroup", "-m", "64m", "sleep", "600")
    for words in ([name], []):
        lines = said("stats", "--no-stream", "--interval", "0.1", *words).splitlines()
        assert lines[0].split() == HEAD
        (row,) = [line.split() for line in lines if line.startswith(f"{name} ")]
        assert row[1].endswith("%")
        assert row[4] == "64MiB"
        assert int(row[-1]) >= 2


@needs_cgroup
def test_statistics_go_on_until_the_container_ends(name: str) -> None:
    said("run", "-d", "--name", name, "--cgroup", "sleep", "600")
    command = [*CLI, "stats", "--json", "--interval", "0.1", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stats:
        looks = [json.loads(stats.stdout.readline()) for _ in range(3)]
        assert all(one["name"] == name and one["cpus"] is not None for (one,) in looks)
        said("kill", name)
        rest = stats.communicate(timeout=PATIENCE)[0].splitlines()
    assert stats.returncode == 0
    assert all(len(json.loads(line)) <= 1 for line in rest)


def test_statistics_of_all_wait_for_containers_and_end_by_a_signal() -> None:
    command = [*CLI, "stats", "--interval", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stats:
        assert stats.stdout.readline().split() == HEAD
        time.sleep(0.2)
        assert stats.poll() is None
        stats.send_signal(signal.SIGINT)
        stats.communicate(timeout=PATIENCE)
    assert stats.returncode == 130
