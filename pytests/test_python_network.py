"""Networks of containers: addresses, names, NAT, published ports, and the command line for them.

Covers: root, each test in a network namespace that plays the host; ordinary user where that is said. Needs
nftables and iputils-ping; nginx-light, iperf3 and containernetworking-plugins where they are.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import minicontain
import pytest
from minicontain import Container, Link, Namespace, Network, NetworkError, StartError, StateError, Veth
from support import ROOT

PYTHON = "/usr/bin/python3"
CLI = [sys.executable, "-m", "minicontain"]
SUBNET = "10.16.9.0/24"
nft = pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed")
ping = pytest.mark.skipif(shutil.which("ping") is None, reason="iputils-ping is not installed")


@pytest.fixture
def host():
    """A network namespace that plays the host: this thread is in it."""
    if not ROOT:
        pytest.skip("needs root: entering a network namespace")
    with Namespace.new("net") as namespace:
        Link.get("lo").up()
        yield namespace
    namespace.close()


@pytest.fixture
def lab(host, name):
    assert host.is_current
    with Network(name, SUBNET) as network:
        yield network
    # The test's parameter lives on for a while: what it holds open goes now.
    del network._core


@pytest.fixture
def name():
    """A network's name that no other process has."""
    return f"t{os.getpid()}"


def run(args, **options):
    return minicontain.run(args, capture_output=True, text=True, timeout=60, **options)


def pings(network, name):
    return run(["ping", "-c1", "-W3", name], network=network).returncode == 0


SERVER = """
import socket, sys
with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    while True:
        connection, (address, _) = server.accept()
        connection.sendall(address.encode())
        connection.close()
"""


@contextmanager
def serving(network, port=80, **options):
    """A container that tells who connects to it where that comes from."""
    command = [PYTHON, "-c", SERVER, str(port)]
    with Container(command, stdout=minicontain.PIPE, network=network, **options) as container:
        assert container.stdout.readline() == b"ready\n"
        yield container


def asked(address: str, port: int) -> str:
    """What that says to who connects from the network namespace of this thread."""
    with socket.create_connection((address, port), timeout=5) as connection:
        return connection.recv(100).decode()


@contextmanager
def internet():
    """A namespace that plays the internet: 203.0.113.1, where the host is 203.0.113.2."""
    outside = Namespace.new("net")
    with Veth("wan", "eth0", peer_namespace=outside) as wan:
        for end, address in ((wan, "203.0.113.2/24"), (wan.peer, "203.0.113.1/24")):
            end.addr(address)
            end.up()
        deadline = time.monotonic() + 5
        while wan.operstate != "up" and time.monotonic() < deadline:
            time.sleep(0.01)
        yield outside
    outside.close()


# Made, looked at, removed


def test_a_network_is_what_was_asked_for(host, name):
    with Network(name, "10.16.9.254/24", subnet6="fd00:16:9::/64", mtu=1400, dns=["10.16.9.254"]) as network:
        assert (network.name, network.subnet, network.subnet6) == (name, SUBNET, "fd00:16:9::/64")
        assert (network.gateway, network.bridge.mtu, network.bridge.is_up) == ("10.16.9.254", 1400, True)
        assert network.namespace == host
        assert "10.16.9.254/24" in network.bridge.addresses
        assert network.names == {f"gateway.{name}": ["10.16.9.254"]}
        assert Network.open(name) == network
        assert name in [one.name for one in minicontain.networks()]
        assert repr(network) == f"<Network {name}: {SUBNET}, gateway 10.16.9.254>"
        shown = network._repr_html_()
        assert SUBNET in shown
        assert f"mc-{name}" in shown
        assert [link.name for link in network.describe().links] == ["lo", f"mc-{name}"]
        resolver = run(["cat", "/etc/resolv.conf"], network=network).stdout
        assert resolver == "nameserver 10.16.9.254\n"
    with pytest.raises(minicontain.NoSuchNetworkError) as error:
        Network.open(name)
    assert isinstance(error.value, (LookupError, FileNotFoundError))
    assert [link.name for link in Link.list()] == ["lo"]


