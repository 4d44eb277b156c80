"""`stop`, `kill`, `pause`, `unpause` and `rm`: what is done to containers by their names."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Callable

from ..errors import Error
from .failures import FAILED, Failure, report
from .options import seconds
from .parser import Command, Option

if TYPE_CHECKING:
    from ..container import Container
    from .parser import Values


def each(names: list[str], do: Callable[[str], Any]) -> int:
    """Does it to each, whatever comes of the others; names those for which it was done."""
    status = 0
    for name in names:
        try:
            do(name)
        except (Error, Failure) as error:  # noqa: PERF203
            report(error)
            status = FAILED
        else:
            print(name, flush=True)
    return status


def attached(name: str) -> Container[Any]:
    """The running container of that name."""
    from ..container import Container

    return Container.attach(name)


def stop(values: Values, rest: list[str]) -> int:
    """`minicontain stop`."""
    patience = seconds("--time", values.get("time", "10"))

    def one(name: str) -> None:
        try:
            attached(name).stop(timeout=patience)
        except Error as error:
            if error.code != "ended":
                raise

    return each(rest, one)


def kill(values: Values, rest: list[str]) -> int:
    """`minicontain kill`."""
    number = _signal(values.get("signal", "KILL"))

    def one(name: str) -> None:
        container = attached(name)
        if number == signal.SIGKILL:
            container.kill()
            container.wait(timeout=10)
        else:
            container.send_signal(number)

    return each(rest, one)


def _signal(text: str) -> int:
    try:
        if text.isdigit():
            return signal.Signals(int(text))
        return signal.Signals[f"SIG{text.upper().removeprefix('SIG')}"]
    except (ValueError, KeyError):
        raise Failure(f"--signal: there is no signal '{text}'", "see signal(7)") from None


def pause(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain pause`."""
    return each(rest, lambda name: attached(name).pause())


def unpause(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain unpause`."""
    return each(rest, lambda name: attached(name).resume())


def rm(values: Values, rest: list[str]) -> int:
    """`minicontain rm`."""
    from .. import remove

    def one(name: str) -> None:
        if values.get("force"):
            try:
                container = attached(name)
                container.kill()
                container.wait(timeout=10)
            except Error as error:
                if error.code != "ended":
                    raise
        remove(name)

    return each(rest, one)


COMMANDS = {
    "stop": Command(
        "stop",
        "[OPTIONS] NAME...",
        "Asks programs to end (SIGTERM), and kills those that do not.",
        stop,
        (Option(("-t", "--time", "--timeout"), "how long they have (default: 10)", "SECONDS", key="time"),),
        least=1,
    ),
    "kill": Command(
        "kill",
        "[OPTIONS] NAME...",
        "Kills containers with everything in them, or sends their programs a signal.",
        kill,
        (Option(("-s", "--signal"), "the signal (default: KILL)", "SIGNAL"),),
        least=1,
    ),
    "pause": Command("pause", "NAME...", "Stops every process of containers.", pause, least=1),
    "unpause": Command(
        "unpause", "NAME...", "Lets paused containers go on (also: resume).", unpause, least=1
    ),
    "rm": Command(
        "rm",
        "[OPTIONS] NAME...",
        "Removes what is kept of containers that have ended: state and log.",
        rm,
        (Option(("-f", "--force"), "kill them first"),),
        least=1,
    ),
}
