"""Routes, neighbours, and all that a network namespace holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native
from ._link_options import native_of
from ._record import Record
from .link_records import LinkStatistics

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
    from typing import Union

    from ._link_options import Where

    _Destination = Union[str, IPv4Network, IPv6Network]
    _Host = Union[str, IPv4Address, IPv6Address]


class Route(Record):
    """Which way packets go: a route of the main table, ip-route(8).

    >>> import minicontain
    >>> str(minicontain.Route("0.0.0.0/0", "10.16.8.1", "veth1", None, None))
    'default via 10.16.8.1 dev veth1'
    """

    __slots__ = ("destination", "gateway", "device", "source", "metric")

    destination: str
    """Where it leads: a network; `0.0.0.0/0` and `::/0` are everywhere."""
    gateway: str | None
    """Who passes the packets on; None where the destination can be reached directly."""
    device: str | None
    """The link that they leave through."""
    source: str | None
    """The address that this host sends from."""
    metric: int | None
    """Among routes with the same destination, the smallest is taken."""

    def __str__(self) -> str:
        words = ["default" if self.destination.endswith("/0") else self.destination]
        parts = (("via", self.gateway), ("dev", self.device), ("src", self.source), ("metric", self.metric))
        words += [f"{name} {value}" for name, value in parts if value is not None]
        return " ".join(words)


class Neighbour(Record):
    """Which address is at which MAC address, as ARP and NDP found out: ip-neighbour(8).

    >>> import minicontain
    >>> minicontain.Neighbour("10.16.8.2", "02:00:00:00:00:02", "veth0", "reachable").device
    'veth0'
    """

    __slots__ = ("address", "mac", "device", "state")

    address: str
    """Its address."""
    mac: str | None
    """Its link's own address, once it is known."""
    device: str
    """The link that it is reached through."""
    state: str
    """What is known about it: `reachable`, `stale`, `failed`, …."""


class LinkDescription(Record):
    """A link as it was when it was read: see `network_state`.

    >>> import minicontain
    >>> minicontain.network_state().links[0].name
    'lo'
    """

    __slots__ = (
        "name",
        "index",
        "kind",
        "is_up",
        "operstate",
        "mtu",
        "mac",
        "addresses",
        "master",
        "lower",
        "qdisc",
        "statistics",
    )

    name: str
    """Its name."""
    index: int
    """Its number in the namespace."""
    kind: str | None
    """Its kind as the kernel names it; None for the loopback and for hardware."""
    is_up: bool
    """Whether it is switched on."""
    operstate: str
    """Whether it can carry packets."""
    mtu: int
    """The largest packet that it carries, in bytes."""
    mac: str | None
    """Its own address."""
    addresses: list[str]
    """Its addresses, with the lengths of their prefixes."""
    master: str | None
    """The name of the bridge that it is part of."""
    lower: str | None
    """The name of the link below it, or of the other end of a veth, where the caller may know it."""
    qdisc: str | None
    """The queueing discipline at its root."""
    statistics: LinkStatistics
    """What went through it."""

    @classmethod
    def _of(cls, plain: dict[str, Any]) -> LinkDescription:
        renamed = {"is_up": plain["up"], "master": plain["master_name"], "lower": plain["lower_name"]}
        statistics = LinkStatistics._of(plain["statistics"])
        values = {**plain, **renamed, "statistics": statistics}
        return cls(*(values[name] for name in cls.__slots__))


