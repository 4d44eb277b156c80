"""Links, addresses and routes, each test in network namespaces of its own.

Covers: root; ordinary user in namespaces that a user namespace of his owns. Needs iproute2 and iputils-ping.
"""

import errno
import ipaddress
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import minicontain
import pytest
from minicontain import Bridge, Link, Namespace, NetworkError, NoSuchLinkError, Veth
from support import ROOT, find_caller

EXAMPLE = Path(__file__).parent.parent / "examples/network.py"
tools = pytest.mark.skipif(
    not (shutil.which("ip") and shutil.which("ping")), reason="iproute2 or iputils-ping is not installed"
)


@pytest.fixture
def host():
    """A network namespace that plays the host: this thread is in it."""
    if not ROOT:
        pytest.skip("needs root: entering a network namespace")
    with Namespace.new("net") as namespace:
        yield namespace
    namespace.close()


@pytest.fixture
def pair():
    """Two network namespaces that belong together, without being in either."""
    owner = None if ROOT else Namespace.new("user")
    both = Namespace.new("net", user=owner), Namespace.new("net", user=owner)
    yield both
    for namespace in both:
        namespace.close()


def answers(address: str) -> bool:
    # What is sent first may be lost: the kernel looks once a second which links have a carrier.
    command = ["ping", "-c5", "-i0.3", "-W1", address]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout


# The lesson


@tools
@pytest.mark.usefixtures("host")
def test_the_lesson():
    name = f"child{os.getpid()}"
    child = Namespace.new("net", name)
    try:
        # A new network namespace has a loopback alone, and that is off.
        assert [link.name for link in Link.list(child)] == ["lo"]
        lo = Link.get("lo", child)
        assert not lo.is_up
        assert not child.call(answers, "127.0.0.1")
        lo.up()
        assert child.call(answers, "127.0.0.1")
        assert str(lo.history[-1]) == f"ip -n {name} link set dev lo up"
        assert name in ip("netns", "list").split()

        veth = Veth("veth0", "veth1")
        assert {"lo", "veth0", "veth1"} == {link.name for link in Link.list()}
        veth.peer.move_to(child)
        assert {link.name for link in Link.list(child)} == {"lo", "veth1"}
        veth.addr("10.16.8.1/24")
        veth.peer.addr("10.16.8.2/24")
        assert not answers("10.16.8.2")
        veth.up()
        veth.peer.up()
        assert answers("10.16.8.2")
        assert child.call(answers, "10.16.8.1")
        history = [str(done) for done in veth.history]
        assert history == [
            "ip link add veth0 type veth peer name veth1",
            f"ip link set dev veth1 netns {name}",
            "ip address add 10.16.8.1/24 broadcast + dev veth0",
            f"ip -n {name} address add 10.16.8.2/24 broadcast + dev veth1",
            "ip link set dev veth0 up",
            f"ip -n {name} link set dev veth1 up",
        ]
        veth.delete()
        assert [link.name for link in Link.list(child)] == [link.name for link in Link.list()] == ["lo"]
    finally:
        child.remove()
    assert name not in ip("netns", "list").split()

    # The shell commands that it shows do the same.
    ip("netns", "add", name)
    try:
        for command in history:
            subprocess.run(command.split(), check=True)
        assert answers("10.16.8.2")
    finally:
        ip("netns", "delete", name)


@tools
@pytest.mark.root_only("it makes a named network namespace")
def test_the_example_runs(capsys):
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    said = capsys.readouterr().out
    assert "127.0.0.1 does not answer" in said
    assert "127.0.0.1 answers" in said
    assert "10.16.8.2 answers from here" in said
    assert "10.16.8.1 answers from inside" in said
    assert "# ip link set dev veth1 netns child" in said
    assert "# ip -n child address add 10.16.8.2/24 broadcast + dev veth1" in said
    assert said.rstrip().endswith("[<Link lo: up 127.0.0.1/8 ::1/128>]")


def test_the_example_as_a_program():
    caller = find_caller("root")
    if isinstance(caller, str):
        pytest.skip(caller)
    done = caller.run([sys.executable, str(EXAMPLE)])
    assert done.returncode == 0, done.stderr


