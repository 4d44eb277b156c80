"""Type checkers understand the package, and its stubs say what is there.

Covers: root and ordinary user. Needs mypy.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")

SAMPLE = """
from typing import Any, Optional

import minicontain
from minicontain import PIPE, CompletedProcess, Container, Plan, Spec
from typing_extensions import assert_type

assert_type(minicontain.run(["true"]), CompletedProcess[bytes])
assert_type(minicontain.run(["true"], text=True, input="text"), CompletedProcess[str])
assert_type(minicontain.run(["true"], encoding="utf-8"), CompletedProcess[str])
assert_type(minicontain.run("true", text=bool(input())), CompletedProcess[Any])
assert_type(minicontain.run(["true"]).stats.memory.peak, Optional[int])
assert_type(Container(["true"]), Container[bytes])
with Container(["true"], text=True, stdout=PIPE, hostname="box") as container:
    assert_type(container, Container[str])
    assert_type(container.communicate("text"), tuple[str, str])
    if container.result is not None:
        assert_type(container.result, CompletedProcess[str])
assert_type(minicontain.check_output(["true"], text=True), str)
assert_type(minicontain.check_output(["true"]), bytes)
assert_type(minicontain.call("true", shell=True, hostname="box"), int)
with minicontain.Popen(["true"], stdout=PIPE, encoding="utf-8", hostname="box") as process:
    assert_type(process, minicontain.Popen[str])
    assert_type(process.communicate("text"), tuple[str, str])
async def main() -> None:
    assert_type(await minicontain.run_async(["true"], text=True), CompletedProcess[str])
    async with minicontain.Popen(["true"], stdout=PIPE) as process:
        assert_type(process, minicontain.Popen[bytes])
        assert_type(await process.stdout_async.read(), bytes)
        assert_type(await process.wait_async(), int)
assert_type(Plan(Spec(["true"], network="host")).steps[0].undo, tuple[str, ...])
net = minicontain.Namespace.new("net", user=minicontain.Namespace.new("user"))
assert_type(net.parent, Optional[minicontain.Namespace])
assert_type(net.call(divmod, 7, 2), tuple[int, int])
with net as inside, minicontain.clone(print, minicontain.CLONE_NEWUSER, ["hello"]) as child:
    assert_type(inside, minicontain.Namespace)
    assert_type(child.wait(timeout=5), int)
    assert_type(minicontain.namespaces(child)["net"], minicontain.Namespace)
    minicontain.setns(child, minicontain.CLONE_NEWNET)
minicontain.run(["true"], network=net, namespaces={"uts": minicontain.Namespace.of(container, "uts")})
with minicontain.Veth("veth0", "veth1", peer_namespace=net) as veth, minicontain.Bridge("br0") as bridge:
    assert_type(veth.peer, minicontain.Link)
    assert_type(bridge.ports, list[minicontain.Link])
    assert_type(minicontain.Link.list(net), list[minicontain.Link])
    bridge.add(veth)
    veth.peer.mtu = 1400
    veth.peer.move_to(container)
    assert_type(minicontain.routes(net)[0].gateway, Optional[str])
with minicontain.Network("lab", subnet="10.16.9.0/24") as lab:
    assert_type(lab.names, dict[str, list[str]])
    minicontain.run(["true"], network=[lab, "other"], publish={8080: 80, "53/udp": 53})
    with Container(["true"], network="lab:ip=10.16.9.5", publish=["80:80", 81]) as served:
        assert_type(served.ip, Optional[str])
minicontain.Namespace.new("nothing")  # type: ignore[arg-type]
minicontain.run(["true"], volumes={"/a": {"bind": "/b", "mode": "ro"}}, ulimits={"nofile": (1, None)})
minicontain.run(["true"], no_such_field=1)  # type: ignore[call-overload]
minicontain.Popen(["true"], preexec_fn=print)  # type: ignore[call-overload]
minicontain.run(["true"], hostname=1)  # type: ignore[call-overload]
minicontain.run(["true"], network=3.5)  # type: ignore[call-overload]
Spec(["true"], no_such_field=1)  # type: ignore[call-arg]
"""


def module(name, *args, cwd):
    return subprocess.run([sys.executable, "-m", name, *args], cwd=cwd, capture_output=True, text=True)


def test_a_checker_knows_the_types(tmp_path):
    (tmp_path / "sample.py").write_text(SAMPLE)
    done = module("mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "sample.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_is_typed_throughout(tmp_path):
    done = module(
        "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "-p", "minicontain", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stubs_say_what_is_there(tmp_path):
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\ncache_dir = {tmp_path / 'cache'}\n")
    done = module(
        "mypy.stubtest", "--concise", "--mypy-config-file", str(config), "minicontain", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_says_that_it_is_typed():
    import minicontain

    assert (Path(minicontain.__file__).parent / "py.typed").exists()
