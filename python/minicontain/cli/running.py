"""`run` and `exec`: a program, from its start to its end."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..errors import Error
from .failures import NOT_FOUND, TIMED_OUT, Failure, Signalled, exit_status, problem_of
from .options import PROGRAM, WALLS, container_fields, program_args, program_fields, seconds
from .parser import Command, Option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from ..container import Container
    from .parser import Values

_FORWARDED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_STATUSES = (
    "The exit status is the program's; 128+N when signal N ended it; 127 when it was not found, 126 when it\n"
    "cannot be executed, 124 when --timeout ended it, 125 when minicontain itself failed."
)


def run(values: Values, rest: list[str]) -> int:
    """`minicontain run`."""
    from ..container import Container

    args = program_args(values, rest)
    fields = container_fields(values)
    if values.get("detach"):
        with _no_images(args[0]):
            return _detached(values, args, fields)
    fields.update(_streams(values))
    limit = seconds("--timeout", values["timeout"]) if "timeout" in values else None
    patience = seconds("--stop-timeout", values["stop_timeout"]) if "stop_timeout" in values else 0.0
    with _Signals(values) as signals:
        with _no_images(args[0]):
            started = Container(args, **fields).start()
        with started as container:
            return _attend(container, values, signals, limit, patience)


@contextmanager
def _no_images(word: str) -> Iterator[None]:
    """Where the first word is no program and could be Docker's name of an image: says that there are none."""
    try:
        yield
    except Error as error:
        import re

        image = r"[a-z0-9][a-z0-9._/-]*(:[\w.-]+)?(@sha256:[0-9a-f]+)?"
        if error.code != "program_not_found" or re.fullmatch(image, word) is None:
            raise
        hint = (
            "; if it is an image: there are none here. Write the program only (minicontain run -- sh), "
            "and --rootfs DIR for other files than the host's"
        )
        raise Failure(problem_of(error), error.hint + hint, NOT_FOUND) from error


def _detached(values: Values, args: list[str], fields: dict[str, Any]) -> int:
    from ..container import Container

    _leave_alone(values, fields)
    print(Container(args, **fields).start().name)
    return 0


def _leave_alone(values: Values, fields: dict[str, Any]) -> None:
    """Puts in what a program is given that nobody attends."""
    refused = {
        "interactive": ("-d and -i", "what is detached has /dev/null for its standard input"),
        "rm": ("-d and --rm", "remove it with 'minicontain rm' when it has ended"),
        "timeout": ("-d and --timeout", "use 'minicontain stop' when the time is up"),
        "stop_timeout": ("-d and --stop-timeout", "say 'minicontain stop --time' when you stop it"),
    }
    for key, (options, hint) in refused.items():
        if values.get(key):
            raise Failure(f"{options} do not go together: nothing is left that could see to it", hint)
    if values.get("tty"):
        fields["tty"] = True
    else:
        fields["stdin"] = -3
    fields["detach"] = True


def execute(values: Values, rest: list[str]) -> int:
    """`minicontain exec`."""
    from ..container import Container

    name, *args = rest
    if args[:1] == ["--"]:
        del args[0]
    if not args:
        raise Failure("there is no program to run", f"write it after the name: minicontain exec {name} ls")
    fields = program_fields(values)
    if values.get("detach"):
        _leave_alone(values, fields)
        Container.attach(name).popen(args, **fields)
        return 0
    fields.update(_streams(values))
    with _Signals(values) as signals:
        within = Container.attach(name)
        with within.popen(args, **fields) as container:
            return _attend(container, values, signals, None, 0.0)


def _streams(values: Values) -> dict[str, Any]:
    interactive, terminal = values.get("interactive"), values.get("tty")
    if terminal:
        from ..interactive import size

        if interactive and not os.isatty(0):
            raise Failure(
                "the input device is not a TTY", "leave out -t: with -i, standard input is read as it is"
            )
        return {"tty": True, "tty_size": size()}
    return {} if interactive else {"stdin": -3}


def _attend(
    container: Container[Any], values: Values, signals: _Signals, limit: float | None, patience: float
) -> int:
    """Stays with a program until its end; the exit status."""
    with signals.to(container, forwarded=not (values.get("tty") and values.get("interactive"))):
        if limit is not None:
            signal.setitimer(signal.ITIMER_REAL, max(limit, 1e-6))
        try:
            if values.get("tty"):
                from ..interactive import interact

                return exit_status(interact(container, stdin=0 if values.get("interactive") else None))
            return exit_status(container.wait())
        except _TimeIsUp:
            container.stop(timeout=patience)
            if container.returncode is None or container.returncode < 0:
                raise Failure(
                    f"the program was ended: it ran longer than {limit:g} s", "see --timeout", TIMED_OUT
                ) from None
            return TIMED_OUT
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


class _TimeIsUp(Failure):
    """The time of `--timeout` is up."""


class _Signals:
    """Signals to minicontain: handed on to the program, or an orderly end. Until it runs, they wait."""

    def __init__(self, values: Values) -> None:
        self._proxy = values.get("sig_proxy", True)
        self._pending: list[int] = []
        self._container: Container[Any] | None = None
        self._forwarded = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for number in _FORWARDED:
            # What is ignored, as by nohup(1), stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._came)
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._late)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def to(self, container: Container[Any], *, forwarded: bool) -> Iterator[None]:
        """From now on, they go to this container."""
        self._forwarded = forwarded and self._proxy
        self._container = container
        try:
            while self._pending:
                self._deliver(container, self._pending.pop(0))
            yield
        finally:
            self._container = None

    def _came(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._container is None:
            self._pending.append(number)
        else:
            self._deliver(self._container, number)

    def _deliver(self, container: Container[Any], number: int) -> None:
        if not self._forwarded:
            raise Signalled(number)
        with suppress(Error):  # it has ended meanwhile
            container.send_signal(number)

    def _late(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        raise _TimeIsUp("the time is up", "see --timeout", TIMED_OUT)


COMMANDS = {
    "run": Command(
        "run",
        "[OPTIONS] [--] PROGRAM [ARGUMENT...]",
        "Runs a program in a new container.",
        run,
        (
            *PROGRAM,
            *WALLS,
            Option(("-d", "--detach"), "leave it running, and print its name"),
            Option(("--rm",), "remove it when it has ended (one that is not detached always is)"),
            Option(("--sig-proxy",), "hand signals on to the program (the default)"),
            Option(("--timeout",), "end it after so many seconds", "SECONDS"),
            Option(
                ("--stop-timeout",),
                "seconds from SIGTERM to SIGKILL when its time is up (default: 0)",
                "SECONDS",
            ),
        ),
        options_first=True,
        more=_STATUSES,
    ),
    "exec": Command(
        "exec",
        "[OPTIONS] NAME PROGRAM [ARGUMENT...]",
        "Runs a program in a running container.",
        execute,
        (
            *PROGRAM,
            Option(("-d", "--detach"), "leave it running; what it writes goes to /dev/null"),
            Option(("--sig-proxy",), "hand signals on to the program (the default)"),
        ),
        least=1,
        options_first=True,
        more=_STATUSES,
    ),
}