# Looked at and changed


def test_a_link_is_what_the_kernel_says(pair):
    left, right = pair
    with Veth("veth0", "veth1", namespace=left, peer_namespace=right) as veth:
        assert (veth.name, veth.kind, veth.namespace, veth.peer.namespace) == ("veth0", "veth", left, right)
        assert type(Link.get("veth0", left)) is Veth
        assert Link.get("veth0", left) == veth != veth.peer
        assert Link.get("veth1", right) == veth.peer
        assert veth.peer.peer is veth
        assert (veth.is_up, veth.mtu, veth.master, veth.addresses) == (False, 1500, None, [])
        veth.up()
        veth.peer.up()
        assert veth.is_up
        veth.down()
        assert (veth.is_up, veth.operstate) == (False, "down")
        veth.mtu = 1400
        veth.mac = "02:00:00:00:00:2a"
        assert (veth.mtu, veth.mac) == (1400, "02:00:00:00:00:2a")
        veth.rename("outer")
        assert veth.name == "outer"
        assert veth.statistics.tx_bytes >= 0
        assert repr(veth) == "<Veth outer: veth down>"
        assert "outer" in veth._repr_html_()
        assert "ip link set dev veth0 name outer" in veth._repr_html_()
    assert repr(veth) == "<Veth (gone)>"
    assert [link.name for link in Link.list(right)] == ["lo"]


def test_the_other_end_is_found_by_whoever_looks(pair):
    left, right = pair
    with Veth("veth0", "veth1", namespace=left) as veth:
        veth.peer.move_to(right)
        found = Link.get("veth0", left).peer
        assert (found.name, found.namespace) == ("veth1", right)
        found.up()
        assert veth.peer.is_up
        assert Link.get("veth1", right).peer == veth
        # By another hand it is moved behind this object's back.
        Link.get("veth1", right).move_to(left)
        assert (veth.peer.namespace, veth.peer.name) == (left, "veth1")


def test_addresses_of_both_families(pair):
    left, _ = pair
    with Veth("veth0", "veth1", namespace=left) as veth:
        veth.addr(ipaddress.ip_interface("10.16.8.1/24"))
        veth.addr("fd00:16:8::1/64")
        assert veth.addresses == ["10.16.8.1/24", "fd00:16:8::1/64"]
        with pytest.raises(NetworkError) as error:
            veth.addr("10.16.8.1/24")
        assert (error.value.code, error.value.errno) == ("address_in_use", errno.EEXIST)
        assert "ip address add 10.16.8.1/24 broadcast + dev veth0" in str(error.value)
        assert veth.history[-1].errno == errno.EEXIST
        veth.remove_address("10.16.8.1/24")
        with pytest.raises(NetworkError, match="EADDRNOTAVAIL"):
            veth.remove_address("10.16.8.1/24")
        assert veth.addresses == ["fd00:16:8::1/64"]


def test_a_bridge_has_ports(pair):
    left, right = pair
    with Bridge("br0", namespace=left) as bridge, Veth("veth0", "veth1", namespace=left) as veth:
        bridge.add(veth)
        assert bridge.ports == [veth]
        assert veth.master == bridge
        assert type(veth.master) is Bridge
        bridge.remove(veth)
        assert (bridge.ports, veth.master) == ([], None)
        with pytest.raises(NoSuchLinkError):
            bridge.remove(veth)
        veth.peer.move_to(right)
        with pytest.raises(NetworkError):
            veth.peer.master = bridge


@pytest.mark.parametrize("kind", ["macvlan", "vxlan", "tap", "vlan", "ipvlan", "dummy"])
def test_links_of_every_kind(pair, kind):
    left, _ = pair
    options = {
        "macvlan": {"parent": "veth0", "mode": "private"},
        "ipvlan": {"parent": "veth0", "mode": "l3"},
        "vlan": {"parent": "veth0", "id": 7},
        "vxlan": {"id": 42, "remote": "10.16.8.2", "port": 4789},
    }.get(kind, {})
    with Veth("veth0", "veth1", namespace=left) as veth:
        veth.addr("10.16.8.1/24")
        try:
            link = Link.create("new0", kind, left, **options)
        except NetworkError as error:
            if error.code not in ("not_supported", "permission_denied"):
                raise
            pytest.skip(f"this kernel, or this user, has no {kind} links")
        with link:
            assert (link.name, link.kind) == ("new0", "tun" if kind == "tap" else kind)
            assert ("ip tuntap add" if kind == "tap" else "ip link add") in str(link.history[0])
        assert "new0" not in {link.name for link in Link.list(left)}


