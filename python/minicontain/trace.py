"""What was done to start a container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from ._record import Record

if TYPE_CHECKING:
    from . import _native


class TraceStep(Record):
    """A system call that was made: what it was asked, what it answered, and how long that took.

    >>> import minicontain
    >>> step = next(step for step in minicontain.run(["true"]).trace if step.syscall.startswith("clone"))
    >>> step.side, step.value > 0, step.ns > 0
    ('caller', True, True)
    """

    __slots__ = ("index", "side", "syscall", "arguments", "result", "value", "start_ns", "ns", "what", "why")

    index: int
    """Its place in the plan, from 0. Steps of the plan that were not needed are not in the trace."""
    side: str
    """Who made it: `caller`, or `container` (the new process, before it executes the program)."""
    syscall: str
    """The system call's name; section 2 of the manual describes it."""
    arguments: str
    """Its arguments as a person would read them."""
    result: str
    """What the kernel answered, as strace(1) shows it: a value, or `-1 ENOENT`."""
    value: int
    """The answer as it came: a value, or the negative errno."""
    start_ns: int
    """When it began, in nanoseconds since the first step."""
    ns: int
    """How long it took, in nanoseconds."""
    what: str
    """What it is a part of."""
    why: str
    """Why that is done."""

    def __str__(self) -> str:
        return f"{self.syscall}({self.arguments}) = {self.result}"


class Trace(Sequence[TraceStep]):
    """The steps that were performed to start a container, in the order of its plan.

    >>> import minicontain
    >>> trace = minicontain.run(["true"]).trace
    >>> trace[0].index, {step.side for step in trace} == {"caller", "container"}
    (0, True)
    >>> [step.value for step in trace if step.syscall == "execve"][-1]
    0
    """

    __slots__ = ("_source", "_steps")

    def __init__(self, source: _native.Trace | _Stored) -> None:
        self._source = source
        self._steps: tuple[TraceStep, ...] | None = None

    def _all(self) -> tuple[TraceStep, ...]:
        if self._steps is None:
            self._steps = tuple(TraceStep(*row) for row in self._source.rows())
        return self._steps

    @overload
    def __getitem__(self, index: int) -> TraceStep: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TraceStep, ...]: ...
    def __getitem__(self, index: int | slice) -> TraceStep | tuple[TraceStep, ...]:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())

    @property
    def setup(self) -> float:
        """Seconds from the first step until the program was executed.

        >>> import minicontain
        >>> 0 < minicontain.run(["true"]).trace.setup < 60
        True
        """
        return self._source.setup_ns / 1e9

    def render(self) -> str:
        """The trace as text, a step a line: begin and duration in microseconds, side, call, result.

        >>> import minicontain
        >>> "pivot_root" in minicontain.run(["true"]).trace.render()
        True
        """
        return self._source.render()

    def to_json(self) -> str:
        """The trace as a JSON array; each step is an object with the attributes of `TraceStep`.

        >>> import json, minicontain
        >>> json.loads(minicontain.run(["true"]).trace.to_json())[0]["index"]
        0
        """
        return self._source.to_json()

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return f"<Trace: {len(self)} steps, {self.setup * 1e6:.0f} µs until the program was executed>"

    def _repr_html_(self) -> str:
        from ._html import table

        rows = [
            (
                f"{step.start_ns / 1e3:.1f}",
                f"{step.ns / 1e3:.1f}",
                step.side,
                f"{step.syscall}({step.arguments})",
                step.result,
                step.what,
            )
            for step in self
        ]
        caption = f"{len(self)} steps, {self.setup * 1e6:.0f} µs until the program was executed"
        return table(caption, ("at µs", "took µs", "side", "call", "result", "part of"), rows, code=(3, 4))

    def __reduce__(self) -> tuple[Any, ...]:
        source = self._source
        return _restore, (source.rows(), source.setup_ns, source.render(), source.to_json())


class _Stored:
    """A trace that came out of a pickle."""

    __slots__ = ("_json", "_rows", "_text", "setup_ns")

    def __init__(self, rows: list[Any], setup_ns: int, text: str, json: str) -> None:
        self._rows = rows
        self.setup_ns = setup_ns
        self._text = text
        self._json = json

    def rows(self) -> list[Any]:
        return self._rows

    def render(self) -> str:
        return self._text

    def to_json(self) -> str:
        return self._json


def _restore(rows: list[Any], setup_ns: int, text: str, json: str) -> Trace:
    return Trace(_Stored(rows, setup_ns, text, json))
