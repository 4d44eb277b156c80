"""What happens to a cgroup, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .errors import NoSuchCgroupError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from . import _native

    _Event = Literal[
        "oom_kill",
        "memory_limit",
        "memory_high",
        "pids_limit",
        "populated",
        "empty",
        "frozen",
        "thawed",
    ]


class Watch:
    """Looks at a cgroup's events, from when it is made until it is closed: see `Cgroup.watch`.

    What happens is told by a word. `oom_kill`: the kernel killed a process for want of memory.
    `memory_limit`, `pids_limit`: the limit was met. `memory_high`: it was slowed down. `populated`, `empty`:
    the first process came, the last one has gone. `frozen`, `thawed`: it is stopped, it goes on.

    It can be read, waited for, and iterated over, also by `async for`, which takes no thread; the iteration
    ends when the cgroup is removed. `fileno()` is for poll(2) and event loops. One thread or coroutine at a
    time may wait.

    Cgroups of version 1 do not tell that the memory limit was met without a kill; nor, where there is no tree
    of version 2 besides, that the last process has gone.

    >>> import asyncio, minicontain
    >>> async def main():
    ...     with minicontain.Cgroup("minicontain-example") as cgroup:
    ...         events = cgroup.watch()
    ...         cgroup.freeze()
    ...         async for event in events:
    ...             return event
    >>> asyncio.run(main())
    'frozen'
    """

    __slots__ = ("_cgroup", "_native")

    def __init__(self, cgroup: _native.Cgroup) -> None:
        self._cgroup = cgroup
        self._native = cgroup.watch()

    def fileno(self) -> int:
        """A descriptor that is readable when there may be something new.

        >>> import minicontain, select
        >>> with minicontain.Cgroup("minicontain-example") as cgroup, cgroup.watch() as watch:
        ...     cgroup.freeze()
        ...     ready, _, _ = select.select([watch], [], [], 5)
        ...     ready == [watch], watch.read()
        (True, ['frozen'])
        """
        return -1 if self._native.closed else self._native.fd

    def read(self) -> list[_Event]:
        """What happened since the last time. Does not wait.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup, cgroup.watch() as watch:
        ...     watch.read()
        []
        """
        return self._native.read()

    def wait(self, timeout: float | None = None) -> list[_Event]:
        """Waits until something happens; nothing (`[]`) when `timeout` seconds have passed.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup, cgroup.watch() as watch:
        ...     watch.wait(timeout=0.01)
        []
        """
        return self._native.wait(timeout)

    async def wait_async(self, timeout: float | None = None) -> list[_Event]:
        """`wait`, awaited: the event loop waits for the descriptor.

        >>> import asyncio, minicontain
        >>> async def main():
        ...     with minicontain.Cgroup("minicontain-example") as cgroup, cgroup.watch() as watch:
        ...         return await watch.wait_async(timeout=0.01)
        >>> asyncio.run(main())
        []
        """
        import asyncio

        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        while not (happened := self.read()):
            left = None if end is None else end - loop.time()
            if left is not None and left <= 0:
                break
            try:
                await asyncio.wait_for(_readable(loop, self._native.fd), left)
            except asyncio.TimeoutError:
                end = loop.time()
        return happened

    def close(self) -> None:
        """Closes its descriptors.

        >>> import minicontain
        >>> with minicontain.Cgroup("minicontain-example") as cgroup:
        ...     cgroup.watch().close()
        """
        self._native.close()

    def _removed(self) -> bool:
        try:
            self._cgroup.processes()
        except NoSuchCgroupError:
            return True
        return False

    def __iter__(self) -> Iterator[_Event]:
        # Whoever removes it need not wake this up on every version.
        while (happened := self.wait(_A_LOOK)) or not self._removed():
            yield from happened

    async def __aiter__(self) -> AsyncIterator[_Event]:
        while (happened := await self.wait_async(_A_LOOK)) or not self._removed():
            for event in happened:
                yield event

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


_A_LOOK = 0.25
"""Seconds after which it is looked whether the cgroup is still there."""


async def _readable(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    future = loop.create_future()

    def ready() -> None:
        if not future.done():
            future.set_result(None)

    loop.add_reader(fd, ready)
    try:
        await future
    finally:
        loop.remove_reader(fd)
