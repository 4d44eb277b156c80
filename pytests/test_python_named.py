"""Containers with a name are found by any process of the user; detached ones outlive who made them.

Covers: root and ordinary user, who has a directory for his state from the tests.
"""

import asyncio
import gc
import json
import os
import pickle
import subprocess
import sys
import textwrap
import time
import warnings
from contextlib import suppress

import minicontain
import pytest
from minicontain import Container
from support import soon


@pytest.fixture
def name(request):
    """A name that is free, and is so again afterwards."""
    name = f"pytest-{request.node.name[:40].replace('[', '-').strip(']')}-{os.getpid()}"
    yield name
    with suppress(minicontain.StateError), Container.attach(name) as container:
        container.kill()
        container.wait()
    with suppress(minicontain.StateError):
        minicontain.remove(name)


def status(name):
    return next((each for each in minicontain.containers() if each.name == name), None)


def ended(call, code):
    with pytest.raises(minicontain.StateError) as error:
        call()
    assert error.value.code == code


def test_a_user_without_a_directory_for_his_state_has_no_containers(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/no/such/directory")
    minicontain.containers()  # what it imports, another user may not read
    child = os.fork()
    if child == 0:
        found = 99
        try:
            if os.geteuid() == 0:
                os.setresuid(65534, 65534, 65534)
            found = len(minicontain.containers())
        finally:
            os._exit(found)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_one_with_a_name_is_found_while_it_is_there(name):
    before = int(time.time())
    with Container(["sleep", "600"], name=name, hostname="box") as container:
        assert container.name == name
        assert container.log_path is None
        listed = status(name)
        assert (listed.name, listed.pid, listed.args) == (name, container.pid, ["sleep", "600"])
        assert before <= listed.created <= time.time()
        assert (listed.state, listed.returncode, listed.reason, listed.log_path) == (
            "running",
            None,
            None,
            None,
        )
        assert listed.spec.fields["hostname"] == "box"
        assert pickle.loads(pickle.dumps(listed)) == listed
        with pytest.raises(AttributeError):
            listed.name = "other"
        container.pause()
        assert status(name).state == "paused"
        container.resume()
        with Container.attach(name) as found:
            assert (found.pid, found.name, found.args) == (container.pid, name, ["sleep", "600"])
            assert found.exec(["hostname"], stdout=minicontain.PIPE).stdout == b"box\n"
        assert container.poll() is None
    assert status(name) is None
    ended(lambda: Container.attach(name), "no_such_container")


def test_a_name_is_taken_once(name):
    with Container(["sleep", "600"], name=name):
        with pytest.raises(FileExistsError) as taken:
            minicontain.run(["true"], name=name)
        assert isinstance(taken.value, minicontain.NameTakenError)
        assert (taken.value.code, name in str(taken.value)) == ("name_taken", True)
        assert pickle.loads(pickle.dumps(taken.value)).code == "name_taken"
    assert minicontain.run(["true"], name=name).returncode == 0


def test_what_is_not_there_is_a_lookup_error(name):
    for ask in (Container.attach, minicontain.remove):
        with pytest.raises(LookupError) as missing:
            ask(name)
        assert isinstance(missing.value, minicontain.NoSuchContainerError)
        assert missing.value.code == "no_such_container"


def test_a_detached_one_outlives_its_with_its_close_and_its_object(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Container("echo said; exec sleep 600", shell=True, name=name, detach=True) as container:
            pid = container.pid
        assert container.returncode is None
        with pytest.raises(minicontain.StateError, match="was closed"):
            container.wait()
        assert (container.name, container.poll()) == (name, None)
        container.close()
        del container
        gc.collect()
        found = Container.attach(name)
        assert found.pid == pid
        soon(lambda: found.logs() == b"said\n")
        with open(found.log_path, "rb") as log:
            assert log.read() == b"said\n"
        assert status(name).log_path == found.log_path
        ended(found.remove, "still_runs")
        assert found.stop(timeout=5) == -15
        assert found.result.reason == "signaled"
        ended(lambda: Container.attach(name), "ended")
        listed = status(name)
        assert (listed.state, listed.pid, listed.returncode) == ("exited", None, -15)
        assert found.logs() == b"said\n"
        found.remove()
        with pytest.raises(minicontain.NoSuchContainerError):
            found.logs()
        ended(found.remove, "no_such_container")


def test_one_that_is_found_outlives_its_object(name):
    with Container(["sleep", "600"], name=name) as container:
        for _ in range(3):
            found = Container.attach(name)
            del found
            gc.collect()
        Container.attach(name).close()
        assert container.poll() is None
        found = Container.attach(name)
        found.kill()
        assert (found.wait(), container.wait()) == (-9, -9)
        found.close()


def test_it_outlives_its_creator_and_ends_as_it_likes(name):
    program = textwrap.dedent("""
        import minicontain, sys
        script = "echo out; echo err >&2; trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"
        with minicontain.Container(script, shell=True, name=sys.argv[1], detach=True):
            pass
    """)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, name], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Container.attach(name) as found:
        soon(lambda: b"ready" in found.logs())
        assert found.logs() == b"out\nerr\nready\n"
        assert found.exec(["true"]).returncode == 0
        found.terminate()
        assert found.wait(timeout=60) == 7
        assert found.result.reason == "exited"
    assert status(name).returncode == 7


def test_what_a_killed_creator_left_is_swept(name):
    program = textwrap.dedent("""
        import minicontain, sys, time
        container = minicontain.Container(["sleep", "600"], name=sys.argv[1]).start()
        print("ready", flush=True)
        time.sleep(600)
    """)
    command = [sys.executable, "-c", program, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as creator:
        creator.stdout.readline()
        found = Container.attach(name)
        creator.kill()
    assert found.wait(timeout=60) == -9
    assert status(name) is None
    assert minicontain.run(["true"], name=name).returncode == 0


def test_a_detached_one_without_a_name_gets_one():
    with Container(["sleep", "600"], detach=True) as container:
        assert len(container.name) == 12
        assert status(container.name).pid == container.pid
        container.kill()
        container.wait()
        container.remove()


def test_only_what_has_a_name_or_a_log_is_asked_for_it():
    with Container(["sleep", "600"]) as container:
        assert container.name is container.log_path is None
        for ask in (container.logs, container.remove):
            with pytest.raises(minicontain.StateError):
                ask()


def test_a_detached_one_has_no_pipes_and_no_terminal():
    for fields in ({"stdout": minicontain.PIPE}, {"tty": True}, {"init": False}):
        with pytest.raises(minicontain.SpecError):
            Container(["true"], detach=True, **fields)


def test_an_event_loop_leaves_a_detached_one_alone(name):
    async def main():
        async with Container(["sleep", "600"], name=name, detach=True) as container:
            pid = container.pid
        async with Container.attach(name) as found:
            assert found.pid == pid
            with pytest.raises(minicontain.TimeoutExpired):
                await found.wait_async(timeout=0.1)
            found.kill()
            return await found.wait_async()

    assert asyncio.run(main()) == -9


def test_a_number_that_became_another_processs_is_not_taken_for_it(name):
    with Container(["sleep", "600"], name=name, detach=True) as container:
        path = os.path.join(os.path.dirname(container.log_path), "state.json")
        with open(path) as file:
            state = json.load(file)
        with open(path, "w") as file:
            json.dump({**state, "pid": os.getpid()}, file)
        # This process has the number, but began at another time than the container.
        ended(lambda: Container.attach(name), "ended")
        assert status(name).state == "exited"
        with open(path, "w") as file:
            json.dump(state, file)
        assert Container.attach(name).pid == container.pid
