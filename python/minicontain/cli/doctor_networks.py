"""`doctor` on networks: what NAT and published ports take, of root and of an ordinary user."""

from __future__ import annotations

import os
import shutil

from .finding import Finding, sysctl

# Where the engine looks for them, whatever the caller's PATH.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_USES = "nat and published ports"


def networks() -> list[Finding]:
    """What is there beyond the kernel's own bridges, which every network is made of."""
    return [_nft(), _pasta(), _tun(), _forwarding()]


def _nft() -> Finding:
    place = shutil.which("nft", path=_PATH)
    found = f"{place}: {_USES} are its rules" if place else f"not here: networks work, but without {_USES}"
    return Finding("nft", place is not None, found, "install nftables")


def _pasta() -> Finding:
    place = shutil.which("pasta", path=_PATH)
    if os.geteuid() == 0:
        found = f"{place or 'not here'}; only ordinary users' networks take it"
        return Finding("pasta", True, found)
    found = f"{place}: it leads out of this user's networks" if place else f"not here: no {_USES}"
    return Finding("pasta", place is not None, found, "install passt; root's networks do without")


def _tun() -> Finding:
    what = "/dev/net/tun"
    if os.access(what, os.R_OK | os.W_OK, effective_ids=True):
        return Finding(what, True, "can be opened: TAP and TUN links, and pasta")
    there = os.path.exists(what)
    pasta = "" if os.geteuid() == 0 else f", and no pasta ({_USES})"
    found = f"{'not for this user to open' if there else 'not there'}: no TAP and TUN links{pasta}"
    return Finding(what, False, found, f"as root: {f'chmod 666 {what}' if there else 'modprobe tun'}")


def _forwarding() -> Finding:
    what = "IP forwarding"
    if os.geteuid() != 0:
        return Finding(what, True, "not needed: this user's networks forward in namespaces of their own")
    on = sysctl("net.ipv4.ip_forward") not in ("", "0")
    found = (
        "the host forwards packets: nat, and published ports for others than the host"
        if on
        else "off: networks cannot have nat, and published ports answer the host alone"
    )
    change = "sysctl -w net.ipv4.ip_forward=1, or make the network with --forward (forward=True)"
    return Finding(what, on, found, change)
