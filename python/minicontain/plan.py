"""How a container is made, before it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native, enforcement
from ._arguments import spec_fields
from ._record import Record
from .spec import Spec

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .container import Container
    from .enforcement import Enforcement
    from .fields import Args, Streams
    from .stepper import Stepper


class Step(Record):
    """A system call that will be made.

    >>> import minicontain
    >>> step = next(step for step in minicontain.Plan(["true"]).steps if step.syscall == "pivot_root")
    >>> step.side, str(step)
    ('container', 'pivot_root(".", ".")')
    """

    __slots__ = ("index", "side", "syscall", "arguments", "needs", "undo", "what", "why")

    index: int
    """Its place in the plan, from 0."""
    side: str
    """Who makes it: `caller`, or `container` (the new process, before it executes the program)."""
    syscall: str
    """The system call's name; section 2 of the manual describes it."""
    arguments: str
    """Its arguments as a person would read them; what is not known yet by what it will be."""
    needs: str | None
    """The capability that it needs, in the user namespace that owns what it changes: capabilities(7)."""
    undo: tuple[str, ...]
    """What undoes it, where the kernel does not by itself when the process ends."""
    what: str
    """What it is a part of."""
    why: str
    """Why that is done."""

    def __str__(self) -> str:
        return f"{self.syscall}({self.arguments})"


class Plan:
    """The ordered list of system calls that make a container.

    Making a plan reads the host, but changes nothing. It can be executed any number of times, which saves
    planning anew, on the host as it was then. Takes what `Container` takes, or a `Spec`: see
    `help(minicontain.fields)`. Raises `SpecError` if that cannot be, and `StartError` if it cannot be on this
    host.

    >>> import minicontain
    >>> plan = minicontain.Plan(["true"], hostname="box")
    >>> [str(step) for step in plan.steps if step.what.endswith("name")]
    ['sethostname("box", 3)']
    """

    __slots__ = ("_asked", "_contents", "_native")

    def __init__(self, args: Args, **fields: Unpack[Streams]) -> None:
        self._native = _native.Plan(_native.Spec(spec_fields(args, dict(fields))))
        self._asked: tuple[_native.Spec, Any] | None = None
        self._contents: tuple[list[Step], dict[str, Enforcement]] | None = None

    @classmethod
    def _of(cls, native: _native.Plan) -> Self:
        plan = cls.__new__(cls)
        plan._native = native
        plan._asked = plan._contents = None
        return plan

    def _all(self) -> tuple[list[Step], dict[str, Enforcement]]:
        if self._contents is None:
            contents = self._native.contents()
            steps = [
                Step(*({**step, "undo": tuple(step["undo"])}[name] for name in Step.__slots__))
                for step in contents["steps"]
            ]
            self._contents = steps, enforcement.from_plain(contents["enforced"])
        return self._contents

    def _spec(self) -> tuple[_native.Spec, Any]:
        """What was asked for, and its `args`: read once, for all containers that are started by this plan."""
        if self._asked is None:
            spec = self._native.spec
            self._asked = spec, spec.fields()["args"]
        return self._asked

    @property
    def spec(self) -> Spec:
        """What was asked for.

        >>> import minicontain
        >>> minicontain.Plan(["true"]).spec
        Spec(args=['true'])
        """
        return Spec._of(self._spec()[0])

    @property
    def steps(self) -> list[Step]:
        """Every system call, in order.

        >>> import minicontain
        >>> minicontain.Plan(["true"]).steps[3].index
        3
        """
        return self._all()[0]

    @property
    def enforced(self) -> dict[str, Enforcement]:
        """How well each feature will hold, by its name.

        >>> import minicontain
        >>> minicontain.Plan(["true"], namespaces={"net": "host"}).enforced["namespaces"].state
        'partial'
        """
        return self._all()[1]

    def explain(self) -> str:
        """What will be done and why, with every system call.

        >>> import minicontain
        >>> "pivot_root" in minicontain.Plan(["true"]).explain()
        True
        """
        return self._native.explain()

    def to_json(self) -> str:
        """The plan as a JSON object: `steps`, with the attributes of `Step`, and `enforced`.

        >>> import json, minicontain
        >>> sorted(json.loads(minicontain.Plan(["true"]).to_json()))
        ['enforced', 'steps']
        """
        return self._native.to_json()

    def to_shell(self) -> str:
        """The plan as a shell script of commands that people know: unshare(1), mount(8), pivot_root(8).

        >>> import minicontain
        >>> isinstance(minicontain.Plan(["true"]).to_shell(), str)
        True
        """
        return self._native.to_shell()

    def start(self, *, fault: tuple[int, int] | None = None) -> Container[Any]:
        """Executes the plan; its pipes are binary. The plan can be executed again.

        `fault` is a step's index and an errno: that step fails so, without asking the kernel. A start that
        failed for every step in turn, and left nothing behind, is sound. Raises `StartError` with the step
        that failed.

        >>> import errno, minicontain
        >>> plan = minicontain.Plan(["true"])
        >>> with plan.start() as container:
        ...     container.wait()
        0
        >>> try:
        ...     plan.start(fault=(0, errno.ENOMEM))
        ... except minicontain.StartError as error:
        ...     error.step_index, error.errno == errno.ENOMEM
        (0, True)
        """
        from .container import Container

        if fault is not None and not (0 <= fault[0] < len(self) and 0 < fault[1] < 4096):
            raise ValueError(f"fault: {fault!r} is not a step of the plan and an errno")
        return Container._of(self, _native.Container(self._native, fault))

    def start_paused(self) -> Stepper:
        """Begins to execute the plan one step at a time, to stop between two steps and look.

        >>> import minicontain
        >>> with minicontain.Plan(["true"]).start_paused() as stepper:
        ...     first = stepper.step()
        >>> first.index
        0
        """
        from .stepper import Stepper

        return Stepper(self)

    def __len__(self) -> int:
        return len(self._native)

    def __str__(self) -> str:
        return self.explain()

    def __repr__(self) -> str:
        return f"<Plan of {self.spec!r}: {len(self)} steps>"

    def _repr_html_(self) -> str:
        from ._html import table

        rows = [(step.index, step.side, step, step.needs or "", step.what, step.why) for step in self.steps]
        return table(repr(self), ("", "side", "call", "needs", "part of", "why"), rows, code=(2,))
