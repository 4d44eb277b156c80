"""The command line as people type it: what it prints, its exit statuses, its error lines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import ROOT, make_busybox_root, public_directory, static_busybox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLI = [sys.executable, "-m", "minicontain"]
PATIENCE = 60


@pytest.fixture(autouse=True)
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not ROOT:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def cli(*words: object, input: str | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    command = [*CLI, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **given, **options)


def said(*words: object, **options: Any) -> str:
    """What it prints when it succeeds."""
    done = cli(*words, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def problem(*words: object, **options: Any) -> tuple[int, str, str]:
    """The status, the line and the hint."""
    done = cli(*words, **options)
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("minicontain: ")
    assert lines[1].startswith("hint: ")
    assert done.stdout == ""
    return done.returncode, lines[0].removeprefix("minicontain: "), lines[1].removeprefix("hint: ")


@pytest.fixture
def name() -> Iterator[str]:
    """A name, whose container is gone after the test."""
    name = f"test-cli-{os.getpid()}"
    yield name
    cli("rm", "-f", name)


def until(is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# run: statuses


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_the_status_is_the_programs(script: str, status: int) -> None:
    assert cli("run", "sh", "-c", script).returncode == status


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["no-such-program"], 127),
        (["/no/such/program"], 127),
        (["/etc/passwd"], 126),
        (["/etc"], 126),
        (["-w", "/no/such", "true"], 125),
        (["--rootfs", "/no/such", "true"], 125),
        (["-u", "nobody-of-that-name", "true"], 125),
    ],
)
def test_what_cannot_be_started(words: list[str], status: int) -> None:
    assert problem("run", *words)[0] == status


@pytest.mark.parametrize("words", [["ubuntu:22.04", "bash"], ["alpine", "sh"], ["-d", "library/hello-world"]])
def test_there_are_no_images(words: list[str]) -> None:
    status, _, hint = problem("run", *words)
    assert status == 127
    assert f"there is no '{words[-1] if words[0] == '-d' else words[0]}'" in hint
    assert "if it is an image: there are none here" in hint
    assert "--rootfs DIR" in hint


def test_what_is_no_name_of_an_image_is_not_taken_for_one() -> None:
    for word in ("/no/such/program", "./program", "Program"):
        assert "image" not in problem("run", word)[2]


def test_a_program_below_the_hosts_tmp() -> None:
    with public_directory() as place:
        (place / "run").write_text("#!/bin/sh\n")
        (place / "run").chmod(0o755)
        status, _, hint = problem("run", place / "run")
        assert (status, "tmp=False" in hint) == (127, False)
        assert "is on the host, but the container has a /tmp of its own" in hint
        assert f"name '{place}:{place}:ro' with --volume" in hint
        assert said("run", "--volume", f"{place}:{place}:ro", place / "run") == ""


def test_a_script_without_its_interpreter_cannot_be_executed() -> None:
    with public_directory() as place:
        (place / "run").write_text("#!/no/such/interpreter\n")
        (place / "run").chmod(0o755)
        status, _, hint = problem("run", "-v", f"{place}:/x:ro", "/x/run")
    assert (status, "/no/such/interpreter" in hint) == (126, True)


@pytest.mark.parametrize(
    ("words", "line", "hint"),
    [
        (["runn"], "there is no command 'runn'", "did you mean 'run'?"),
        (["run"], "there is no program to run", "write it after the options: minicontain run -- sh"),
        (["run", "--hostnme", "x", "sh"], "run has no option '--hostnme'", "did you mean '--hostname'?"),
        (["run", "-Z", "sh"], "run has no option '-Z'", "see 'minicontain run --help'"),
        (["run", "-e"], "-e needs a value", "write it after the option"),
        (
            ["run", "--init=maybe", "true"],
            "--init: 'maybe' is neither true nor false",
            "write --init, or --init=false",
        ),
        (["run", "-p", "80:80", "true"], "publish: it is on no network that the ports could lead to", None),
        (["run", "-P", "true"], "-P is not in this version: ports are published by number", "leave it out"),
        (["run", "--ip", "10.16.9.5", "true"], "--ip: there is no network", "write --network NAME too"),
        (["run", "--umask", "9", "true"], "--umask: '9' is not an octal number", "write an octal number"),
        (["run", "--ulimit", "nofile", "true"], "--ulimit: 'nofile' has no '='", "write --ulimit NAME=VALUE"),
        (["run", "--timeout", "-1", "true"], "--timeout: '-1' is not a time", "write a number of seconds"),
        (["run", "-h", "a b", "true"], "hostname: 'a b' is not a valid name", None),
        (["run", "--cap-add", "NO_SUCH", "true"], None, None),
        (["run", "--network", "bri ge", "true"], "networks: 'bri ge' is no name of a network", None),
        (["run", "--network", "nowhere", "true"], "there is no network 'nowhere'", None),
        (["network", "inspect", "nowhere"], "there is no network 'nowhere'", None),
        (["network", "creat", "lab"], "network has no command 'creat'", "did you mean 'create'?"),
        (["run", "--env-file", "/no/such", "true"], "--env-file: /no/such: No such file or directory", None),
        (["run", "-d", "--rm", "true"], None, "remove it with 'minicontain rm' when it has ended"),
        (["exec", "no-such", "ls"], "there is no container 'no-such'", "see 'minicontain ps --all'"),
        (["stop"], "stop needs more arguments", "write minicontain stop [OPTIONS] NAME..."),
        (["stop", "no-such"], "there is no container 'no-such'", None),
        (["kill", "-s", "NOPE", "x"], "--signal: there is no signal 'NOPE'", "see signal(7)"),
        (["rm", "no-such"], "there is no container 'no-such'", None),
        (["logs", "no-such"], "there is no container 'no-such'", None),
        (["logs", "a", "b"], "logs: there is no use for 'b'", None),
        (["cp", "a", "b"], "cp copies between the host and a container", None),
        (["explain", "--shell", "--json", "true"], "--shell and --json do not go together", None),
    ],
)
def test_what_is_wrong_is_a_line_and_a_hint(words: list[str], line: str | None, hint: str | None) -> None:
    found = problem(*words)
    assert found[0] == 125
    assert line is None or found[1] == line
    assert hint is None or found[2] == hint


def test_every_fault_of_a_spec_is_told() -> None:
    done = cli("run", "--hostname", "a b", "--cap-add", "NO_SUCH", "true")
    assert (done.returncode, done.stderr.count("minicontain: "), done.stderr.count("hint: ")) == (125, 2, 2)


def test_time_is_up() -> None:
    began = time.monotonic()
    status, line, _ = problem("run", "--timeout", "0.3", "sleep", "600")
    assert (status, line) == (124, "the program was ended: it ran longer than 0.3 s")
    assert time.monotonic() - began < 20
    script = "trap 'echo tidy; exit 0' TERM; while :; do sleep 0.05; done"
    done = cli("run", "--timeout", "1", "--stop-timeout", "20", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (124, "tidy\n")


# run: options


def test_options_end_where_the_program_begins() -> None:
    assert said("run", "printf", "%s.", "-e", "--name", "x") == "-e.--name.x."
    assert said("run", "--hostname=box", "--", "hostname") == "box\n"
    assert said("run", "--", "echo", "--", "x") == "-- x\n"


def test_standard_input_is_empty_without_i() -> None:
    assert said("run", "cat", input="in") == ""
    assert said("run", "-i", "cat", input="in") == "in"
    assert said("run", "-i", "sh", input="echo from a script\n") == "from a script\n"
    assert said("run", "-i=false", "cat", input="in") == ""


def test_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "variables"
    file.write_text("# a comment\n\nONE=1\nTWO=from the file\nCALLERS\nABSENT\n")
    caller = {**os.environ, "CALLERS": "own", "MORE": "m"}
    caller.pop("ABSENT", None)
    script = "echo $ONE,$TWO,$CALLERS,${ABSENT-none},$MORE,$X"
    words = ["--env-file", file, "-e", "TWO=2", "-eMORE", "--env=X=a=b"]
    assert said("run", *words, "sh", "-c", script, env=caller) == "1,2,own,none,m,a=b\n"


def test_what_a_program_can_be_given() -> None:
    script = "pwd; umask; ulimit -Sn; ulimit -Hn; cat /proc/sys/kernel/domainname"
    words = ["-w", "/tmp", "--umask", "027", "--ulimit", "nofile=64:128", "--domainname", "dom"]
    assert said("run", *words, "sh", "-c", script).split() == ["/tmp", "0027", "64", "128", "dom"]


def test_users_and_groups() -> None:
    if ROOT:
        assert said("run", "-u", "12:34", "id", "-u") == "12\n"
        assert said("run", "-u", "12:34", "--group-add", "56", "id", "-G").split() == ["34", "56"]
    assert said("run", "id", "-u") == "0\n"


def test_files() -> None:
    with public_directory() as place:
        (place / "file").write_text("content\n")
        assert said("run", "-v", f"{place}:/data:ro", "cat", "/data/file") == "content\n"
        assert said("run", "-v", "./file:/f:ro", "cat", "/f", cwd=place) == "content\n"
    assert said(
        "run", "--tmpfs", "/scratch:size=1M", "sh", "-c", "df -k --output=size /scratch | tail -1"
    ).split() == ["1024"]
    assert cli("run", "--read-only", "touch", "/x").returncode == 1
    assert cli("run", "touch", "/x").returncode == 0
    assert said("run", "--host-files", "/home=hidden", "ls", "/home") == ""


def test_a_root_of_ones_own() -> None:
    busybox = static_busybox()
    if busybox is None:
        pytest.skip("no static busybox")
    with public_directory() as place:
        make_busybox_root(place / "root", busybox)
        assert (
            said("run", "--rootfs", "root", "sh", "-c", "echo /bin/*", cwd=place).split()[0] == "/bin/busybox"
        )


def test_walls() -> None:
    bounds = "grep CapBnd /proc/self/status"
    assert said("run", "--cap-drop", "ALL", "sh", "-c", bounds).split()[1] == "0" * 16
    only = said("run", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "sh", "-c", bounds).split()[1]
    assert int(only, 16) == 1 << 12
    news = "grep NoNewPrivs /proc/self/status"
    assert said("run", "--security-opt", "no-new-privileges", "sh", "-c", news).split()[1] == "1"
    assert said("run", "--security-opt", "no-new-privileges=false", "sh", "-c", news).split()[1] == "0"
    link = os.readlink("/proc/self/ns/net")
    assert said("run", "readlink", "/proc/self/ns/net").strip() != link
    assert said("run", "--network", "host", "readlink", "/proc/self/ns/net").strip() == link
    assert said("run", "--uts", "host", "readlink", "/proc/self/ns/uts").strip() == os.readlink(
        "/proc/self/ns/uts"
    )
    assert said("run", "--sysctl", "net.ipv4.ip_forward=1", "cat", "/proc/sys/net/ipv4/ip_forward") == "1\n"


def test_init_and_without() -> None:
    first = "cat /proc/1/comm"
    assert said("run", "sh", "-c", first) != "sh\n"
    assert said("run", "--no-init", "sh", "-c", f"{first}; true") == "sh\n"
    assert said("run", "--init=false", "sh", "-c", f"{first}; true") == "sh\n"


def test_entrypoint_is_the_program() -> None:
    assert said("run", "--entrypoint", "echo", "a", "b") == "a b\n"


def test_one_that_is_not_detached_leaves_nothing(name: str) -> None:
    assert cli("run", "--rm", "--name", name, "true").returncode == 0
    assert cli("run", "--name", name, "true").returncode == 0
    assert name not in said("ps", "-aq").split()


# Signals


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
)
def test_signals_are_handed_on(number: signal.Signals) -> None:
    short = number.name.removeprefix("SIG")
    script = f"trap 'echo got {short}; exit 9' {short}; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen([*CLI, "run", "sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE)[0] == f"got {short}\n"
    assert process.returncode == 9


def test_a_signal_that_ends_the_program() -> None:
    with subprocess.Popen(
        [*CLI, "run", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def test_signals_are_not_handed_on_without_sig_proxy() -> None:
    script = "trap 'echo got' TERM; echo ready; while :; do sleep 0.05; done"
    command = [*CLI, "run", "--sig-proxy=false", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.terminate()
        assert process.communicate(timeout=PATIENCE)[0] == ""
    assert process.returncode == 143


def test_what_nohup_ignores_stays_ignored() -> None:
    program = """
