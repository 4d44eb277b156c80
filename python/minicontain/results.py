"""How a container ended."""

from __future__ import annotations

import subprocess
from functools import cached_property
from subprocess import SubprocessError as SubprocessError
from typing import TYPE_CHECKING, Any, AnyStr

from . import enforcement, stats
from .errors import Error
from .trace import Trace

if TYPE_CHECKING:
    from . import _native
    from .cgroup import Victim
    from .enforcement import Enforcement
    from .stats import Usage


class CompletedProcess(subprocess.CompletedProcess[AnyStr]):
    r"""A container that has ended: a `subprocess.CompletedProcess`, and more.

    `args`, `returncode` (the exit status, or the negative number of the signal that ended the program),
    `stdout`, `stderr` and `check_returncode` are as there.

    >>> import minicontain
    >>> done = minicontain.run(["sh", "-c", "echo out; exit 3"], capture_output=True)
    >>> done.returncode, done.stdout, done.reason, done.oom_killed
    (3, b'out\n', 'exited', False)
    """

    def __init__(
        self,
        args: Any,
        outcome: _native.Outcome,
        trace: _native.Trace,
        stdout: Any = None,
        stderr: Any = None,
    ) -> None:
        super().__init__(args, outcome.returncode, stdout, stderr)
        # The rest is made of these when somebody looks: right after a container, every page is cold.
        self._outcome = outcome
        self._native_trace = trace

    @cached_property
    def reason(self) -> str:
        """Why it ended: `exited`, `signaled`, `timed_out`, `oom` or `killed`.

        >>> import minicontain
        >>> minicontain.run(["true"]).reason
        'exited'
        """
        return self._outcome.reason

    @cached_property
    def oom_kills(self) -> int:
        """How many of its processes the kernel killed for want of memory.

        >>> import minicontain
        >>> minicontain.run(["true"]).oom_kills
        0
        """
        return self._outcome.oom_kills

    @property
    def oom_killed(self) -> bool:
        """Whether the kernel killed any of its processes for want of memory.

        `reason` is `oom` if the program itself was.

        >>> import minicontain
        >>> minicontain.run(["true"]).oom_killed
        False
        """
        return self.oom_kills > 0

    @cached_property
    def oom_victims(self) -> list[Victim]:
        """Which processes that were, as far as the kernel's log may be read and still tells.

        >>> import minicontain
        >>> minicontain.run(["true"]).oom_victims
        []
        """
        from .cgroup import Victim

        return [Victim(*victim) for victim in self._outcome.oom_victims]

    @cached_property
    def stats(self) -> Usage:
        """What it used: seconds and bytes; and where it had a cgroup, all that this counted.

        >>> import minicontain
        >>> 0 < minicontain.run(["true"]).stats.wall < 60
        True
        """
        return stats.from_usage(self._outcome.usage, self._outcome.stats)

    @cached_property
    def trace(self) -> Trace:
        """What was done to start it.

        >>> import minicontain
        >>> len(minicontain.run(["true"]).trace) > 10
        True
        """
        return Trace(self._native_trace)

    @cached_property
    def enforced(self) -> dict[str, Enforcement]:
        """How well each feature held, by its name.

        >>> import minicontain
        >>> str(minicontain.run(["true"]).enforced["namespaces"])
        'enforced'
        """
        return enforcement.from_plain(self._native_trace.enforced())

    def check_returncode(self) -> None:
        """Raises `CalledProcessError` if the exit status is not 0.

        >>> import minicontain
        >>> minicontain.run(["true"]).check_returncode()
        """
        if self.returncode:
            raise CalledProcessError(self.returncode, self.args, self.stdout, self.stderr, self)

    def __getstate__(self) -> dict[str, Any]:
        lazy = (name for name, of in vars(CompletedProcess).items() if isinstance(of, cached_property))
        made = {name: getattr(self, name) for name in lazy}
        return {**vars(self), **made, "_outcome": None, "_native_trace": None}

    def _repr_html_(self) -> str:
        from ._html import table

        used = self.stats
        victims = ", ".join(str((victim.pid, victim.name)) for victim in self.oom_victims)
        rows: list[tuple[str, object]] = [
            ("args", self.args),
            ("returncode", f"{self.returncode} ({self.reason})"),
            ("stdout", self.stdout),
            ("stderr", self.stderr),
            ("wall time", f"{used.wall * 1e3:.2f} ms, of which {self.trace.setup * 1e3:.2f} ms to start it"),
            ("CPU time", f"{used.user * 1e3:.2f} ms user, {used.system * 1e3:.2f} ms system"),
            (
                "peak memory",
                "no more than the caller's"
                if used.memory.peak is None
                else f"{used.memory.peak / 2**20:.1f} MiB",
            ),
            ("killed for want of memory", victims or self.oom_kills or None),
            *((f"{feature}", state) for feature, state in self.enforced.items()),
        ]
        shown = [(name, value) for name, value in rows if value is not None]
        return table("", (), shown, code=(1,))


