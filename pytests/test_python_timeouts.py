"""A time limit ends the whole container, and what it said until then is not lost.

Covers: root and ordinary user.
"""

import math
import subprocess
import time

import minicontain
import pytest
from minicontain import PIPE, Container, run


def test_a_program_in_time_is_not_touched():
    assert run(["true"], timeout=60).reason == "exited"


def test_a_timeout_is_that_of_subprocess_and_more():
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        run(["sleep", "60"], timeout=0.2)
    error = caught.value
    assert isinstance(error, minicontain.TimeoutExpired)
    assert isinstance(error, minicontain.Error)
    assert (error.cmd, error.timeout, error.code, error.reason) == (
        ["sleep", "60"],
        0.2,
        "timed_out",
        "timed_out",
    )
    assert str(error) == "Command '['sleep', '60']' timed out after 0.2 seconds"
    assert error.result.reason == "timed_out"
    assert error.result.returncode == -9
    assert error.result.oom_killed is error.oom_killed is False
    assert 0.2 <= error.stats.wall < 30
    assert len(error.trace) == len(error.result.trace) > 0


def test_the_output_so_far_is_kept_as_bytes_in_the_error_and_as_text_in_the_result():
    with pytest.raises(minicontain.TimeoutExpired) as caught:
        run("echo out; echo err >&2; sleep 60", shell=True, capture_output=True, text=True, timeout=1)
    assert (caught.value.output, caught.value.stdout, caught.value.stderr) == (b"out\n", b"out\n", b"err\n")
    assert (caught.value.result.stdout, caught.value.result.stderr) == ("out\n", "err\n")


def test_no_output_so_far_is_none_in_the_error():
    with pytest.raises(minicontain.TimeoutExpired) as caught:
        run(["sleep", "60"], capture_output=True, timeout=0.1)
    assert caught.value.output is None
    assert caught.value.result.stdout == b""


def test_a_character_cut_in_two_does_not_hide_the_timeout():
    with pytest.raises(minicontain.TimeoutExpired) as caught:
        run("printf '\\303'; sleep 60", shell=True, capture_output=True, encoding="utf-8", timeout=1)
    assert caught.value.result.stdout == "\ufffd"


def test_the_timeout_kills_the_whole_tree():
    start = time.monotonic()
    with pytest.raises(minicontain.TimeoutExpired) as caught:
        run("echo on; setsid sleep 60 & sleep 60", shell=True, capture_output=True, timeout=1)
    assert caught.value.output == b"on\n"
    assert time.monotonic() - start < 30


def test_a_process_that_outlives_a_shared_pid_namespace_does_not_hold_up_the_timeout():
    # It leaves the process group, and without a PID namespace nothing ends it. It holds the pipe for a while.
    start = time.monotonic()
    with pytest.raises(minicontain.TimeoutExpired) as caught:
        run(
            "setsid sh -c 'echo on; exec sleep 15' & wait",
            shell=True,
            namespaces={"pid": "host"},
            capture_output=True,
            timeout=1,
        )
    assert caught.value.output == b"on\n"
    assert time.monotonic() - start < 12


@pytest.mark.parametrize("timeout", [0, -1, 0.001])
def test_no_time_at_all(timeout):
    with pytest.raises(minicontain.TimeoutExpired):
        run(["sleep", "60"], timeout=timeout)


@pytest.mark.parametrize("timeout", [math.inf, 1e300])
def test_all_the_time_there_is(timeout):
    assert run(["true"], timeout=timeout).returncode == 0


def test_what_is_no_time():
    with pytest.raises(ValueError, match="timeout"):
        run(["true"], timeout=math.nan)
    with pytest.raises(TypeError):
        run(["true"], timeout="soon")


def test_a_timeout_of_wait_leaves_the_container_alone():
    with Container(["sleep", "60"]) as container:
        with pytest.raises(minicontain.TimeoutExpired) as caught:
            container.wait(timeout=0.1)
        assert caught.value.result is None
        assert caught.value.reason == "timed_out"
        assert container.poll() is None


def test_communicate_goes_on_after_a_timeout():
    script = "read line; echo got $line; sleep 1; cat; echo end"
    with Container(script, shell=True, stdin=PIPE, stdout=PIPE) as container:
        with pytest.raises(minicontain.TimeoutExpired) as caught:
            container.communicate(b"first\nrest\n", timeout=0.3)
        assert caught.value.output in (b"got first\n", None)
        with pytest.raises(ValueError, match="Cannot send input"):
            container.communicate(b"more")
        assert container.communicate() == (b"got first\nrest\nend\n", None)
    assert container.returncode == 0


def test_communicate_counts_the_time_until_the_end():
    # The pipe is closed long before the program ends.
    with Container("exec >&-; sleep 60", shell=True, stdout=PIPE) as container:
        with pytest.raises(minicontain.TimeoutExpired):
            container.communicate(timeout=0.5)
        assert container.poll() is None
