"""Namespaces as Python objects, and the system calls by their names.

Covers: root and ordinary user; needs iproute2 for the names that `ip netns` gives.
"""

import gc
import os
import pickle
import queue
import socket
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import minicontain
import pytest
from minicontain import (
    CLONE_FS,
    CLONE_NEWNET,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    Namespace,
    clone,
    namespaces,
)
from namespace_kinds import KINDS, raise_loopback, set_hostname
from support import PATIENCE, ROOT

enters = pytest.mark.root_only(
    "going into a namespace takes CAP_SYS_ADMIN in the caller's own user namespace"
)
names = pytest.mark.root_only("a name is a mount below /run")


def link(kind: str) -> str:
    return os.readlink(f"/proc/thread-self/ns/{kind}")


@pytest.fixture(scope="module", autouse=True)
def directories_are_mounts() -> None:
    """The first name of a kind makes the directory of its names a mount, which stays, as with `ip netns`."""
    for kind in KINDS if ROOT else ():
        with suppress(minicontain.NamespaceError):
            Namespace.new(kind, f"mcpyfirst{os.getpid()}").remove()


@pytest.fixture
def name():
    chosen = f"mcpy{os.getpid()}"
    yield chosen
    for kind in KINDS:
        with suppress(minicontain.NamespaceError):
            Namespace.named(chosen, kind).remove()


# Looked at


def test_ids_are_those_of_proc():
    for kind in KINDS:
        own = Namespace.of("self", kind)
        assert str(own) == link(kind)
        assert own == Namespace.of(os.getpid(), kind) == Namespace.open(f"/proc/self/ns/{kind}")
        assert (own.kind, own.id, own.is_current) == (kind, os.stat(f"/proc/self/ns/{kind}").st_ino, True)
        assert os.readlink(own.path) == str(own)
        assert os.fstat(own.fileno()).st_ino == own.id
        assert not os.get_inheritable(own.fileno())
    assert Namespace.of("self", "mount") == Namespace.of("self", "mnt")
    assert Namespace.of("self", "network") == Namespace.of("self", "net")
    assert len({Namespace.of("self", "net"), Namespace.of("self", "net"), Namespace.of("self", "uts")}) == 2


def test_one_is_opened_by_a_descriptor_which_stays_the_callers():
    with open("/proc/self/ns/net") as file:
        assert Namespace.open(file) == Namespace.open(file.fileno()) == Namespace.of("self", "net")
        assert Namespace.open(Namespace.open(file)).is_current
        file.fileno()


def test_a_closed_one_says_so_and_is_still_known():
    own = Namespace.of("self", "uts")
    text, number = str(own), own.fileno()
    own.close()
    own.close()
    assert (str(own), own.kind, own == Namespace.of("self", "uts")) == (text, "uts", True)
    for call in (
        own.fileno,
        own.remove,
        own.__enter__,
        lambda: own.path,
        lambda: own.owner,
        lambda: own.call(int),
    ):
        with pytest.raises(minicontain.StateError, match="closed"):
            call()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_a_user_namespace_knows_its_parent_and_its_maker():
    user = Namespace.new("user")
    assert user.parent == user.owner == Namespace.of("self", "user")
    assert user.owner_uid == os.geteuid()
    net = Namespace.new("net", user=user)
    assert (net.owner, net.name) == (user, None)
    with pytest.raises(minicontain.NamespaceError, match="have a parent") as error:
        _ = net.parent
    assert error.value.code == "not_supported"
    with pytest.raises(minicontain.NamespaceError, match="ask its owner"):
        _ = net.owner_uid


def test_every_kind_but_pid_is_made_without_a_process():
    user = Namespace.new("user")
    for kind in KINDS:
        if kind == "pid":
            with pytest.raises(minicontain.NamespaceError, match="first process"):
                Namespace.new(kind, user=user)
        else:
            made = Namespace.new(kind, user=user)
            assert (made.kind, made.is_current) == (kind, False)


