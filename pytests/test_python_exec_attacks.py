"""What a container may try on a program that joins it: CVE-2019-5736, CVE-2024-21626 and their like.

A program in the container watches for new processes all the time, and tries to trace, open, overwrite each.
It may meet the program that is executed, which is the container's own, and not the process that joins: its
executable is the host's, its memory may be the caller's, its descriptors lead out.

Covers: root and ordinary user. Needs a python3 that the container sees.
"""

import ctypes
import json
import os
import shutil
import tempfile
from pathlib import Path

import minicontain
import pytest
from minicontain import PIPE, Container

INSIDE = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
needs_python = pytest.mark.skipif(INSIDE is None, reason="there is no python3 outside of homes")

ATTACKER = r"""
import ctypes, json, os, sys

address, length = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
SEIZE, CONT, WALL = 0x4206, 7, 0x40000000
known = set(os.listdir("/proc"))
inside_root = os.stat("/")
# What runs here by right: by device and number, for no path of the host has the same here.
own = {(s.st_dev, s.st_ino) for s in map(os.stat, ["/bin/true", "/bin/sleep", sys.executable])}
found, met = [], 0

class Iov(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]

def tell(kind, *what):
    found.append([kind, *map(str, what)])

def is_secret(data):
    return data.startswith(b"the caller's own ") and len(data) == length

def is_own(link, path):
    # What a program has opened by itself is here under the same path.
    try:
        return os.path.samefile(link, path)
    except OSError:
        return False

def attack(pid):
    path = f"/proc/{pid}/"
    try:
        exe = os.open(path + "exe", os.O_PATH)
        s = os.fstat(exe)
        if (s.st_dev, s.st_ino) not in own:
            tell("exe", os.readlink(f"/proc/self/fd/{exe}"))
            for flags in (os.O_RDONLY, os.O_WRONLY):
                try:
                    os.close(os.open(f"/proc/self/fd/{exe}", flags))
                    tell("exe opened", flags)
                except OSError:
                    pass
        os.close(exe)
    except OSError:
        pass
    try:
        mem = os.open(path + "mem", os.O_RDWR)
        try:
            if is_secret(os.pread(mem, length, address)):
                tell("mem")
        finally:
            os.close(mem)
    except OSError:
        pass
    data = ctypes.create_string_buffer(length)
    here, there = Iov(ctypes.addressof(data), length), Iov(address, length)
    count = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    if count == length and is_secret(data.raw):
        tell("process_vm_readv")
    try:
        for fd in os.listdir(path + "fd"):
            try:
                held = os.open(path + "fd/" + fd, os.O_PATH)
                link = os.readlink(f"/proc/self/fd/{held}")
                if int(fd) > 2 and not is_own(link, f"/proc/self/fd/{held}"):
                    tell("fd", fd, link)
                os.close(held)
            except OSError:
                pass
    except OSError:
        pass
    for name in ("cwd", "root"):
        try:
            s = os.stat(path + name)
            if (s.st_dev, s.st_ino) != (inside_root.st_dev, inside_root.st_ino):
                tell(name, os.readlink(path + name))
        except OSError:
            pass
    if TRACE and libc.ptrace(SEIZE, pid, 0, 0) == 0:
        count = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        if count == length and is_secret(data.raw):
            tell("ptrace")

TRACE = len(sys.argv) > 3
print("ready", flush=True)
while not os.path.exists("/tmp/stop"):
    now = set(os.listdir("/proc"))
    new = [name for name in now - known if name.isdigit()]
    known = now
    for pid in map(int, new):
        met += 1
        for _ in range(20):
            attack(pid)
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | WALL)
        except OSError:
            break
        if pid == 0:
            break
        if os.WIFSTOPPED(status):
            libc.ptrace(CONT, pid, 0, os.WSTOPSIG(status))
print(json.dumps([met, found]), flush=True)
"""


