"""What a container may use of the host is held, and told: memory, CPU time, processes.

Covers: root; an ordinary user, with a cgroup that is delegated to him or with what stands in for one.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import minicontain
import pytest
from minicontain import Cgroup, Container, run
from support import check_victims, soon, why_no_cgroup, why_no_cpuset

PATIENCE = 120
HOG = ["tail", "/dev/zero"]
"""It waits for the end of a line that does not end, and so takes memory without end."""
BUSY = "while :; do :; done"
FORKS = """
import os, time
made = 0
try:
    while made < 50:
        if os.fork() == 0:
            time.sleep(600)
        made += 1
except OSError as error:
    print(made, error.strerror)
"""

needs_cgroup = pytest.mark.skipif(bool(why_no_cgroup()), reason=why_no_cgroup() or "-")
needs_cpuset = pytest.mark.skipif(bool(why_no_cpuset()), reason=why_no_cpuset() or "-")
needs_no_cgroup = pytest.mark.skipif(not why_no_cgroup(), reason="this user can make cgroups")


def version_of(controller: str) -> int:
    with Cgroup(f"minicontain-test-{os.getpid()}") as cgroup:
        return cgroup.paths[controller].version


# Memory


@needs_cgroup
def test_who_wants_more_memory_is_killed_and_named():
    done = run(HOG, memory="16M")
    assert (done.reason, done.returncode, done.oom_killed) == ("oom", -9, True)
    assert done.oom_kills == done.stats.memory.oom_kills == 1
    assert done.stats.memory.limit == 16 << 20
    assert done.stats.memory.limit_hits > 0
    assert done.stats.memory.peak <= 16 << 20
    assert done.enforced["memory"].state == "enforced"
    check_victims(done.oom_victims, None, "tail")


@needs_cgroup
def test_want_of_memory_is_told_by_exceptions_too():
    with pytest.raises(minicontain.CalledProcessError) as error:
        run(HOG, memory="16M", check=True)
    assert (error.value.reason, error.value.oom_killed) == ("oom", True)


@needs_cgroup
def test_bytes_are_rounded_to_pages_as_statistics_and_trace_tell():
    done = run(["true"], memory=4_000_000)
    assert (done.returncode, done.stats.memory.limit) == (0, 3_997_696)
    written = next(n for n, step in enumerate(done.trace) if "4000000" in step.arguments)
    assert "3997696" in done.trace[written + 1].arguments


@needs_cgroup
def test_a_child_that_is_killed_for_memory_is_not_the_program():
    done = run(["sh", "-c", "tail /dev/zero; echo $?"], memory="16M", capture_output=True, text=True)
    assert (done.reason, done.returncode, done.stdout) == ("exited", 0, "137\n")
    assert (done.oom_killed, done.oom_kills) == (True, 1)


@needs_cgroup
def test_a_kill_is_not_taken_for_want_of_memory():
    inside = run(["sh", "-c", "kill -9 $$"], memory="64M")
    assert (inside.reason, inside.oom_killed, inside.oom_victims) == ("signaled", False, [])
    with Container(["sleep", "600"], memory="64M") as outside:
        outside.kill()
        outside.wait()
    assert (outside.result.reason, outside.result.oom_killed) == ("killed", False)


# Processes


def test_forks_end_at_the_limit():
    """The init and the program are two of the eight."""
    done = run(["python3", "-c", FORKS], pids_limit=8, capture_output=True, text=True)
    made, _, why = done.stdout.partition(" ")
    assert why == "Resource temporarily unavailable\n"
    if why_no_cgroup():
        assert int(made) <= 8
    else:
        assert int(made) == 6
        assert (done.stats.pids.limit, done.stats.pids.peak or 8) == (8, 8)
        assert done.stats.pids.limit_hits > 0


@needs_cgroup
def test_a_fork_bomb_is_held():
    bomb = "bomb() { bomb | bomb & }; bomb; exec sleep 600"
    with Container(["sh", "-c", bomb], pids_limit=8, stderr=minicontain.DEVNULL) as container:
        soon(lambda: container.stats().pids.limit_hits > 0, PATIENCE)
        # One that is refused is counted for a moment: how many there are is told by the list.
        for _ in range(20):
            assert len(container.cgroup.processes()) <= 8
        assert container.poll() is None


# CPU time


def used(containers: list[Container], seconds: float) -> tuple[list[int], float]:
    """The nanoseconds that each uses, and the seconds that passed."""

    def look() -> list[int]:
        return [container.stats().cpu.usage_ns for container in containers]

    before, began = look(), time.monotonic()
    time.sleep(seconds)
    return [now - then for now, then in zip(look(), before)], time.monotonic() - began


@needs_cgroup
def test_a_tenth_of_a_cpu_is_a_tenth():
    shares = []
    # Others may want the CPU so much that it does not get even that.
    while len(shares) < 5 and not (shares and shares[-1] > 0.09):
        with Container(["sh", "-c", BUSY], cpus=0.1, cgroup=True) as container:
            (nanoseconds,), seconds = used([container], 3)
            shares.append(nanoseconds / 1e9 / seconds)
            assert container.stats().cpu.limit == pytest.approx(0.1)
            assert container.stats().cpu.throttled_periods > 0
    assert max(shares) < 0.11, shares
    assert shares[-1] > 0.09, shares


@needs_cpuset
def test_shares_of_one_cpu_are_in_proportion():
    cpu = max(os.sched_getaffinity(0))

    def measure() -> float:
        fields = {"cpuset_cpus": cpu, "cgroup": True}
        low = Container(["sh", "-c", BUSY], cpu_shares=512, **fields)
        high = Container(["sh", "-c", BUSY], cpu_shares=1024, **fields)
        with low, high:
            (less, more), _ = used([low, high], 4)
        return more / less

    ratios = [measure()]
    while len(ratios) < 5 and not abs(statistics.median(ratios) - 2) <= 0.1:
        ratios.append(measure())
    assert statistics.median(ratios) == pytest.approx(2, rel=0.05), ratios


@needs_cpuset
def test_it_runs_on_the_cpus_that_are_named():
    cpu = max(os.sched_getaffinity(0))
    command = ["grep", "Cpus_allowed_list", "/proc/self/status"]
    for numbers in (cpu, str(cpu), [cpu], {cpu}):
        done = run(command, cpuset_cpus=numbers, capture_output=True, text=True)
        assert done.stdout.split()[1] == str(cpu)


# What cannot be


@needs_cpuset
@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"cpus": 8000}, "cpus", "0.01 to "),
        ({"cpuset_cpus": "8000"}, "cpuset_cpus", "use some of 0"),
        ({"cpuset_mems": [900]}, "cpuset_mems", "use some of 0"),
        ({"hugetlb": {"3MB": 1}}, "hugetlb", "use one of "),
        ({"device_read_bps": {Path("/dev/null"): "1M"}}, "device_read_bps", "/dev/sda"),
    ],
)
def test_what_this_host_does_not_have_is_a_fault_with_the_range(fields, field, told):
    for make in (
        lambda: run(["true"], **fields),
        lambda: Cgroup(f"minicontain-test-{os.getpid()}", **fields),
    ):
        with pytest.raises(minicontain.SpecError) as error:
            make()
        (fault,) = error.value.faults
        assert fault.field == field
        assert told in fault.fix


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"memory": "1k"}, ["memory"]),
        ({"memory": "64 elephants", "cpus": "many"}, ["cpus", "memory"]),
        ({"cpus": 0}, ["cpus"]),
        ({"cpus": 1, "cpu_quota": 5000}, ["cpus"]),
        ({"cpu_shares": 1}, ["cpu_shares"]),
        ({"pids_limit": -1}, ["pids_limit"]),
        ({"memory": "64M", "memory_swap": "32M"}, ["memory_swap"]),
        ({"device_cgroup_rules": ["c 1:3"]}, ["device_cgroup_rules"]),
    ],
)
def test_what_no_host_has_is_a_fault_at_once(fields, wrong):
    for make in (lambda: minicontain.Spec(["true"], **fields), lambda: Cgroup("minicontain-test", **fields)):
        with pytest.raises(minicontain.SpecError) as error:
            make()
        assert sorted(fault.field for fault in error.value.faults) == wrong


def test_a_field_of_a_spec_is_no_limit_of_a_cgroup():
    with pytest.raises(minicontain.SpecError) as error:
        Cgroup("minicontain-test", hostname="box", memry="64M")
    assert [str(fault) for fault in error.value.faults][1] == "memry: no such field (did you mean 'memory'?)"


@needs_cgroup
def test_what_one_version_lacks_is_an_error_unless_it_may_be_left_out():
    limits = {"memory_high": "32M"} if version_of("memory") == 1 else {"memory_swappiness": 10}
    with pytest.raises(minicontain.StartError) as error:
        run(["true"], memory="64M", **limits)
    assert error.value.code == "not_enforced"
    done = run(["true"], memory="64M", best_effort=True, **limits)
    assert done.enforced["memory"].state == "partial"
    assert next(iter(limits)) in done.enforced["memory"].reason
    with pytest.raises(minicontain.CgroupError) as refused:
        Cgroup(f"minicontain-test-{os.getpid()}", **limits)
    assert refused.value.code == "not_enforced"


@needs_cgroup
def test_what_is_required_is_held():
    done = run(["true"], memory="64M", pids_limit=9, require=["memory", "pids"])
    assert all(done.enforced[feature] for feature in ("memory", "pids"))


# Programs that join


@needs_cgroup
def test_a_program_that_joins_may_have_limits_of_its_own():
    with Container(["sleep", "600"], memory="64M") as container:
        done = container.exec(HOG, memory="16M", pids_limit=9, require=["memory"])
        assert (done.reason, done.oom_kills) == ("oom", 1)
        assert (done.stats.memory.limit, done.stats.pids.limit) == (16 << 20, 9)
        assert container.poll() is None
        assert container.exec(["true"]).returncode == 0
        with container.popen(["sleep", "600"], memory="8M") as inner:
            assert inner.stats().memory.limit == 8 << 20
            assert inner.cgroup != container.cgroup


@needs_cgroup
def test_the_limits_of_the_container_hold_for_who_joins():
    with Container(["sleep", "600"], memory="16M") as container:
        done = container.exec(HOG, memory="64M")
        assert (done.reason, done.returncode) == ("oom", -9)
        assert container.poll() is None
        without = container.exec(["sh", "-c", "tail /dev/zero; echo $?"], capture_output=True, text=True)
        assert without.stdout == "137\n"
        # Version 2 counts those of the program with limits of its own, too.
        assert container.stats().memory.oom_kills in (1, 2)


@needs_cgroup
def test_limits_change_while_it_runs():
    with Container(["sleep", "600"], memory="16M", pids_limit=9) as container:
        held = container.cgroup.set(memory=4_000_000, pids_limit=7)
        assert [each.held for each in held if each.written == "4000000"] == ["3997696"]
        stats = container.stats()
        assert (stats.memory.limit, stats.pids.limit) == (3_997_696, 7)


# Without a cgroup


@needs_no_cgroup
def test_limits_of_processes_stand_in_for_memory_and_pids():
    program = "try: bytearray(200 << 20)\nexcept MemoryError: print('refused')"
    done = run(["python3", "-c", program], memory="100M", pids_limit=30, capture_output=True, text=True)
    assert (done.stdout, done.reason, done.oom_killed) == ("refused\n", "exited", False)
    for feature, limit in (("memory", "RLIMIT_DATA"), ("pids", "RLIMIT_NPROC")):
        assert done.enforced[feature].state == "partial"
        assert limit in done.enforced[feature].reason
    assert done.stats.memory.limit is None


@needs_no_cgroup
def test_other_limits_are_an_error_unless_they_may_be_left_out():
    for fields, feature in (({"cpus": 0.5}, "cpu"), ({"cpuset_cpus": 0}, "cpuset")):
        with pytest.raises(minicontain.StartError) as error:
            run(["true"], **fields)
        assert (error.value.code, bool(error.value.hint)) == ("not_enforced", True)
        done = run(["true"], best_effort=True, **fields)
        assert (done.returncode, done.enforced[feature].state) == (0, "not_enforced")
    with pytest.raises(minicontain.StartError) as error:
        run(["true"], cgroup=True)
    assert error.value.code == "permission_denied"
    assert run(["true"], cgroup=True, best_effort=True).returncode == 0


@needs_no_cgroup
def test_what_is_required_is_not_stood_in_for():
    with pytest.raises(minicontain.StartError) as error:
        run(["true"], memory="64M", require=["memory"])
    assert error.value.code == "not_enforced"


@needs_no_cgroup
def test_a_cgroup_cannot_be_made():
    with pytest.raises(PermissionError) as error:
        Cgroup("minicontain-test")
    assert isinstance(error.value, minicontain.CgroupError)
    assert (error.value.code, bool(error.value.hint)) == ("permission_denied", True)
