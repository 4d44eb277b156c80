"""The shorthands of `subprocess`, for containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from .process import run

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from .fields import Args, Popened, Process, Stream


def call(args: Args, *, timeout: float | None = None, **fields: Unpack[Popened]) -> int:
    """Runs a program in a container to its end; its `returncode`. Takes what `run` takes.

    >>> import minicontain
    >>> minicontain.call("exit 3", shell=True)
    3
    """
    return run(args, timeout=timeout, **fields).returncode


def check_call(args: Args, *, timeout: float | None = None, **fields: Unpack[Popened]) -> int:
    """Runs a program in a container to its end. Raises `CalledProcessError` if its status is not 0.

    >>> import minicontain
    >>> minicontain.check_call(["true"])
    0
    """
    return run(args, timeout=timeout, check=True, **fields).returncode


@overload
def check_output(
    args: Args,
    *,
    text: Literal[True],
    stdin: Stream = None,
    input: str | None = None,
    stderr: Stream = None,
    shell: bool = False,
    timeout: float | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Process],
) -> str: ...
@overload
def check_output(
    args: Args,
    *,
    encoding: str,
    stdin: Stream = None,
    input: str | None = None,
    stderr: Stream = None,
    shell: bool = False,
    timeout: float | None = None,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Process],
) -> str: ...
@overload
def check_output(
    args: Args,
    *,
    encoding: None = None,
    errors: None = None,
    text: Literal[False] | None = None,
    universal_newlines: Literal[False] | None = None,
    stdin: Stream = None,
    input: Buffer | None = None,
    stderr: Stream = None,
    shell: bool = False,
    timeout: float | None = None,
    **fields: Unpack[Process],
) -> bytes: ...
@overload
def check_output(
    args: Args,
    *,
    stdin: Stream = None,
    input: Any | None = None,
    stderr: Stream = None,
    shell: bool = False,
    timeout: float | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Process],
) -> Any: ...
def check_output(args: Any, *, timeout: float | None = None, **fields: Any) -> Any:
    r"""Runs a program in a container to its end; what it wrote to its standard output.

    Raises `CalledProcessError` if its status is not 0. Takes what `run` takes. `input=None`, as in
    `subprocess`, is no input at all.

    >>> import minicontain
    >>> minicontain.check_output(["cat"], input=b"meow")
    b'meow'
    """
    for name in ("stdout", "check"):
        if name in fields:
            raise ValueError(f"{name} argument not allowed, it will be overridden.")
    if "input" in fields and fields["input"] is None:
        text = any(fields.get(name) for name in ("text", "encoding", "errors", "universal_newlines"))
        fields["input"] = "" if text else b""
    return run(args, stdout=-1, timeout=timeout, check=True, **fields).stdout


def getstatusoutput(
    cmd: Args, *, encoding: str | None = None, errors: str | None = None, **fields: Unpack[Process]
) -> tuple[int, str]:
    r"""Runs a command of the shell; its `returncode`, and what it wrote without the last newline.

    >>> import minicontain
    >>> minicontain.getstatusoutput("echo out; echo err >&2; exit 3")
    (3, 'out\nerr')
    """
    done = run(cmd, shell=True, text=True, encoding=encoding, errors=errors, stdout=-1, stderr=-2, **fields)
    return done.returncode, done.stdout.removesuffix("\n")


def getoutput(
    cmd: Args, *, encoding: str | None = None, errors: str | None = None, **fields: Unpack[Process]
) -> str:
    """Runs a command of the shell; what it wrote, without the last newline.

    >>> import minicontain
    >>> minicontain.getoutput("echo hello")
    'hello'
    """
    return getstatusoutput(cmd, encoding=encoding, errors=errors, **fields)[1]