def test_namespaces_of_a_process_are_a_mapping():
    own = namespaces()
    assert list(own) == list(KINDS)
    assert own["mount"] == own["mnt"]
    assert "nothing" not in own
    with minicontain.Container(["sleep", "600"], network="host") as container:
        theirs = namespaces(container)
        assert theirs["net"] == own["net"]
        assert own.shared_with(theirs) == own.shared_with(container) == theirs.shared_with("self") == ["net"]
        assert {kind: theirs[kind].id for kind in theirs} == container.namespaces
        assert str(theirs["uts"]) in repr(theirs)
        shown = theirs._repr_html_()
        assert shown.startswith("<table")
        assert (shown.count("<tr>"), shown.count(">yes<"), str(theirs["pid"]) in shown) == (9, 1, True)
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        assert own.shared_with(sleeper) == list(KINDS)
        sleeper.kill()


def test_garbage_is_refused():
    for wrong in ("nothing", "", "\0", "NET", "net\n"):
        for call in (
            lambda wrong=wrong: Namespace.of("self", wrong),
            lambda wrong=wrong: Namespace.new(wrong),
            lambda wrong=wrong: minicontain.named_namespaces(wrong),
        ):
            with pytest.raises(minicontain.SpecError) as error:
                call()
            assert error.value.faults[0].field == "kind"
    for process in (2**22 + 1, -1, 0):
        with pytest.raises(minicontain.NoSuchNamespaceError):
            Namespace.of(process, "net")
        with pytest.raises(minicontain.NoSuchNamespaceError):
            namespaces(process)
    for wrong in ("other", b"self", None, 1.5, object()):
        with pytest.raises((TypeError, AttributeError)):
            Namespace.of(wrong, "net")
    with pytest.raises(OverflowError):
        Namespace.of(2**40, "net")
    for wrong in ("", "/no/such/file", "/dev/null", "/etc/passwd", "/proc/self/ns/nothing", "a\0b"):
        with pytest.raises((minicontain.NoSuchNamespaceError, ValueError)):
            Namespace.open(wrong)
    for wrong in (-1, 12345, 2**31 - 1):
        with pytest.raises(minicontain.NoSuchNamespaceError) as error:
            Namespace.open(wrong)
        assert error.value.errno == 9
        with pytest.raises(minicontain.NoSuchNamespaceError):
            minicontain.setns(wrong)
    for wrong in (None, 1.5, object()):
        with pytest.raises((TypeError, AttributeError)):
            minicontain.setns(wrong)
    with pytest.raises(TypeError):
        Namespace()
    with pytest.raises(TypeError, match="no Namespace"):
        Namespace.new("net", user="root")
    with pytest.raises(minicontain.SpecError, match="owns nothing"):
        Namespace.new("net", user=Namespace.of("self", "net"))
    with pytest.raises(TypeError):
        pickle.dumps(Namespace.of("self", "net"))


def test_a_pipe_is_no_namespace_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(minicontain.NoSuchNamespaceError):
        Namespace.open(tmp_path / "pipe")


def test_errors_are_those_that_os_would_raise():
    with pytest.raises(FileNotFoundError) as missing:
        Namespace.open("/no/such/file")
    assert (missing.value.filename, missing.value.errno) == ("/no/such/file", 2)
    assert isinstance(missing.value, (minicontain.NamespaceError, LookupError))
    again = pickle.loads(pickle.dumps(missing.value))
    assert (type(again), str(again), again.code) == (
        type(missing.value),
        str(missing.value),
        "namespace_not_found",
    )
    if not ROOT:
        for call in (
            lambda: Namespace.new("net"),
            lambda: minicontain.unshare(CLONE_NEWNET),
            lambda: minicontain.setns(Namespace.of("self", "net")),
            lambda: clone(int, CLONE_NEWNET),
            lambda: Namespace.of("self", "uts").call(int),
            Namespace.of("self", "uts").__enter__,
        ):
            with pytest.raises(PermissionError) as error:
                call()
            assert error.value.code == "permission_denied"
            assert "root" in error.value.hint


