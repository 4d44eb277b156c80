"""An ordinary user who has no cgroup has limits by a scope that systemd's user manager is asked for.

Covers: an ordinary user of cgroups version 2 whose login is in a cgroup of root's, beside systemd's user
manager, as `pytests/vm/session` makes one. What asks is a process of its own each time: it is moved.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import PATIENCE, ROOT, public_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = Path("/proc/self/cgroup")
HOME = Path(f"/run/user/{os.geteuid()}")
"""The login's runtime directory: the tests are given another one."""
BEFORE = """
import json, os, subprocess, sys, threading, time
import minicontain
from minicontain import Cgroup, Plan, run

def own():
    return open("/proc/self/cgroup").read().strip().removeprefix("0::")

def units():
    command = ["systemctl", "--user", "list-units", "--all", "--plain", "--no-legend", "minicontain-*"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

def told(error):
    return [type(error).__name__, error.code, str(error), error.hint]
"""


def why_no_login() -> str:
    if ROOT:
        return "this is about an ordinary user: root has cgroups, and asks nobody"
    if not OWN.read_text().strip().endswith("/session-1.scope"):
        return "this user's cgroup is not that of a login with systemd's user manager: see pytests/vm/session"
    return ""


pytestmark = pytest.mark.skipif(bool(why_no_login()), reason=why_no_login() or "-")


