"""A container is described, started, watched, talked to, signalled and ended.

Covers: root and ordinary user.
"""

import gc
import itertools
import os
import select
import signal
import threading
import time
import warnings

import minicontain
import pytest
from minicontain import PIPE, Container
from support import in_threads


def ended(pid):
    """Whether a process is gone, and not only a zombie."""
    return not os.path.exists(f"/proc/{pid}")


def test_describing_starts_nothing():
    container = Container(["sleep", "60"])
    for ask in ("pid", "program_pid", "pidfd", "trace", "namespaces", "paused"):
        with pytest.raises(minicontain.StateError, match="not started"):
            getattr(container, ask)
    for ask in ("wait", "poll", "kill", "terminate", "stop", "pause", "resume", "communicate"):
        with pytest.raises(minicontain.StateError, match="not started"):
            getattr(container, ask)()
    assert container.returncode is container.result is container.stdin is None
    assert container.spec == minicontain.Spec(["sleep", "60"])
    assert container.plan.steps
    assert "not started" in repr(container)
    container.close()


def test_with_starts_and_leaves_nothing():
    with Container(["sleep", "60"]) as container:
        pid = container.pid
        assert not ended(pid)
    assert ended(pid)
    assert (container.returncode, container.result.reason) == (-9, "killed")


def test_with_leaves_nothing_when_its_body_raises():
    with pytest.raises(ZeroDivisionError), Container(["sleep", "60"], stdout=PIPE) as container:
        1 / 0  # noqa: B018
    assert ended(container.pid)
    assert container.stdout.closed


def test_with_takes_a_container_that_was_started():
    container = Container(["sleep", "60"]).start()
    with container:
        assert container.poll() is None
    assert container.returncode == -9


def test_starting_twice_is_an_error():
    with (
        Container(["sleep", "60"]) as container,
        pytest.raises(minicontain.StateError, match="started already"),
    ):
        container.start()
    with pytest.raises(minicontain.StateError, match="started already"):
        container.start()
    with pytest.raises(minicontain.StateError, match="closed"), container:
        pass


def test_only_one_of_many_threads_starts_it():
    container = Container(["sleep", "60"])
    failures = []

    def start():
        try:
            container.start()
        except minicontain.StateError as error:
            failures.append(error)

    with in_threads(8, start):
        pass
    container.close()
    assert len(failures) == 7


def test_one_plan_starts_many_containers_at_once():
    plan = minicontain.Plan(["sh", "-c", "read line; echo $$ $line"], stdin=PIPE, stdout=PIPE)
    before = plan.to_json()
    numbers = itertools.count()
    answers = {}

    def one():
        word = str(next(numbers)).encode()
        with plan.start() as container:
            answers[word] = container.communicate(word)[0]

    with in_threads(8, one):
        pass
    assert len(answers) == 8
    assert all(answer == b"2 %b\n" % word for word, answer in answers.items())
    assert plan.to_json() == before


def test_containers_of_one_plan_have_nothing_in_common():
    plan = minicontain.Plan(["sleep", "60"])
    with plan.start() as second:
        with plan.start() as first:
            first.args.append("more")
        assert second.poll() is None
        assert second.args == plan.spec.fields["args"] == ["sleep", "60"]


def test_a_forgotten_container_is_killed_and_told():
    container = Container(["sleep", "60"]).start()
    pid = container.pid
    with pytest.warns(ResourceWarning, match=str(pid)):  # noqa: PT031
        del container
        gc.collect()
    assert ended(pid)


def test_an_ended_container_is_forgotten_silently():
    container = Container(["true"]).start()
    container.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del container
        gc.collect()


def test_closing_twice_is_closing_once():
    container = Container(["sleep", "60"]).start()
    container.close()
    container.close()
    assert container.wait() == container.poll() == container.returncode == -9
    container.kill()
    container.terminate()
    container.pause()
    container.resume()
    assert container.stop() == -9
    assert container.program_pid is None
    with pytest.raises(minicontain.StateError, match="closed"):
        container.pidfd  # noqa: B018


def test_wait_and_poll_agree():
    with Container("read x; exit 3", shell=True, stdin=PIPE) as container:
        assert container.poll() is None
        container.stdin.close()
        assert container.wait() == 3
        assert container.poll() == container.returncode == container.wait() == 3
        assert container.result.reason == "exited"
        assert container.result is container.result


def test_many_threads_wait_at_once():
    with Container(["cat"], stdin=PIPE) as container:
        codes = []
        with in_threads(8, lambda: codes.append(container.wait())):
            time.sleep(0.1)
            container.stdin.close()
    assert codes == [0] * 8


def test_closing_while_another_thread_waits():
    container = Container(["sleep", "60"]).start()
    codes = []
    thread = threading.Thread(target=lambda: codes.append(container.wait()))
    thread.start()
    time.sleep(0.05)
    container.close()
    thread.join()
    assert codes == [-9]


def test_closing_while_another_thread_communicates():
    container = Container("echo so far; sleep 60", shell=True, stdout=PIPE).start()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(container.communicate()))
    thread.start()
    time.sleep(0.3)
    container.kill()
    thread.join()
    container.close()
    assert answers == [(b"so far\n", None)]


