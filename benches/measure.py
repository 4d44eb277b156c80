"""How one thing is timed: a block of runs at a time, so that several things can take turns."""

from __future__ import annotations

import contextlib
import json
import os
import select
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 300


class Unavailable(Exception):
    """This cannot be measured here; the message says why and stands in the table in place of a number."""


@dataclass(frozen=True)
class Block:
    """What a number of runs in a row took. `per_second` is there when several threads made them together."""

    ns: list[int]
    per_second: float | None = None


@dataclass
class Result:
    """Everything measured for one row, over all its blocks."""

    ns: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    reason: str | None = None

    def add(self, block: Block) -> None:
        self.ns += block.ns
        if block.per_second is not None:
            self.rates.append(block.per_second)

    @property
    def measured(self) -> bool:
        return self.reason is None and bool(self.ns)

    @property
    def median_us(self) -> float:
        return statistics.median(self.ns) / 1000

    @property
    def per_second(self) -> float:
        return statistics.median(self.rates)


class Measure:
    """Something that can be run and timed."""

    def block(self, runs: int) -> Block:
        """Make that many runs, after one that is not counted. It is asked for the same number each time."""
        raise NotImplementedError

    def close(self) -> None:
        """The last block has been measured."""


class Dialogue:
    """A program that answers a line of JSON for each line that it reads, and waits between."""

    def __init__(self, *argv: str | os.PathLike) -> None:
        self.argv = argv
        self.process: subprocess.Popen | None = None

    def start(self) -> subprocess.Popen:
        # A file, not a pipe: a program that complains at length must not wait for someone to read it.
        self.complaints = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        return subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, text=True
        )

    def ask(self, line: str = "") -> Any:
        try:
            self.process = self.process or self.start()
            print(line, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise Unavailable(self.last_complaint()) from None
        except OSError as error:
            raise Unavailable(str(error)) from None
        if not select.select([self.process.stdout], [], [], TIMEOUT_SECONDS)[0]:
            raise Unavailable(f"no answer within {TIMEOUT_SECONDS} s")
        text = self.process.stdout.readline()
        if not text:
            raise Unavailable(self.last_complaint())
        try:
            return json.loads(text)
        except ValueError:
            raise Unavailable(f"not the answer that was agreed: {text[:60]!r}") from None

    def last_complaint(self) -> str:
        status = self.process.wait()
        self.complaints.seek(0)
        return last_line(self.complaints.read()) or f"ended with status {status}"

    def close(self) -> None:
        if self.process:
            self.process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()  # the program ends with its input
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.complaints.close()


class Program(Measure):
    """A program that times its own runs, with floor.c's command line and answer.

    One process makes all blocks and waits between them: its start is no part of a figure, and turns can be
    short, so that what disturbs the machine disturbs all who take turns.
    """

    def __init__(self, *argv: str | os.PathLike, root: str | os.PathLike) -> None:
        self.argv = argv
        self.root = root
        self.dialogue: Dialogue | None = None

    def block(self, runs: int) -> Block:
        self.dialogue = self.dialogue or Dialogue(*self.argv, "--repeat", self.root, str(runs))
        answer = self.dialogue.ask()
        try:
            return Block(answer) if isinstance(answer, list) else Block(answer["ns"], answer["per_second"])
        except (KeyError, TypeError):
            raise Unavailable(f"not the answer that was agreed: {answer!r:.60}") from None

    def close(self) -> None:
        if self.dialogue:
            self.dialogue.close()


class Command(Measure):
    """A command that knows nothing of benchmarks: each run is timed from its start until it is reaped."""

    SILENCE = tuple((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2))

    def __init__(self, *argv: str) -> None:
        self.argv = argv

    def block(self, runs: int) -> Block:
        output_of(self.argv)  # the uncounted run; should it fail, this one tells why
        return Block([self.time_one() for _ in range(runs)])

    def time_one(self) -> int:
        start = time.perf_counter_ns()
        # posix_spawn shares memory until exec, so this process's size is no part of the figure.
        pid = os.posix_spawnp(self.argv[0], self.argv, os.environ, file_actions=self.SILENCE)
        _, status = os.waitpid(pid, 0)
        elapsed = time.perf_counter_ns() - start
        if status != 0:
            raise Unavailable(f"{os.path.basename(self.argv[0])}: wait status {status}")
        return elapsed


class Absent(Measure):
    """Stands for what is not on this host."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def block(self, runs: int) -> Block:
        raise Unavailable(self.reason)


def output_of(argv) -> str:
    """The standard output of a command that must succeed. If it fails, its last complaint is the reason."""
    name = os.path.basename(argv[0])
    try:
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise Unavailable(f"{name}: not installed") from None
    if done.returncode != 0:
        raise Unavailable(last_line(done.stderr) or f"{name}: exit status {done.returncode}")
    return done.stdout


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
