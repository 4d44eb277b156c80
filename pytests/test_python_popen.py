"""Popen is subprocess.Popen with walls, and its shorthands are those of subprocess.

What CPython itself expects of them is in test_subprocess_conformance.py; here is what is different in a
container. Covers: root and ordinary user.
"""

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time

import minicontain
import pytest
from minicontain import DEVNULL, PIPE, STDOUT, Popen
from support import ROOT, children, descriptors, in_threads


def output(*args, **options):
    with Popen(*args, stdout=PIPE, text=True, **options) as process:
        return process.communicate()[0]


# What it is


def test_it_is_one_of_subprocess():
    with Popen(["true"]) as process:
        assert isinstance(process, subprocess.Popen)
    assert process.returncode == 0
    assert repr(process) == "<Popen: returncode: 0 args: ['true']>"


def test_it_is_in_a_container():
    with Popen(["cat"], stdin=PIPE, hostname="box") as process:
        assert process.container.program_pid == process.pid != process.container.pid
        assert process.container.enforced["namespaces"].state == "enforced"
        assert process.container.namespaces["uts"] != os.stat("/proc/self/ns/uts").st_ino
    assert process.container.result.reason == "exited"


def test_it_takes_every_field_of_a_container():
    assert output(["hostname"], hostname="box") == "box\n"
    assert output(["pwd"], tmpfs=["/scratch"], cwd="/scratch") == "/scratch\n"
    with pytest.raises(minicontain.SpecError, match="did you mean 'hostname'"):
        Popen(["true"], hostnme="box")


def test_it_takes_its_parameters_in_the_order_of_subprocess():
    process = Popen(
        "echo $0; pwd", -1, "/bin/sh", None, PIPE, None, None, True, True, "/usr", {"A": "b"}, True
    )
    with process:
        assert process.communicate() == ("/bin/sh\n/usr\n", None)