@pytest.mark.usefixtures("host")
def test_what_cannot_be(name):
    for options, field in [
        ({"subnet": "10.16.9.0"}, "subnet"),
        ({"subnet": "127.0.0.0/8"}, "subnet"),
        ({"subnet6": "10.0.0.0/8"}, "subnet6"),
        ({"mtu": 3}, "mtu"),
        ({"mtu": "large"}, None),
        ({"dns": ["nobody"]}, None),
        ({"dns": ["127.0.0.11"], "resolver": True}, "dns"),
    ]:
        with pytest.raises(minicontain.SpecError) as error:
            Network(name, **options)
        assert field in (None, error.value.faults[0].field)
    for wrong in ("host", "none", "", "a b"):
        with pytest.raises(minicontain.SpecError):
            Network(wrong)
    with Network(name, SUBNET) as network:
        with pytest.raises(FileExistsError) as error:
            Network(name)
        assert (error.value.code, type(error.value).__mro__[1]) == ("name_taken", NetworkError)
        with pytest.raises(NetworkError) as error:
            Network(f"{name}b", "10.16.0.0/16")
        assert error.value.code == "address_in_use"
        with Container(["sleep", "60"], network=network):
            with pytest.raises(StateError) as error:
                network.remove()
            assert error.value.code == "still_runs"
    with pytest.raises(StartError) as error:
        run(["true"], network=name)
    assert error.value.code == "network_not_found"
    if shutil.which("nft"):
        with pytest.raises(NetworkError) as error:
            Network(name, SUBNET, nat=True)
        assert error.value.code == "forwarding_off"
        assert "forward" in error.value.hint


# Containers on it


@ping
def test_two_containers_talk_by_name(lab):
    with Container(["sleep", "60"], hostname="web", network=f"{lab.name}:alias=www") as web:
        assert web.ip == "10.16.9.2"
        assert web.addresses == {"eth0": ["10.16.9.2/24"]}
        assert lab.names["web"] == lab.names["www"] == ["10.16.9.2"]
        for name in ("web", "www", "10.16.9.2", f"gateway.{lab.name}"):
            assert pings(lab, name)
        assert not pings(lab, "nobody")
        assert "mc0a100902" in {port.name for port in lab.bridge.ports}
        state = lab.describe()
        [on_it] = [one for one in state.containers if one.address == web.ip]
        assert (sorted(on_it.names), on_it.link) == (["web", "www"], "mc0a100902")
        assert (state.name, state.subnet, state.bridge) == (lab.name, SUBNET, f"mc-{lab.name}")
        assert "nftables" in state.rules or not shutil.which("nft")
        assert web.ip in lab._repr_html_()
        with Container(["sleep", "60"], network=[lab]) as other:
            assert other.ip not in (None, web.ip)
            assert web.exec(["ping", "-c1", "-W3", other.ip], capture_output=True).returncode == 0
    assert "web" not in lab.names


def test_the_ways_to_say_on_which_network(lab, name):
    with Network(f"{name}b", "10.16.10.0/24") as second:
        for network, addresses in [
            (lab, {"eth0": 9}),
            (name, {"eth0": 9}),
            ([lab, second], {"eth0": 9, "eth1": 10}),
            ((f"{name}b", name), {"eth0": 10, "eth1": 9}),
        ]:
            with Container(["sleep", "60"], network=network) as container:
                found = {link: int(ips[0].split(".")[2]) for link, ips in container.addresses.items()}
                assert found == addresses
        with Container(["sleep", "60"], network=f"{name}:ip=10.16.9.77") as container:
            assert container.ip == "10.16.9.77"
            with pytest.raises(StartError) as error:
                run(["true"], network=f"{name}:ip=10.16.9.77")
            assert error.value.code == "address_in_use"
        with Container(["sleep", "60"], networks=[{"network": name, "ip": "10.16.9.78"}]) as container:
            assert container.ip == "10.16.9.78"
        spec = minicontain.Spec(["sleep", "60"], network=second)
        with Container(spec, network=lab) as container:
            assert container.ip.startswith("10.16.9.")
        with Container(spec, network="none") as container:
            assert (container.ip, container.addresses) == (None, {})
        with Container(spec, network="host") as container:
            assert (container.ip, container.addresses) == (None, {})
    with pytest.raises(StateError):
        container.addresses  # noqa: B018


def test_a_container_shares_anothers_network(lab):
    with Container(["sleep", "60"], network=lab, name=f"{lab.name}-first") as first:
        for network in (first, f"container:{lab.name}-first", Namespace.of(first, "net")):
            with Container(["sleep", "60"], network=network) as second:
                assert second.ip == first.ip
    with pytest.raises(minicontain.NoSuchContainerError):
        Container(["true"], network=f"container:{lab.name}-first")


@pytest.mark.usefixtures("host")
def test_a_network_is_kept_until_the_start(name):
    container = Container(["sleep", "60"], network=Network(name, SUBNET))
    with container:
        assert container.ip == "10.16.9.2"
    Network.open(name).remove()