def ask(program: str, **env: str) -> Any:
    """What a program prints as JSON, which begins in the login's cgroup."""
    started = [sys.executable, "-c", BEFORE + textwrap.dedent(program)]
    usual = {"XDG_RUNTIME_DIR": str(HOME), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={HOME}/bus"}
    env = {**os.environ, **usual, **env}
    done = subprocess.run(started, capture_output=True, text=True, env=env, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def scopes() -> list[str]:
    """The scopes that the manager has, and the directories of any."""
    listed = subprocess.run(
        ["systemctl", "--user", "list-units", "--all", "--plain", "--no-legend", "minicontain-*"],
        env={**os.environ, "XDG_RUNTIME_DIR": str(HOME)},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    tree = Path("/sys/fs/cgroup" + OWN.read_text().strip().removeprefix("0::")).parent
    found = [str(path) for path in tree.rglob("minicontain-*") if path.is_dir()]
    return [*(line.split()[0] for line in listed.stdout.splitlines()), *found]


def wait_for_none() -> None:
    deadline = time.monotonic() + PATIENCE
    while left := scopes():
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def no_scope_is_left() -> Iterator[None]:
    yield
    wait_for_none()


def test_limits_are_held_in_a_scope_that_is_asked_for_once():
    found = ask("""
        before = own()
        plain = run(["true"])
        unasked = own()
        hog = run(["tail", "/dev/zero"], memory="16M")
        scope = own()
        first = units()
        again = run(["true"], memory="32M", cpus=0.5, pids_limit=9, require=["memory", "cpu", "pids"])
        print(json.dumps({
            "before": before, "unasked": unasked, "scope": scope, "after": own(), "pid": os.getpid(),
            "reason": hog.reason, "limit": hog.stats.memory.limit, "victims": len(hog.oom_victims),
            "enforced": [done.enforced["memory"].state for done in (hog, again)],
            "limits": [again.stats.memory.limit, again.stats.pids.limit, again.stats.cpu.limit],
            "units": [first, units()], "plan": Plan(["true"], memory="32M").explain(),
        }))
    """)
    assert found["before"] == found["unasked"] == OWN.read_text().strip().removeprefix("0::")
    user = f"user-{os.geteuid()}.slice/user@{os.geteuid()}.service/app.slice/"
    place, _, leaf = found["scope"].rpartition("/")
    name = place.rpartition("/")[2]
    assert name.startswith(f"minicontain-{found['pid']}-")
    assert place.endswith(user + name)
    assert leaf == "minicontain-callers"
    assert (found["reason"], found["limit"]) == ("oom", 16 << 20)
    assert found["enforced"] == ["enforced", "enforced"]
    assert found["limits"] == [32 << 20, 9, 0.5]
    assert found["after"] == found["scope"]
    for (unit,) in found["units"]:
        assert unit.split()[:4] == [name, "loaded", "active", "running"]
    assert f"{place}/minicontain-" in found["plan"]
    assert f"in {name}, which systemd's user manager gave" in found["plan"]


def test_a_cgroup_of_its_own_is_in_the_scope():
    found = ask("""
        with Cgroup("demo", memory="16M") as group:
            program = subprocess.Popen(["sleep", "600"])
            group.add(program.pid)
            inside = open(f"/proc/{program.pid}/cgroup").read().strip()
            same = Cgroup.open("demo") == group
        print(json.dumps([inside, same, program.wait(), own()]))
    """)
    inside, same, status, own = found
    assert inside.endswith(".scope/demo")
    assert (same, status) == (True, -9)
    assert own.endswith(".scope/minicontain-callers")


def test_many_threads_ask_for_one_scope():
    units, states = ask("""
        states = []
        def start():
            states.append(run(["true"], memory="32M").enforced["memory"].state)
        threads = [threading.Thread(target=start) for _ in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(json.dumps([units(), states]))
    """)
    assert len(units) == 1
    assert states == ["enforced"] * 6


def test_a_copy_of_the_process_is_in_the_scope_or_asks_for_its_own():
    before, after, parent = ask("""
        def copy():
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                state = run(["true"], memory="32M").enforced["memory"].state
                os.write(write, json.dumps([state, own(), os.getpid()]).encode())
                os._exit(0)
            os.waitpid(child, 0)
            return json.loads(os.read(read, 9999))
        before = copy()
        run(["true"], memory="32M")
        print(json.dumps([before, copy(), own()]))
    """)
    assert before[0] == after[0] == "enforced"
    assert f"/minicontain-{before[2]}-" in before[1]
    assert after[1] == parent


def test_a_copy_of_one_that_was_refused_asks_for_itself():
    parent, child = ask(
        """
        parent = run(["true"], memory="32M").enforced["memory"].state
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path=/run/user/{os.getuid()}/bus"
        again = run(["true"], memory="32M").enforced["memory"].state
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, run(["true"], memory="32M").enforced["memory"].state.encode())
            os._exit(0)
        os.wait()
        print(json.dumps([[parent, again], os.read(read, 99).decode()]))
        """,
        XDG_RUNTIME_DIR="/nowhere",
        DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere",
    )
    assert parent == ["partial", "partial"]
    assert child == "enforced"


@pytest.mark.parametrize("way", ["socket", "bus", "usual bus"])
def test_the_manager_is_asked_at_its_own_socket_and_by_the_bus(way: str):
    with public_directory() as elsewhere:
        os.symlink(HOME / "bus", elsewhere / "bus")
        env = {
            "socket": {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"},
            "bus": {"XDG_RUNTIME_DIR": "/nowhere"},
            "usual bus": {"XDG_RUNTIME_DIR": str(elsewhere), "DBUS_SESSION_BUS_ADDRESS": ""},
        }[way]
        program = 'print(json.dumps([str(run(["true"], memory="32M").enforced["memory"]), own()]))'
        state, own = ask(program, **env)
    assert state == "enforced"
    assert own.endswith(".scope/minicontain-callers")


def test_the_process_itself_is_moved_out_of_a_pid_namespace_too():
    """Its id there is another process's outside."""
    with subprocess.Popen(["sleep", "600"]) as bystander:
        try:
            program = BEFORE + 'print(run(["true"], memory="32M").enforced["memory"], own())'
            done = subprocess.run(
                [
                    "unshare",
                    "--user",
                    "--map-current-user",
                    "--pid",
                    "--fork",
                    "--mount-proc",
                    sys.executable,
                    "-c",
                    program,
                ],
                env={**os.environ, "XDG_RUNTIME_DIR": str(HOME)},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            assert done.returncode == 0, done.stderr
            state, own = done.stdout.split(maxsplit=1)
            assert (state, own.strip().endswith(".scope/minicontain-callers")) == ("enforced", True)
            assert Path(f"/proc/{bystander.pid}/cgroup").read_text() == OWN.read_text()
        finally:
            bystander.kill()


def test_one_that_is_killed_leaves_no_scope():
    program = """
        container = minicontain.Popen(["sleep", "600"], memory="32M")
        print(json.dumps(own()), flush=True)
        os.kill(os.getpid(), 9)
    """
    started = [sys.executable, "-c", BEFORE + textwrap.dedent(program)]
    done = subprocess.run(
        started,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(HOME)},
        timeout=PATIENCE,
    )
    assert (done.returncode, "/minicontain-callers" in done.stdout) == (-9, True), done.stderr


def test_who_stops_the_scope_ends_the_containers():
    program = """
        container = minicontain.Popen(["sleep", "600"], memory="32M")
        print(own().split("/")[-2], flush=True)
        container.wait()
    """
    env = {**os.environ, "XDG_RUNTIME_DIR": str(HOME)}
    started = [sys.executable, "-c", BEFORE + textwrap.dedent(program)]
    with subprocess.Popen(
        started, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
    ) as asking:
        assert asking.stdout is not None
        unit = asking.stdout.readline().strip()
        subprocess.run(["systemctl", "--user", "stop", unit], env=env, check=True, timeout=PATIENCE)
        assert asking.wait(PATIENCE) != 0


# Refusals


def refused(**env: str) -> list[Any]:
    """What is told where no scope is to be had: state and reason, and then three errors."""
    return ask(
        """
        def failing(call):
            try:
                call()
            except minicontain.Error as error:
                return told(error)
        state = run(["true"], memory="64M").enforced["memory"]
        print(json.dumps([
            state.state, state.reason,
            failing(lambda: run(["true"], memory="64M", require=["memory"])),
            failing(lambda: run(["true"], cpus=0.5)),
            failing(lambda: Cgroup("demo")),
            str(run(["true"], cpus=0.5, best_effort=True).enforced["cpu"]),
            own(),
        ]))
        """,
        **env,
    )


def check_refused(found: list[Any], why: str) -> None:
    state, reason, required, cpu, cgroup, left_out, own = found
    assert state == "partial"
    assert required[:2] == ["StartError", "not_enforced"]
    assert cpu[:2] == ["StartError", "not_enforced"]
    assert cgroup[:2] == ["CgroupPermissionError", "permission_denied"]
    assert left_out.startswith("not enforced: ")
    for text in (reason, required[2], cpu[2], cgroup[2], left_out):
        assert "/session-1.scope is not this user's to write: nothing is delegated to this user" in text
        assert why in text
    assert all(error[3] for error in (required, cpu, cgroup))
    assert own == OWN.read_text().strip().removeprefix("0::")


NOBODY = {"XDG_RUNTIME_DIR": "/nowhere", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/no/bus"}


def test_where_nobody_can_be_asked_that_is_told():
    why = "no user manager of systemd's can be asked for a scope: /nowhere/systemd/private, "
    why += "DBUS_SESSION_BUS_ADDRESS=unix:path=/no/bus: No such file or directory"
    check_refused(refused(**NOBODY), why)


def test_what_the_manager_says_is_told():
    """The name is taken, by a unit of somebody else's."""
    with public_directory() as directory:
        program = """
            started = open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]
            unit = f"minicontain-{os.getpid()}-{int(started):x}.scope"
            other = subprocess.Popen(
                ["systemd-run", "--user", "--quiet", "--scope", f"--unit={unit}", "sleep", "600"]
            )
            while "active" not in subprocess.run(
                ["systemctl", "--user", "is-active", unit], capture_output=True, text=True
            ).stdout.split():
                time.sleep(0.1)
            state = run(["true"], memory="64M").enforced["memory"]
            other.kill()
            other.wait()
            print(json.dumps([state.state, state.reason, unit]))
        """
        state, reason, unit = ask(program, HOME=str(directory))
    assert state == "partial"
    assert "systemd's user manager gave no scope: Unit " in reason
    assert unit in reason
    assert "org.freedesktop.systemd1.UnitExists" in reason


def test_a_bus_without_a_manager_is_told():
    with public_directory() as directory:
        address = f"unix:path={directory}/bus"
        command = [
            "dbus-daemon",
            "--session",
            "--nofork",
            "--nopidfile",
            f"--address={address}",
            "--print-address",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as bus:
            try:
                assert bus.stdout is not None
                assert bus.stdout.readline()
                env = {"XDG_RUNTIME_DIR": "/nowhere", "DBUS_SESSION_BUS_ADDRESS": address}
                check_refused(refused(**env), "org.freedesktop.DBus.Error.NameHasNoOwner")
            finally:
                bus.terminate()


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (None, "timed out"),
        (b"REJECTED EXTERNAL\r\n", "the bus is not for this user"),
        (b"OK 00\r\n", "systemd's user manager gave no scope within 5 s"),
        (
            b"OK 00\r\n" + b"nonsense" * 9,
            "the talk with systemd's user manager broke off: what came is not D-Bus",
        ),
    ],
    ids=["nothing", "no", "no answer", "nonsense"],
)
def test_what_answers_strangely_is_not_waited_for_long(says: bytes | None, why: str):
    with public_directory() as directory, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{directory}/bus")
        listening.listen()
        listening.settimeout(PATIENCE)
        held = []

        def serve() -> None:
            talk, _ = listening.accept()
            held.append(talk)
            if says is not None:
                talk.sendall(says)

        thread = threading.Thread(target=serve)
        thread.start()
        began = time.monotonic()
        env = {"XDG_RUNTIME_DIR": "/nowhere", "DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/bus"}
        check_refused(refused(**env), why)
        assert time.monotonic() - began < 60
        thread.join()
        for talk in held:
            talk.close()


# Faces


def test_doctor_tells_of_the_manager():
    def cgroups(**env: str) -> dict[str, Any]:
        program = 'import sys; from minicontain.__main__ import main; sys.exit(main(["doctor", "--json"]))'
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "XDG_RUNTIME_DIR": str(HOME), **env},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return next(one for one in json.loads(done.stdout) if one["what"] == "cgroups")

    reached = cgroups()
    assert reached["ok"]
    assert "systemd's user manager answers: limits are had in a scope" in reached["found"]
    nobody = cgroups(**NOBODY)
    assert not nobody["ok"]
    assert "no user manager of systemd's can be asked for a scope" in nobody["found"]
    assert "Delegate=yes" in nobody["change"]


def test_the_command_line_has_it_too():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "minicontain",
            "run",
            "--memory",
            "16M",
            "--require",
            "memory",
            "tail",
            "/dev/zero",
        ],
        env={**os.environ, "XDG_RUNTIME_DIR": str(HOME)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 137, done.stderr