def test_it_takes_a_spec():
    spec = minicontain.Spec(["cat"], hostname="box", stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    with Popen(spec, text=True) as process:
        assert process.args == ["cat"]
        assert process.communicate("meow") == ("meow", None)


# The environment


def test_the_callers_environment_stays_out_unless_it_is_given(monkeypatch):
    monkeypatch.setenv("SECRET", "hidden")
    assert output("echo $SECRET", shell=True) == "\n"
    assert output("echo $SECRET", shell=True, env=os.environ) == "hidden\n"
    assert output("echo $SECRET", shell=True, env={"SECRET": None}) == "hidden\n"


def test_an_environment_of_bytes():
    assert output("echo $A", shell=True, env={b"A": b"b"}) == "b\n"


# Streams


def test_the_program_may_open_its_streams_again():
    script = "echo out >/dev/stdout; echo err >/dev/stderr; cat </dev/stdin"
    user = 1000 if ROOT else 0
    with Popen(script, shell=True, stdin=PIPE, stdout=PIPE, stderr=PIPE, user=user) as process:
        assert process.communicate(b"in") == (b"out\nin", b"err\n")


def test_a_stream_can_be_a_path(tmp_path):
    with Popen("echo out; echo err >&2", shell=True, stdout=tmp_path / "log", stderr=STDOUT) as process:
        assert process.stdout is None
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_the_size_of_a_pipe():
    if sys.version_info < (3, 10):
        pytest.skip("subprocess has pipesize since Python 3.10")
    with Popen(["true"], stdout=PIPE, pipesize=8192) as process:
        assert fcntl.fcntl(process.stdout, 1032) == 8192


def test_descriptors_come_in_by_pass_fds_or_when_they_are_not_closed():
    read, write = os.pipe()
    try:
        # sh may know descriptors of one digit only.
        command = ["bash", "-c", f"echo passed >&{write}"]
        assert Popen(command, pass_fds=(1, write, write)).wait() == 0
        assert os.read(read, 100) == b"passed\n"
        assert Popen(command, stderr=DEVNULL).wait() != 0
        assert Popen(command, stderr=DEVNULL, close_fds=False).wait() != 0
        os.set_inheritable(write, True)
        assert Popen(command, close_fds=False).wait() == 0
        assert os.read(read, 100) == b"passed\n"
    finally:
        os.close(read)
        os.close(write)


# Waiting


def test_a_timeout_is_that_of_this_package():
    with Popen("echo so far; sleep 60", shell=True, stdout=PIPE) as process:
        with pytest.raises(minicontain.TimeoutExpired):
            process.wait(timeout=0.1)
        with pytest.raises(minicontain.TimeoutExpired) as caught:
            process.communicate(timeout=0.5)
        assert caught.value.output == b"so far\n"
        process.kill()
        assert process.communicate() == (b"so far\n", None)
    assert process.returncode == -signal.SIGKILL


def test_many_threads_wait():
    process = Popen(["sleep", "0.3"])
    found = []
    with in_threads(5, lambda: found.append(process.wait())):
        pass
    assert found == [0] * 5


def test_one_that_has_ended_holds_no_descriptor():
    before = descriptors()
    process = Popen(["true"])
    assert process.wait() == 0
    assert descriptors() == before


def test_kill_ends_the_whole_container():
    with Popen("sleep 60 & sleep 60 & echo on; wait", shell=True, stdout=PIPE) as process:
        assert process.stdout.readline() == b"on\n"
        process.kill()
        # Nobody holds the pipe any more.
        assert process.stdout.read() == b""


def test_a_signal_that_the_program_handles():
    script = "trap 'exit 3' TERM; echo on; while :; do sleep 0.05; done"
    with Popen(script, shell=True, stdout=PIPE) as process:
        process.stdout.readline()
        process.terminate()
        assert process.wait() == 3
    process.terminate()
    process.kill()


def test_a_signal_that_does_not_exist_is_the_error_of_the_kernel():
    with Popen(["sleep", "60"]) as process:
        with pytest.raises(OSError, match="Invalid argument"):
            process.send_signal(999)
        process.kill()


def test_a_forgotten_one_runs_on_and_is_reaped_by_the_next():
    process = Popen(["cat"], stdin=PIPE)
    stdin = process.stdin
    with pytest.warns(ResourceWarning, match="still running"):
        del process
    assert len(children()) == 1
    stdin.close()
    deadline = time.monotonic() + 10
    while children() and time.monotonic() < deadline:
        assert Popen(["true"]).wait() == 0
    assert not children()


def test_one_that_is_left_at_the_end_of_the_program_is_killed():
    program = "import minicontain; print(minicontain.Popen(['sleep', '60']).pid)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], stdout=subprocess.PIPE, text=True, timeout=30
    )
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{int(done.stdout)}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{int(done.stdout)}")


def test_a_status_that_somebody_else_took_is_told_as_subprocess_does():
    process = Popen(["sh", "-c", "exit 3"])
    os.waitpid(process.container.pid, 0)
    # Newer kernels keep it.
    assert process.wait() in (0, 3)
    assert process.poll() == process.returncode


# Errors


def test_the_file_name_in_an_error_is_the_one_that_was_given():
    for words, options, name in (
        (["no-such-program"], {}, "no-such-program"),
        (["a name"], {"executable": b"/no/such"}, b"/no/such"),
        (["true"], {"cwd": b"/no/such"}, b"/no/such"),
    ):
        with pytest.raises(minicontain.StartFileNotFoundError) as caught:
            Popen(words, stdin=PIPE, stdout=PIPE, **options)
        assert caught.value.filename == name
    with pytest.raises(PermissionError) as denied:
        Popen(["/etc/passwd"])
    assert denied.value.filename == "/etc/passwd"
    with pytest.raises(NotADirectoryError):
        Popen(["true"], cwd="/etc/passwd")


