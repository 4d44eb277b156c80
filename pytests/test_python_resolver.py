"""The resolver of a network: programs that ask a DNS server find names, and all else is asked of its servers.

Covers: root, each test in a network namespace that plays the host; ordinary user. Needs dig(1), nslookup(1);
nginx-light where it is. The servers are containers, too.
"""

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import minicontain
import pytest
from minicontain import Container, Link, Namespace, Network
from support import ROOT

PYTHON = "/usr/bin/python3"
SUBNET = "10.16.9.0/24"
SERVER = "10.16.9.53"
pytestmark = pytest.mark.skipif(
    shutil.which("dig") is None or shutil.which("nslookup") is None, reason="bind9-dnsutils is not installed"
)

# Answers questions for names with an address, or the code of those that say one, and prints them.
UPSTREAM = """
import socket, struct
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("10.16.9.53", 53))
print("ready", flush=True)
while True:
    asked, client = server.recvfrom(4096)
    end = asked.index(0, 12) + 5
    label = asked[13 : 13 + asked[12]].decode()
    kind = asked[end - 3]
    print(label, kind, len(asked), flush=True)
    code = int(label[4:]) if label.startswith("code") else 0
    count = 1 if code == 0 and kind == 1 else 0
    if label == "silent":
        continue
    answer = asked[:2] + struct.pack(">5H", 0x8180 | code, 1, count, 0, 0) + asked[12:end]
    if count:
        answer += b"\\xc0\\x0c" + struct.pack(">2HIH", 1, 1, 60, 4) + bytes([198, 51, 100, 7])
    server.sendto(answer, client)
"""


@pytest.fixture
def name():
    """A network's name that no other process has."""
    return f"t{os.getpid()}"


@pytest.fixture
def make(name):
    """Makes networks: on a namespace that plays the host, where this is root."""
    with ExitStack() as stack:
        if ROOT:
            stack.callback((namespace := Namespace.new("net")).close)
            stack.enter_context(namespace)
            Link.get("lo").up()
        numbers = iter("abc")

        def one(subnet=SUBNET, **options):
            network = Network(f"{name}{next(numbers)}", subnet, **{"resolver": True, **options})
            return stack.enter_context(network)

        yield one


def run(args, **options):
    return minicontain.run(args, capture_output=True, text=True, timeout=60, **options)


def dig(network, *words, **options):
    return run(["dig", "+tries=1", "+time=10", "+short", *words], network=network, **options).stdout.split()


@contextmanager
def upstream(network):
    """The server of a network."""
    command = [PYTHON, "-c", UPSTREAM]
    with Container(command, stdout=minicontain.PIPE, network=f"{network.name}:ip={SERVER}") as container:
        assert container.stdout.readline() == b"ready\n"
        yield container
        container.kill()


def test_programs_that_ask_a_server_find_names(make):
    lab = make(subnet6="fd00:16:9::/64")
    assert run(["cat", "/etc/resolv.conf"], network=lab).stdout.splitlines()[0] == "nameserver 127.0.0.11"
    with Container(["sleep", "60"], network=lab) as looking:

        def said(*words):
            return looking.exec(list(words), capture_output=True, text=True, timeout=30).stdout

        def short(*words):
            return said("dig", "+short", *words).split()

        assert "status: SERVFAIL" in said("dig", "web")
        with Container(["sleep", "60"], hostname="web", network=f"{lab.name}:alias=www") as web:
            six = next(address for address in lab.names["web"] if ":" in address)
            assert short("web") == short("WEB.") == short("www") == [web.ip]
            assert short("web", "AAAA") == [six]
            assert short("-x", web.ip) == short("-x", six)
            assert "web." in short("-x", web.ip)
            assert f"Address: {web.ip}" in said("nslookup", "www")
            # By the C library, past /etc/hosts.
            assert said("getent", "-s", "hosts:dns", "ahostsv4", "web").split()[0] == web.ip
            nothing = said("dig", "web", "MX")
            assert "status: NOERROR" in nothing
            assert "ANSWER: 0" in nothing
        assert "status: SERVFAIL" in said("dig", "web")
        looking.kill()