# Gone into


@enters
def test_with_takes_this_thread_in_and_back():
    for kind in ("net", "uts", "ipc", "cgroup"):
        before = link(kind)
        other = Namespace.new(kind)
        asked, answers = queue.Queue(), queue.Queue()
        thread = threading.Thread(
            target=lambda ask, answer: answer.put(link(ask.get())), args=(asked, answers)
        )
        thread.start()
        with other as inside:
            assert inside is other
            assert link(kind) == str(other) != before
            assert other.is_current
            asked.put(kind)
            assert answers.get() == before
            with ThreadPoolExecutor() as pool:
                assert pool.submit(link, kind).result() == str(other)
        assert link(kind) == before
        thread.join()


@enters
def test_blocks_nest_and_an_exception_comes_back():
    first, second = Namespace.new("uts"), Namespace.new("uts")
    net = Namespace.new("net")
    before = link("uts"), link("net")
    with first:
        with first, second, net:
            assert (link("uts"), link("net")) == (str(second), str(net))
            with first:
                assert first.is_current
            assert second.is_current
        assert first.is_current
        with pytest.raises(KeyError), second:
            raise KeyError
        assert first.is_current
    assert (link("uts"), link("net")) == before
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(first)
            stack.enter_context(second)
    assert (link("uts"), link("net")) == before
    with pytest.raises(minicontain.StateError, match="not inside"):
        first.__exit__(None, None, None)


@enters
def test_one_that_is_closed_or_forgotten_in_its_block_is_left():
    before = link("uts")
    with Namespace.new("uts") as other:
        other.close()
        del other
        gc.collect()
        assert link("uts") != before
    assert link("uts") == before


@enters
def test_threads_are_in_different_ones_at_once():
    spaces = [Namespace.new("uts") for _ in range(3)]
    shared = Namespace.new("uts")
    wrong = []
    barrier = threading.Barrier(len(spaces))

    def work(own: Namespace) -> None:
        try:
            before = link("uts")
            for _ in range(50):
                with own:
                    barrier.wait(PATIENCE)
                    assert link("uts") == str(own)
                    with shared:
                        barrier.wait(PATIENCE)
                        assert link("uts") == str(shared)
                    assert link("uts") == str(own)
                assert link("uts") == before
        except BaseException as error:
            wrong.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=[own]) for own in spaces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@enters
def test_sockets_stay_where_they_were_opened():
    net = Namespace.new("net")
    with net:
        raise_loopback()
        inside = socket.create_server(("127.0.0.1", 0))
    port = inside.getsockname()[1]
    with inside, socket.create_server(("127.0.0.1", port)) as outside:
        assert outside.getsockname() == inside.getsockname()
        with net:
            caller = socket.create_connection(("127.0.0.1", port))
        with caller:
            accepted, _ = inside.accept()
            with accepted:
                caller.sendall(b"hello")
                assert accepted.recv(5) == b"hello"
        outside.settimeout(0.1)
        with pytest.raises(socket.timeout):
            outside.accept()


@enters
def test_a_host_name_changes_inside_only():
    before = socket.gethostname()
    uts = Namespace.new("uts")
    with uts:
        set_hostname("inside")
        assert socket.gethostname() == "inside"
        assert subprocess.run(["hostname"], capture_output=True).stdout == b"inside\n"
    assert socket.gethostname() == before
    assert uts.call(socket.gethostname) == "inside"
    done = minicontain.run(["hostname"], namespaces={"uts": uts}, capture_output=True)
    assert done.stdout == b"inside\n"


