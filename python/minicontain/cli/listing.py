"""`ps` and `logs`: what there is, and what it said."""

from __future__ import annotations

import json
import os
import select
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

from ..errors import Error
from .failures import Failure, exit_status
from .parser import Command, Option

if TYPE_CHECKING:
    from ..container import Container
    from ..named import ContainerStatus
    from .parser import Values


def ps(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain ps`."""
    from .. import containers

    found = [one for one in containers() if values.get("all") or one.state != "exited"]
    if values.get("quiet"):
        for one in found:
            print(one.name)
    elif values.get("json"):
        print(json.dumps([_plain(one) for one in found], indent=2))
    else:
        rows = [("NAME", "PID", "STATE", "CREATED", "PORTS", "COMMAND"), *map(_row, found)]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        for row in rows:
            print("  ".join([*(text.ljust(width) for text, width in zip(row, widths)), row[5]]).rstrip())
    return 0


def _plain(one: ContainerStatus) -> dict[str, Any]:
    return {
        "name": one.name,
        "pid": one.pid,
        "state": one.state,
        "created": float(one.created),
        "args": list(one.args),
        "ports": ports(one),
        "returncode": one.returncode,
        "reason": one.reason,
    }


def ports(one: ContainerStatus) -> list[str]:
    """The ports of the host that lead to it, as Docker shows them: `0.0.0.0:8080->80/tcp`."""
    if one.state == "exited":
        return []
    shown = []
    for published in one.spec.fields["publish"]:
        host, _, container = published.rpartition(":")
        shown.append(f"{host if ':' in host else f'0.0.0.0:{host}'}->{container}")
    return shown


def _row(one: ContainerStatus) -> tuple[str, ...]:
    state = one.state if one.returncode is None else f"{one.state} ({exit_status(one.returncode)})"
    command = shlex.join(one.args)
    command = command if len(command) <= 60 and command.isprintable() else f"{ascii(command[:57])[1:-1]}..."
    created = _ago(time.time() - float(one.created))
    return one.name, str(one.pid or "-"), state, created, ", ".join(ports(one)) or "-", command


def _ago(past: float) -> str:
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if past >= length:
            count = int(past // length)
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return f"{max(int(past), 0)} s ago"


def logs(values: Values, rest: list[str]) -> int:
    """`minicontain logs`."""
    from .. import containers
    from ..container import Container

    tail = values.get("tail", "all")
    if not tail.isdigit() and tail != "all":
        raise Failure(f"--tail: '{tail}' is not a number", "write a number of lines, or 'all'")
    running: Container[Any] | None = None
    try:
        running = Container.attach(rest[0])
        path = running.log_path
    except Error as error:
        if error.code != "ended":
            raise
        path = next((one.log_path for one in containers() if one.name == rest[0]), None)
    if path is None or not os.path.exists(path):
        raise Failure(f"the container '{rest[0]}' has no log", "only a detached container has one")
    sys.stdout.flush()
    with open(path, "rb", buffering=0) as file:
        if tail != "all":
            file.seek(_last_lines(path, int(tail)))
        while True:
            # Looked first: what was said until the end is then in the file.
            over = running is None or not values.get("follow") or _ended(running, 0.1)
            while part := file.read(1 << 16):
                _put(part)
            if over:
                return 0


def _ended(container: Container[Any], seconds: float) -> bool:
    """Whether it has ended, or does soon."""
    poll = select.poll()
    poll.register(container.fileno(), select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _put(data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(1, left) :]


def _last_lines(path: str | os.PathLike[str], count: int) -> int:
    """Where the last lines begin."""
    with open(path, "rb") as file:
        place = file.seek(0, os.SEEK_END)
        # The end of the last line begins no other.
        wanted = count + 1
        while place > 0:
            size = min(place, 1 << 16)
            place -= size
            file.seek(place)
            part = file.read(size)
            if place + size == file.seek(0, os.SEEK_END) and not part.endswith(b"\n"):
                wanted -= 1
            found = len(part)
            while wanted and (found := part.rfind(b"\n", 0, found)) >= 0:
                wanted -= 1
            if not wanted:
                return place + found + 1
    return 0


COMMANDS = {
    "ps": Command(
        "ps",
        "[OPTIONS]",
        "Lists the containers that have a name.",
        ps,
        (
            Option(("-a", "--all"), "also those that have ended"),
            Option(("-q", "--quiet"), "only their names"),
            Option(("--json",), "as JSON"),
        ),
        most=0,
    ),
    "logs": Command(
        "logs",
        "[OPTIONS] NAME",
        "Shows what a detached container has written.",
        logs,
        (
            Option(("-f", "--follow"), "go on until it ends"),
            Option(("-n", "--tail"), "only the last lines", "LINES"),
        ),
        least=1,
        most=1,
    ),
}