class _Ended(Error):  # noqa: N818
    """An error about a container that ended, with what is known of it."""

    result: CompletedProcess[Any] | None = None
    """How it ended, and all that is known of it."""

    @property
    def reason(self) -> str | None:
        """Why it ended."""
        return None if self.result is None else self.result.reason

    @property
    def oom_killed(self) -> bool:
        """Whether the kernel killed any of its processes for want of memory."""
        return self.result is not None and self.result.oom_killed

    @property
    def stats(self) -> Usage | None:
        """What it used."""
        return None if self.result is None else self.result.stats

    @property
    def trace(self) -> Trace | None:
        """What was done to start it."""
        return None if self.result is None else self.result.trace

    @property
    def enforced(self) -> dict[str, Enforcement] | None:
        """How well each feature held, by its name."""
        return None if self.result is None else self.result.enforced


class CalledProcessError(_Ended, subprocess.CalledProcessError):
    """The program of `run(check=True)` ended with another status than 0: a `subprocess.CalledProcessError`.

    It has what its `result` has: `reason`, `stats`, `trace`, `enforced`, `oom_killed`.

    >>> import minicontain
    >>> try:
    ...     minicontain.run(["sh", "-c", "exit 3"], check=True)
    ... except minicontain.CalledProcessError as error:
    ...     error.returncode, error.reason
    (3, 'exited')
    """

    code = "called_process_failed"

    def __init__(
        self, returncode: int, cmd: Any, output: Any = None, stderr: Any = None, result: Any = None
    ) -> None:
        super().__init__(returncode, cmd, output, stderr)
        self.result = result


class TimeoutExpired(_Ended, subprocess.TimeoutExpired):
    r"""The time that `run`, `wait` or `communicate` was given is up: a `subprocess.TimeoutExpired`.

    `run` has then killed the container, and `result` tells of it, with the output so far. Otherwise it still
    runs, and `result` is None. `output`, `stdout` and `stderr` are bytes, as in `subprocess`.

    >>> import minicontain
    >>> try:
    ...     minicontain.run("echo so far; sleep 9", shell=True, capture_output=True, text=True, timeout=0.5)
    ... except minicontain.TimeoutExpired as error:
    ...     error.reason, error.stdout, error.result.stdout
    ('timed_out', b'so far\n', 'so far\n')
    """

    code = "timed_out"

    def __init__(
        self, cmd: Any, timeout: float, output: Any = None, stderr: Any = None, result: Any = None
    ) -> None:
        super().__init__(cmd, timeout, output, stderr)
        self.result = result

    @property
    def reason(self) -> str:
        """Why it ended: `timed_out`, whether it was killed for that or still runs.

        >>> import minicontain
        >>> minicontain.TimeoutExpired(["sleep", "9"], 1).reason
        'timed_out'
        """
        return "timed_out"
