"""What containers use is told: in the end, at any moment, and again and again.

Covers: root; an ordinary user with a cgroup that is delegated to him, and without.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import time

import minicontain
import pytest
from minicontain import Container, Stats, run
from support import why_no_cgroup, why_no_cpuset

needs_cgroup = pytest.mark.skipif(bool(why_no_cgroup()), reason=why_no_cgroup() or "-")

PATIENCE = 120
SLEEP = ["sleep", "600"]


def test_without_a_cgroup_times_and_the_peak_are_known():
    stats = run(["true"]).stats
    assert isinstance(stats, minicontain.Usage)
    assert 0 < stats.wall < PATIENCE
    assert stats.memory.peak > 100_000
    assert (stats.memory.current, stats.memory.limit, stats.memory.oom_kills) == (None, None, None)
    assert stats.cpu is stats.pids is stats.io is stats.hugetlb is stats.pressure is None


@needs_cgroup
def test_with_a_cgroup_everything_is_known_in_the_end():
    done = run(["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"], cgroup=True)
    stats = done.stats
    assert stats.memory.peak > 100_000
    assert (stats.memory.limit, stats.memory.oom_kills, done.oom_kills) == (None, 0, 0)
    # What it took of the CPU while it was started is the cgroup's, too.
    assert stats.cpu.usage_ns >= (stats.user + stats.system) * 1e9 * 0.5
    assert stats.cpu.limit is stats.pids.limit is None
    assert (stats.pids.current, isinstance(stats.io, dict)) == (0, not why_no_cpuset())


def test_statistics_are_plain_data():
    done = run(["true"], cgroup=True, best_effort=True)
    for again in (copy.deepcopy(done), pickle.loads(pickle.dumps(done))):
        assert again.stats == done.stats
        assert hash(again.stats) == hash(done.stats)
        assert (again.oom_kills, again.oom_victims) == (0, [])
    assert json.loads(json.dumps(done.stats.to_dict()))["memory"]["peak"] == done.stats.memory.peak
    with pytest.raises(AttributeError):
        done.stats.wall = 1
    assert "<td" in done._repr_html_()


@needs_cgroup
def test_statistics_of_a_running_container():
    container = Container(SLEEP, pids_limit=9, cgroup=True)
    for ask in (container.stats, lambda: container.cgroup, container.stats_stream):
        with pytest.raises(minicontain.StateError):
            ask()
    with container:
        stats = container.stats()
        assert type(stats) is Stats
        assert (stats.pids.limit, stats.pids.current >= 2) == (9, True)
        assert stats == container.cgroup.stats() or stats.memory.current > 0
        assert container.pid in container.cgroup.processes()
        cgroup = container.cgroup
        with pytest.raises(minicontain.StateError), cgroup:
            pass
    assert container.result.stats.pids.limit == 9
    with pytest.raises(minicontain.NoSuchCgroupError):
        container.cgroup.stats()
    with pytest.raises(minicontain.StateError):
        container.stats()


@needs_cgroup
def test_who_looks_again_opens_nothing_anew():
    with Container(SLEEP, memory="64M", pids_limit=9, cgroup=True) as container:
        opened = len(os.listdir("/proc/self/fd"))
        first, once = container.stats(), len(os.listdir("/proc/self/fd"))
        container.stats()
        kept = len(os.listdir("/proc/self/fd"))
        container.cgroup.set(pids_limit=7)
        for _ in range(3):
            again = container.stats()
        assert len(os.listdir("/proc/self/fd")) == kept
        assert (once, opened < kept <= opened + 24) == (opened, True)
        assert (again.memory.limit, again.pids.limit) == (first.memory.limit, 7)
        assert again.cpu.usage_ns >= first.cpu.usage_ns
        container.kill()
        container.wait()
        with pytest.raises((minicontain.StateError, minicontain.NoSuchCgroupError)):
            container.stats()
        assert len(os.listdir("/proc/self/fd")) <= opened


def test_one_without_a_cgroup_cannot_be_measured():
    with Container(SLEEP) as container:
        assert container.cgroup is None
        for ask in (container.stats, container.stats_stream, container.stats_stream_async):
            with pytest.raises(minicontain.ContainerError) as error:
                ask()
            assert (error.value.code, "cgroup" in error.value.hint) == ("not_supported", True)


@needs_cgroup
def test_a_found_container_is_measured_and_limited():
    name = f"test-stats-{os.getpid()}"
    with Container(SLEEP, name=name, memory="64M"), Container.attach(name) as found:
        assert found.stats().memory.limit == 64 << 20
        found.cgroup.set(memory="32M")
        assert found.stats().memory.limit == 32 << 20


@needs_cgroup
def test_a_stream_ends_with_the_container():
    began = time.monotonic()
    with Container(["sleep", "1"], cgroup=True) as container:
        samples = list(container.stats_stream(interval=0.1))
        assert container.wait() == 0
    assert 3 <= len(samples) <= (time.monotonic() - began) / 0.1 + 1
    assert [sample.time for sample in samples] == sorted({sample.time for sample in samples})
    assert abs(samples[0].time - time.time()) < PATIENCE
    assert samples[0].cpus is None
    assert all(0 <= sample.cpus < 1 for sample in samples[1:])
    assert all(sample.pids.current >= 1 for sample in samples[:-1])
    assert isinstance(samples[0], Stats)
    assert list(container.stats_stream()) == []


@needs_cgroup
def test_a_stream_tells_how_many_cpus_are_used():
    with Container(["sh", "-c", "while :; do :; done"], cpus=0.2, cgroup=True) as container:
        for sample in container.stats_stream(interval=0.5):
            if sample.cpus is not None:
                break
    assert 0 < sample.cpus < 0.35


@needs_cgroup
def test_a_stream_is_ended_by_its_reader_or_by_closing():
    with Container(SLEEP, cgroup=True) as container:
        for _ in container.stats_stream(0.01):
            break
        stream = container.stats_stream(0.01)
        next(stream)
    assert list(stream) == []
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="interval"):
            container.stats_stream(wrong)


@needs_cgroup
def test_streams_in_an_event_loop():
    async def watch(container: Container[bytes]) -> int:
        return len([sample async for sample in container.stats_stream_async(0.1)])

    async def main() -> list[int]:
        async with (
            Container(["sleep", "2"], cgroup=True) as first,
            Container(["sleep", "2"], cgroup=True) as second,
        ):
            return await asyncio.gather(watch(first), watch(second), watch(first))

    counts = asyncio.run(main())
    assert min(counts) >= 3, counts
