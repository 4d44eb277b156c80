"""What goes wrong, as a line, a hint and an exit status."""

from __future__ import annotations

import sys

FAILED = 125
"""minicontain itself failed."""
CANNOT_EXECUTE = 126
"""The program is there, but cannot be executed."""
NOT_FOUND = 127
"""The program is not there."""
INTERRUPTED = 128 + 2
"""Ctrl-C."""
TIMED_OUT = 124
"""The program ran longer than it might: as timeout(1) has it."""

_STATUSES = {
    "program_not_found": NOT_FOUND,
    "program_not_executable": CANNOT_EXECUTE,
    "interpreter_not_found": CANNOT_EXECUTE,
    "wrong_format": CANNOT_EXECUTE,
}
_HINTS = {
    "ended": "see 'minicontain ps --all' and 'minicontain logs'",
    "network_not_found": "see 'minicontain network ls', or make it with 'minicontain network create'",
    "no_such_container": "see 'minicontain ps --all'",
    "still_runs": "stop it first, or use 'minicontain rm --force'",
    "paused": "let it go on with 'minicontain unpause'",
}
"""What to do about it, in words of the command line."""
_WORDS = {
    "say best_effort": "say --best-effort",
    "with cgroup=True": "with --cgroup",
    "in volumes": "with --volume",
    ", or leave the host's /tmp there (tmp=False)": "",
}
"""What hints of the engine say, and the command line spells otherwise."""


class Failure(Exception):  # noqa: N818  (it is shown to people as it is)
    """Something that the person at the command line can change."""

    def __init__(self, message: str, hint: str = "", status: int = FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.status = status


class Signalled(BaseException):
    """A signal that ends minicontain, after everything was put back."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def status_of(error: BaseException) -> int:
    """The exit status, as Docker's."""
    if isinstance(error, Failure):
        return error.status
    return _STATUSES.get(str(getattr(error, "code", "")), FAILED)


def exit_status(returncode: int) -> int:
    """A program's own status; 128 and the signal where one ended it."""
    return returncode if returncode >= 0 else 128 - returncode


def report(error: BaseException) -> None:
    """Says on standard error what went wrong, and what to do about it."""
    from ..errors import SpecError

    if isinstance(error, SpecError) and error.faults:
        for fault in error.faults:
            _say(f"{_spelled(fault.field)}{fault.problem}", fault.fix)
        return
    hint = str(getattr(error, "hint", ""))
    for theirs, ours in _WORDS.items():
        hint = hint.replace(theirs, ours)
    _say(problem_of(error), _HINTS.get(str(getattr(error, "code", "")), hint))


def problem_of(error: BaseException) -> str:
    """What went wrong. The engine's message ends with its hint, which has a line of its own here."""
    hint = str(getattr(error, "hint", ""))
    message = str(error) or type(error).__name__
    return message.removesuffix(f"; hint: {hint}") if hint else message


def _spelled(field: str) -> str:
    return f"{field}: " if field else ""


def _say(message: str, hint: str) -> None:
    print(f"minicontain: {' '.join(message.split())}", file=sys.stderr)
    if hint:
        print(f"hint: {' '.join(hint.split())}", file=sys.stderr)
