"""`run -it` and `exec -it`: a terminal in a terminal, as people use it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLI = [sys.executable, "-m", "minicontain"]
PATIENCE = 30
PS1 = "inside> "


@pytest.fixture(autouse=True)
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@contextmanager
def session(*words: str, **options: Any) -> Iterator[Any]:
    """minicontain in a terminal of its own. Echo is on, as the terminal's modes are looked at."""
    child = pexpect.spawn(CLI[0], [*CLI[1:], *words], timeout=PATIENCE, dimensions=(30, 90), **options)
    child.delaybeforesend = None
    try:
        yield child
    finally:
        child.close(force=True)


def shell(**options: Any) -> Any:
    return session("run", "-it", "-e", f"PS1={PS1}", "--", "sh", **options)


def is_raw(child: Any) -> bool:
    # The end that the test has tells the modes of the other.
    return not termios.tcgetattr(child.child_fd)[3] & termios.ICANON


def until(is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def status(child: Any) -> int:
    """The exit status; negative for a signal."""
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus if child.exitstatus is not None else -child.signalstatus


def modes_after(*words: str, during: Any = lambda _cli: None, program: str = "") -> tuple[int, bool]:
    """The status that a shell sees, and whether the terminal's modes are then as they were before."""
    master, slave = os.openpty()
    try:
        before = termios.tcgetattr(slave)
        cli = subprocess.Popen(
            [sys.executable, "-c", program, *words] if program else [*CLI, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.set_blocking(master, False)
        deadline = time.monotonic() + PATIENCE
        told = False
        while cli.poll() is None:
            assert time.monotonic() < deadline
            try:
                os.read(master, 1 << 16)
            except OSError:
                time.sleep(0.01)
            if not told and not termios.tcgetattr(slave)[3] & termios.ICANON:
                told = True
                during(cli)
        return cli.returncode, termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


# A session


def test_a_shell_is_typed_to_and_answers() -> None:
    with shell() as child:
        child.expect_exact(PS1)
        assert is_raw(child)
        child.send("echo a$((1+1))c; tty\r")
        child.expect_exact("a2c")
        child.expect_exact("/dev/pts/0")
        child.expect_exact(PS1)
        child.send("exit 5\r")
        assert status(child) == 5


def test_the_size_is_the_callers_and_follows_it() -> None:
    with shell() as child:
        child.expect_exact(PS1)
        child.send("stty size\r")
        child.expect_exact("30 90")
        child.expect_exact(PS1)
        child.send("trap 'stty size' WINCH\r")
        child.expect_exact(PS1)
        child.setwinsize(44, 133)
        child.send("\r")
        child.expect_exact("44 133")
        child.send("exit\r")
        assert status(child) == 0


def test_control_c_interrupts_the_program_inside_and_not_the_cli() -> None:
    with shell() as child:
        child.expect_exact(PS1)
        child.send("sleep 600; echo status $?\r")
        child.expect_exact("echo status $?")
        time.sleep(0.3)
        child.send("\x03")
        child.expect_exact(PS1)
        child.send("echo still he''re\r")
        child.expect_exact("still here")
        child.send("\x04")
        assert status(child) == 0


def test_a_program_that_control_c_ends_gives_130() -> None:
    with session("run", "-it", "--", "sh", "-c", "echo ready; exec sleep 600") as child:
        child.expect_exact("ready")
        until(lambda: is_raw(child))
        child.send("\x03")
        assert status(child) == 130


def test_exec_joins_with_a_terminal_too() -> None:
    name = f"test-exec-terminal-{os.getpid()}"
    subprocess.run([*CLI, "run", "-d", "--name", name, "sleep", "600"], check=True, capture_output=True)
    try:
        with session("exec", "-it", "-e", f"PS1={PS1}", name, "sh") as child:
            child.expect_exact(PS1)
            child.send("stty size; echo 'over there' > /tmp/x\r")
            child.expect_exact("30 90")
            child.expect_exact(PS1)
            child.send("exit 7\r")
            assert status(child) == 7
        said = subprocess.run([*CLI, "exec", name, "cat", "/tmp/x"], capture_output=True, check=True)
        assert said.stdout == b"over there\n"
    finally:
        subprocess.run([*CLI, "rm", "-f", name], check=True, capture_output=True)


def test_much_output_comes_whole() -> None:
    with session("run", "-it", "--", "sh", "-c", "seq 200000; echo last") as child:
        child.maxread = 1 << 16
        child.expect(pexpect.EOF)
        lines = child.before.decode().split()
        assert lines == [*map(str, range(1, 200001)), "last"]


def test_much_output_and_much_input_at_once_do_not_deadlock() -> None:
    with session(
        "run", "-it", "--", "sh", "-c", "stty raw -echo; echo ready; head -c 100000 | od -v -An -tx1"
    ) as child:
        child.expect_exact("ready")
        until(lambda: is_raw(child))
        os.set_blocking(child.child_fd, False)
        left, said = b"x" * 100000, b""
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline
            with suppress(BlockingIOError):
                left = left[os.write(child.child_fd, left[:4096]) :] if left else left
            try:
                said += os.read(child.child_fd, 1 << 16)
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                break
        assert said.split() == [b"78"] * 100000


def test_a_program_that_leaves_its_terminal_is_waited_for() -> None:
    script = "exec < /dev/null > /dev/null 2>&1; sleep 1; echo back > /dev/tty; exit 3"
    with session("run", "-it", "--", "sh", "-c", script) as child:
        child.expect_exact("back")
        assert status(child) == 3


def test_what_was_typed_before_is_not_lost() -> None:
    with session("run", "-it", "--", "sh", "-c", "read line; echo got $line") as child:
        child.send("early\r")
        child.expect_exact("got early")
        assert status(child) == 0


# The terminal afterwards


@pytest.mark.parametrize("script", ["exit 0", "exit 3", "stty raw -echo; exit 0", "kill -9 $$"])
def test_the_terminal_is_as_before_after_the_end(script: str) -> None:
    assert modes_after("run", "-it", "--", "sh", "-c", script)[1]


@pytest.mark.parametrize(
    "words", [("no-such-program",), ("--hostname", "a b", "sh"), ("-w", "/no/such", "sh")]
)
def test_the_terminal_is_as_before_after_an_error(words: tuple[str, ...]) -> None:
    code, same = modes_after("run", "-it", *words)
    assert (code, same) == (127 if "no-such-program" in words else 125, True)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"])
def test_the_terminal_is_as_before_after_a_signal(name: str) -> None:
    number = signal.Signals[name]
    code, same = modes_after("run", "-it", "--", "sleep", "600", during=lambda cli: cli.send_signal(number))
    assert (code, same) == (128 + number, True)


def test_the_terminal_is_as_before_after_an_exception() -> None:
    program = """
import sys, minicontain
from minicontain.interactive import interact
class Broken(minicontain.Container):
    def wait(self, timeout=None): raise OSError("broken")
with Broken(["sh", "-c", "sleep 0.3"], tty=True) as container:
    try:
        interact(container)
    except OSError as error:
        sys.exit(str(error) == "broken" and 9)
"""
    assert modes_after("run", program=program) == (9, True)


def test_a_signal_ends_a_session_that_is_blocked_writing() -> None:
    """Nobody reads what it shows."""
    with session("run", "-it", "--", "sh", "-c", "yes") as child:
        until(lambda: is_raw(child))
        time.sleep(0.5)
        child.kill(signal.SIGTERM)
        until(lambda: not is_raw(child))
        assert status(child) == 128 + 15


def test_when_the_terminal_goes_the_session_ends() -> None:
    master, slave = os.openpty()
    cli = subprocess.Popen(
        [*CLI, "run", "-it", "--", "sleep", "600"],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    until(lambda: not termios.tcgetattr(master)[3] & termios.ICANON)
    os.close(master)
    assert cli.wait(timeout=PATIENCE) == 128 + 1


def test_stopped_and_continued_the_modes_change_with_it() -> None:
    """As a shell has it: kill -TSTP, and then fg."""
    program = f"""
import os, signal, subprocess, sys, termios
cli = subprocess.Popen({CLI!r} + sys.argv[1:], process_group=0) if sys.version_info >= (3, 11) else None
os.tcsetpgrp(0, cli.pid)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
def raw():
    return not termios.tcgetattr(0)[3] & termios.ICANON
while not raw(): pass
os.kill(cli.pid, signal.SIGTSTP)
os.waitid(os.P_PID, cli.pid, os.WSTOPPED)
assert not raw()
os.kill(cli.pid, signal.SIGCONT)
while not raw(): pass
os.kill(cli.pid, signal.SIGTERM)
sys.exit(cli.wait())
"""
    if sys.version_info < (3, 11):
        pytest.skip("process_group is from Python 3.11 on")
    with pexpect.spawn(
        sys.executable, ["-c", program, "run", "-it", "--", "sleep", "600"], timeout=PATIENCE
    ) as child:
        assert status(child) == 143


# What must not be


PUSH = """
import fcntl, os, termios
descriptors = [0, 1, 2]
try:
    descriptors.append(os.open("/dev/tty", os.O_RDWR))
except OSError:
    pass
for fd in descriptors:
    try:
        fcntl.ioctl(fd, termios.TIOCSTI, b"!")
    except OSError:
        print("refused")
print("done")
"""


@pytest.mark.parametrize("words", [["-it"], ["-i"], ["-t"], []])
def test_input_cannot_be_pushed_into_the_callers_terminal(words: list[str]) -> None:
    """TIOCSTI on every descriptor that the program has (without -t, the caller's), and on /dev/tty."""
    shell = pexpect.spawn(
        "sh", timeout=PATIENCE, dimensions=(30, 900), env={**os.environ, "PS1": PS1, "PUSH": PUSH}
    )
    try:
        shell.expect_exact(PS1)
        # The shell that called would find it among what is typed to it.
        program = f'{" ".join(CLI)} run {" ".join(words)} -- python3 -c "$PUSH"'
        shell.send(f"stty -echo; {program}; read -r line; echo read:$line:\r")
        shell.expect_exact("done")
        if not any("t" in word for word in words):
            assert shell.before.count(b"refused") == 3
        until(lambda: foreground(shell) == "sh" and not is_raw(shell))
        shell.send("typed\r")
        shell.expect(r"read:(.*?):")
        assert shell.match[1] == b"typed"
    finally:
        shell.close(force=True)


def foreground(child: Any) -> str:
    """The name of the first process of a terminal's foreground process group."""
    try:
        with open(f"/proc/{os.tcgetpgrp(child.child_fd)}/comm") as comm:
            return comm.read().strip()
    except OSError:
        return ""


def test_a_terminal_needs_a_terminal() -> None:
    done = subprocess.run([*CLI, "run", "-it", "sh"], input="ls\n", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.splitlines()[0] == "minicontain: the input device is not a TTY"


def test_without_input_a_terminal_is_only_watched() -> None:
    done = subprocess.run(
        [*CLI, "run", "-t", "sh", "-c", "tty; stty size; exit 3"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (3, b"/dev/pts/0\r\n24 80\r\n")


@pytest.mark.parametrize("input", [b"echo a''b\nexit 6", b"echo a''b; exit 6\n"])
def test_from_the_api_without_terminals(input: bytes) -> None:
    program = """
import minicontain
from minicontain.interactive import interact
with minicontain.Container(["sh"], tty=True, env={"PS1": ""}) as container:
    raise SystemExit(interact(container))
"""
    done = subprocess.run([sys.executable, "-c", program], input=input, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, b"ab" in done.stdout) == (6, True)