import signal, sys, minicontain.cli
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.exit(minicontain.cli.main(sys.argv[1:]))
"""
    command = [sys.executable, "-c", program, "run", "sh", "-c", "echo ready; sleep 1; echo over"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert process.communicate(timeout=PATIENCE)[0] == "over\n"
    assert process.returncode == 0


# By name


def listed(name: str) -> Any:
    """What ps says of one, which need not be the only one of this user."""
    return next(one for one in json.loads(said("ps", "--all", "--json")) if one["name"] == name)


def test_a_detached_one_from_its_start_to_its_removal(name: str) -> None:
    script = "echo one; echo two >&2; trap 'echo bye; exit 7' TERM; while :; do sleep 0.05; done"
    assert said("run", "-d", "--name", name, "--hostname", "box", "sh", "-c", script) == f"{name}\n"
    assert problem("run", "--name", name, "true")[1] == f"name: there is a container '{name}' already"
    until(lambda: said("logs", name) == "one\ntwo\n")
    row = next(line for line in said("ps").splitlines() if line.startswith(name)).split()
    assert row[2] == "running"
    assert said("exec", name, "hostname") == "box\n"
    assert cli("exec", "-e", "A=4", name, "sh", "-c", "exit $A").returncode == 4
    assert said("exec", "-i", name, "--", "cat", input="in") == "in"
    assert problem("exec", name, "no-such-program")[0] == 127
    assert problem("rm", name)[2] == "stop it first, or use 'minicontain rm --force'"
    assert said("pause", name) == f"{name}\n"
    assert listed(name)["state"] == "paused"
    assert problem("exec", name, "true")[1:] == (
        "the container is paused",
        "let it go on with 'minicontain unpause'",
    )
    assert said("resume", name) == f"{name}\n"
    assert said("stop", "-t", "20", name) == f"{name}\n"
    assert said("stop", name) == f"{name}\n"
    assert name not in said("ps", "-q").split()
    assert (listed(name)["state"], listed(name)["returncode"]) == ("exited", 7)
    assert "exited (7)" in next(line for line in said("ps", "-a").splitlines() if line.startswith(name))
    assert said("logs", "-n", "1", name) == "bye\n"
    assert said("logs", "--tail", "2", name) == "two\nbye\n"
    assert said("logs", "--tail=99", name) == "one\ntwo\nbye\n"
    assert problem("exec", name, "true")[:2] == (125, f"the container '{name}' has ended")
    assert said("rm", name) == f"{name}\n"
    assert name not in said("ps", "-aq").split()


def test_a_program_that_is_detached_goes_on_when_the_command_has_ended(name: str) -> None:
    said("run", "-d", "--name", name, "sleep", "600")
    script = "echo lost; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo $COLOUR > /tmp/gone; sleep 600"
    # Nothing of the command's is held open: its output is at its end when it has ended.
    assert said("exec", "-d", "-e", "COLOUR=red", name, "sh", "-c", script) == ""
    said("exec", name, "touch", "/tmp/go")
    until(lambda: cli("exec", name, "cat", "/tmp/gone").stdout == "red\n")
    assert said("logs", name) == ""
    assert problem("exec", "--detach", name, "no-such-program")[0] == 127
    assert problem("exec", "-di", name, "cat") == (
        125,
        "-d and -i do not go together: nothing is left that could see to it",
        "what is detached has /dev/null for its standard input",
    )
    assert problem("exec", "-dt", name, "sh")[1].startswith("tty: a terminal ends with the caller")
    said("pause", name)
    assert problem("exec", "-d", name, "true")[1] == "the container is paused"
    said("unpause", name)
    began = time.monotonic()
    said("kill", name)
    until(lambda: listed(name)["state"] == "exited")
    assert time.monotonic() - began < 10
    said("rm", name)
    assert problem("exec", "-d", name, "true")[1] == f"there is no container '{name}'"


def test_one_without_a_name_gets_one() -> None:
    name = said("run", "-d", "sleep", "600").strip()
    assert name in said("ps", "-q").split()
    assert said("kill", name).strip() == name
    assert "exited (137)" in said("ps", "-a")
    assert said("rm", name).strip() == name


def test_kill_sends_any_signal(name: str) -> None:
    script = "trap 'echo usr' USR1; echo ready; while :; do sleep 0.05; done"
    said("run", "-d", "--name", name, "sh", "-c", script)
    until(lambda: said("logs", name) == "ready\n")
    for spelled in ("USR1", "SIGUSR1", str(int(signal.SIGUSR1))):
        said("kill", "-s", spelled, name)
        time.sleep(0.2)
    until(lambda: said("logs", name) == "ready\nusr\nusr\nusr\n")
    assert said("rm", "--force", name) == f"{name}\n"


def test_each_of_several_is_tried(name: str) -> None:
    said("run", "-d", "--name", name, "sleep", "600")
    done = cli("rm", "-f", "no-such", name)
    assert (done.returncode, done.stdout) == (125, f"{name}\n")
    assert done.stderr.startswith("minicontain: there is no container 'no-such'\n")


def test_logs_are_followed_to_the_end(name: str) -> None:
    said("run", "-d", "--name", name, "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    assert said("logs", "-f", name) == "1\n2\n3\n"
    assert said("logs", "-f", name) == "1\n2\n3\n"


def test_files_are_copied_in_and_out(name: str, tmp_path: Path) -> None:
    said("run", "-d", "--name", name, "sleep", "600")
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below/file").write_text("content")
    said("cp", tree / "below/file", f"{name}:/tmp")
    assert said("exec", name, "cat", "/tmp/file") == "content"
    said("cp", tree / "below/file", f"{name}:/tmp/other")
    said("cp", tree, f"{name}:/tmp/")
    assert said("exec", name, "cat", "/tmp/other", "/tmp/tree/below/file") == "contentcontent"
    assert said("cp", f"{name}:/tmp/other", "-") == "content"
    out = tmp_path / "out"
    said("cp", f"{name}:/tmp/tree", out)
    assert (out / "below/file").read_text() == "content"
    said("cp", f"{name}:/tmp/other", out)
    assert (out / "other").read_text() == "content"
    # A link inside to a directory of the container, absolute: never the host's.
    said("exec", name, "sh", "-c", "mkdir /tmp/real; ln -s /tmp/real /tmp/link")
    said("cp", tree / "below/file", f"{name}:/tmp/link")
    assert said("exec", name, "cat", "/tmp/real/file") == "content"
    assert problem("cp", tmp_path / "absent", f"{name}:/tmp")[0] == 125
    assert problem("cp", f"{name}:/tmp/absent", tmp_path)[0] == 125
    assert problem("cp", tree / "below/file", f"{name}:/tmp/absent/")[0] == 125


# What it tells


def test_explain() -> None:
    assert "pivot_root" in said("explain", "--hostname", "box", "true")
    assert '"steps"' in said("explain", "--json", "true")
    script = said("explain", "--shell", "--", "echo", "from the shell")
    assert script.startswith("#!")
    assert problem("explain", "--hostname", "a b", "true")[0] == 125


def test_doctor() -> None:
    done = cli("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith(("ok ", "missing ", "   ")) for line in done.stdout.splitlines())
    findings = {finding["what"]: finding for finding in json.loads(said("doctor", "--json"))}
    assert findings["a container"]["ok"]
    assert {
        "kernel",
        "user namespaces",
        "clone3",
        "overlayfs",
        "cgroups",
        "seccomp",
        "Landlock",
    } <= findings.keys()


def test_doctor_tells_what_is_so_for_this_user() -> None:
    from support import why_no_cgroup

    all_of_it = json.loads(said("doctor", "--json"))
    findings = {finding["what"]: finding for finding in all_of_it}
    nobody = "nobody" if ROOT else "this user"
    assert findings["user namespaces"]["found"] == f"root inside is {nobody} outside"
    assert {"nft", "pasta", "/dev/net/tun", "IP forwarding"} <= findings.keys()
    for what, place in (("nft", "nft"), ("pasta", "pasta")):
        there = shutil.which(place, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        assert (there or "not here") in findings[what]["found"]
    assert all(finding["change"] for finding in all_of_it if not finding["ok"])
    if why_no_cgroup():
        assert not any(finding["ok"] for finding in all_of_it if finding["what"] == "cgroups")


def test_doctor_says_what_to_change() -> None:
    """A limit of the user namespace that it runs in stands for that of the host."""
    lower = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", lower, "sh", *CLI, "doctor"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "XDG_RUNTIME_DIR": "/"}
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("missing  user namespaces:"))
    assert "user.max_user_namespaces=0" in lines[place]
    assert lines[place + 1].split() == [
        "change:",
        "as",
        "root:",
        "sysctl",
        "-w",
        "user.max_user_namespaces=65536",
    ]


def test_help() -> None:
    overview = said("--help")
    for command in (
        "run",
        "exec",
        "ps",
        "logs",
        "stop",
        "kill",
        "pause",
        "unpause",
        "rm",
        "cp",
        "explain",
        "doctor",
    ):
        assert f"\n  {command} " in overview
        assert said(command, "--help").startswith(f"Usage: minicontain {command}")
    assert all(len(line) <= 110 for line in said("run", "--help").splitlines())
    assert cli().returncode == 125
    assert said("--version").startswith("minicontain ")


def test_nobody_reads_on() -> None:
    command = f"{' '.join(CLI)} explain true | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)


def test_the_command_is_installed() -> None:
    script = os.path.join(os.path.dirname(sys.executable), "minicontain")
    if not os.path.exists(script):
        pytest.skip("minicontain was not installed beside this Python")
    assert subprocess.run([script, "--version"], capture_output=True, text=True).stdout == said("--version")


def test_importing_the_package_does_not_load_it() -> None:
    program = (
        "import minicontain, sys; print([name for name in sys.modules if name.startswith('minicontain.')])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"
