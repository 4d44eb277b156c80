"""Networks for containers: a bridge, addresses, names, and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native
from ._record import Record
from .link import Link
from .namespace import Namespace
from .routing import NetworkState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
    from types import TracebackType
    from typing import Union

    from typing_extensions import Self

    _Subnet = Union[str, IPv4Network, IPv4Interface]
    _Subnet6 = Union[str, IPv6Network, IPv6Interface]
    _Server = Union[str, IPv4Address, IPv6Address]


class Connected(Record):
    """A container on a network: see `Network.describe`.

    >>> import minicontain
    >>> minicontain.Connected("10.16.9.2", ["web"], "mc0a100902").names
    ['web']
    """

    __slots__ = ("address", "names", "link")

    address: str
    """Its address."""
    names: list[str]
    """The names that stand for that."""
    link: str
    """The host's end of its link."""


class NetworkDescription(NetworkState):
    """A network as it was when it was read: see `Network.describe`.

    >>> import minicontain
    >>> with minicontain.Network("example") as network:
    ...     network.describe().bridge
    'mc-example'
    """

    __slots__ = ("name", "subnet", "subnet6", "gateway", "bridge", "containers", "rules")

    name: str
    """Its name."""
    subnet: str
    """Its addresses."""
    subnet6: str | None
    """Its addresses of version 6."""
    gateway: str
    """The host's address on it."""
    bridge: str
    """The bridge's name."""
    containers: list[Connected]
    """Who is on it."""
    rules: dict[str, Any] | None
    """Its rules as nft(8) lists them in JSON: libnftables-json(5). None where it has none."""

    def _repr_html_(self) -> str:
        from ._html import table

        facts = [
            ("subnet", ", ".join(filter(None, (self.subnet, self.subnet6)))),
            ("gateway", self.gateway),
            ("bridge", self.bridge),
        ]
        shown = table(f"Network {self.name}", (), facts, code=(1,))
        if self.containers:
            rows = [(one.address, ", ".join(one.names) or "-", one.link) for one in self.containers]
            shown += table("Containers", ("address", "names", "host's end"), rows, code=(0, 2))
        return shown + super()._repr_html_()