def test_what_cannot_mean_anything_is_an_error():
    with pytest.raises(ValueError, match=r"preexec_fn: no Python runs .*\(use cwd, env"):
        Popen(["true"], preexec_fn=lambda: None)
    with pytest.raises(ValueError, match="process_group"):
        Popen(["true"], process_group=1)
    with pytest.raises(ValueError, match="tty"):
        Popen(["true"], tty=True)
    with pytest.raises(ValueError, match="startupinfo"):
        Popen(["true"], startupinfo=object())
    with pytest.raises(ValueError, match="preexec_fn"):
        minicontain.run(["true"], preexec_fn=lambda: None)


def test_the_program_leads_its_process_group():
    script = "ps -o pid=,pgid= -p $$ 2>/dev/null || awk '{print $1, $5}' /proc/$$/stat"
    pid, group = output(script, shell=True, process_group=0).split()
    assert pid == group
    pid, group = output(script, shell=True, process_group=0, start_new_session=False).split()
    assert pid == group
    pid, group = output(script, shell=True, start_new_session=False).split()
    assert pid != group


def test_an_environment_that_is_given_is_all_of_it():
    assert output(["env"], env={"A": "b"}) == "A=b\n"
    assert output(["env"], env={}) == ""
    assert output(
        ["env"], env={"A": "b"}, default_env=True
    ) == "A=b\nHOME=/root\nPATH={}\nTERM=xterm\n".format(output("echo $PATH", shell=True).strip())
    assert sorted(line.partition("=")[0] for line in output(["env"]).splitlines()) == ["HOME", "PATH", "TERM"]


# Users


@pytest.mark.root_only("an ordinary user's container has no user but its root")
def test_users_and_groups_by_number_name_and_pair():
    for options, wanted in (
        ({"user": 1000, "group": 1001}, "1000:1001"),
        ({"user": "1000:1001"}, "1000:1001"),
        ({"user": "daemon", "group": "daemon"}, "1:1"),
        ({"user": "1000", "group": 5}, "1000:5"),
    ):
        assert output("echo $(id -u):$(id -g)", shell=True, **options) == f"{wanted}\n"


def test_a_user_that_does_not_exist():
    with pytest.raises(KeyError):
        Popen(["true"], user="no-such-user")


def test_the_umask():
    assert output("umask", shell=True) == "0022\n"
    assert output("umask", shell=True, umask=0o027) == "0027\n"


# The shorthands


def test_code_for_subprocess_works_with_another_import():
    program = textwrap.dedent("""
        import minicontain as subprocess
        print(subprocess.check_output(["cat"], input="in", text=True, close_fds=True, bufsize=0))
        print(subprocess.call("exit 3", shell=True), subprocess.getoutput("echo text"))
        try:
            subprocess.check_call(["false"])
        except subprocess.SubprocessError as error:
            print(error.returncode, error.cmd)
        print(subprocess.run(["sh", "-c", "exit 4"], restore_signals=False, process_group=0).returncode)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("in\n3 text\n1 ['false']\n4\n", "")


def test_check_output_has_a_stream_and_a_check_of_its_own():
    for name in ("stdout", "check"):
        with pytest.raises(ValueError, match=f"{name} argument not allowed, it will be overridden"):
            minicontain.check_output(["true"], **{name: None})
    assert minicontain.check_output(["cat"], input=None, text=True) == ""


def test_a_shorthand_kills_at_its_timeout():
    for shorthand in (minicontain.call, minicontain.check_call, minicontain.check_output):
        with pytest.raises(minicontain.TimeoutExpired) as caught:
            shorthand(["sleep", "60"], timeout=0.1)
        assert caught.value.result.returncode == -9


def test_executable_names_the_shell():
    assert minicontain.check_output("echo $0", shell=True, executable="/bin/bash") == b"/bin/bash\n"


def test_a_relative_directory_is_below_the_callers(monkeypatch):
    monkeypatch.chdir("/usr")
    assert minicontain.check_output(["pwd"], cwd="bin/..", text=True) in ("/usr\n", "/\n")
    assert output(["pwd"], cwd=".") == "/usr\n"