@enters
def test_call_takes_a_thread_of_its_own():
    net = Namespace.new("net")
    before, thread, count = link("net"), threading.get_ident(), threading.active_count()
    assert net.call(lambda *args, **kwargs: (link("net"), args, kwargs), 1, a=2) == (str(net), (1,), {"a": 2})
    assert net.call(threading.get_ident) != thread

    def fails() -> None:
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside") as error:
        net.call(fails)
    assert "in fails" in "".join(traceback.format_tb(error.value.__traceback__))
    with pytest.raises(SystemExit):
        net.call(sys.exit, 3)
    assert net.call(net.call, link, "net") == str(net)
    assert link("net") == before
    assert threading.active_count() == count


@enters
def test_a_mount_namespace_is_for_call():
    mounts = Namespace.new("mnt")
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    with pytest.raises(minicontain.NamespaceError, match="use call"), mounts:
        pass

    def work() -> bool:
        subprocess.run(["mount", "-t", "tmpfs", "none", "/mnt"], check=True)
        with open("/mnt/file", "w"):
            return os.path.exists("/mnt/file")

    directory = os.getcwd()
    assert mounts.call(work)
    assert mounts.call(os.listdir, "/mnt") == ["file"]
    release.set()
    thread.join()

    def alone() -> None:
        os.chdir("/usr")
        with mounts:
            assert os.listdir("/mnt") == ["file"]
        assert os.getcwd() == "/usr"
        assert not os.path.exists("/mnt/file")

    assert clone(alone, 0).wait() == 0
    assert not os.path.exists("/mnt/file")
    assert os.getcwd() == directory


@enters
def test_children_begin_in_a_pid_namespace():
    with clone(time.sleep, CLONE_NEWPID, [600]) as first:
        space = first.namespaces["pid"]
        with space:
            done = subprocess.run(
                [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True
            )
        assert 1 < int(done.stdout) < 100
        assert subprocess.run(["readlink", "/proc/self/ns/pid"], capture_output=True).stdout.decode() == (
            link("pid") + "\n"
        )


def test_nobody_goes_into_a_user_namespace_but_a_new_process():
    user = Namespace.new("user")
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        for call in (
            user.__enter__,
            lambda: user.call(int),
            lambda: minicontain.setns(user),
            lambda: minicontain.unshare(CLONE_NEWUSER),
        ):
            with pytest.raises(minicontain.NamespaceError) as error:
                call()
            assert error.value.code == "not_supported"
            assert "clone" in error.value.hint
            assert "clone" in str(error.value)
    finally:
        release.set()
        thread.join()


@enters
def test_unshare_and_setns_are_the_system_calls():
    before = Namespace.of("self", "uts")

    def work() -> None:
        minicontain.unshare(CLONE_FS | CLONE_NEWUTS)
        assert not before.is_current
        minicontain.setns(before, CLONE_NEWUTS)
        assert before.is_current
        other = Namespace.new("uts")
        minicontain.setns(other.fileno())
        assert other.is_current
        with pytest.raises(minicontain.NoSuchNamespaceError):
            minicontain.setns(other, CLONE_NEWNET)
        with clone(time.sleep, CLONE_NEWUTS | CLONE_NEWNET, [600]) as child:
            minicontain.setns(child, CLONE_NEWUTS | CLONE_NEWNET)
            assert namespaces().shared_with(child) == list(KINDS)
            theirs = child.namespaces["uts"]
        assert theirs.is_current
        if sys.version_info >= (3, 12):
            os.setns(before, os.CLONE_NEWUTS)
            assert before.is_current

    Namespace.of("self", "net").call(work)
    assert before.is_current


def test_flags_are_those_of_the_kernel():
    for name, value in vars(minicontain.flags).items():
        if name.startswith("CLONE_"):
            assert getattr(os, name, value) == value
            assert getattr(minicontain, name) == value
    for wrong in (-1, 2**64):
        with pytest.raises(OverflowError):
            minicontain.unshare(wrong)
    with pytest.raises(OSError, match="unshare"):
        minicontain.unshare(1)


# Named


@names
def test_a_name_keeps_one_and_ip_shows_it(name):
    for kind in KINDS:
        if kind == "pid":
            continue
        try:
            made = Namespace.new(kind, name)
        except minicontain.NamespaceError as error:
            # Linux 6.18 does not number mount namespaces in the order in which they are made.
            if kind != "mnt" or "older" not in error.hint:
                raise
            continue
        number = made.id
        with pytest.raises(FileExistsError) as error:
            Namespace.new(kind, name)
        assert error.value.code == "name_taken"
        made.close()
        found = Namespace.named(name, kind)
        assert (found.id, found.name, found.kind) == (number, name, kind)
        assert found in minicontain.named_namespaces(kind)
        assert repr(name) in repr(found)
        if kind == "net":
            listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True)
            assert name in listed.stdout.split()
            assert listed.stderr == ""
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        found.remove()
        assert found not in minicontain.named_namespaces(kind)
        with pytest.raises(minicontain.NoSuchNamespaceError):
            found.remove()


