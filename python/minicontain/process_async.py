"""A container from its start to its end, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from .container import Container
from .process import settled
from .results import CompletedProcess, TimeoutExpired
from .streams import Text

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from .fields import Args, Process, Stream


@overload
async def run_async(
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
async def run_async(
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
async def run_async(
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
async def run_async(
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
async def run_async(
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
    r"""`run`, awaited: any number at once in one event loop, and no thread for any.

    A coroutine that is cancelled kills its container, with everything in it.

    >>> import asyncio, minicontain
    >>> async def main():
    ...     runs = (minicontain.run_async(["echo", word], capture_output=True, text=True) for word in "ab")
    ...     return [done.stdout for done in await asyncio.gather(*runs)]
    >>> asyncio.run(main())
    ['a\n', 'b\n']
    """
    fields.update(stdin=stdin, stdout=stdout, stderr=stderr, shell=shell)
    told = Text(encoding, errors, text, universal_newlines)
    settled(args, fields, input, capture_output)
    # It is fed bytes, so that what cannot be decoded does not hide a timeout.
    return await to_end_async(Container(args, **fields), told, input, timeout, check)


async def to_end_async(
    container: Container[bytes], told: Text, input: Any, timeout: float | None, check: bool
) -> CompletedProcess[Any]:
    """Awaits the end of a container, which is started if it was not; kills it at the timeout."""
    async with container:
        data = told.encode(input)
        try:
            out, err = await container.communicate_async(data, timeout)
        except TimeoutExpired as late:
            container.kill()
            out, err = await container.communicate_async()
            result = _completed(container, told.decode(out, "replace"), told.decode(err, "replace"))
            result.reason = "timed_out"
            raise TimeoutExpired(late.cmd, late.timeout, out or None, err or None, result) from None
    result = _completed(container, told.decode(out), told.decode(err))
    if check:
        result.check_returncode()
    return result


def _completed(container: Container[bytes], stdout: Any, stderr: Any) -> CompletedProcess[Any]:
    result: CompletedProcess[Any] | None = container.result
    assert result is not None
    result.stdout, result.stderr = stdout, stderr
    return result