def test_a_detached_container_is_on_a_network(lab):
    with Container(["sleep", "60"], network=lab, detach=True, hostname="web") as container:
        found = Container.attach(container.name)
        assert found.ip == container.ip == lab.names["web"][0]
        found.close()
        container.kill()
        container.wait()
        container.remove()


@nft
@pytest.mark.usefixtures("host")
def test_the_internet_is_reached_by_nat_alone(name):
    with internet() as outside:
        listening = outside.call(socket.create_server, ("203.0.113.1", 80))
        fetch = [PYTHON, "-c", "import socket; socket.create_connection(('203.0.113.1', 80), 3)"]
        with listening, Network(name, SUBNET, nat=True, forward=True) as network:
            assert "masquerade" in network.rules
            assert run(fetch, network=network).returncode == 0
            listening.settimeout(5)
            connection, (address, _) = listening.accept()
            connection.close()
            assert address == "203.0.113.2", "the host's address hides the container"
            with Network(f"{name}b", "10.16.10.0/24") as closed:
                assert run(fetch, network=closed).returncode != 0


def test_a_container_finds_its_own_name_at_once(lab):
    look = [PYTHON, "-c", "import socket; print(socket.gethostname(), socket.getfqdn())"]
    assert run(look, network=lab).stdout == "ip-10-16-9-2 ip-10-16-9-2\n"
    assert run(look, network=lab, name=f"{lab.name}n").stdout == f"{lab.name}n {lab.name}n\n"
    assert run(look, network=lab, hostname="box").stdout == "box box\n"


def test_servers_that_cannot_be_reached_are_not_asked(lab):
    assert "nameserver" not in run(["cat", "/etc/resolv.conf"], network=lab).stdout
    assert run(["getent", "hosts", "nobody.invalid"], network=lab).returncode == 2


@ping
def test_the_plan_as_a_script_is_on_the_network(request, name):
    if ROOT:
        request.getfixturevalue("host")
    with Network(name, SUBNET) as network:
        plan = minicontain.Plan(
            ["sh", "-c", "ip -4 -o addr show dev eth0; ping -c1 -W3 10.16.9.1"], network=network
        )
        done = subprocess.run(["sh", "-s"], input=plan.to_shell(), capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert " 10.16.9.2/24 " in done.stdout


@nft
@pytest.mark.usefixtures("host")
def test_a_published_port_answers(name):
    publish = {8080: 80, "127.0.0.1:8081": 80}
    with (
        internet() as outside,
        Network(name, SUBNET, forward=True) as lab,
        serving(lab, publish=publish) as container,
    ):
        assert container.enforced["published_ports"].state == "enforced"
        assert asked(container.ip, 80) == lab.gateway
        assert asked("127.0.0.1", 8080) == lab.gateway
        assert asked("127.0.0.1", 8081) == lab.gateway
        assert outside.call(asked, "203.0.113.2", 8080) == "203.0.113.1", "who asks is seen by the container"
        with pytest.raises(OSError, match=r"refused|timed out"):
            outside.call(asked, "203.0.113.2", 8081)
        with pytest.raises(StartError) as error:
            run(["true"], network=lab, publish=["8080:1"])
        assert error.value.code == "address_in_use"
        container.close()
        with pytest.raises(OSError, match=r"refused|timed out"):
            asked("127.0.0.1", 8080)


@nft
def test_who_reaches_a_published_port_is_told_where_the_host_forwards_nothing(lab):
    ports = {
        port: run(["true"], network=lab, publish=[port]).enforced for port in ("8080:80", "127.0.0.1:8080:80")
    }
    told = ports["8080:80"]["published_ports"]
    assert (told.state, "net.ipv4.ip_forward" in told.reason) == ("partial", True)
    assert ports["127.0.0.1:8080:80"]["published_ports"].state == "enforced"
    assert "published_ports" not in run(["true"], network=lab).enforced
    with pytest.raises(StartError) as error:
        run(["true"], network=lab, publish=["8080:80"], require=["published_ports"])
    assert error.value.code == "not_enforced"


@nft
def test_a_datagram_reaches_a_published_port(lab):
    program = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 53))
print("ready", flush=True)
data, sender = server.recvfrom(100)
server.sendto(data.upper(), sender)
"""
    command = [PYTHON, "-c", program]
    with Container(command, stdout=minicontain.PIPE, network=lab, publish={"5353/udp": 53}) as container:
        container.stdout.readline()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(b"hello", ("127.0.0.1", 5353))
            assert client.recv(100) == b"HELLO"


NGINX = """
daemon off; master_process off; pid /tmp/nginx.pid; error_log stderr;
events {}
http { access_log off; client_body_temp_path /tmp; proxy_temp_path /tmp; fastcgi_temp_path /tmp;
       uwsgi_temp_path /tmp; scgi_temp_path /tmp;
       server { listen 80; location / { return 200 "from nginx"; } } }