class Network:
    """A network for containers of this host: they reach each other, by address and by name, and the host.

    Making one makes a bridge with the first address of `subnet` (or the one that is named: `10.16.9.254/24`);
    without a subnet the first of 10.89.0.0/16 that is free is taken. `subnet6` gives IPv6 as well. With `nat`
    containers reach what the host reaches, behind its address: the host must forward packets for that, which
    `forward` switches on; published ports that others than the host ask need it, too. `dns` are the servers
    that containers ask; the default is the host's with `nat`, and none without, as nothing is reached then.

    With `resolver`, programs that ask a DNS server, and do not read `/etc/hosts` (dig, nginx), find the names
    as well: each container's init answers at 127.0.0.11:53, by UDP, and asks the servers (three at most) for
    all else. It takes that port of the container: who binds 0.0.0.0:53 there meets EADDRINUSE, and has to
    bind another address. A container on such a network needs an init in a PID namespace of its own, and a
    loopback.

    It stays until `remove` or the end of its `with`; without either, the next process that makes or lists
    networks sweeps it away once this one has ended, unless it is `persistent`.

    An ordinary user's network is in a network namespace of its own, which this object holds: keep it.
    It cannot be `persistent`.

    Raises `SpecError`; a `FileExistsError` when the name is taken; `NetworkError`: `address_in_use` when the
    subnet overlaps another, `forwarding_off`, and `not_supported` where nftables is needed and missing.

    >>> import minicontain
    >>> with minicontain.Network("example", subnet="10.16.9.0/24") as network:
    ...     with minicontain.Container(["sleep", "9"], hostname="web", network=network) as container:
    ...         container.ip, network.names["web"]
    ('10.16.9.2', ['10.16.9.2'])
    """

    __slots__ = ("__weakref__", "_core")

    def __init__(
        self,
        name: str,
        subnet: _Subnet | None = None,
        *,
        subnet6: _Subnet6 | None = None,
        mtu: int | None = None,
        nat: bool = False,
        forward: bool = False,
        dns: Iterable[_Server] = (),
        resolver: bool = False,
        persistent: bool = False,
    ) -> None:
        servers = [dns] if isinstance(dns, str) else dns
        options = {
            "subnet": None if subnet is None else str(subnet),
            "subnet6": None if subnet6 is None else str(subnet6),
            "mtu": mtu,
            "nat": nat,
            "forward": forward,
            "dns": [str(server) for server in servers],
            "resolver": resolver,
            "persistent": persistent,
        }
        self._core = _native.Network(name, options)

    @classmethod
    def _of(cls, native: _native.Network) -> Self:
        network = cls.__new__(cls)
        network._core = native
        return network

    @classmethod
    def open(cls, name: str) -> Self:
        """The network of that name, whoever made it. Raises `NoSuchNetworkError`.

        >>> import minicontain
        >>> with minicontain.Network("example") as network:
        ...     minicontain.Network.open("example") == network
        True
        """
        return cls._of(_native.Network.open(name))

    @property
    def name(self) -> str:
        """Its name: what a container's `network` may be, too.

        >>> import minicontain
        >>> with minicontain.Network("example") as network:
        ...     network.name
        'example'
        """
        return self._core.name

    @property
    def _attached_as(self) -> str:
        return self.name

    @property
    def subnet(self) -> str:
        """Its addresses.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet="10.16.9.254/24") as network:
        ...     network.subnet
        '10.16.9.0/24'
        """
        return self._core.subnet

    @property
    def subnet6(self) -> str | None:
        """Its addresses of version 6, where it has some.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet6="fd00:16:9::/64") as network:
        ...     network.subnet6
        'fd00:16:9::/64'
        """
        return self._core.subnet6

    @property
    def gateway(self) -> str:
        """The host's address on it.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet="10.16.9.0/24") as network:
        ...     network.gateway
        '10.16.9.1'
        """
        return self._core.gateway

    @property
    def bridge(self) -> Link:
        """Its bridge. Raises `NoSuchNetworkError` when somebody removed it.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet="10.16.9.0/24") as network:
        ...     network.bridge.name, network.bridge.is_up
        ('mc-example', True)
        """
        return Link._of(self._core.bridge())

    @property
    def namespace(self) -> Namespace:
        """The network namespace that its bridge is in: the host's, or one that was made for an ordinary user.

        >>> import minicontain
        >>> with minicontain.Network("example") as network:
        ...     network.namespace == network.bridge.namespace
        True
        """
        return Namespace._of(self._core.namespace)

    @property
    def names(self) -> dict[str, list[str]]:
        """The names on it, with the addresses that they stand for, as its containers see them.

        A container has its `hostname`, its `name`, and the `alias` of its attachment.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet="10.16.9.0/24") as network:
        ...     network.names
        {'gateway.example': ['10.16.9.1']}
        """
        found: dict[str, list[str]] = {}
        for name, address in self._core.names():
            found.setdefault(name, []).append(address)
        return found

    @property
    def rules(self) -> str:
        """Its rules, as nft(8) lists them; empty where it has none.

        Raises `NetworkError` (`not_supported`) without nft.

        >>> import minicontain
        >>> with minicontain.Network("example") as network:
        ...     rules = network.rules
        >>> "mc-example" in rules or rules == ""
        True
        """
        return self._core.rules()

    def describe(self) -> NetworkDescription:
        """All of it as it is now: who is on it, its rules, and what the kernel holds where its bridge is.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet="10.16.9.0/24") as network:
        ...     with minicontain.Container(["sleep", "9"], hostname="web", network=network):
        ...         network.describe().containers
        [Connected(address='10.16.9.2', names=['web'], link='mc0a100902')]
        """
        plain = self._core.describe()
        facts = [plain[name] for name in ("name", "subnet", "subnet6", "gateway", "bridge")]
        on_it = [Connected(*(one[name] for name in Connected.__slots__)) for one in plain["containers"]]
        return NetworkDescription(*facts, on_it, plain["rules"], *NetworkState._parts(plain))

    def remove(self) -> None:
        """Removes it: bridge, addresses, rules, and what was written down.

        Raises `StateError` (`still_runs`) while containers are on it.

        >>> import minicontain
        >>> minicontain.Network("example").remove()
        """
        self._core.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return (self.name, self.namespace) == (other.name, other.namespace)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.subnet}, gateway {self.gateway}>"

    def _repr_html_(self) -> str:
        return self.describe()._repr_html_()


def networks() -> list[Network]:
    """The networks that there are, by name, whoever made them: `docker network ls`.

    >>> import minicontain
    >>> with minicontain.Network("example"):
    ...     "example" in [network.name for network in minicontain.networks()]
    True
    """
    return [Network._of(native) for native in _native.Network.list()]
