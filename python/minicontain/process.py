"""A container from its start to its end in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from . import _native, errors, terminal
from ._arguments import is_on_terminal, shown_args, spec_fields
from ._subprocess import settle
from ._subprocess import streams as gather_streams
from .results import CalledProcessError, CompletedProcess, TimeoutExpired
from .streams import Text

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from .fields import Args, Process, Stream


@overload
def run(
    args: Args,
    *,
    text: Literal[True],
    stdin: Stream = None,
    input: str | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Process],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Args,
    *,
    encoding: str,
    stdin: Stream = None,
    input: str | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Process],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Args,
    *,
    encoding: None = None,
    errors: None = None,
    text: Literal[False] | None = None,
    universal_newlines: Literal[False] | None = None,
    stdin: Stream = None,
    input: Buffer | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **fields: Unpack[Process],
) -> CompletedProcess[bytes]: ...
@overload
def run(
    args: Args,
    *,
    stdin: Stream = None,
    input: Any | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Unpack[Process],
) -> CompletedProcess[Any]: ...
def run(
    args: Any,
    *,
    stdin: Any = None,
    input: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    capture_output: bool = False,
    shell: bool = False,
    timeout: float | None = None,
    check: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    text: bool | None = None,
    universal_newlines: bool | None = None,
    **fields: Any,
) -> CompletedProcess[Any]:
    r"""Runs a program in a container to its end, and tells how that was: `subprocess.run` with walls.

    Every parameter of `subprocess.run` that can mean something here means the same; the others are the fields
    of a container: `env`, `cwd`, `user`, `umask`, `pass_fds`, `executable`, `hostname`, `rootfs`, `volumes`,
    `tmpfs`, `read_only`, `namespaces`, `network`, `cap_add`, `cap_drop`, `ulimits`, `sysctls`, `host_files`,
    `require`, the limits (`memory`, `cpus`, `pids_limit`, …) and the rest of `help(minicontain.fields)`.

    What differs from `subprocess`, for safety, is told at `Popen`; above all, the environment is a small
    clean one, to which `env` adds.

    `timeout` is in seconds; when it is up, the container is killed with everything in it. Ctrl-C kills it
    too.

    With `tty` the program has a terminal: `capture_output` captures what that shows as `stdout`, and `input`
    is typed, with the end of input (^D) after it.

    Raises `SpecError` if what is asked for cannot be, `StartError` if the container could not be started
    (which is also the `OSError` that `subprocess.run` would raise), `TimeoutExpired`, and, with `check`,
    `CalledProcessError`.

    >>> import minicontain
    >>> minicontain.run(["cat"], input="text in, text out", text=True, capture_output=True).stdout
    'text in, text out'
    >>> minicontain.run("echo $0 $HOME; exit 3", shell=True, env={"HOME": "/tmp"}, capture_output=True)
    CompletedProcess(args='echo $0 $HOME; exit 3', returncode=3, stdout=b'/bin/sh /tmp\n', stderr=b'')
    """
    if shell or stdin is not None or stdout is not None or stderr is not None:
        fields.update(stdin=stdin, stdout=stdout, stderr=stderr, shell=shell)
    streams = Text(encoding, errors, text, universal_newlines)
    return to_end(None, args, fields, input, capture_output, timeout, check, streams)


def settled(args: Any, fields: dict[str, Any], input: Any, capture_output: bool) -> bool:
    """Puts into `fields` what `run` means by them; whether the program is to have a terminal."""
    gather_streams(fields, input, capture_output)
    settle(fields)
    on_terminal = is_on_terminal(args, fields)
    if on_terminal:
        terminal.settle(fields)
    return on_terminal


def not_detached(wanted: dict[str, Any]) -> None:
    """Refuses to wait for a program that joins a container and is to be left alone."""
    if wanted.get("detach"):
        raise errors.fault("detach", "its end is waited for", "start it with popen, or leave it out")


def to_end(
    place: _native.Container | int | None,
    args: Any,
    fields: dict[str, Any],
    input: Any,
    capture_output: bool,
    timeout: float | None,
    check: bool,
    streams: Text,
) -> CompletedProcess[Any]:
    """Runs a program to its end: in a container of its own, in one that runs, or beside a process."""
    on_terminal = settled(args, fields, input, capture_output)
    data = streams.encode(input)
    if on_terminal:
        data = terminal.typed(data)
    wanted = spec_fields(args, fields)
    if place is not None:
        not_detached(wanted)
    outcome, out, err, trace = _native.run(wanted, data, timeout, place)
    args = shown_args(args)
    # Without a timeout it cannot have, and need not be asked.
    if timeout is not None and outcome.reason == "timed_out":
        late = CompletedProcess(
            args, outcome, trace, streams.decode(out, "replace"), streams.decode(err, "replace")
        )
        raise TimeoutExpired(args, timeout or 0.0, out or None, err or None, late)
    result = CompletedProcess(args, outcome, trace, streams.decode(out), streams.decode(err))
    if check and result.returncode:
        raise CalledProcessError(result.returncode, args, result.stdout, result.stderr, result)
    return result
