"""What `subprocess` has beyond a spec: given its meaning here, or refused with the reason."""

from __future__ import annotations

import os
import subprocess
import warnings
from contextlib import suppress
from typing import Any

from . import errors

NAMES = frozenset(
    (
        "bufsize",
        "close_fds",
        "creationflags",
        "pipesize",
        "preexec_fn",
        "process_group",
        "restore_signals",
        "startupinfo",
    )
)


def settle(fields: dict[str, Any]) -> None:
    """Takes those parameters out of `fields`, and puts in what they mean."""
    if fields.pop("preexec_fn", None) is not None:
        raise errors.fault(
            "preexec_fn",
            "no Python runs between clone and execve: it would share the caller's memory",
            "use cwd, env, user, umask, ulimits, pass_fds or start_new_session, or run a program that does it",
        )
    for name, nothing in (("startupinfo", None), ("creationflags", 0)):
        if fields.pop(name, nothing) != nothing:
            raise errors.fault(name, "only Windows has it", "leave it out")
    for name in ("bufsize", "pipesize", "restore_signals"):
        # The engine reads the pipes itself, and every signal starts as the system has it.
        fields.pop(name, None)
    _process_group(fields)
    if not fields.pop("close_fds", True):
        if fields.get("pass_fds"):
            warnings.warn("pass_fds overriding close_fds.", RuntimeWarning, stacklevel=3)
        else:
            fields["pass_fds"] = inheritable()


def streams(fields: dict[str, Any], input: Any, capture_output: bool) -> None:
    """Puts in the streams that `input` and `capture_output` of `run` stand for."""
    if input is not None:
        if fields.get("stdin") is not None:
            raise ValueError("stdin and input arguments may not both be used.")
        fields["stdin"] = subprocess.PIPE
    if capture_output:
        if fields.get("stdout") is not None or fields.get("stderr") is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        fields["stdout"] = fields["stderr"] = subprocess.PIPE


def _process_group(fields: dict[str, Any]) -> None:
    group = fields.pop("process_group", None)
    if group is None or group == -1:
        return
    if group != 0:
        raise errors.fault(
            "process_group", f"a container cannot join the caller's process group {group}", "use 0"
        )
    # Who leads a session leads a process group.
    if fields.get("start_new_session") is False:
        raise errors.fault(
            "process_group", "a group of its own comes with a session of its own", "use start_new_session=True"
        )


def inheritable() -> list[int]:
    """The caller's descriptors that a program would get by inheritance, without the standard streams."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        # That of the listing itself is closed by now.
        with suppress(OSError):
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return sorted(found)
