"""The trace is true: between clone and exec strace(1) sees the same calls and answers, and no others.

Covers: root and ordinary user; no cgroups.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from support import PATIENCE, Caller, make_busybox_root, static_busybox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Runs a container, within another's namespaces or on a network if asked to, and prints its trace.
PROGRAM = """\
import contextlib, json, os, sys
import minicontain

fields = json.loads(sys.argv[1])
joined = fields.pop("joined", [])
with contextlib.ExitStack() as stack:
    if joined:
        other = stack.enter_context(minicontain.Container(["sleep", "600"]))
        fields["namespaces"] = {kind: other.pid for kind in joined}
    if "resolver" in fields:
        stack.enter_context(minicontain.Namespace.new("net"))
        network = minicontain.Network(f"t{os.getpid()}", resolver=fields.pop("resolver"))
        fields["network"] = stack.enter_context(network)
    try:
        trace = minicontain.run(**fields, capture_output=True).trace
    except minicontain.StartError as error:
        trace = error.trace
    print(trace.to_json())
"""
DOCKER_LIKE = {
    "args": ["true"],
    "hostname": "box",
    "domainname": "lab",
    "env": {"A": "b"},
    "cwd": "/usr",
    "umask": 0o77,
    "ulimits": {"nofile": 123, "core": [0, None]},
    "volumes": ["/usr/bin:/opt/tools:ro"],
    "tmpfs": ["/scratch:size=1M,mode=700"],
    "read_only": True,
    "cap_drop": ["ALL"],
    "sysctls": {"net.ipv4.ip_default_ttl": "33"},
    "time_offsets": {"boottime": 1000},
    "masked_paths": ["/proc/version"],
    "readonly_paths": ["/proc/sys"],
    "start_new_session": False,
    "no_new_privileges": False,
    "stderr": None,
}
SPECS: dict[str, dict[str, Any]] = {
    "all defaults": {"args": ["true"]},
    "no init": {"args": ["true"], "init": False},
    "many settings": DOCKER_LIKE,
    "a root directory": {"args": ["true"], "rootfs": "BUSYBOX"},
    "a root directory by chroot": {"args": ["true"], "rootfs": "BUSYBOX", "root_change": "chroot"},
    "the host's user namespace": {"args": ["true"], "namespaces": {"user": "host"}},
    "the host's network": {"args": ["true"], "namespaces": {"net": "host"}},
    "the host's processes": {"args": ["true"], "namespaces": {"pid": "host"}},
    "another's namespaces": {"args": ["true"], "joined": ["user", "net", "uts", "ipc"]},
    "another's processes": {"args": ["true"], "joined": ["user", "pid", "mnt"]},
    "a network": {"args": ["true"], "resolver": False},
    "a network with a resolver": {"args": ["true"], "resolver": True},
    "every device by hand": {"args": ["true"], "dev": True, "sys": False, "tmp": False, "loopback": False},
    "no such program": {"args": ["no-such-program"]},
    "no such directory": {"args": ["true"], "cwd": "/no/such/directory"},
}
ROOT_ONLY = {"the host's user namespace"}
# A process joins namespaces, and hides its memory from everyone but root, strace too.
HIDDEN = {
    "the host's processes",
    "another's namespaces",
    "another's processes",
    "a network",
    "a network with a resolver",
}
INITS_CALLS = {
    *(
        "close_range",
        "capset",
        "setsid",
        "signalfd4",
        "wait4",
        "ppoll",
        "read",
        "kill",
        "futex",
        "exit_group",
    )
}


@dataclass
class Seen:
    """A system call as strace saw it."""

    pid: int
    name: str
    arguments: str
    result: str

    def __str__(self) -> str:
        return f"{self.name}({self.arguments}) = {self.result}"


def read(log: str) -> Iterator[Seen]:
    """The calls of a log in the order in which they began, each put together where another came between."""
    begun: dict[int, tuple[int, str]] = {}
    done: dict[int, tuple[int, str]] = {}
    for number, line in enumerate(log.splitlines()):
        pid_text, _, text = line.partition(" ")
        pid, text = int(pid_text), text.strip()
        if text.startswith(("---", "+++")):
            continue
        if text.endswith("<unfinished ...>"):
            begun[pid] = number, text[: -len("<unfinished ...>")]
        elif text.startswith("<... "):
            start, first = begun.pop(pid)
            done[start] = pid, first + text.partition(" resumed>")[2]
        else:
            done[number] = pid, text
    for number in sorted(done):
        pid, text = done[number]
        parts = re.fullmatch(r"(\w+)\((.*)\)\s+= (-?\w+(?: E\w+)?).*", text, flags=re.DOTALL)
        if parts is None:
            parts = re.fullmatch(r"(\w+)\((.*)\)\s+= (\?)(?: ERESTART.*)?", text, flags=re.DOTALL)
        assert parts is not None, f"not understood: {text!r}"
        name, arguments, result = parts.groups()
        yield Seen(pid, name, arguments.strip(), result)


def words(call: str, arguments: str) -> tuple[list[str], set[str], str | None]:
    """Of arguments: the strings, the names of flags, and the first if it is a plain number."""
    if call in ("read", "sendto", "recvfrom"):
        arguments = arguments.split(",")[0]  # strace shows what came, the trace how much there is room for
    # A strace from before Linux 6.11 knows no name for it.
    arguments = arguments.replace("_IOC(_IOC_NONE, 0xff, 0x5, 0)", "PIDFD_GET_PID_NAMESPACE")
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
    plain = re.sub(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/', "", arguments)
    ignored = {"NULL", "O_RDONLY", "IPPROTO_IP", "S_IFCHR", "S_IFREG", "_LINUX_CAPABILITY_VERSION_3"}
    ignored.update(("SUID_DUMP_DISABLE", "NETLINK_ROUTE"))  # 0
    names = {name.replace("RLIM64", "RLIM") for name in re.findall(r"\b_?[A-Z][A-Z0-9_]{2,}\b", plain)}
    first = re.match(r"-?\d+(?=,|$)", plain)
    number = (
        None
        if first is None or call in ("mount", "futex")
        else str(int(first[0], 8 if call == "umask" else 10))
    )
    if number == "-1":
        number = (
            None  # a descriptor that an earlier call did not give: the trace names what it would have been
        )
    if call == "write":
        strings = [string.replace("\\n", "\n") for string in strings]
        if strings and strings[0].startswith(r"\177ELF"):
            strings = [r"\177ELF", arguments.rpartition(", ")[2]]  # init: the trace shows its first bytes
    if call == "clone":
        strings = []
    return strings, names - ignored, number


def value_of(seen: Seen) -> str:
    """A result as the trace shows it."""
    if seen.name == "umask" and seen.result.startswith("0"):
        return str(int(seen.result, 8))
    if seen.result.startswith("0x"):
        return str(int(seen.result, 16))
    return seen.result


def differences(traced: list[dict[str, Any]], seen: list[Seen]) -> list[str]:
    """Where the two differ, call by call."""
    wrong = []
    for number, (ours, theirs) in enumerate(itertools.zip_longest(traced, seen)):
        if ours is None or theirs is None:
            shown = f"{ours['syscall']}({ours['arguments']}) = {ours['result']}" if ours else "nothing"
            wrong.append(f"{number}: the trace has {shown}, strace saw {theirs or 'nothing'}")
            continue
        in_trace = ours["syscall"], ours["result"], words(ours["syscall"], ours["arguments"])
        in_strace = theirs.name, value_of(theirs), words(theirs.name, theirs.arguments)
        if in_trace != in_strace:
            wrong.append(f"{number}: the trace has {in_trace}, strace saw {in_strace}")
    return wrong


def makes(call: Seen) -> bool:
    """Whether a call made a process."""
    return call.name in ("clone3", "clone") and call.result.isdigit()


def until_exec(calls: list[Seen]) -> list[Seen]:
    """A process's calls until it executed a program, or ended."""
    executed = [n for n, call in enumerate(calls) if call.name == "execve" and call.result == "0"]
    return calls[: executed[0] + 1] if executed else calls