@names
def test_a_named_one_may_have_another_owner(name):
    user = Namespace.new("user")
    net = Namespace.new("net", name, user=user)
    assert net.owner == Namespace.named(name).owner == user
    net.remove()


@names
def test_what_ip_made_is_used_here(name):
    subprocess.run(["ip", "netns", "add", name], check=True)
    net = Namespace.named(name)
    assert net in minicontain.named_namespaces()
    with net:
        assert link("net") == str(net)
    looks = ["readlink", "/proc/self/ns/net"]
    for given in (
        {"network": net},
        {"namespaces": {"net": net}},
        {"namespaces": {"network": f"/run/netns/{name}"}},
    ):
        assert minicontain.run(looks, capture_output=True, text=True, **given).stdout.strip() == str(net)
    ran = subprocess.run(["ip", "netns", "exec", name, *looks], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(net)
    subprocess.run(["ip", "netns", "delete", name], check=True)
    with pytest.raises(FileNotFoundError):
        net.remove()


@names
def test_names_that_cannot_be():
    for wrong in ("", "a/b", "..", ".", "a\0b", "x" * 256):
        with pytest.raises(minicontain.SpecError) as error:
            Namespace.new("net", wrong)
        assert error.value.faults[0].field == "name"
        with pytest.raises(minicontain.SpecError):
            Namespace.named(wrong)


# Given to containers

LOOK = ["readlink", "/proc/self/ns/net"]


def looked(**given) -> str:
    return minicontain.run(LOOK, capture_output=True, text=True, **given).stdout.strip()


@enters
def test_a_container_takes_one():
    net = Namespace.new("net")
    spec = minicontain.Spec(LOOK, network=net)
    assert minicontain.run(spec, capture_output=True).stdout.decode().strip() == str(net)
    assert looked(network=net) == looked(namespaces={"net": net}) == str(net)
    with minicontain.Popen(LOOK, stdout=minicontain.PIPE, text=True, network=net) as process:
        assert process.stdout.read().strip() == str(net)
    with minicontain.Container(["sleep", "600"], network=net) as container:
        assert container.namespaces["net"] == net.id
        assert looked(network=container) == looked(network=Namespace.of(container, "net")) == str(net)


@enters
def test_a_container_keeps_one_that_nobody_else_has():
    own = link("net")
    assert looked(network=Namespace.new("net")) not in ("", own)
    container = minicontain.Container(LOOK, network=Namespace.new("net"), stdout=minicontain.PIPE)
    gc.collect()
    with container:
        assert container.stdout.read().decode().strip() not in ("", own)


def test_networks_that_are_none():
    for wrong in ("", 3, ["none"], b"none"):
        with pytest.raises(minicontain.SpecError) as error:
            minicontain.Spec(["true"], network=wrong)
        assert error.value.faults[0].field == "network"
    assert looked(network="host") == link("net")
