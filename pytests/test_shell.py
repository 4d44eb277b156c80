"""The script of `Plan.to_shell()` makes the same container as the plan itself.

Covers: root and ordinary user; cgroup v1 and a v2 tree for root.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from support import Caller, belongings, left_since

if TYPE_CHECKING:
    from pathlib import Path

# What a program in the container finds out about it, a line for each thing.
PROBE = """\
echo "user $(id -u):$(id -g) groups $(id -G)"
echo "users $(cat /proc/self/uid_map)"
echo "groups $(cat /proc/self/gid_map)"
echo "hostname $(hostname)"
echo "processes $$" /proc/[0-9]*
grep -E '^(CapEff|CapPrm|CapInh|CapBnd|NoNewPrivs)' /proc/self/status
echo "links" $(ls /sys/class/net)
echo "network settings $(cat /proc/sys/net/ipv4/ip_default_ttl)"
echo "environment" $(env | cut -d= -f1 | sort)
echo "directory $(pwd)"
echo "mask $(umask)"
echo "volume" $(ls /inside 2>/dev/null && cat /inside/greeting)
echo "volume takes files: $({ echo x > /inside/x; } 2>/dev/null && echo yes || echo no)"
echo "scratch $(grep -c ' /scratch tmpfs ' /proc/mounts)"
echo "devices" $(ls /dev)
echo "hidden $(cat /proc/interrupts | wc -c)"
echo "settings take values: $({ echo 1 > /proc/sys/net/ipv4/ip_forward; } 2>/dev/null && echo yes || echo no)"
echo "the root takes files: $({ echo x > /minicontain-shell; } 2>/dev/null && echo yes || echo no)"
echo "secrets $(cat /etc/shadow 2>/dev/null | wc -c)"
echo "the host's temporary files $(ls -d /tmp/minicontain-test-* 2>/dev/null)"
echo "cgroups" $(cut -d: -f3 /proc/self/cgroup | sort -u)
[ -z "$HUNGRY" ] || { tail /dev/zero 2>/dev/null; echo "hungry $?"; }
for kind in user mnt pid net ipc uts cgroup; do
    eval host=\\$HOST_$kind
    [ "$(readlink /proc/self/ns/$kind)" = "$host" ] && echo "$kind of the host" || echo "$kind of its own"
done
"""
KINDS = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]
# Runs the probe in a container and prints what it says, and the script that does the same.
PROGRAM = """\
import json, sys
import minicontain

fields = json.loads(sys.argv[1])
run = minicontain.run(**fields, capture_output=True, text=True)
assert run.returncode == 0, run
print(json.dumps([run.stdout, minicontain.Plan(**fields).to_shell()]))
"""
SPECS: dict[str, dict[str, Any]] = {
    "all defaults": {},
    "name, files and settings": {
        "hostname": "box",
        "tmpfs": ["/scratch:size=1M"],
        "volumes": ["VOLUME:/inside:ro"],
        "cwd": "/usr",
        "umask": 0o77,
        "env": {"GREETING": "it's quoted"},
        "sysctls": {"net.ipv4.ip_default_ttl": "33"},
    },
    "a volume that takes files": {"volumes": ["VOLUME:/inside"]},
    "a read-only root": {"read_only": True},
    "no capabilities": {"cap_drop": ["ALL"]},
    "another user": {"user": "1000:100"},
    "the host's users and network": {"namespaces": {"user": "host", "net": "host"}},
    "the host's network": {"namespaces": {"net": "host"}},
    "limits": {"memory": "32M", "pids_limit": 40, "cpus": 0.5, "env": {"HUNGRY": "yes"}},
}
ROOT_ONLY = {
    "another user": "an ordinary caller maps only itself",
    "limits": "an ordinary user has no cgroup here",
    "the host's users and network": "an ordinary user makes nothing without a user namespace of its own",
}


@pytest.fixture
def volume(workshop: Path) -> Path:
    path = workshop / "volume"
    if not path.exists():
        path.mkdir()
        (path / "greeting").write_text("hello\n")
        path.chmod(0o777)
    (path / "x").unlink(missing_ok=True)
    return path


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare(1) is missing: it is in util-linux")
@pytest.mark.skipif(shutil.which("ip") is None, reason="ip(8) is missing: it is in iproute2")
@pytest.mark.parametrize("name", SPECS)
def test_script_makes_the_same_container(name: str, caller: Caller, workshop: Path, volume: Path) -> None:
    if name in ROOT_ONLY and not caller.is_root:
        pytest.skip(f"{name}: {ROOT_ONLY[name]}")
    fields = dict(SPECS[name])
    fields["volumes"] = [text.replace("VOLUME", str(volume)) for text in fields.get("volumes", [])]
    hosts = {f"HOST_{kind}": os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS}
    fields["env"] = fields.get("env", {}) | hosts
    fields["init"] = False  # no command of the shell's is that init
    said, script = caller.python(PROGRAM, {"args": ["sh", "-c", PROBE], **fields})
    (volume / "x").unlink(missing_ok=True)

    before = belongings()
    file = workshop / "script.sh"
    file.write_text(script)
    file.chmod(0o644)
    temporary = workshop / "tmp"
    temporary.mkdir(exist_ok=True)
    temporary.chmod(0o1777)
    by_shell = caller.run(["env", f"TMPDIR={temporary}", "sh", str(file)])

    assert by_shell.returncode == 0, by_shell.stderr
    assert by_shell.stdout.splitlines() == said.splitlines()
    assert len(said.splitlines()) > 20 + len(KINDS)
    assert not left_since(before)
    assert not os.listdir(temporary)
