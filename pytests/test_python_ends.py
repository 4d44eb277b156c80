"""Results tell how a container ended.

Covers: root and ordinary user.
"""

import pickle
import signal
import subprocess

import minicontain
import pytest
from minicontain import run

SHARED = {"pid": "host"}


@pytest.mark.parametrize("namespaces", [{}, SHARED], ids=["with init", "in the caller's PID namespace"])
@pytest.mark.parametrize(
    ("script", "returncode", "reason"),
    [
        ("kill -9 $$", -signal.SIGKILL, "signaled"),
        ("kill -15 $$", -signal.SIGTERM, "signaled"),
        ("kill -6 $$", -signal.SIGABRT, "signaled"),
        ("kill -11 $$", -signal.SIGSEGV, "signaled"),
        ("exit 137", 137, "exited"),
        ("exit 143", 143, "exited"),
        ("exit 255", 255, "exited"),
        ("exit 0", 0, "exited"),
    ],
)
def test_signals_and_statuses_are_told_apart(script, returncode, reason, namespaces):
    done = run(["sh", "-c", script], namespaces=namespaces, ulimits={"core": 0})
    assert (done.returncode, done.reason, done.oom_killed) == (returncode, reason, False)


@pytest.mark.parametrize("namespaces", [{}, SHARED], ids=["with init", "in the caller's PID namespace"])
def test_abort_is_told_apart(namespaces):
    script = "import os; os.abort()"
    done = run(["python3", "-c", script], namespaces=namespaces, ulimits={"core": 0})
    assert (done.returncode, done.reason) == (-signal.SIGABRT, "signaled")


@pytest.mark.parametrize(("number", "status"), [(9, 137), (15, 143), (6, 134)])
def test_a_childs_signal_is_the_shells_to_report(number, status):
    done = run(
        ["sh", "-c", f"sh -c 'kill -{number} $$'; exit $?"], ulimits={"core": 0}, stderr=minicontain.DEVNULL
    )
    assert (done.returncode, done.reason) == (status, "exited")


def test_the_first_process_of_a_pid_namespace_does_not_end_by_its_own_signal():
    done = run(["sh", "-c", "kill -9 $$; exit 5"], init=False)
    assert (done.returncode, done.reason) == (5, "exited")


def test_a_signal_from_outside_ends_it():
    with minicontain.Container(["sleep", "60"]) as container:
        container.send_signal(signal.SIGKILL)
        assert container.wait() == -9
    assert container.result.reason == "killed"


def test_what_the_caller_itself_used_of_the_memory_is_not_told_as_the_programs():
    ballast = b"x" * 100_000_000
    assert run(["true"], init=False).stats.memory.peak is None
    assert 0 < run(["true"]).stats.memory.peak < len(ballast)
    del ballast


def test_statistics_are_in_seconds_and_bytes():
    done = run(["python3", "-c", "x = b'x' * 400_000_000; sum(range(3_000_000))"])
    assert 0 < done.stats.user < 60
    assert done.stats.wall >= done.stats.user / 64
    assert done.stats.system < 60
    assert 400_000_000 < (done.stats.memory.peak or 0) < 4_000_000_000


def test_the_result_is_that_of_subprocess():
    done = run(["sh", "-c", "exit 3"])
    assert isinstance(done, subprocess.CompletedProcess)
    assert repr(done) == "CompletedProcess(args=['sh', '-c', 'exit 3'], returncode=3)"
    with pytest.raises(subprocess.CalledProcessError):
        done.check_returncode()


def test_check_raises_what_subprocess_raises_and_more():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run("echo out; echo err >&2; exit 3", shell=True, check=True, capture_output=True)
    error = caught.value
    assert isinstance(error, minicontain.CalledProcessError)
    assert isinstance(error, minicontain.Error)
    assert (error.returncode, error.output, error.stdout, error.stderr) == (3, b"out\n", b"out\n", b"err\n")
    assert error.cmd == "echo out; echo err >&2; exit 3"
    assert str(error) == f"Command '{error.cmd}' returned non-zero exit status 3."
    assert (error.reason, error.oom_killed, error.code) == ("exited", False, "called_process_failed")
    assert error.result.returncode == 3
    assert error.stats == error.result.stats
    assert error.trace is error.result.trace
    assert error.enforced["namespaces"]


def test_check_names_the_signal():
    with pytest.raises(subprocess.CalledProcessError, match="SIGKILL"):
        run(["sh", "-c", "kill -9 $$"], check=True)


def test_what_was_enforced_is_told():
    done = run(["true"], read_only=True)
    assert done.enforced["read_only"].state == "enforced"
    assert done.enforced["namespaces"]
    shared = run(["true"], network="host").enforced["namespaces"]
    assert shared.state == "partial"
    assert "net" in shared.reason
    assert not shared


def test_results_and_errors_can_be_pickled():
    done = run(["echo", "hi"], capture_output=True, text=True)
    again = pickle.loads(pickle.dumps(done))
    assert type(again) is minicontain.CompletedProcess
    assert (again.args, again.returncode, again.stdout, again.reason) == (["echo", "hi"], 0, "hi\n", "exited")
    assert again.stats == done.stats
    assert again.enforced == done.enforced
    assert list(again.trace) == list(done.trace)
    assert again.trace.render() == done.trace.render()
    for wrong, attribute in [
        ({"args": ["false"], "check": True}, "returncode"),
        ({"args": ["sleep", "9"], "timeout": 0.1}, "timeout"),
        ({"args": ["no-such-program"]}, "filename"),
        ({"args": [], "hostname": "no spaces"}, "faults"),
    ]:
        with pytest.raises(minicontain.Error) as caught:
            run(**wrong)
        copy = pickle.loads(pickle.dumps(caught.value))
        assert type(copy) is type(caught.value)
        assert str(copy) == str(caught.value)
        assert getattr(copy, attribute) == getattr(caught.value, attribute)
        assert copy.code == caught.value.code
