"""What goes wrong is told in full, and caught as that of `subprocess`.

Covers: root and ordinary user.
"""

import errno
import os
import re

import minicontain
import pytest
from minicontain import Container, Plan, Spec, run


def failure(*args, **options):
    with pytest.raises(minicontain.Error) as caught:
        run(*args, **options)
    return caught.value


def test_a_program_that_is_not_there():
    error = failure(["no-such-program"])
    assert isinstance(error, FileNotFoundError)
    assert isinstance(error, minicontain.StartError)
    assert (error.code, error.reason) == ("program_not_found", "exec_failed")
    assert (error.errno, error.strerror, error.filename) == (
        errno.ENOENT,
        os.strerror(errno.ENOENT),
        "no-such-program",
    )
    assert error.syscall == "execve"
    assert "no-such-program" in error.path
    assert "no-such-program" in error.arguments
    assert "no-such-program" in error.hint
    assert error.step == Plan(["true"]).steps[error.step_index].why
    assert [step.result for step in error.trace if step.index == error.step_index] == ["-1 ENOENT"]
    assert "no-such-program" in str(error)


def test_a_program_that_cannot_be_executed():
    error = failure(["/etc/passwd"])
    assert isinstance(error, PermissionError)
    assert (error.code, error.reason, error.filename) == (
        "program_not_executable",
        "exec_failed",
        "/etc/passwd",
    )


def script(directory, content, mode=0o755):
    program = directory / "program"
    program.write_bytes(content)
    program.chmod(mode)
    directory.chmod(0o755)
    return {"args": ["/w/program"], "volumes": {directory: "/w"}}


@pytest.mark.parametrize(
    ("content", "code", "kind"),
    [
        (b"#!/no/such/interpreter\n", "interpreter_not_found", FileNotFoundError),
        (b"neither\n", "wrong_format", OSError),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(44), "wrong_format", OSError),
    ],
    ids=["interpreter", "text", "another machine"],
)
def test_a_file_that_is_no_program(tmp_path, content, code, kind):
    error = failure(**script(tmp_path, content))
    assert isinstance(error, kind)
    assert (error.code, error.reason, error.filename) == (code, "exec_failed", "/w/program")
    assert error.hint


def test_a_working_directory_that_is_not_there():
    error = failure(["true"], cwd="/no/such")
    assert isinstance(error, FileNotFoundError)
    assert (error.code, error.reason, error.filename) == ("cwd_not_found", "start_failed", "/no/such")


def test_a_working_directory_that_is_a_file():
    assert isinstance(failure(["true"], cwd="/etc/passwd"), NotADirectoryError)


def test_a_volume_that_is_not_there():
    error = failure(["true"], volumes={"/no/such": "/x"})
    assert isinstance(error, FileNotFoundError)
    assert error.code == "source_not_found"
    assert "/no/such" in str(error)


def test_a_user_that_is_not_there():
    assert failure(["true"], user="nosuchuser").code == "user_not_found"


def test_arguments_that_are_too_long():
    assert failure(["true", *["x" * 100_000] * 100]).code == "arguments_too_long"


def test_a_requirement_that_does_not_hold():
    error = failure(["true"], require=["namespaces"], network="host")
    assert (error.code, error.errno) == ("not_enforced", None)
    assert isinstance(error, minicontain.StartError)
    assert "namespaces" in str(error)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"args": []}, "args"),
        ({"args": [""]}, "args"),
        ({"args": ["nul\0"]}, "args"),
        ({"args": [1]}, "args"),
        ({"args": ["\udc80"]}, "args"),
        ({"args": [b"\xff"]}, "args"),
        ({"hostname": "no spaces"}, "hostname"),
        ({"hostname": object()}, "hostname"),
        ({"env": {"A=B": "c"}}, "env"),
        ({"env": {"A": 1}}, "env"),
        ({"env": {1: "a"}}, "env"),
        ({"cwd": "relative"}, "cwd"),
        ({"umask": 0o1000}, "umask"),
        ({"umask": -2}, "umask"),
        ({"umask": 1 << 70}, "umask"),
        ({"ulimits": {"files": 1}}, "ulimits"),
        ({"ulimits": {"nofile": (2, 1)}}, "ulimits"),
        ({"ulimits": {"nofile": -5}}, "ulimits"),
        ({"volumes": ["/only-one"]}, "volumes"),
        ({"volumes": {"/a": {"mode": "ro"}}}, "volumes"),
        ({"volumes": {"/a": {"bind": "/b", "mode": "rx"}}}, "volumes"),
        ({"volumes": {"/a": "/x", "/b": "/x"}}, "volumes"),
        ({"volumes": {"relative": "/x"}}, "volumes"),
        ({"tmpfs": {"/x": "size=elephant"}}, "tmpfs"),
        ({"storage_size": "-1"}, "storage_size"),
        ({"storage_size": float("nan")}, "storage_size"),
        ({"cap_add": ["NO_SUCH"]}, "cap_add"),
        ({"cap_add": "NET_ADMIN"}, "cap_add"),
        ({"network": 3}, "network"),
        ({"network": "no name"}, "networks"),
        ({"network": ["lab", "host"]}, "network"),
        ({"publish": {8080: 80}}, "publish"),
        ({"network": "lab", "publish": {"80/tcp": "53/udp"}}, "publish"),
        ({"network": "lab", "publish": ["eighty"]}, "publish"),
        ({"namespaces": {"pod": "new"}}, "namespaces"),
        ({"namespaces": {"net": "none"}}, "namespaces"),
        ({"user": "a:b:c"}, "user"),
        ({"user": "1:2", "group": 3}, "group"),
        ({"sysctls": {"vm.swappiness": 1}}, "sysctls"),
        ({"require": ["luck"]}, "require"),
        ({"pass_fds": [1]}, "pass_fds"),
        ({"stdin": -9}, "stdin"),
        ({"stdout": minicontain.STDOUT}, "stdout"),
        ({"hostnme": "box"}, "hostnme"),
    ],
    ids=lambda value: next(iter(value.items())).__repr__()[:50] if isinstance(value, dict) else None,
)
def test_a_field_that_is_wrong_is_named(options, field):
    with pytest.raises(ValueError, match=r".") as caught:
        Spec(**{"args": ["true"], **options})
    assert isinstance(caught.value, minicontain.SpecError)
    assert field in {fault.field for fault in caught.value.faults}
    assert caught.value.code == "invalid_spec"
    assert caught.value.hint
    assert field in str(caught.value)