@dataclass
class Watched:
    """A container that was started under strace."""

    trace: list[dict[str, Any]]
    calls: list[Seen]

    @property
    def processes(self) -> list[int]:
        """The processes that the trace says were made, each by the one before it: joiner, init, program."""
        made = [entry["value"] for entry in self.trace if entry["syscall"] in ("clone3", "clone")]
        chain = made[:1]
        for _ in made[1:]:
            # Its maker may know it by another number than strace. It is who begins while its maker makes it.
            own = [n for n, call in enumerate(self.calls) if call.pid == chain[-1] and makes(call)]
            before = {call.pid for call in self.calls[: own[-1]]}
            chain.append(next(call.pid for call in self.calls[own[-1] :] if call.pid not in before))
        return chain

    def of_process(self, pid: int) -> list[Seen]:
        """A process's calls until it executed a program, made the next process, or ended."""
        calls = [call for call in self.calls if call.pid == pid]
        last = next((n for n, call in enumerate(calls) if makes(call)), None)
        return until_exec(calls) if last is None else calls[: last + 1]

    def after_making(self, pid: int) -> list[Seen]:
        """What a process called after it had made the next one."""
        return [call for call in self.calls if call.pid == pid][len(self.of_process(pid)) :]

    def on_side(self, side: str) -> list[dict[str, Any]]:
        return [entry for entry in self.trace if entry["side"] == side]


