"""Standard streams behave as those of `subprocess`, however much goes through them.

Covers: root and ordinary user.
"""

import os
import subprocess
import sys

import minicontain
import pytest
from minicontain import DEVNULL, PIPE, STDOUT, Container, run

# `yes` would do, but its output has no end to compare.
FIFTY_MB = "dd if=/dev/zero bs=1M count=50 status=none"


def test_constants_are_those_of_subprocess():
    assert (PIPE, STDOUT, DEVNULL) == (subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL)


def test_nothing_is_captured_unless_asked():
    done = run(["true"])
    assert done.stdout is None
    assert done.stderr is None


def test_stdout_and_stderr_are_captured_apart():
    done = run("echo out; echo err >&2", shell=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")


def test_only_one_stream_is_captured():
    done = run("echo out; echo err >&2", shell=True, stdout=PIPE, stderr=DEVNULL)
    assert (done.stdout, done.stderr) == (b"out\n", None)
    done = run("echo out; echo err >&2", shell=True, stdout=DEVNULL, stderr=PIPE)
    assert (done.stdout, done.stderr) == (None, b"err\n")


def test_captured_and_empty_is_not_none():
    done = run(["true"], capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_stderr_is_merged_in_order():
    done = run("echo 1; echo 2 >&2; echo 3", shell=True, stdout=PIPE, stderr=STDOUT)
    assert (done.stdout, done.stderr) == (b"1\n2\n3\n", None)


def test_stderr_is_merged_into_an_inherited_stdout():
    script = "import minicontain; minicontain.run('echo err >&2', shell=True, stderr=minicontain.STDOUT)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert (done.stdout, done.stderr) == (b"err\n", b"")


def test_stderr_is_merged_into_a_file(tmp_path):
    with (tmp_path / "log").open("wb") as log:
        run("echo out; echo err >&2", shell=True, stdout=log, stderr=STDOUT)
    assert (tmp_path / "log").read_bytes() == b"out\nerr\n"


def test_inherited_streams_are_those_of_the_process():
    script = "import minicontain; minicontain.run('cat; echo err >&2', shell=True)"
    done = subprocess.run([sys.executable, "-c", script], input=b"in", capture_output=True)
    assert (done.stdout, done.stderr) == (b"in", b"err\n")


def test_nothing_of_the_library_is_written_to_the_streams():
    script = "import minicontain; minicontain.run(['true'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_descriptors_files_and_paths_are_streams(tmp_path):
    source, sink = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"content")
    with source.open("rb") as stdin, sink.open("wb") as stdout:
        run(["cat"], stdin=stdin, stdout=stdout.fileno())
    assert sink.read_bytes() == b"content"
    run("cat; echo more", shell=True, stdin=source, stdout=sink)
    assert sink.read_bytes() == b"contentmore\n"


def test_a_stream_without_a_descriptor_is_refused_as_subprocess_refuses_it():
    import io

    with pytest.raises(io.UnsupportedOperation):
        run(["true"], stdout=io.BytesIO())
    with pytest.raises(AttributeError):
        run(["true"], stdout=object())


def test_devnull_as_stdin_is_empty():
    assert run(["cat"], stdin=DEVNULL, capture_output=True).stdout == b""


def test_a_pipe_as_stdin_without_input_is_empty():
    assert run(["cat"], stdin=PIPE, capture_output=True).stdout == b""


@pytest.mark.parametrize("data", [b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), b""])
def test_input_is_anything_with_bytes(data):
    assert run(["cat"], input=data, capture_output=True).stdout == bytes(data)


def test_input_larger_than_a_pipe():
    data = os.urandom(5_000_000)
    assert run(["cat"], input=data, capture_output=True).stdout == data


def test_fifty_megabytes_of_output_do_not_deadlock():
    done = run(f"{FIFTY_MB} & {FIFTY_MB} >&2; wait", shell=True, capture_output=True)
    assert (len(done.stdout), len(done.stderr)) == (50 << 20, 50 << 20)


def test_input_and_output_larger_than_a_pipe_do_not_deadlock():
    data = bytes(20 << 20)
    copy_to_both = """
import sys
while data := sys.stdin.buffer.read(1 << 16):
    sys.stdout.buffer.write(data)
    sys.stderr.buffer.write(data)
"""
    done = run(["python3", "-c", copy_to_both], input=data, capture_output=True)
    assert done.stdout == done.stderr == data


def test_a_program_that_does_not_read_its_input_is_no_error():
    assert run(["true"], input=bytes(1 << 20)).returncode == 0


def test_a_program_that_closes_its_input_early_is_no_error():
    done = run(
        "head -c 10; exec <&-; sleep 0.2; echo done", shell=True, input=bytes(1 << 20), capture_output=True
    )
    assert done.stdout == bytes(10) + b"done\n"


def test_a_program_that_closes_its_output_early_is_waited_for():
    done = run("exec >&- 2>&-; sleep 0.2; exit 4", shell=True, capture_output=True)
    assert (done.returncode, done.stdout) == (4, b"")


def test_a_grandchild_that_holds_the_pipe_ends_with_its_pid_namespace():
    done = run("echo first; sleep 1000 & exit 0", shell=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"first\n")


def test_a_closed_reader_ends_the_program_with_sigpipe():
    # Python ignores SIGPIPE; a program that is run must not.
    with Container("yes; echo $? >&2", shell=True, stdout=PIPE, stderr=PIPE) as container:
        container.stdout.readline()
        container.stdout.close()
        assert container.stderr.read() == b"141\n"


def test_input_excludes_stdin():
    with pytest.raises(ValueError, match="stdin and input"):
        run(["cat"], input=b"x", stdin=PIPE)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_capture_output_excludes_a_stream(stream):
    with pytest.raises(ValueError, match="capture_output"):
        run(["true"], capture_output=True, **{stream: PIPE})


def test_a_descriptor_is_passed_under_its_number():
    read, write = os.pipe()
    try:
        # Not by a shell: some know descriptors up to 9 only.
        run(["python3", "-c", f"import os; os.write({write}, b'through')"], pass_fds=[write], check=True)
    finally:
        os.close(write)
    with open(read, "rb") as pipe:
        assert pipe.read() == b"through"


def test_no_other_descriptor_is_passed():
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        done = run(["python3", "-c", f"import os; os.write({write}, b'through')"], stderr=DEVNULL)
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode != 0


def test_the_programs_descriptors_are_its_streams_alone():
    done = run("ls /proc/$$/fd", shell=True, capture_output=True, text=True)
    assert set(done.stdout.split()) <= {"0", "1", "2", "10"}  # 10 is the shell's own, for scripts


def test_streams_work_when_the_caller_has_none():
    script = """
import os, sys
report = os.dup(1)
for fd in (0, 1, 2):
    os.close(fd)
import minicontain
done = minicontain.run("cat; echo err >&2", shell=True, input=b"in", capture_output=True)
os.write(report, repr((done.stdout, done.stderr)).encode())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.stdout == b"(b'in', b'err\\n')", done.stderr


def test_nothing_stays_open():
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(20):
        run(["cat"], input=b"x", capture_output=True)
        with Container(["cat"], stdin=PIPE, stdout=PIPE, stderr=PIPE) as container:
            container.stdin.write(b"x")
        with pytest.raises(FileNotFoundError):
            run(["no-such-program"], capture_output=True)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_the_library_does_not_touch_the_callers_sigpipe():
    import signal

    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN
    run(["true"], input=bytes(1 << 20))
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN
    assert minicontain.run(["true"]).returncode == 0