class NetworkState(Record):
    """What is in a network namespace, at one time: see `network_state`.

    >>> import minicontain
    >>> [link.name for link in minicontain.network_state(minicontain.Namespace.new("net")).links]
    ['lo']
    """

    __slots__ = ("links", "routes", "neighbours")

    links: list[LinkDescription]
    """Its links, by their index."""
    routes: list[Route]
    """The routes of its main table."""
    neighbours: list[Neighbour]
    """The neighbours that it knows."""

    @staticmethod
    def _parts(
        plain: dict[str, Any],
    ) -> tuple[list[LinkDescription], list[Route], list[Neighbour]]:
        return (
            [LinkDescription._of(link) for link in plain["links"]],
            [Route(*(route[name] for name in Route.__slots__)) for route in plain["routes"]],
            [Neighbour(*(one[name] for name in Neighbour.__slots__)) for one in plain["neighbours"]],
        )

    def _repr_html_(self) -> str:
        from ._html import table

        links = [
            (
                link.name,
                link.kind or "-",
                "up" if link.is_up else "down",
                ", ".join(link.addresses) or "-",
                link.mac or "-",
                link.master or "-",
                link.lower or "-",
            )
            for link in self.links
        ]
        head = ("link", "kind", "state", "addresses", "MAC", "part of", "other end, or below")
        shown = table("Links", head, links, code=(0, 3, 4))
        if self.routes:
            shown += table("Routes", (), [(route,) for route in self.routes], code=(0,))
        if self.neighbours:
            rows = [(one.address, one.mac or "-", one.device, one.state) for one in self.neighbours]
            shown += table("Neighbours", ("address", "MAC", "through", "state"), rows, code=(0, 1, 2))
        return shown


def network_state(namespace: Where = None) -> NetworkState:
    """What is in a network namespace now: links, routes, neighbours. A notebook shows it as tables.

    >>> import minicontain
    >>> with minicontain.Veth("veth0", "veth1"):
    ...     [(link.name, link.kind, link.lower) for link in minicontain.network_state().links]
    [('lo', None, None), ('veth1', 'veth', 'veth0'), ('veth0', 'veth', 'veth1')]
    """
    return NetworkState(*NetworkState._parts(_native.network_state(native_of(namespace))))


def routes(namespace: Where = None) -> list[Route]:
    """The routes of a network namespace, IPv4 first: `ip route`.

    >>> import minicontain
    >>> minicontain.routes(minicontain.Namespace.new("net"))
    []
    """
    return network_state(namespace).routes


def neighbours(namespace: Where = None) -> list[Neighbour]:
    """The neighbours that a network namespace knows: `ip neighbour`.

    >>> import minicontain
    >>> minicontain.neighbours(minicontain.Namespace.new("net"))
    []
    """
    return network_state(namespace).neighbours


def add_route(
    destination: _Destination,
    gateway: _Host | None = None,
    device: str | None = None,
    *,
    source: _Host | None = None,
    metric: int | None = None,
    namespace: Where = None,
) -> None:
    """Adds a route: `ip route add DESTINATION via GATEWAY dev DEVICE`. `default` leads everywhere.

    Raises `NetworkError`: `address_in_use` when there is such a one, `io` when the gateway cannot be reached;
    and `NoSuchLinkError` for the device.

    >>> import minicontain
    >>> net = minicontain.Namespace.new("net")
    >>> with minicontain.Veth("veth0", "veth1", namespace=net) as veth:
    ...     veth.addr("10.16.8.2/24")
    ...     veth.up()
    ...     minicontain.add_route("default", "10.16.8.1", namespace=net)
    ...     [str(route) for route in minicontain.routes(net)]
    ['default via 10.16.8.1 dev veth0', '10.16.8.0/24 dev veth0 src 10.16.8.2']
    """
    _change(True, destination, gateway, device, source, metric, namespace)


def remove_route(
    destination: _Destination,
    gateway: _Host | None = None,
    device: str | None = None,
    *,
    source: _Host | None = None,
    metric: int | None = None,
    namespace: Where = None,
) -> None:
    """Removes the first route like it: gateway or device must be named, what else is not may be anything.

    Raises `NetworkError` when there is none.

    >>> import minicontain
    >>> net = minicontain.Namespace.new("net")
    >>> with minicontain.Veth("veth0", "veth1", namespace=net) as veth:
    ...     veth.addr("10.16.8.2/24")
    ...     veth.up()
    ...     minicontain.remove_route("10.16.8.0/24", device="veth0", namespace=net)
    ...     minicontain.routes(net)
    []
    """
    _change(False, destination, gateway, device, source, metric, namespace)


def _change(
    add: bool,
    destination: _Destination,
    gateway: _Host | None,
    device: str | None,
    source: _Host | None,
    metric: int | None,
    namespace: Where,
) -> None:
    via = None if gateway is None else str(gateway)
    own = None if source is None else str(source)
    _native.change_route(native_of(namespace), add, str(destination), via, device, own, metric)