"""


@nft
def test_a_real_web_server_is_published(lab, workshop):
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("nginx-light is not installed")
    (workshop / "nginx.conf").write_text(NGINX)
    command = ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/lab/nginx.conf"]
    options = {"volumes": {workshop: {"bind": "/etc/lab", "mode": "ro"}}, "publish": ["8080:80"]}
    with Container(command, network=lab, stderr=minicontain.PIPE, **options) as container:
        deadline = time.monotonic() + 10
        while True:
            try:
                with urllib.request.urlopen("http://127.0.0.1:8080/", timeout=5) as answer:
                    assert answer.read() == b"from nginx"
                break
            except OSError:
                if time.monotonic() > deadline or container.poll() is not None:
                    container.kill()
                    pytest.fail(container.stderr.read().decode())
                time.sleep(0.05)


def test_data_goes_from_one_container_to_another(lab):
    if shutil.which("iperf3") is None:
        pytest.skip("iperf3 is not installed")
    # `stdbuf` is no help: it says that it listens only when asked for its lines at once.
    command = ["iperf3", "--server", "--forceflush"]
    with Container(command, stdout=minicontain.PIPE, hostname="server", network=lab) as server:
        while b"listening" not in server.stdout.readline():
            assert server.poll() is None

        def rate() -> float:
            command = ["iperf3", "--client", "server", "--time", "1", "--json"]
            done = run(command, network=lab)
            assert done.returncode == 0, done.stdout
            return json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"]

        assert rate() > 50e6
        port = next(port for port in lab.bridge.ports if port.name.startswith("mc"))
        assert port.statistics.tx_bytes > 1e6
        port.limit("10mbit")
        assert rate() < 20e6


# An ordinary user

ORDINARY = """
import json, minicontain
with minicontain.Network("example", subnet="10.16.9.0/24") as network:
    with minicontain.Container(["sleep", "60"], hostname="web", network=network) as container:
        done = minicontain.run(["ping", "-c1", "-W3", "web"], network=network, capture_output=True)
        print(json.dumps([container.ip, network.names["web"], done.returncode, network.namespace.is_current]))
