"""The command line: `minicontain`, or `python -m minicontain`.

Options are those of `docker run`; a subcommand is a function that gives the exit status.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .failures import FAILED, INTERRUPTED, Failure, Signalled, report, status_of
from .parser import Command, overview, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOMES = {
    "run": "running",
    "exec": "running",
    "ps": "listing",
    "logs": "listing",
    "stop": "ending",
    "kill": "ending",
    "pause": "ending",
    "unpause": "ending",
    "rm": "ending",
    "cp": "copying",
    "stats": "measuring",
    "update": "measuring",
    "network": "networking",
    "explain": "explaining",
    "doctor": "doctor",
}
_ALIASES = {"resume": "unpause"}


def main(argv: Sequence[str] | None = None) -> int:
    """Does what the words ask for; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _main(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Signalled as signalled:
        return 128 + signalled.number
    except BrokenPipeError:
        # Nobody reads any more, as in `minicontain ps | head -1`; nor shall Python try again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except Exception as error:
        report(error)
        return status_of(error)
    return status


def _main(words: list[str]) -> int:
    if not words or words[0] in ("--help", "help"):
        print(overview([command_named(name) for name in _HOMES]), end="")
        return 0 if words else FAILED
    if words[0] == "--version":
        from .. import __version__

        print(f"minicontain {__version__}")
        return 0
    name = _ALIASES.get(words[0], words[0])
    if name not in _HOMES:
        from difflib import get_close_matches

        near = get_close_matches(name, [*_HOMES, *_ALIASES], 1)
        hint = f"did you mean '{near[0]}'?" if near else "see 'minicontain --help'"
        raise Failure(f"there is no command '{words[0]}'", hint)
    command = command_named(name)
    values, rest = parse(command, words[1:])
    if values.get("help"):
        print(command.help(), end="")
        return 0
    return command.do(values, rest)


def command_named(name: str) -> Command:
    """The subcommand of that name; only its own module is loaded."""
    from importlib import import_module

    commands: dict[str, Command] = import_module(f"{__name__}.{_HOMES[name]}").COMMANDS
    return commands[name]