def test_routes_and_what_there_is(pair):
    left, right = pair
    with Veth("veth0", "veth1", namespace=left, peer_namespace=right) as veth:
        veth.addr("10.16.8.1/24")
        veth.up()
        veth.peer.up()
        minicontain.add_route("default", "10.16.8.254", namespace=left)
        minicontain.add_route(ipaddress.ip_network("10.20.0.0/16"), device="veth0", metric=7, namespace=left)
        assert {str(route) for route in minicontain.routes(left)} >= {
            "default via 10.16.8.254 dev veth0",
            "10.20.0.0/16 dev veth0 metric 7",
            "10.16.8.0/24 dev veth0 src 10.16.8.1",
        }
        with pytest.raises(NetworkError) as error:
            minicontain.add_route("default", "10.16.8.254", namespace=left)
        assert error.value.code == "address_in_use"
        with pytest.raises(NoSuchLinkError):
            minicontain.add_route("10.21.0.0/16", device="nowhere", namespace=left)
        minicontain.remove_route("default", "10.16.8.254", namespace=left)
        assert not any(route.gateway for route in minicontain.routes(left))
        state = minicontain.network_state(left)
        one = next(link for link in state.links if link.name == "veth0")
        assert (one.kind, one.lower, one.addresses[0], one.is_up) == ("veth", "veth1", "10.16.8.1/24", True)
        shown = state._repr_html_()
        assert "10.16.8.1/24" in shown
        assert "10.20.0.0/16 dev veth0 metric 7" in shown


@tools
@pytest.mark.usefixtures("host")
def test_neighbours_are_known_once_they_answered():
    other = Namespace.new("net")
    with Veth("veth0", "veth1", peer_namespace=other) as veth:
        for end, address in ((veth, "10.16.8.1/24"), (veth.peer, "10.16.8.2/24")):
            end.addr(address)
            end.up()
        assert answers("10.16.8.2")
        known = {one.address: one for one in minicontain.neighbours()}
        assert (known["10.16.8.2"].mac, known["10.16.8.2"].device) == (veth.peer.mac, "veth0")
        assert veth.statistics.tx_packets > 0


def test_a_link_is_slow_or_late(pair):
    left, _ = pair
    with Veth("veth0", "veth1", namespace=left) as veth:
        veth.limit("10mbit")
        assert veth.qdisc == "tbf"
        assert "rate 10000000bit" in str(veth.history[-1]) or "10mbit" in str(veth.history[-1]).lower()
        veth.limit(8_000_000, burst=10_000, latency=0.1)
        veth.unlimit()
        assert veth.qdisc != "tbf"
        for wrong in ("fast", "mbit", "10furlong", -1, 0):
            with pytest.raises(minicontain.SpecError) as error:
                veth.limit(wrong)
            assert error.value.faults[0].field == "rate"
        with pytest.raises(minicontain.SpecError):
            veth.delay(-1)
        try:
            veth.delay(0.05, jitter=0.01)
        except NetworkError as error:
            if error.code != "not_supported":
                raise


# Moved


def test_a_link_moves_to_whatever_has_a_network(host):
    with minicontain.Container(["sleep", "60"]) as container:
        with Veth("veth0", "veth1") as veth:
            veth.peer.move_to(container)
            assert "veth1" in {link.name for link in Link.list(container)}
            veth.peer.move_to(host)
            veth.peer.move_to(container.pid)
            assert "veth1" in {link.name for link in Link.list(container.pid)}
        assert [link.name for link in Link.list(container)] == ["lo"]
    name = f"there{os.getpid()}"
    there = Namespace.new("net", name)
    try:
        with Veth("veth0", "veth1") as veth:
            veth.peer.move_to(name)
            assert veth.peer.namespace == there
            assert str(veth.history[-1]) == f"ip link set dev veth1 netns {name}"
            assert Link.get("veth1", name) == veth.peer
    finally:
        there.remove()
    with Veth("veth0", "veth1") as veth, pytest.raises(minicontain.NoSuchNamespaceError):
        veth.peer.move_to("no-such-name")