def watch(caller: Caller, fields: dict[str, Any], log: Path) -> Watched:
    strace = ["strace", "-f", "-qq", "-s", "65535", "-o", str(log)]
    python = [sys.executable, "-c", PROGRAM, json.dumps(fields)]
    done = caller.run([*strace, *python])
    assert done.returncode == 0, done.stderr
    return Watched(json.loads(done.stdout), list(read(log.read_text())))


@pytest.fixture(scope="module")
def _strace() -> None:
    """Skips where strace cannot look at a process."""
    if shutil.which("strace") is None:
        pytest.skip("strace(1) is missing")
    tried = subprocess.run(
        ["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, timeout=PATIENCE
    )
    if tried.returncode != 0:
        pytest.skip(f"strace cannot attach here (ptrace is refused): {tried.stderr.strip()}")


@pytest.fixture
def log(workshop: Path) -> Iterator[Path]:
    """A file that every caller can write."""
    path = workshop / "strace.log"
    path.touch()
    path.chmod(0o666)
    yield path
    path.unlink()


@pytest.fixture(params=SPECS)
def watched(
    request: pytest.FixtureRequest, _strace: None, caller: Caller, log: Path, workshop: Path
) -> Watched:
    name: str = request.param
    if name in ROOT_ONLY and not caller.is_root:
        pytest.skip(f"{name}: an ordinary user makes nothing without a user namespace of its own")
    if name in HIDDEN and not caller.is_root:
        pytest.skip(f"{name}: an ordinary user's strace may not read the memory of what joins")
    fields = dict(SPECS[name])
    if fields.get("rootfs") == "BUSYBOX":
        busybox = static_busybox()
        if busybox is None:
            pytest.skip("there is no static busybox")
        fields["rootfs"] = str(workshop / "root")
        if not (workshop / "root").exists():
            make_busybox_root(workshop / "root", busybox)
    return watch(caller, fields, log)


def test_between_clone_and_exec_is_what_the_trace_says_and_nothing_else(watched: Watched) -> None:
    seen = [watched.of_process(pid) for pid in watched.processes]
    assert all(seen), f"strace saw no call of one of {watched.processes}"
    failed = watched.on_side("container")[-1]["value"] < 0
    if failed:
        end = seen[-1].pop()
        assert (end.name, end.arguments, end.result) == ("exit_group", "127", "?")
        if len(seen) > 1:
            # The caller waits for the program, which nobody will execute now.
            wake = seen[-1].pop()
            assert (wake.name, wake.arguments.split(", ")[1]) == ("futex", "FUTEX_WAKE")
    assert not differences(watched.on_side("container"), list(itertools.chain(*seen)))


def test_what_makes_a_process_then_ends_or_lives_as_init(watched: Watched) -> None:
    for pid in watched.processes[:-1]:
        made = watched.of_process(pid)[-1]
        after = [str(call) for call in watched.after_making(pid)]
        if "CLONE_PARENT|" in made.arguments:
            assert after == ["exit_group(0) = ?"]
        else:
            # Init's own life is not the plan's.
            assert after[0].startswith("setsid() = ")
            assert after[-1].startswith("exit_group(")
            names = {call.name for call in watched.after_making(pid)}
            assert names <= INITS_CALLS


def test_what_would_touch_the_callers_memory_or_threads_is_not_called(watched: Watched) -> None:
    wakes = [entry for entry in watched.on_side("container") if entry["syscall"] == "futex"]
    assert all(entry["arguments"].startswith("FUTEX_WAKE") for entry in wakes)
    assert len(wakes) <= len(watched.processes) - 1
    calls = [call.name for pid in watched.processes for call in watched.of_process(pid)]
    failed = watched.on_side("container")[-1]["value"] < 0
    assert calls.count("futex") == len(wakes) + failed
    # Init maps the block, right after it has got memory of its own.
    maps = [n for n, name in enumerate(calls) if name == "mmap"]
    assert [calls[n - 1] for n in maps] == ["execveat"] * calls.count("execveat")
    assert calls.count("execveat") == len(watched.processes) - 1 <= 2
    assert not {"brk", "munmap", "mremap", "mprotect", "madvise", "tgkill", "kill"} & set(calls)


def test_the_callers_side_was_done_as_the_trace_says_in_its_order(watched: Watched) -> None:
    first = str(watched.processes[0])
    (thread,) = {call.pid for call in watched.calls if call.name.startswith("clone") and call.result == first}
    seen = iter([call for call in watched.calls if call.pid == thread])
    # Between two steps the caller may do other things; a futex is not waited for when the child was quicker.
    for entry in watched.on_side("caller"):
        if entry["syscall"] != "futex":
            wanted = entry["syscall"], entry["result"], words(entry["syscall"], entry["arguments"])
            found = ((call.name, value_of(call), words(call.name, call.arguments)) for call in seen)
            assert wanted in found, f"strace did not see {wanted} in this order"


def test_the_comparison_finds_what_is_missing_wrong_or_too_much() -> None:
    log = '7 umask(000) = 022\n7 mount("a", "/b", NULL, MS_BIND, NULL) = -1 EPERM (Operation not permitted)\n'
    seen = list(read(log))
    umask = {"syscall": "umask", "arguments": "0000", "result": "18"}
    mount = {"syscall": "mount", "arguments": '"a", "/b", NULL, MS_BIND, NULL', "result": "-1 EPERM"}
    assert differences([umask, mount], seen) == []
    assert len(differences([umask], seen)) == 1
    assert len(differences([umask, mount, umask], seen)) == 1
    changes = [
        {"result": "0"},
        {"syscall": "bind"},
        {"arguments": '"a", "/c", NULL, MS_BIND, NULL'},
        {"arguments": '"a", "/b", NULL, 0, NULL'},
    ]
    for change in changes:
        assert len(differences([umask, mount | change], seen)) == 1


def test_a_call_that_another_process_interrupts_in_the_log_is_put_together() -> None:
    log = """\
7 read(13,  <unfinished ...>
8 setsid() = 8
7 <... read resumed>"1", 1) = 1
8 exit_group(127) = ?
"""
    assert [str(call) for call in read(log)] == [
        'read(13,  "1", 1) = 1',
        "setsid() = 8",
        "exit_group(127) = ?",
    ]
