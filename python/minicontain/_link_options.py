"""What a link can be given: a place, what its kind takes, a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from .errors import fault
from .namespace import HasPid, Namespace

if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import TypedDict

    from . import _native

    class _LinkOptions(TypedDict, total=False):
        """What a kind of link can be given: see ip-link(8)."""

        peer: str
        """veth: the name of the other end."""
        peer_namespace: Where
        """veth: where the other end is made."""
        parent: str
        """macvlan, ipvlan, vlan and vxlan: the link below."""
        mode: Literal["private", "vepa", "bridge", "passthru", "l2", "l3", "l3s"]
        """macvlan: `private`, `vepa`, `bridge` or `passthru`; ipvlan: `l2`, `l3` or `l3s`."""
        id: int
        """vlan: the tag; vxlan: the network's number."""
        local: str
        """vxlan: the address that it sends from."""
        remote: str
        """vxlan: who is at the other end, or the multicast group of all."""
        port: int
        """vxlan: the UDP port. Default: 4789."""


Where = Union[Namespace, HasPid, str, int, None]
"""A network namespace: an object, a process's (a running `Container`'s), by name, or the thread's own."""


def native_of(where: Where) -> _native.Namespace | None:
    """The network namespace that is meant; None for the calling thread's."""
    if where is None:
        return None
    if isinstance(where, Namespace):
        return where._core
    if isinstance(where, str):
        return Namespace.named(where, "net")._core
    return Namespace.of(where, "net")._core


OPTIONS = ("peer", "peer_namespace", "parent", "mode", "id", "local", "remote", "port")
# In bits, as tc(8) has them.
_UNITS = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9, "bps": 8, "kbps": 8000, "mbps": 8 * 10**6}


def bits(rate: int | str) -> int:
    """A rate in bits a second: a number, or a text with one of tc(8)'s units."""
    if isinstance(rate, int):
        number: float = rate
    else:
        digits = rate.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        unit = _UNITS.get(rate[len(digits) :].lower() or "bit")
        try:
            number = float(digits) * (unit or float("nan"))
        except ValueError:
            number = float("nan")
    if not 0 <= number < 1 << 64:
        raise fault("rate", f"{rate!r} is no rate", "give bits a second, or a text such as '10mbit'")
    return int(number)