# What goes wrong


def test_what_is_not_there(pair):
    left, _ = pair
    with pytest.raises(NoSuchLinkError) as error:
        Link.get("veth0", left)
    assert isinstance(error.value, (LookupError, FileNotFoundError))
    assert isinstance(error.value, NetworkError)
    assert (error.value.code, error.value.errno) == ("link_not_found", errno.ENODEV)
    veth = Veth("veth0", "veth1", namespace=left)
    veth.peer.delete()
    for call in (veth.up, veth.delete, lambda: veth.name, lambda: veth.addresses):
        with pytest.raises(NoSuchLinkError):
            call()
    with pytest.raises(minicontain.SpecError):
        Link.get("no name", left)


def test_what_is_there_already(pair):
    left, right = pair
    with Veth("veth0", "veth1", namespace=left), pytest.raises(FileExistsError) as error:
        Bridge("veth0", namespace=left)
    assert error.value.code == "link_exists"
    with Veth("veth0", "veth1", namespace=left) as veth, Bridge("veth0", namespace=right):
        with pytest.raises(FileExistsError):
            veth.move_to(right)
        assert veth.namespace == left


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        ("pigeon", {}, "kind"),
        ("vlan", {"parent": "lo"}, "id"),
        ("vlan", {"id": 4095, "parent": "lo"}, "id"),
        ("veth", {}, "peer"),
        ("veth", {"peer": "no name"}, "peer"),
        ("bridge", {"id": 3}, "id"),
        ("bridge", {"colour": "red"}, "colour"),
        ("macvlan", {"parent": "lo", "mode": "l2"}, "mode"),
        ("vxlan", {"id": 3, "local": "here"}, "local"),
    ],
)
def test_what_cannot_be(pair, kind, options, field):
    with pytest.raises(minicontain.SpecError) as error:
        Link.create("new0", kind, pair[0], **options)
    assert error.value.faults[0].field == field


@pytest.mark.skipif(ROOT, reason="root may")
def test_who_may_not():
    with pytest.raises(PermissionError) as error:
        Bridge("br0")
    assert "CAP_NET_ADMIN" in error.value.hint


def test_a_link_that_was_found_is_not_deleted_by_a_block(pair):
    left, _ = pair
    with pytest.raises(minicontain.StateError), Link.get("lo", left):
        pass
    with pytest.raises(TypeError):
        Link()
    with pytest.raises(NetworkError) as error:
        Link.get("lo", left).delete()
    assert error.value.code == "not_supported"
    with pytest.raises(minicontain.SpecError):
        Link.list(Namespace.of("self", "uts"))


def test_a_veth_in_a_block_goes_also_when_its_other_end_went(pair):
    left, right = pair
    with Veth("veth0", "veth1", namespace=left, peer_namespace=right) as veth:
        veth.peer.delete()
    assert [link.name for link in Link.list(left)] == ["lo"]


def test_many_threads_use_one_link(pair):
    from concurrent.futures import ThreadPoolExecutor

    left, _ = pair
    with Veth("veth0", "veth1", namespace=left) as veth, ThreadPoolExecutor(8) as pool:
        work = [
            pool.submit(lambda n=n: (veth.addr(f"10.16.{n}.1/24"), veth.name, veth.statistics))
            for n in range(32)
        ]
        assert {done.result()[1] for done in work} == {"veth0"}
        assert len(veth.addresses) == 32


def test_a_link_is_not_made_by_its_class():
    net = Namespace.new("net", user=Namespace.new("user"))
    for arguments in ((), ("lo",), ("lo", net)):
        with pytest.raises(TypeError, match=r"use Link\.get"):
            Link(*arguments)
    with pytest.raises(TypeError, match=r"use Namespace\.of"):
        Namespace("net")
    assert not Link.get("lo", net).is_up
    Link.get("lo", net).up()
    assert Link.get("lo", net).is_up
