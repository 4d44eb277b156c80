"""Words of a command line to options and arguments, as Docker reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from .failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Values = dict[str, Any]
"""What the options say, by their key: True or False, a text, or a list of texts."""


@dataclass(frozen=True)
class Option:
    """One option: how it is spelled, and what it is for."""

    names: tuple[str, ...]
    help: str
    value: str = ""
    """What its value is; empty for one that is on or off."""
    many: bool = False
    """Whether it may be given again."""
    key: str = ""
    """Under which name its value is found. Default: its last name."""
    on: bool = True
    """What one without a value means for its key: `--no-init` is `init`, off."""

    @property
    def stored_as(self) -> str:
        """The key."""
        return self.key or self.names[-1].lstrip("-").replace("-", "_")

    def spelled(self) -> str:
        """Its names and value, for the help."""
        names = ", ".join(self.names)
        return f"{names} {self.value}" if self.value else names


HELP = Option(("--help",), "show this")


@dataclass(frozen=True)
class Command:
    """A subcommand."""

    name: str
    arguments: str
    """What follows the options."""
    summary: str
    do: Callable[[Values, list[str]], int]
    options: tuple[Option, ...] = ()
    least: int = 0
    """How many arguments it needs."""
    most: int | None = None
    """How many arguments it takes; None: any number."""
    options_first: bool = False
    """Whether the first argument ends the options: what follows is another program's."""
    more: str = ""
    """What the help says at the end."""

    def help(self) -> str:
        """What `--help` shows."""
        lines = [
            f"Usage: minicontain {self.name} {self.arguments}".rstrip(),
            "",
            self.summary,
            "",
            "Options:",
        ]
        lines += _columns((option.spelled(), option.help) for option in (*self.options, HELP))
        if self.more:
            lines += ["", self.more]
        return "\n".join(lines) + "\n"


def overview(commands: Sequence[Command]) -> str:
    """What `minicontain --help` shows."""
    lines = ["Usage: minicontain COMMAND [OPTIONS] ...", "", "Containers without a daemon.", "", "Commands:"]
    lines += _columns((command.name, command.summary) for command in commands)
    lines += ["", "'minicontain COMMAND --help' tells more. Options are spelled as those of 'docker run'."]
    return "\n".join(lines) + "\n"


def _columns(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [
        f"  {left:<28} {right}" if len(left) <= 28 else f"  {left}\n  {'':<28} {right}"
        for left, right in rows
    ]


def parse(command: Command, words: Sequence[str]) -> tuple[Values, list[str]]:
    """The options' values and the arguments."""
    options = {name: option for option in (*command.options, HELP) for name in option.names}
    values: Values = {}
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            rest += left
            break
        if word == "-" or not word.startswith("-"):
            rest.append(word)
            if command.options_first:
                rest += left
                break
        elif word.startswith("--"):
            _long(command, options, word, left, values)
        else:
            _short(command, options, word, left, values)
    if not values.get("help"):
        _count(command, rest)
    return values, rest


def _long(command: Command, options: dict[str, Option], word: str, left: list[str], values: Values) -> None:
    name, equals, value = word.partition("=")
    option = options.get(name)
    if option is None:
        raise _unknown(command, options, name)
    if not option.value:
        _keep(values, option, _truth(name, value) == option.on if equals else option.on)
    elif equals:
        _keep(values, option, value)
    else:
        _keep(values, option, _next(name, left))


def _short(command: Command, options: dict[str, Option], word: str, left: list[str], values: Values) -> None:
    """`-i`, `-it`, `-eNAME=value`, `-e NAME=value`, `-t=false`."""
    letters = word[1:]
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        option = options.get(name)
        if option is None:
            raise _unknown(command, options, name)
        if option.value:
            _keep(values, option, letters[letters.startswith("=") :] if letters else _next(name, left))
            return
        if letters.startswith("="):
            _keep(values, option, _truth(name, letters[1:]))
            return
        _keep(values, option, option.on)


def _keep(values: Values, option: Option, value: Any) -> None:
    if option.many:
        values.setdefault(option.stored_as, []).append(value)
    else:
        values[option.stored_as] = value


def _next(name: str, left: list[str]) -> str:
    if not left:
        raise Failure(f"{name} needs a value", "write it after the option")
    return left.pop(0)


def _truth(name: str, text: str) -> bool:
    if text.lower() in ("true", "1", "t"):
        return True
    if text.lower() in ("false", "0", "f"):
        return False
    raise Failure(f"{name}: '{text}' is neither true nor false", f"write {name}, or {name}=false")


def _unknown(command: Command, options: dict[str, Option], name: str) -> Failure:
    from difflib import get_close_matches

    from .options import NOT_YET

    if command.name in ("run", "explain") and name in NOT_YET:
        return Failure(f"{name} is not in this version: {NOT_YET[name]}", "leave it out")
    near = get_close_matches(name, [known for known in options if known.startswith("--")], 1)
    hint = f"did you mean '{near[0]}'?" if near else f"see 'minicontain {command.name} --help'"
    return Failure(f"{command.name} has no option '{name}'", hint)


def _count(command: Command, rest: list[str]) -> None:
    usage = f"write minicontain {command.name} {command.arguments}"
    if len(rest) < command.least:
        raise Failure(f"{command.name} needs more arguments", usage)
    if command.most is not None and len(rest) > command.most:
        raise Failure(f"{command.name}: there is no use for '{rest[command.most]}'", usage)
