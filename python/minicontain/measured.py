"""What a container uses, while it runs."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from ._running import Running
from .cgroup import Cgroup
from .errors import StateError
from .results import TimeoutExpired
from .stats import Meter, from_plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .stats import Sample, Stats


class Measured(Running):
    """What `Container` has for its cgroup."""

    async def wait_async(self, timeout: float | None = None) -> int:
        """Awaits its end."""
        raise NotImplementedError

    @property
    def cgroup(self) -> Cgroup | None:
        """Its cgroup; None if it has none of its own.

        It has one when something is limited, or with `cgroup=True`, and it is removed with its end. Raises
        `StateError` before the start.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"], memory="64M") as container:
        ...     [held.held for held in container.cgroup.set(memory="32M")]
        ['33554432']
        """
        native = self._started().cgroup
        return None if native is None else Cgroup._of(native, found=True)

    def stats(self) -> Stats:
        """What it uses and has used: `docker stats`. Of one that has ended, `result.stats` tells.

        Raises `StateError` before the start and after the end, and `ContainerError` (`not_supported`) if it
        has no cgroup of its own.

        Who asks again is answered sooner: from then on the files are kept open, two dozen at most, until it
        has ended.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"], memory="64M") as container:
        ...     container.stats().memory.limit
        67108864
        """
        return from_plain(self._open().stats())

    def stats_stream(self, interval: float = 1.0) -> Iterator[Sample]:
        """What it uses, at once and then every `interval` seconds, until it has ended.

        Raises as `stats`, at once.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "0.5"], cgroup=True) as container:
        ...     used = [(sample.time, sample.memory.current) for sample in container.stats_stream(0.1)]
        >>> len(used) > 2
        True
        """
        self._measurable(interval)
        return self._samples(interval)

    def _samples(self, interval: float) -> Iterator[Sample]:
        meter, ticks = Meter(), _Ticks(interval)
        while (sample := self._sample(meter)) is not None:
            yield sample
            with suppress(TimeoutExpired):
                self.wait(ticks.left())
                return

    def stats_stream_async(self, interval: float = 1.0) -> AsyncIterator[Sample]:
        """`stats_stream` for `async for`: the event loop goes on between two samples.

        >>> import asyncio, minicontain
        >>> async def main():
        ...     async with minicontain.Container(["sleep", "0.5"], cgroup=True) as container:
        ...         return [sample.pids.current async for sample in container.stats_stream_async(0.1)]
        >>> len(asyncio.run(main())) > 2
        True
        """
        self._measurable(interval)
        return self._samples_async(interval)

    async def _samples_async(self, interval: float) -> AsyncIterator[Sample]:
        meter, ticks = Meter(), _Ticks(interval)
        while (sample := self._sample(meter)) is not None:
            yield sample
            with suppress(TimeoutExpired):
                await self.wait_async(ticks.left())
                return

    def _measurable(self, interval: float) -> None:
        if not interval > 0:
            raise ValueError(f"interval: {interval!r} is not a time that passes")
        if self.poll() is None:
            self.stats()

    def _sample(self, meter: Meter) -> Sample | None:
        """A sample; None when it has ended, or was closed."""
        try:
            return meter.sample(self._open().stats()) if self.poll() is None else None
        except StateError:
            return None


class _Ticks:
    """Moments at the same distance, however long it takes to do something at each."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = monotonic()

    def left(self) -> float:
        """Seconds until the next one that is still to come."""
        now = monotonic()
        self._next += self._interval * max(1, -(-(now - self._next) // self._interval))
        return self._next - now
