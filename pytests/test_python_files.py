"""Files go into a running container and out of it, and no link of the container leads out.

Covers: root and ordinary user.
"""

import io
import os

import minicontain
import pytest
from minicontain import PIPE, Container


@pytest.fixture
def box():
    with Container(["sleep", "600"]) as container:
        yield container


def said(box, command):
    return box.exec(command, shell=True, capture_output=True, text=True, check=True).stdout


def test_bytes_go_in_and_come_out(box):
    for data in (b"", b"123", bytes(range(256)) * 5000):
        box.put("/tmp/file", data)
        assert box.get("/tmp/file") == data
    assert said(box, "stat -c '%a %u %g' /tmp/file") == "644 0 0\n"
    box.put("/tmp/run", b"#!/bin/sh\necho ran\n", mode=0o755)
    assert said(box, "/tmp/run") == "ran\n"


def test_whatever_holds_bytes_goes_in(box, tmp_path):
    for source in (bytearray(b"abc"), memoryview(b"abc"), io.BytesIO(b"abc")):
        box.put("/tmp/file", source)
        assert box.get("/tmp/file") == b"abc"
    (tmp_path / "file").write_bytes(b"from the host")
    with open(tmp_path / "file", "rb") as file:
        box.put("/tmp/file", file)
    assert box.get("/tmp/file") == b"from the host"
    for text in ("text", io.StringIO("text")):
        with pytest.raises(TypeError, match="text"):
            box.put("/tmp/file", text)
    with pytest.raises(TypeError):
        box.put("/tmp/file", 3)


def test_files_and_directories_are_copied(box, tmp_path):
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "one").write_text("1")
    (source / "below" / "two").write_text("2")
    (source / "below" / "run").write_text("#!/bin/sh\n")
    (source / "below" / "run").chmod(0o755)
    (source / "link").symlink_to("below/two")
    box.put("/tmp/tree", source)
    assert said(box, "cd /tmp/tree; cat one below/two link; readlink link") == "122below/two\n"
    assert said(box, "test -x /tmp/tree/below/run && stat -c %u /tmp/tree/one") == "0\n"
    box.get("/tmp/tree", tmp_path / "back")
    assert (tmp_path / "back/below/two").read_text() == "2"
    assert os.readlink(tmp_path / "back/link") == "below/two"
    assert os.access(tmp_path / "back/below/run", os.X_OK)
    box.put("/tmp/copied", source / "one")
    box.get("/tmp/copied", to=str(tmp_path / "copied"))
    assert (tmp_path / "copied").read_text() == "1"


def test_errors_are_those_of_open(box, tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        box.get("/tmp/no/such")
    assert isinstance(missing.value, minicontain.ContainerError)
    assert (missing.value.code, missing.value.filename) == ("io", "/tmp/no/such")
    with pytest.raises(FileNotFoundError):
        box.put("/tmp/no/such", b"")
    with pytest.raises(IsADirectoryError):
        box.get("/tmp")
    with pytest.raises(NotADirectoryError):
        box.get("/etc/passwd/below")
    with pytest.raises(FileNotFoundError):
        box.put("/tmp/tree", tmp_path / "no such")


def test_a_file_that_is_read_only_stays_so():
    with Container(["sleep", "600"], read_only=True) as container:
        with pytest.raises(OSError, match="EROFS"):
            container.put("/file", b"")
        container.put("/tmp/file", b"temporary")


def test_it_needs_a_container_that_runs():
    container = Container(["sleep", "600"])
    for ask in (lambda: container.put("/tmp/x", b""), lambda: container.get("/etc/passwd")):
        with pytest.raises(minicontain.StateError, match="not started"):
            ask()
    with container:
        container.kill()
        container.wait()
        with pytest.raises(minicontain.StateError, match="ended"):
            container.get("/etc/passwd")
    with pytest.raises(minicontain.StateError, match="closed"):
        container.put("/tmp/x", b"")


def test_no_link_leads_out(box, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    said(
        box,
        f"ln -sfn {secret} /tmp/out; ln -sfn /../../../..{tmp_path} /tmp/up; ln -sfn /proc/1/root /tmp/root",
    )
    for path in (
        "/tmp/out",
        "/tmp/up/secret",
        f"/tmp/root{secret}",
        f"/../../..{secret}",
        f"/proc/1/root{secret}",
    ):
        with pytest.raises(OSError, match=r"E[A-Z]+"):
            box.get(path)
        with pytest.raises(OSError, match=r"E[A-Z]+"):
            box.put(path, b"overwritten")
    assert secret.read_text() == "the host's"


def test_a_pipe_in_place_of_a_file_stops_nobody(box):
    said(box, "mkfifo /tmp/fifo")
    with pytest.raises(OSError, match="fifo"):
        box.get("/tmp/fifo")


def test_what_is_put_is_seen_by_what_joins(box):
    box.put("/tmp/input", b"3\n1\n2\n")
    assert box.exec(["sort", "/tmp/input"], stdout=PIPE).stdout == b"1\n2\n3\n"