def test_every_fault_is_named_at_once():
    error = failure([], hostname="no spaces", env=object(), umask=4096)
    assert {fault.field for fault in error.faults} == {"args", "hostname", "env", "umask"}


def test_a_misspelt_field_is_guessed():
    assert "hostname" in failure(["true"], hostnme="box").hint


def test_a_field_that_is_like_no_other_is_not_guessed():
    assert failure(["true"], foo=1).hint == "see help(minicontain.fields)"


def test_a_field_of_another_type_is_told_in_plain_words():
    error = failure(["true"], volumes="/a:/b")
    assert str(error) == 'volumes: it is the text "/a:/b", where a list is wanted (write ["/a:/b"])'
    error = failure(["true"], env={"A": 1}, cpus="two")
    assert not re.search("expected|f64|invalid type", str(error))


def test_no_exception_that_is_raised_has_a_private_name():
    kinds = {kind for kind in vars(minicontain.errors).values() if isinstance(kind, type)}
    private = {kind.__name__ for kind in kinds if kind.__name__.startswith("_")}
    assert private == {"_SystemError"}  # their base, which nothing raises
    with Container(["sleep", "600"]) as container, pytest.raises(FileNotFoundError) as caught:
        container.get("/no/such/file")
    assert caught.typename == "ContainerFileNotFoundError"


def test_a_list_that_contains_itself():
    endless = []
    endless.append(endless)
    assert failure(["true"], cap_add=endless).code == "invalid_spec"


def test_what_is_wrong_with_the_spec_is_found_when_a_container_is_described():
    with pytest.raises(minicontain.SpecError):
        Container(["true"], hostname="no spaces")
    with pytest.raises(minicontain.SpecError):
        Plan([])


def test_json_that_is_wrong():
    for json in ["", "[]", '{"args": "true"}', '{"args": ["true"], "no": 1}', '{"args": ["nul\\u0000"]}']:
        with pytest.raises(minicontain.SpecError):
            Spec.from_json(json)


def test_arguments_that_subprocess_refuses():
    from pathlib import Path

    with pytest.raises(TypeError):
        run(None)
    with pytest.raises(TypeError, match="path-like"):
        run(Path("/bin/true"), shell=True)
    with pytest.raises(TypeError):
        run()


def test_a_failed_start_can_be_tried_again(tmp_path):
    container = Container(**script(tmp_path, b"#!/bin/sh\nexit 7\n", mode=0o644))
    with pytest.raises(PermissionError):
        container.start()
    (tmp_path / "program").chmod(0o755)
    with container:
        assert container.wait() == 7


def test_every_step_of_a_start_may_fail():
    plan = Plan(["true"])
    before = sorted(os.listdir("/proc/self/fd"))
    for step in plan.steps:
        if step.syscall == "close":
            continue  # the kernel's close always closes, whatever it answers
        error = None
        try:
            with plan.start(fault=(step.index, errno.EIO)) as container:
                container.wait()  # a step that may fail, or that only a failure needs
        except minicontain.StartError as raised:
            error = raised
        assert error is None or (error.step_index, error.errno) == (step.index, errno.EIO)
        assert error is None or error.trace is not None
    assert sorted(os.listdir("/proc/self/fd")) == before
