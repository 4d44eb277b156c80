"""Ctrl-C ends the container, and then the caller.

Covers: root and ordinary user.
"""

import signal
import subprocess
import sys

import pytest

START = """
import os, signal, sys, threading, time
import minicontain

def left():
    tasks = os.listdir("/proc/self/task")
    return [pid for task in tasks for pid in open(f"/proc/self/task/{task}/children").read().split()]
"""
REPORT = """
except KeyboardInterrupt:
    print("interrupted", len(left()), flush=True)
    raise
"""


def interrupted(body, *, signal_number=signal.SIGINT):
    """Runs a program, signals it when it is `ready`, and gives what it then writes, and its status."""
    command = [sys.executable, "-c", START + body]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout.readline() == b"ready\n", program.communicate()[1].decode()
    program.send_signal(signal_number)
    output, errors = program.communicate(timeout=60)
    return output.decode(), program.returncode, errors.decode()


@pytest.mark.parametrize("options", ["", "stdin=minicontain.DEVNULL, stderr=minicontain.PIPE"])
def test_run_is_ended_by_ctrl_c(options):
    output, status, errors = interrupted(f"""
try:
    minicontain.run("trap '' INT; echo ready; sleep 60 & wait", shell=True, {options})
{REPORT}""")
    assert output == "interrupted 0\n"
    assert status == -signal.SIGINT
    assert "KeyboardInterrupt" in errors


def test_run_that_captures_is_ended_by_ctrl_c():
    output, status, _ = interrupted(f"""
threading.Timer(0.3, lambda: print("ready", flush=True)).start()
try:
    minicontain.run(["sleep", "60"], capture_output=True)
{REPORT}""")
    assert (output, status) == ("interrupted 0\n", -signal.SIGINT)


def test_a_signal_that_another_thread_gets_is_noticed():
    output, status, _ = interrupted(f"""
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
try:
    minicontain.run("echo ready; sleep 60", shell=True)
{REPORT}""")
    assert (output, status) == ("interrupted 0\n", -signal.SIGINT)


def test_wait_is_interrupted_and_the_container_ends_with_its_block():
    output, status, _ = interrupted(f"""
try:
    # It is ready when this process waits, and not while it is still in start().
    with minicontain.Container("sleep 0.5; echo ready; sleep 60", shell=True) as container:
        try:
            container.wait()
        finally:
            print("alive" if container.poll() is None else "ended", flush=True)
{REPORT}""")
    assert (output, status) == ("alive\ninterrupted 0\n", -signal.SIGINT)


def test_communicate_is_interrupted_and_can_go_on():
    output, status, _ = interrupted("""
with minicontain.Container(["cat"], stdin=minicontain.PIPE, stdout=minicontain.PIPE) as container:
    holder = os.dup(container.stdin.fileno())
    threading.Timer(0.3, lambda: print("ready", flush=True)).start()
    try:
        container.communicate(b"data")
    except KeyboardInterrupt:
        os.close(holder)
        print(container.communicate(), flush=True)
""")
    assert (output, status) == ("(b'data', None)\n", 0)


def test_any_exception_of_a_signal_handler_ends_the_run():
    output, status, _ = interrupted(
        """
class Stop(Exception): pass
def stop(*_): raise Stop
signal.signal(signal.SIGTERM, stop)
try:
    minicontain.run("echo ready; sleep 60", shell=True)
except Stop:
    print("stopped", len(left()))
""",
        signal_number=signal.SIGTERM,
    )
    assert (output, status) == ("stopped 0\n", 0)


def test_ctrl_c_of_a_terminal_does_not_reach_the_program_by_itself():
    # It leads a session of its own, so the terminal's signal goes to the caller alone.
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import minicontain; minicontain.run('ps -o sid= -p $$; echo $$', shell=True)",
        ],
        capture_output=True,
        text=True,
    )
    session, own = done.stdout.split()
    assert session == own