def test_all_else_is_asked_of_the_networks_servers(make):
    lab = make(dns=[SERVER])
    with upstream(lab) as server:
        assert dig(lab, "example.org") == ["198.51.100.7"]
        assert server.stdout.readline().split()[:2] == [b"example", b"1"]
        # As the program asked it: dig says with EDNS how much it takes.
        assert dig(lab, "+noedns", "other.org") == ["198.51.100.7"]
        assert server.stdout.readline() == b"other 1 27\n"
        assert run(["getent", "ahostsv4", "example.org"], network=lab).stdout.split()[0] == "198.51.100.7"
        full = run(["dig", "+noedns", "code3.org"], network=lab).stdout
        assert "status: NXDOMAIN" in full
        began = time.monotonic()
        assert "status: SERVFAIL" in run(["dig", "+tries=1", "+time=9", "silent.org"], network=lab).stdout
        assert 3 < time.monotonic() - began < 8
        # Names of the network are nobody else's business.
        assert dig(lab, f"gateway.{lab.name}") == ["10.16.9.1"]
        server.kill()
        asked = [line.split()[0] for line in server.stdout.read().splitlines()]
        assert b"gateway" not in asked


def test_a_container_on_several_networks_finds_the_names_of_all(make):
    lab, other = make(dns=[SERVER]), make("10.16.10.0/24", resolver=False)
    sleep = ["sleep", "60"]
    with (
        upstream(lab),
        Container(sleep, hostname="one", network=lab) as one,
        Container(sleep, hostname="two", network=other) as two,
    ):
        for networks, server in (([lab, other], ["198.51.100.7"]), ([other, lab], [])):
            assert dig(networks, "one") == [one.ip]
            assert dig(networks, "two") == [two.ip]
            assert dig(networks, "+noedns", "example.org") == server
        one.kill()
        two.kill()


def test_it_takes_a_port_of_the_container(make):
    lab = make()
    bind = "import socket, sys; socket.socket(type=socket.SOCK_DGRAM).bind((sys.argv[1], 53))"
    assert "Address already in use" in run([PYTHON, "-c", bind, "0.0.0.0"], network=lab).stderr
    assert run([PYTHON, "-c", bind, "127.0.0.1"], network=lab).returncode == 0


def test_what_it_needs_is_said(make):
    lab = make()
    for field, value in (("init", False), ("loopback", False), ("namespaces", {"pid": "host"})):
        with pytest.raises(minicontain.SpecError) as error:
            run(["true"], network=lab, **{field: value})
        (fault,) = error.value.faults
        assert fault.field == field
        assert "without resolver" in fault.fix


def test_the_plan_as_a_script_runs(make):
    plan = minicontain.Plan(["sh", "-c", "ip -4 -o addr show dev eth0"], network=make())
    done = subprocess.run(["sh", "-s"], input=plan.to_shell(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert " 10.16.9.2/24 " in done.stdout
    assert "127.0.0.11:53" in plan.to_shell()


NGINX = """
user root root; daemon off; master_process off; pid /tmp/nginx.pid; error_log stderr;
events {}
http { access_log off; client_body_temp_path /tmp; proxy_temp_path /tmp; fastcgi_temp_path /tmp;
       uwsgi_temp_path /tmp; scgi_temp_path /tmp; resolver 127.0.0.11 ipv6=off;
       server { listen 80; location / { set $shop shop; proxy_pass http://$shop:8000; } } }
"""
FETCH = """
import time, urllib.request
for _ in range(100):
    try:
        print(urllib.request.urlopen("http://front/", timeout=5).read().decode())
        break
    except urllib.error.HTTPError as error:
        print(error.code)
        break
    except OSError:
        time.sleep(0.05)
"""


def test_nginx_finds_what_comes_later(make, workshop):
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("nginx-light is not installed")
    lab = make()
    (workshop / "nginx.conf").write_text(NGINX)
    (workshop / "index.html").write_text("from the shop")
    command = ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/lab/nginx.conf"]
    volumes = {workshop: {"bind": "/etc/lab", "mode": "ro"}}
    with Container(
        command, hostname="front", network=lab, volumes=volumes, stderr=subprocess.DEVNULL
    ) as front:

        def fetched():
            return run([PYTHON, "-c", FETCH], network=lab).stdout.strip()

        assert fetched() == "502", front.poll()
        page = [PYTHON, "-u", "-m", "http.server", "8000", "--directory", "/etc/lab"]
        options = {"volumes": volumes, "stdout": minicontain.PIPE, "stderr": subprocess.DEVNULL}
        with Container(page, hostname="shop", network=lab, **options) as shop:
            shop.stdout.readline()
            assert fetched() == "from the shop"
            shop.kill()
        front.kill()


@pytest.mark.skipif(not ROOT, reason="an ordinary user's network goes with the process that makes it")
def test_the_command_line(make, name):
    make(resolver=False, subnet="10.16.11.0/24")
    cli = [sys.executable, "-m", "minicontain"]

    def said(*words):
        done = subprocess.run([*cli, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert said("network", "create", "--resolver", "--subnet", SUBNET, name) == name
    try:
        assert said("run", "--network", name, "dig", "+short", f"gateway.{name}") == "10.16.9.1"
    finally:
        said("network", "rm", name)
