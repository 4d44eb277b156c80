"""`explain`: how a container would be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .failures import Failure
from .options import PROGRAM, WALLS, container_fields, program_args
from .parser import Command, Option

if TYPE_CHECKING:
    from .parser import Values


def explain(values: Values, rest: list[str]) -> int:
    """`minicontain explain`."""
    from ..plan import Plan

    if values.get("shell") and values.get("json"):
        raise Failure("--shell and --json do not go together", "use one of them")
    fields = container_fields(values)
    if values.get("tty"):
        fields["tty"] = True
    elif not values.get("interactive"):
        fields["stdin"] = -3
    plan = Plan(program_args(values, rest), **fields)
    if values.get("shell"):
        text = plan.to_shell()
    elif values.get("json"):
        text = plan.to_json()
    else:
        text = plan.explain()
    print(text, end="" if text.endswith("\n") else "\n")
    return 0


COMMANDS = {
    "explain": Command(
        "explain",
        "[OPTIONS] [--] PROGRAM [ARGUMENT...]",
        "Shows how 'run' would make the container: every system call, and why. Changes nothing.",
        explain,
        (
            Option(("--shell",), "as a shell script that makes it"),
            Option(("--json",), "as JSON"),
            *PROGRAM,
            *WALLS,
        ),
        options_first=True,
    )
}
