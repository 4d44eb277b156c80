"""What `subprocess` has beyond a spec: given its meaning here, or refused with the reason."""

from __future__ import annotations

import os
import subprocess
import warnings
from contextlib import suppress
from typing import Any

from . import errors
from .spec import Spec

NAMES = frozenset(
    (
        "bufsize",
        "close_fds",
        "creationflags",
        "pipesize",
        "preexec_fn",
        "restore_signals",
        "startupinfo",
    )
)


def settle(fields: dict[str, Any]) -> None:
    """Takes those parameters out of `fields`, and puts in what they mean; so with the working directory."""
    if not NAMES.isdisjoint(fields):
        _settle_names(fields)
    if fields.get("cwd") is not None:
        fields["cwd"] = directory(fields["cwd"])


def _settle_names(fields: dict[str, Any]) -> None:
    if fields.pop("preexec_fn", None) is not None:
        raise errors.fault(
            "preexec_fn",
            "no Python runs between clone and execve: it would share the caller's memory",
            "use cwd, env, user, umask, ulimits or pass_fds, or run a program that does it",
        )
    for name, nothing in (("startupinfo", None), ("creationflags", 0)):
        if fields.pop(name, nothing) != nothing:
            raise errors.fault(name, "only Windows has it", "leave it out")
    for name in ("bufsize", "pipesize", "restore_signals"):
        # The engine reads the pipes itself, and every signal starts as the system has it.
        fields.pop(name, None)
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


def inheritable() -> list[int]:
    """The caller's descriptors that a program would get by inheritance, without the standard streams."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        # That of the listing itself is closed by now.
        with suppress(OSError):
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return sorted(found)


def directory(cwd: Any) -> str:
    """A working directory; a relative one is below the caller's own, as in `subprocess`."""
    path = os.fsdecode(cwd)
    return os.path.join(os.getcwd(), path) if path and not path.startswith("/") else path


def environment(env: Any) -> dict[str, str | None]:
    """An environment of texts or bytes, as texts."""
    variables = {
        os.fsdecode(name): None if value is None else os.fsdecode(value) for name, value in env.items()
    }
    if any("=" in name for name in variables):
        raise ValueError("illegal environment variable name")
    return variables


def stream(name: str, given: Any, args: Any, fields: dict[str, Any]) -> Any:
    """A stream as `subprocess` knows it. A path and a spec's own stream it does not: `fields` get those."""
    if given is None and isinstance(args, Spec):
        wanted = args.fields[name]
        return _CONSTANTS.get(wanted) if isinstance(wanted, str) else None
    if isinstance(given, os.PathLike) or (given == subprocess.STDOUT and "stdout" in fields):
        fields[name] = given
        return None
    return given


_CONSTANTS = {"pipe": subprocess.PIPE, "null": subprocess.DEVNULL, "stdout": subprocess.STDOUT}


def is_of_container(name: Any, fields: dict[str, Any]) -> bool:
    """Whether a user or a group is one that only the container's own files can tell, or `uid:gid`."""
    return isinstance(name, str) and (":" in name or name.isdigit() or fields.get("rootfs") is not None)