def attacked(count, *options, **fields):
    """How many processes the attacker met while programs were executed, and what it got of them."""
    secret = b"the caller's own " + os.urandom(64)
    kept = ctypes.create_string_buffer(secret, len(secret))
    where = [str(ctypes.addressof(kept)), str(len(secret)), *options]
    with Container([INSIDE, "-c", ATTACKER, *where], stdout=PIPE, text=True, **fields) as container:
        assert container.stdout.readline() == "ready\n"
        for _ in range(count):
            assert container.exec(["/bin/true"]).returncode == 0
        container.put("/tmp/stop", b"")
        return json.loads(container.stdout.read())


@needs_python
@pytest.mark.parametrize("fields", [{}, {"cap_add": ["SYS_PTRACE"]}], ids=["default", "SYS_PTRACE"])
@pytest.mark.parametrize("options", [[], ["trace"]], ids=["open", "trace"])
def test_who_watches_for_it_never_meets_what_joins(fields, options):
    met, found = attacked(200, *options, **fields)
    assert met > 20
    assert found == []


@needs_python
def test_who_watches_with_every_capability_never_meets_what_joins():
    met, found = attacked(200, cap_add=["ALL"], no_new_privileges=False)
    assert met > 20
    assert found == []


# CVE-2019-5736: the program is, or names as its interpreter, /proc/self/exe.

TELL = "import os; s = os.stat('/proc/self/exe'); print('ran', s.st_dev, s.st_ino)"


@pytest.mark.parametrize("fields", [{}, {"init": False}], ids=["init", "no init"])
def test_a_program_that_is_proc_self_exe_gets_no_executable_of_the_host(fields):
    with Container(["sleep", "600"], **fields) as container:
        container.put("/tmp/script", f"#!/proc/self/exe\n{TELL}\n".encode(), mode=0o755)
        container.exec(["ln", "-s", "/proc/self/exe", "/tmp/link"], check=True)
        for command in (["/tmp/script"], ["/tmp/link", "-c", TELL], ["/proc/self/exe", "-c", TELL]):
            try:
                done = container.exec(command, capture_output=True, timeout=60)
            except minicontain.StartError:
                continue
            assert done.returncode != 0
            assert b"ran" not in done.stdout


# CVE-2024-21626: the working directory, or the program, is a descriptor that the joining process still has.


def test_a_path_through_its_descriptors_leads_to_no_directory_of_the_host():
    with tempfile.TemporaryDirectory() as outside, Container(["sleep", "600"]) as container:
        Path(outside, "secret").write_text("the host's")
        Path(outside, "secret").chmod(0o644)
        held = os.open(outside, os.O_RDONLY)
        before = os.getcwd()
        os.chdir(outside)
        try:
            inside = container.exec(["stat", "-c", "%d:%i", "/"], stdout=PIPE).stdout
            paths = [f"/proc/self/fd/{n}" for n in range(64)]
            for path in (*paths, "/proc/self/cwd", "/proc/self/root", f"/proc/thread-self/fd/{held}"):
                try:
                    done = container.exec(
                        "stat -c %d:%i .; cat secret", shell=True, cwd=path, capture_output=True
                    )
                except minicontain.StartError:
                    continue
                # Its own root is no secret.
                assert done.stdout == inside, path
            for path in (*paths, f"/proc/self/fd/{held}/secret"):
                try:
                    done = container.exec(["sh", "-c", "echo ran"], executable=path, capture_output=True)
                except minicontain.StartError:
                    continue
                assert done.returncode != 0
                assert done.stdout == b""
        finally:
            os.chdir(before)
            os.close(held)


def test_a_link_to_its_descriptors_leads_nowhere_either():
    with Container(["sleep", "600"]) as container:
        inside = container.exec(["stat", "-c", "%d:%i", "/"], stdout=PIPE).stdout
        for n in range(3, 64):
            container.exec(["ln", "-sfn", f"/proc/self/fd/{n}", "/tmp/link"], check=True)
            try:
                done = container.exec(["stat", "-c", "%d:%i", "."], cwd="/tmp/link", capture_output=True)
            except minicontain.StartError:
                continue
            assert done.stdout == inside