def test_its_pidfd_tells_of_its_end():
    with Container(["cat"], stdin=PIPE) as container:
        assert container.fileno() == container.pidfd
        assert select.select([container], [], [], 0)[0] == []
        container.stdin.close()
        assert select.select([container], [], [], 30)[0] == [container]
        assert container.poll() == 0


def test_signals_reach_the_program():
    script = "trap 'echo term; exit 7' TERM; trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done"
    with Container(script, shell=True, stdout=PIPE) as container:
        assert container.stdout.readline() == b"ready\n"
        container.send_signal(signal.SIGUSR1)
        assert container.stdout.readline() == b"usr1\n"
        container.terminate()
        assert container.stdout.read() == b"term\n"
        assert container.wait() == 7


def test_a_signal_that_does_not_exist():
    with Container(["sleep", "60"]) as container:
        for number in (-1, 1000):
            with pytest.raises(ValueError, match="signal"):
                container.send_signal(number)
        container.send_signal(0)
        assert container.poll() is None


def test_a_signal_to_what_has_ended_is_nothing():
    with Container(["true"]) as container:
        container.wait()
        container.send_signal(signal.SIGTERM)
        container.kill()
        assert container.returncode == 0


def test_kill_ends_the_whole_tree():
    with Container("setsid sleep 60 & echo $!; sleep 60", shell=True, stdout=PIPE) as container:
        container.stdout.readline()
        container.kill()
        assert container.wait() == -9
        assert container.stdout.read() == b""  # nobody holds the pipe any more


def test_pipes_are_file_objects():
    with Container(["cat"], stdin=PIPE, stdout=PIPE) as container:
        assert (container.stdin.mode, container.stdout.mode, container.stderr) == ("wb", "rb", None)
        container.stdin.write(b"line\n")
        container.stdin.flush()
        assert container.stdout.readline() == b"line\n"
        container.stdin.close()
        assert container.stdout.read() == b""
        assert container.wait() == 0


def test_unbuffered_pipes():
    with Container(["cat"], stdin=PIPE, stdout=PIPE, bufsize=0) as container:
        container.stdin.write(b"now")
        assert container.stdout.read(3) == b"now"


def test_closing_with_unread_and_unwritten_data():
    with Container("echo much; sleep 60", shell=True, stdin=PIPE, stdout=PIPE) as container:
        container.stdin.write(b"never read")
    assert container.stdin.closed
    assert container.stdout.closed


def test_communicate_takes_what_was_written_before():
    with Container(["cat"], stdin=PIPE, stdout=PIPE) as container:
        container.stdin.write(b"before ")
        assert container.communicate(b"after") == (b"before after", None)
        assert container.stdin.closed
        assert container.stdout.closed
        assert container.communicate() == (b"before after", None)
    assert container.communicate() == (b"before after", None)
    assert container.result.stdout == b"before after"


def test_communicate_with_large_data_both_ways():
    data = os.urandom(5_000_000)
    with Container(["cat"], stdin=PIPE, stdout=PIPE) as container:
        assert container.communicate(data)[0] == data


def test_communicate_without_pipes_is_wait():
    with Container(["true"]) as container:
        assert container.communicate() == (None, None)
        assert container.returncode == 0


def test_communicate_with_input_but_no_pipe():
    with Container(["true"]) as container, pytest.raises(ValueError, match="stdin"):
        container.communicate(b"lost")


def test_communicate_when_the_program_does_not_read():
    with Container(["true"], stdin=PIPE) as container:
        assert container.communicate(bytes(1 << 20)) == (None, None)


def test_communicate_after_close():
    container = Container(["cat"], stdin=PIPE, stdout=PIPE).start()
    container.close()
    with pytest.raises(minicontain.StateError, match="closed"):
        container.communicate()


def test_namespaces_are_numbered_as_in_proc():
    kinds = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"]
    own = {kind: os.stat(f"/proc/self/ns/{kind}").st_ino for kind in kinds}
    with Container(["cat"], stdin=PIPE, network="host", namespaces={"ipc": "host"}) as container:
        found = container.namespaces
    assert list(found) == kinds
    assert {kind for kind in kinds if found[kind] == own[kind]} == {"net", "ipc"}
    assert container.namespaces == found


def test_namespaces_of_what_has_ended():
    with Container(["true"]) as container:
        container.wait()
        with pytest.raises(minicontain.StateError, match="ended"):
            container.namespaces  # noqa: B018


def test_a_namespace_is_shared_with_a_running_container():
    with Container(["cat"], stdin=PIPE, hostname="first") as first:
        joined = {"user": first, "uts": first}
        with Container(["hostname"], namespaces=joined, stdout=PIPE, text=True) as second:
            assert second.communicate()[0] == "first\n"


def test_what_is_enforced_is_known_before_and_after():
    container = Container(["true"], network="host")
    before = container.enforced
    with container:
        container.wait()
    assert container.enforced == before == container.result.enforced


def test_shell_and_args():
    with Container("exit 3", shell=True) as container:
        assert container.wait() == 3
    assert container.args == "exit 3"
    assert container.result.args == "exit 3"
    with Container(minicontain.Spec(["true"])) as container:
        container.wait()
    assert container.args == ["true"]