"""


@ping
def test_an_ordinary_user_has_networks_too(caller, workshop):
    if not caller.is_root:
        directory = workshop / "runtime"
        directory.mkdir()
        directory.chmod(0o700)
        if ROOT:
            from support import ORDINARY_ID

            os.chown(directory, ORDINARY_ID, ORDINARY_ID)
        begin = f"import os; os.environ['XDG_RUNTIME_DIR'] = {str(directory)!r}"
        ip, names, status, shared = caller.python(f"{begin}\n{ORDINARY}")
        assert (ip, names, status, shared) == ("10.16.9.2", ["10.16.9.2"], 0, False)
    else:
        with Namespace.new("net"):
            assert caller.python(ORDINARY) == ["10.16.9.2", ["10.16.9.2"], 0, True]


# CNI

CNI = "/usr/lib/cni"


def needs_cni(test):
    there = all(os.path.exists(f"{CNI}/{plugin}") for plugin in ("bridge", "host-local", "portmap"))
    skip = pytest.mark.skipif(not there, reason="containernetworking-plugins is not installed")
    return pytest.mark.root_only("CNI plugins need it")(skip(test))


@needs_cni
@pytest.mark.usefixtures("host")
def test_a_network_of_cni_plugins(name, workshop):
    ipam = {"type": "host-local", "subnet": SUBNET, "dataDir": str(workshop / "ipam")}
    plugin = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": ipam}
    path = workshop / f"{name}.conflist"
    path.write_text(json.dumps({"cniVersion": "1.0.0", "name": name, "plugins": [plugin]}))
    config = minicontain.CniConfig.load(path)
    assert config == minicontain.CniConfig.find(name, [workshop])
    assert (config.name, config.version, config.path) == (name, "1.0.0", str(path))
    assert repr(config) == f"<CniConfig {name}: bridge>"
    assert minicontain.Spec(["true"], network=config).fields["networks"][0]["network"] == str(path)
    with Container(["sleep", "60"]) as container:
        result = config.add("box", container, plugin_dirs=[CNI])
        try:
            assert result.ip == "10.16.9.2"
            assert container.ip == "10.16.9.2"
            assert "cni0" in {link.name for link in Link.list()}
            config.check("box", container, plugin_dirs=[CNI])
            with pytest.raises(minicontain.SpecError, match="portMappings"):
                config.add("box", container, ports={8080: 80}, plugin_dirs=[CNI])
            with pytest.raises(NetworkError) as error:
                config.add("box", container, plugin_dirs=[CNI])
            assert error.value.code == "name_taken"
        finally:
            config.delete("box", container, plugin_dirs=[CNI])
        assert container.ip is None
        config.delete("box", container, plugin_dirs=[CNI])
        with pytest.raises(NetworkError) as error:
            config.check("box", container, plugin_dirs=[CNI])
        assert error.value.code == "cni_failed"
    Link.get("cni0").delete()


@needs_cni
@pytest.mark.usefixtures("host")
def test_a_container_on_a_network_of_cni_plugins(name, workshop):
    ipam = {"type": "host-local", "subnet": SUBNET, "dataDir": str(workshop / "ipam2")}
    plugin = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": ipam}
    path = workshop / f"{name}c.conflist"
    path.write_text(json.dumps({"cniVersion": "1.0.0", "name": f"{name}c", "plugins": [plugin]}))
    for network in (minicontain.CniConfig.load(path), str(path), [str(path)]):
        with Container(["sleep", "60"], network=network) as container:
            assert container.ip.startswith("10.16.9.")
            if shutil.which("ping"):
                ping = ["ping", "-c3", "-i0.3", "-W2", container.ip]
                assert subprocess.run(ping, capture_output=True).returncode == 0
    with pytest.raises(minicontain.SpecError, match="portMappings"):
        run(["true"], network=str(path), publish={8080: 80})
    Link.get("cni0").delete()


def test_cni_configurations_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        minicontain.CniConfig.load(tmp_path / "none.conflist")
    with pytest.raises(minicontain.NoSuchNetworkError):
        minicontain.CniConfig.find("lab", [tmp_path])
    for wrong in ("", "[]", {"name": "lab"}, {"cniVersion": "9.9.9", "name": "lab", "plugins": []}):
        with pytest.raises((minicontain.SpecError, minicontain.Error)):
            minicontain.CniConfig.parse(wrong)
    config = {"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}
    with pytest.raises(minicontain.SpecError) as error:
        minicontain.Spec(["true"], network=minicontain.CniConfig.parse(config))
    assert "file" in str(error.value)


# The command line


@pytest.mark.usefixtures("host")
def test_the_command_line(name):
    def said(*words, status=0):
        done = subprocess.run([*CLI, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    assert (
        said("network", "create", "--subnet", SUBNET, "--gateway", "10.16.9.9", "--mtu", "1400", name)
        == f"{name}\n"
    )
    try:
        assert name in said("network", "ls", "-q").split()
        assert SUBNET in said("network", "list")
        plain = json.loads(said("network", "inspect", name))[0]
        assert (plain["name"], plain["gateway"], plain["mtu"]) == (name, "10.16.9.9", 1400)
        show = ["ip", "-4", "-o", "addr", "show", "eth0"]
        assert "10.16.9.5/24" in said("run", "--network", name, "--ip", "10.16.9.5", *show)
        assert "10.16.9.6/24" in said("run", "--net", f"{name}:ip=10.16.9.6", "--network-alias", "www", *show)
        if shutil.which("nft"):
            said(
                "run",
                "-d",
                "--name",
                f"{name}-web",
                "--network",
                name,
                "-p",
                "8080:80",
                "--",
                PYTHON,
                "-c",
                SERVER,
                "80",
            )
            try:
                deadline = time.monotonic() + 10
                while True:
                    try:
                        assert asked("127.0.0.1", 8080) == "10.16.9.9"
                        break
                    except ConnectionError:
                        assert time.monotonic() < deadline
                        time.sleep(0.05)
                row = next(line for line in said("ps").splitlines() if line.startswith(f"{name}-web "))
                assert " 0.0.0.0:8080->80/tcp " in row
                plain = json.loads(said("network", "inspect", name))[0]
                assert plain["ports"] == {f"{name}-web": ["0.0.0.0:8080->80/tcp"]}
                shared = said("run", "--network", f"container:{name}-web", *show)
                assert "10.16.9." in shared
                refused = said("network", "rm", name, status=125)
                assert f"containers are on the network '{name}': {name}-web (10.16.9." in refused
                assert "hint: stop these containers first" in refused
            finally:
                said("rm", "-f", f"{name}-web")
    finally:
        assert said("network", "rm", name) == f"{name}\n"
    assert "there is no network" in said("network", "rm", name, status=125)
    assert "create" in said("network", "--help")
    assert "--subnet" in said("network", "create", "--help")
