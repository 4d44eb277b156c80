"""`doctor` on cgroups: where this user can have limits, cgroups(7)."""

from __future__ import annotations

import os
from pathlib import Path

from .. import _native
from .finding import Finding, read

_DELEGATE = (
    "have a cgroup delegated to this user (systemd: Delegate=yes), or log in so that systemd runs a manager "
    "for this user (XDG_RUNTIME_DIR)"
)
_STAND_INS = "limits of memory and processes hold in part (ulimits), others are errors"


def cgroups() -> list[Finding]:
    """A finding for each version that is mounted."""
    own = {
        tuple(names.split(",")): path
        for _, names, path in (line.split(":", 2) for line in read("/proc/self/cgroup").splitlines())
    }
    first: dict[str, bool] = {}
    findings = []
    for line in read("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            findings.append(_second(mount, root, own.get(("",), "/")))
        elif kind == "cgroup":
            for names, path in own.items():
                # A hierarchy without controllers has a name, which is none of them.
                if set(names) <= set(options.split(",")):
                    can = _writable(_directory(mount, root, path))
                    first.update((name, can) for name in names if "=" not in name)
    if first:
        findings.append(_first(first))
    if not findings:
        change = "as root: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
        findings.append(Finding("cgroups", False, f"none is mounted: {_STAND_INS}", change))
    return findings


def _first(controllers: dict[str, bool]) -> Finding:
    refused = [name for name, can in sorted(controllers.items()) if not can]
    found = f"version 1: {' '.join(sorted(controllers))}"
    if refused:
        which = "none" if len(refused) == len(controllers) else f"not {' '.join(refused)}"
        found += f"; {which} of them this user's to change: {_STAND_INS}"
    return Finding("cgroups", not refused, found, _DELEGATE)


def _second(mount: str, root: str, own: str) -> Finding:
    controllers = read(f"{mount}/cgroup.controllers").split()
    found = f"version 2 at {mount}: {' '.join(controllers) or 'no controllers'}"
    place = _directory(mount, root, own)
    above = [one for one in (place, *place.parents) if one.is_relative_to(mount)]
    can = any(_writable(one) and _writable(one / "cgroup.procs") for one in above)
    if not can:
        found += "; not this user's to change"
        why_no_manager = _native.why_no_manager() if os.geteuid() != 0 else "root asks nobody"
        can = why_no_manager is None
        if can:
            found += ", but systemd's user manager answers: limits are had in a scope that it is asked for"
        else:
            found += f", and {why_no_manager}: {_STAND_INS}"
    return Finding("cgroups", can, found, _DELEGATE)


def _directory(mount: str, root: str, path: str) -> Path:
    """Where a cgroup is, below what is mounted."""
    return Path(mount, path.removeprefix(root if root != "/" else "").lstrip("/"))


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=True)
