"""Programs with a terminal of the container's own.

Covers: root and ordinary user.
"""

import asyncio
import os

import minicontain
import pytest
from minicontain import PIPE, Container

SHELL = 'while read line; do case "$line" in end) exit 4;; *) eval "$line";; esac; done'


def shell(**fields):
    """A shell that reads lines from its terminal, which does not show what is typed."""
    return Container(f"stty -echo; echo ready; {SHELL}", shell=True, tty=True, **fields)


def test_the_program_has_a_terminal_and_the_caller_its_other_end():
    script = "tty; stty size; test -t 0 -a -t 1 -a -t 2 && echo all; echo too > /dev/tty; echo err >&2"
    with Container(script, shell=True, tty=True, tty_size=(33, 77), text=True) as container:
        assert container.stdout.read() == "/dev/pts/0\n33 77\nall\ntoo\nerr\n"
        assert container.stdout.read() == ""
        assert container.wait() == 0
        assert container.stderr is None


def test_it_is_bytes_without_text_and_nothing_waits_in_a_buffer():
    with shell() as container:
        assert container.stdout.readline() == b"ready\r\n"
        container.stdin.write(b"echo one\n")
        assert container.stdout.readline() == b"one\r\n"
        buffer = bytearray(100)
        container.stdin.write(b"echo two\n")
        assert bytes(buffer[: container.stdout.readinto(buffer)]) == b"two\r\n"
        container.stdin.write(b"end\n")
        assert container.stdout.read(10) == b""
        assert container.stdout.readinto(buffer) == 0
        assert container.stdout.read() == b""
        assert container.wait() == 4


def test_it_is_text_line_by_line():
    with shell(encoding="utf-8") as container:
        assert container.stdout.readline() == "ready\n"
        container.stdin.write("echo caf\u00e9; echo more\nend\n")
        assert list(container.stdout) == ["caf\u00e9\n", "more\n"]


def test_its_size_changes_and_the_program_is_told():
    with shell(text=True) as container:
        container.stdout.readline()
        container.stdin.write("trap 'stty size' WINCH; stty size\n")
        assert container.stdout.readline() == "24 80\n"
        container.resize(50, 132)
        container.stdin.write(":\n")
        assert container.stdout.readline() == "50 132\n"
        container.stdout.close()
        container.resize(rows=10, columns=20)
        container.stdin.close()
        with pytest.raises(minicontain.StateError, match="closed"):
            container.resize(1, 1)


def test_only_a_terminal_has_a_size():
    with (
        Container(["sleep", "600"], stdin=PIPE) as container,
        pytest.raises(minicontain.StateError, match="tty"),
    ):
        container.resize(1, 1)
    with pytest.raises(minicontain.StateError, match="not started"):
        Container(["true"], tty=True).resize(1, 1)


def test_control_c_interrupts_the_program():
    with Container(["sleep", "600"], tty=True) as container:
        container.stdin.write(b"\x03")
        assert container.wait() == -2


def test_run_types_the_input_and_captures_what_is_shown():
    done = minicontain.run(
        "read line; echo got $line; tty", shell=True, tty=True, input="typed\n", text=True, stdout=PIPE
    )
    assert done.stdout == "typed\ngot typed\n/dev/pts/0\n"
    assert done.stderr is None
    # The end of input comes after what is typed, also within a line.
    for data in (b"", b"line\n", b"part"):
        assert (
            minicontain.run(
                "stty -echo; cat", shell=True, tty=True, input=data, capture_output=True
            ).returncode
            == 0
        )
    assert minicontain.run(["cat"], tty=True, capture_output=True).stdout == b""
    big = b"".join(b"%d\n" % n for n in range(5000))
    done = minicontain.run("stty -echo -onlcr; cat", shell=True, tty=True, input=big, capture_output=True)
    assert done.stdout.endswith(b"4998\n4999\n")


def test_run_says_that_somebody_must_read_the_terminal():
    with pytest.raises(minicontain.SpecError, match="capture_output"):
        minicontain.run(["true"], tty=True)
    with pytest.raises(minicontain.SpecError, match="stdin"):
        minicontain.run(["true"], tty=True, stdin=minicontain.DEVNULL, stdout=PIPE)
    with pytest.raises(minicontain.SpecError, match="stdout"):
        Container(["true"], tty=True, stdout=PIPE)


def test_a_timeout_tells_what_was_shown():
    with pytest.raises(minicontain.TimeoutExpired) as late:
        minicontain.run("echo so far; sleep 600", shell=True, tty=True, capture_output=True, timeout=0.5)
    assert late.value.output == b"so far\r\n"


def test_communicate_types_the_input_and_its_end():
    with Container("stty -echo; echo; cat", shell=True, tty=True, text=True) as container:
        container.stdout.readline()
        assert container.communicate("meow\n") == ("meow\n", None)


def test_an_event_loop_reads_and_types():
    async def main():
        async with shell() as container:
            first = await container.stdout_async.readline()
            container.stdin_async.write(b"echo one\nend\n")
            rest = await container.stdout_async.read()
            done = await minicontain.run_async(["tty"], tty=True, capture_output=True, text=True)
            return first, rest, await container.wait_async(), done.stdout

    assert asyncio.run(main()) == (b"ready\r\n", b"one\r\n", 4, "/dev/pts/0\n")


def test_a_program_that_joins_can_have_one():
    with Container(["sleep", "600"], hostname="box") as container:
        done = container.exec("tty; hostname", shell=True, tty=True, capture_output=True, text=True)
        assert done.stdout == "/dev/pts/0\nbox\n"
        with container.popen(["cat"], tty=True, tty_size=(5, 6)) as cat:
            cat.stdin.write(b"meow\n")
            assert cat.stdout.read(6) == b"meow\r\n"
            seen = container.exec("stty size < /dev/pts/0", shell=True, capture_output=True).stdout
            assert seen == b"5 6\n"


def test_a_terminal_that_is_closed_hangs_up():
    with Container(["sleep", "600"], tty=True) as container:
        container.stdin.close()
        container.stdout.close()
        assert container.wait() == -1


@pytest.mark.root_only("an ordinary caller's container has one user")
def test_another_user_owns_his_terminal():
    done = minicontain.run(
        "stat -c %u $(tty)", shell=True, tty=True, user=1234, capture_output=True, text=True
    )
    assert done.stdout == "1234\n"


def test_its_descriptors_are_not_inherited():
    with Container(["sleep", "600"], tty=True) as container:
        assert not os.get_inheritable(container.stdin.fileno())
        assert not os.get_inheritable(container.stdout.fileno())
