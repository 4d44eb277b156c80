"""A plan that is executed one step at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native
from ._namespaces import namespaces_of
from .errors import StateError
from .trace import TraceStep

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from .container import Container
    from .plan import Plan, Step


class Stepper:
    """A container that is made one step at a time: `Plan.start_paused` begins it.

    Between two steps the half-made container can be looked at: its process is `pid`. Leaving the `with`, or
    forgetting the stepper, kills that process and undoes the rest.

    >>> import minicontain
    >>> with minicontain.Plan(["true"], hostname="box").start_paused() as stepper:
    ...     for step in stepper:
    ...         if step.syscall == "sethostname":
    ...             print(step, "in process", stepper.pid > 0)
    ...     container = stepper.finish()
    sethostname("box", 3) = 0 in process True
    >>> container.wait()
    0
    """

    __slots__ = ("__weakref__", "_native", "plan")

    plan: Plan
    """The plan that is executed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._native = _native.Stepper(plan._native)

    @property
    def next(self) -> Step | None:
        """The step that comes next; None when there is none.

        >>> import minicontain
        >>> with minicontain.Plan(["true"]).start_paused() as stepper:
        ...     stepper.next == stepper.plan.steps[0]
        True
        """
        index = self._native.next_index
        return None if index is None else self.plan.steps[index]

    @property
    def pid(self) -> int | None:
        """The id of the container's process as the caller sees it; None until it is made.

        >>> import minicontain
        >>> with minicontain.Plan(["true"]).start_paused() as stepper:
        ...     stepper.pid
        """
        return self._native.pid

    @property
    def namespaces(self) -> dict[str, int]:
        """The id of each of its namespaces as they are now, as of `Container.namespaces`.

        Raises `StateError` when there is no process yet or any more.

        >>> import minicontain
        >>> with minicontain.Plan(["true"]).start_paused() as stepper:
        ...     while stepper.pid is None:
        ...         _ = stepper.step()
        ...     len(stepper.namespaces)
        8
        """
        pid = self.pid
        if pid is None:
            raise StateError("there is no process: make steps until its clone")
        return namespaces_of(pid)

    def step(self) -> TraceStep | None:
        """Performs the next step, and tells what came of it.

        None when the program is being executed (`next` is what the caller has left to do), and when there is
        none. Raises `StartError` if the step
        failed; nothing is left then.

        >>> import minicontain
        >>> with minicontain.Plan(["true"]).start_paused() as stepper:
        ...     stepper.step().index, stepper.step().index
        (0, 1)
        """
        row = self._native.step()
        return None if row is None else TraceStep(*row)

    def finish(self) -> Container[Any]:
        """Performs the rest, and gives the running container.

        Raises `StartError` with the step that failed.

        >>> import minicontain
        >>> with minicontain.Plan(["sh", "-c", "exit 3"]).start_paused().finish() as container:
        ...     container.wait()
        3
        """
        from .container import Container

        return Container._of(self.plan, self._native.finish())

    def close(self) -> None:
        """Kills its process and undoes the rest. After `finish` there is nothing to do.

        >>> import minicontain
        >>> stepper = minicontain.Plan(["true"]).start_paused()
        >>> stepper.close()
        >>> stepper.next
        """
        self._native.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> TraceStep:
        step = self.step()
        if step is None:
            raise StopIteration
        return step

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        following = self.next
        told = "nothing is left" if following is None else f"next is {following}"
        return f"<Stepper of {self.plan!r}: {told}>"
