"""What a notebook does with namespaces: a real kernel, with numpy loaded, has many threads.

Covers: root and ordinary user. Needs ipykernel, jupyter_client and numpy.
"""

import os
import sys

import pytest
from support import PATIENCE, ROOT

pytest.importorskip("ipykernel", reason="ipykernel is not installed")
manager = pytest.importorskip("jupyter_client.manager", reason="jupyter_client is not installed")
pytest.importorskip("numpy", reason="numpy is not installed")

BEGIN = """
import os, socket, threading
import minicontain, numpy
from minicontain import *
a = numpy.random.default_rng(1).random((300, 300))
_ = numpy.linalg.inv(a @ a)
"""


class Notebook:
    """Cells are executed one after the other."""

    def __init__(self, client):
        self.client = client
        self.output = ""

    def cell(self, code: str) -> str:
        """What a cell shows, its error included."""
        shown = []

        def hook(message) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                shown.append(content["text"])
            elif message["msg_type"] in ("execute_result", "display_data"):
                shown.append(content["data"].get("text/html") or content["data"]["text/plain"])
            elif message["msg_type"] == "error":
                shown.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(code, timeout=PATIENCE, output_hook=hook, store_history=False)
        return "".join(shown)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    directory = tmp_path_factory.mktemp("kernel")
    # Under that name it does not show what is written to its descriptors.
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    env.update(IPYTHONDIR=str(directory), JUPYTER_RUNTIME_DIR=str(directory))
    kernel = manager.KernelManager(transport="ipc", connection_file=str(directory / "kernel.json"))
    kernel.ip = str(directory / "socket")
    kernel.kernel_spec.argv[0] = sys.executable
    kernel.start_kernel(env=env, cwd=str(directory))
    client = kernel.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        book = Notebook(client)
        assert book.cell(BEGIN) == ""
        yield book
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
        kernel.cleanup_resources()
        kernel.context.term()


def test_the_kernel_has_many_threads(notebook):
    assert int(notebook.cell("len(os.listdir('/proc/self/task'))")) > 4


def test_a_user_namespace_is_refused_with_the_way_that_works(notebook):
    for call in ("unshare(CLONE_NEWUSER)", "setns(Namespace.new('user'))"):
        said = notebook.cell(call)
        assert said.startswith("NamespaceError: ")
        assert "several threads" in said
        assert "clone" in said


def test_namespaces_are_looked_at_and_made(notebook):
    assert "net:[" in notebook.cell("namespaces()")
    assert notebook.cell("namespaces()").startswith("<table")
    made = "net = Namespace.new('net', user=Namespace.new('user')); net == Namespace.of('self', 'net')"
    assert notebook.cell(made) == "False"


def test_a_copy_computes_in_new_ones(notebook):
    work = """
def work():
    print("inside", os.getuid(), os.getpid(), flush=True)
    numpy.linalg.inv(a @ a)
    with Namespace.new("net") as net, socket.socket() as server:
        server.bind(("0.0.0.0", 80))
        assert net.is_current
    return 42
child = clone(work, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID, map_root=True)
child.wait(60)
"""
    shown = notebook.cell(work)
    assert "42" in shown
    # What is written to the descriptors comes by a thread, perhaps after the cell.
    assert "inside 0 1" in shown + notebook.cell("import time; time.sleep(0.5)")
    many = "{clone(lambda: int(numpy.ones(9).sum()), CLONE_NEWUSER).wait(60) for _ in range(20)}"
    assert notebook.cell(many) == "{9}"
    assert notebook.cell("1 + 1") == "2"


@pytest.mark.skipif(not ROOT, reason="going into a namespace takes CAP_SYS_ADMIN")
def test_the_cells_thread_goes_in_and_comes_back(notebook):
    code = """
before = Namespace.of("self", "net")
net = Namespace.new("net")
with net:
    there = sorted(os.listdir("/proc/thread-self/net")) and net.is_current
    numpy.linalg.inv(a @ a)
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except OSError as error:
        lonely = error.errno in (101, 111)
there, lonely, before.is_current, net.call(lambda: net.is_current and int(numpy.sum(numpy.ones(9))) == 9)
"""
    assert notebook.cell(code) == "(True, True, True, True)"
    mounts = "Namespace.new('mnt').call(lambda: os.path.exists('/proc/self'))"
    assert notebook.cell(mounts) == "True"
    assert "use call" in notebook.cell("Namespace.new('mnt').__enter__()")
