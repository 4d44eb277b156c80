"""Links: the network interfaces of a namespace, as objects."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Union

from . import _native
from ._link_options import OPTIONS, bits, native_of
from .errors import NoSuchLinkError, StateError, fault
from .link_records import Done, LinkStatistics
from .namespace import Namespace

if TYPE_CHECKING:
    import builtins
    from ipaddress import IPv4Interface, IPv6Interface
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self, Unpack

    from ._link_options import Where, _LinkOptions
    from .namespace import HasPid

    _Address = Union[str, "IPv4Interface", "IPv6Interface"]


class Link:
    """A network interface, whether or not the calling thread is in its namespace. It stays until `delete`.

    Everything is asked of the kernel each time, and no program is run. `history` has what was done as shell
    commands. Leaving the `with` of one that was made deletes it. `get` and `list` give a `Veth` for a veth
    and a `Bridge` for a bridge.

    A namespace is a `Namespace`, the name of one, a running `Container`, or a process id; without one it is
    the calling thread's. Making and changing links takes CAP_NET_ADMIN in the user namespace that owns it.

    Raises `NetworkError` (an `OSError`), and `NoSuchLinkError` once it is gone.

    >>> import minicontain
    >>> lo = minicontain.Link.get("lo")
    >>> lo.name, lo.index, lo.kind, lo.mtu
    ('lo', 1, None, 65536)
    """

    __slots__ = ("__weakref__", "_core", "_made", "_peer")

    _core: _native.Link
    _made: bool
    _peer: Link | None

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("use Link.get for a link that is there, Link.list or Link.create")

    @staticmethod
    def _of(native: _native.Link) -> Link:
        kind: type[Link] = _KINDS.get(native.state()["kind"], Link)
        link = kind.__new__(kind)
        link._hold(native, made=False)
        return link

    def _hold(self, native: _native.Link, *, made: bool) -> None:
        self._core = native
        self._made = made
        self._peer = None

    def _is_there(self) -> bool:
        """Whether it is where it was last known to be."""
        try:
            self._core.state()
        except NoSuchLinkError:
            return False
        return True

    def _make(self, where: Where, name: str, kind: str, options: dict[str, Any]) -> None:
        other = options.get("peer_namespace")
        given = {option: options.get(option) for option in OPTIONS}
        unknown = options.keys() - given.keys()
        if unknown:
            raise fault(sorted(unknown)[0], "no such option of a link", f"use one of {', '.join(OPTIONS)}")
        given["peer_namespace"] = native_of(other)
        place = native_of(where)
        self._hold(_native.Link(place, name, kind, given), made=True)
        if kind == "veth":
            # Kept, since this knows where it is also when it is moved.
            end = self._core.peer(given["peer_namespace"] or place or self._core.namespace)
            if end is not None:
                self._peer = Link._of(end)
                self._peer._peer = self

    @staticmethod
    def get(name: str, namespace: Where = None) -> Link:
        """The link of that name. Raises `NoSuchLinkError`.

        >>> import minicontain
        >>> minicontain.Link.get("lo").index
        1
        """
        return Link._of(_native.Link.get(native_of(namespace), name))

    @staticmethod
    def list(namespace: Where = None) -> builtins.list[Link]:
        """All links of a namespace, by their index: `ip link`.

        >>> import minicontain
        >>> minicontain.Link.list()[0].name
        'lo'
        """
        return [Link._of(native) for native in _native.Link.list(native_of(namespace))]

    @staticmethod
    def create(
        name: str,
        kind: Literal["veth", "bridge", "macvlan", "ipvlan", "vlan", "vxlan", "tap", "tun", "dummy"],
        namespace: Where = None,
        **options: Unpack[_LinkOptions],
    ) -> Link:
        """Makes a link of any kind: `ip link add NAME type KIND`.

        `veth` takes `peer` and `peer_namespace`; `macvlan` and `ipvlan` take `parent` and `mode`; `vlan`
        takes `parent` and `id`; `vxlan` takes `id`, `local`, `remote`, `port` and `parent`.

        Raises a `FileExistsError` (`link_exists`), and `not_supported` where the kernel lacks the kind.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1"):
        ...     second = minicontain.Link.create("mac0", "macvlan", parent="veth0")
        ...     second.kind, str(second.history[-1])
        ('macvlan', 'ip link add link veth0 name mac0 type macvlan mode bridge')
        """
        made = _KINDS.get(kind, Link)
        link = made.__new__(made)
        link._make(namespace, name, kind, dict(options))
        return link

    # Looked at.

    @property
    def name(self) -> str:
        """Its name.

        >>> import minicontain
        >>> minicontain.Link.get("lo").name
        'lo'
        """
        return str(self._core.state()["name"])

    @property
    def index(self) -> int:
        """Its number in the namespace.

        >>> import minicontain
        >>> minicontain.Link.get("lo").index
        1
        """
        return self._core.index

    @property
    def kind(self) -> str | None:
        """Its kind as the kernel names it (`tun` for TAP, too); None for the loopback and for hardware.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.kind
        'bridge'
        """
        kind: str | None = self._core.state()["kind"]
        return kind

    @property
    def namespace(self) -> Namespace:
        """The network namespace that it is in.

        >>> import minicontain
        >>> minicontain.Link.get("lo").namespace == minicontain.Namespace.of("self", "net")
        True
        """
        return Namespace._of(self._core.namespace)

    @property
    def is_up(self) -> bool:
        """Whether it is switched on.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.is_up
        False
        """
        return bool(self._core.state()["up"])

    @property
    def operstate(self) -> str:
        """Whether it can carry packets: `up`, `down`, `lower_layer_down`, `unknown` for the loopback, ….

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.up()
        ...     veth.operstate
        'lower_layer_down'
        """
        return str(self._core.state()["operstate"])

    @property
    def addresses(self) -> builtins.list[str]:
        """Its addresses, with the lengths of their prefixes: `ip address`.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.addr("10.16.8.1/24")
        ...     bridge.addresses
        ['10.16.8.1/24']
        """
        return self._core.addresses()

    @property
    def statistics(self) -> LinkStatistics:
        """What went through it: `ip -s link`.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.statistics.tx_packets
        0
        """
        return LinkStatistics._of(self._core.state()["statistics"])

    @property
    def qdisc(self) -> str | None:
        """The queueing discipline at its root: `noqueue`, `tbf`, …; see `limit`.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.qdisc
        'noop'
        """
        qdisc: str | None = self._core.state()["qdisc"]
        return qdisc

    @property
    def peer(self) -> Link | None:
        """The other end of a veth, wherever it is; None for other kinds. See `Veth.peer`.

        >>> import minicontain
        >>> minicontain.Link.get("lo").peer is None
        True
        """
        return None

    @property
    def history(self) -> builtins.list[Done]:
        r"""What was done to it and, of a veth, to the other end: the last 256 changes, as shell commands.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.addr("10.16.8.1/24")
        ...     veth.peer.up()
        ...     print(*veth.history, sep="\n")
        ip link add veth0 type veth peer name veth1
        ip address add 10.16.8.1/24 broadcast + dev veth0
        ip link set dev veth1 up
        """
        return [Done(*done) for done in self._core.history()]

    # Changed.

    def up(self) -> None:
        """Switches it on: `ip link set NAME up`.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.up()
        ...     bridge.is_up
        True
        """
        self._core.switch(True)

    def down(self) -> None:
        """Switches it off; its routes go.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.up()
        ...     bridge.down()
        ...     bridge.is_up
        False
        """
        self._core.switch(False)

    def rename(self, name: str) -> None:
        """Gives it another name. Before Linux 6.2 it must be down.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.rename("lan")
        ...     bridge.name
        'lan'
        """
        self._core.rename(name)

    @property
    def mtu(self) -> int:
        """The largest packet that it carries, in bytes. It can be set.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.mtu = 1400
        ...     bridge.mtu
        1400
        """
        return int(self._core.state()["mtu"])

    @mtu.setter
    def mtu(self, mtu: int) -> None:
        self._core.set_mtu(mtu)

    @property
    def mac(self) -> str | None:
        """Its own address, where it has one of six bytes. It can be set.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.mac = "02:00:00:00:00:01"
        ...     bridge.mac
        '02:00:00:00:00:01'
        """
        mac: str | None = self._core.state()["mac"]
        return mac

    @mac.setter
    def mac(self, mac: str) -> None:
        self._core.set_mac(mac)

    @property
    def master(self) -> Link | None:
        """The bridge that it is part of. It can be set; None takes it away. See `Bridge.add`.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge, minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.master = bridge
        ...     veth.master == bridge
        True
        """
        master = self._core.master()
        return None if master is None else Link._of(master)

    @master.setter
    def master(self, master: Link | None) -> None:
        self._core.set_master(None if master is None else master._core)

    def addr(self, address: _Address) -> None:
        """Gives it an address, for IPv4 with the broadcast address: `ip address add ADDRESS dev NAME`.

        Raises `NetworkError` (`address_in_use`) when it has it already.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.addr("10.16.8.1/24")
        ...     veth.addr("fd00:16:8::1/64")
        ...     veth.addresses
        ['10.16.8.1/24', 'fd00:16:8::1/64']
        """
        self._core.add_address(str(address))

    def remove_address(self, address: _Address) -> None:
        """Takes an address away.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.addr("10.16.8.1/24")
        ...     veth.remove_address("10.16.8.1/24")
        ...     veth.addresses
        []
        """
        self._core.remove_address(str(address))

    def move_to(self, namespace: Namespace | HasPid | str | int) -> None:
        """Moves it to another network namespace, and this object with it.

        It is down there, and has no addresses. The namespace is an object, a name, a running
        container's or a process's. Raises a `FileExistsError` when that has a link of its name.

        >>> import minicontain
        >>> net = minicontain.Namespace.new("net")
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.peer.move_to(net)
        ...     veth.peer.namespace == net, [link.name for link in minicontain.Link.list(net)]
        (True, ['lo', 'veth1'])
        """
        if isinstance(namespace, int):
            self._core.move_to_pid(namespace)
        elif isinstance(namespace, (Namespace, str)):
            native = native_of(namespace)
            if native is not None:
                self._core.move_to(native)
        else:
            self._core.move_to_pid(namespace.pid)

    def limit(self, rate: int | str, burst: int | None = None, latency: float | None = None) -> None:
        """Limits how fast it sends: tc-tbf(8). What it receives is limited at the other end.

        `rate` is in bits a second, or a text as tc(8) has it (`10mbit`); `burst` in bytes: how much may be
        sent at once after a silence; `latency` in seconds: what would wait longer is dropped. A limit or
        delay that is there is replaced.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.limit("10mbit")
        ...     veth.qdisc
        'tbf'
        """
        self._core.limit(bits(rate), burst, latency)

    def delay(self, delay: float, jitter: float = 0.0) -> None:
        """Delays what it sends, by seconds: tc-netem(8). A limit or delay that is there is replaced.

        Raises `NetworkError` (`not_supported`) where the kernel has no netem.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     try:
        ...         veth.delay(0.05, jitter=0.01)
        ...     except minicontain.NetworkError as error:
        ...         assert error.code == "not_supported"
        """
        self._core.delay(delay, jitter)

    def unlimit(self) -> None:
        """Takes a limit or delay away.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.limit("10mbit")
        ...     veth.unlimit()
        ...     veth.qdisc == "tbf"
        False
        """
        self._core.unlimit()

    def delete(self) -> None:
        """Deletes it; of a veth, the other end goes too. Raises `NoSuchLinkError` when it is gone.

        >>> import minicontain
        >>> minicontain.Bridge("br0").delete()
        """
        self._core.delete()

    def __enter__(self) -> Self:
        if not self._made:
            raise StateError("leaving the block would delete a link that was there: make one, or call delete")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # It may have gone with its other end, its namespace, or by another hand.
        with suppress(NoSuchLinkError):
            self.delete()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Link):
            return NotImplemented
        return (self.index, self.namespace) == (other.index, other.namespace)

    # What it is equal to changes when it is moved.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        try:
            state, addresses = self._core.state(), self.addresses
        except NoSuchLinkError:
            return f"<{type(self).__name__} (gone)>"
        what = [state["kind"] or "", "up" if state["up"] else "down", *addresses]
        return f"<{type(self).__name__} {state['name']}: {' '.join(filter(None, what))}>"

    def _repr_html_(self) -> str:
        from ._html import table

        state = self._core.state()
        rows = [
            ("kind", state["kind"] or "-"),
            ("state", f"{'up' if state['up'] else 'down'} ({state['operstate']})"),
            ("addresses", ", ".join(self.addresses) or "-"),
            ("MAC", state["mac"] or "-"),
            ("MTU", state["mtu"]),
            ("namespace", repr(self.namespace)),
            *(("done", done) for done in self.history),
        ]
        return table(f"Link {state['name']}", (), rows, code=(1,))


class Veth(Link):
    """A cable between two links: veth(4). What one end sends, the other receives.

    `namespace` is where this end is made, `peer_namespace` where the other is; it may be moved later. Of what
    a namespace may be, see `Link`. Deleting one end deletes both.

    >>> import minicontain
    >>> net = minicontain.Namespace.new("net")
    >>> with minicontain.Veth("veth0", "veth1", peer_namespace=net) as veth:
    ...     veth.addr("10.16.8.1/24")
    ...     veth.up()
    ...     veth.peer.addr("10.16.8.2/24")
    ...     veth.peer.up()
    ...     veth.is_up, veth.peer.is_up, veth.peer.namespace == net
    (True, True, True)
    """

    __slots__ = ()

    def __init__(
        self, name: str, peer: str, *, namespace: Where = None, peer_namespace: Where = None
    ) -> None:
        # Without a word for it, both ends are in one namespace.
        options = {"peer": peer, "peer_namespace": peer_namespace}
        self._make(namespace, name, "veth", options)

    @property
    def peer(self) -> Link:
        """The other end, wherever it is. Raises `NoSuchLinkError` when it cannot be found from here.

        >>> import minicontain
        >>> with minicontain.Veth("veth0", "veth1") as veth:
        ...     veth.peer.name, veth.peer.peer == veth
        ('veth1', True)
        """
        if self._peer is None or not self._peer._is_there():
            found = self._core.peer(None)
            if found is None:
                raise NoSuchLinkError("the other end is gone")
            self._peer = Link._of(found)
        return self._peer


class Bridge(Link):
    """A switch: its ports are links, and it is one itself, with which the namespace is on it.

    >>> import minicontain
    >>> with minicontain.Bridge("br0") as bridge, minicontain.Veth("veth0", "veth1") as veth:
    ...     bridge.add(veth)
    ...     [port.name for port in bridge.ports]
    ['veth0']
    """

    __slots__ = ()

    def __init__(self, name: str, *, namespace: Where = None) -> None:
        self._make(namespace, name, "bridge", {})

    def add(self, link: Link) -> None:
        """Makes a link of its namespace a port: `ip link set LINK master NAME`.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge, minicontain.Veth("veth0", "veth1") as veth:
        ...     bridge.add(veth)
        ...     veth.master == bridge
        True
        """
        link.master = self

    def remove(self, link: Link) -> None:
        """Takes a port away: `ip link set LINK nomaster`.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge, minicontain.Veth("veth0", "veth1") as veth:
        ...     bridge.add(veth)
        ...     bridge.remove(veth)
        ...     bridge.ports
        []
        """
        if link.master != self:
            raise NoSuchLinkError(f"'{link.name}' is no port of '{self.name}'")
        link.master = None

    @property
    def ports(self) -> list[Link]:
        """The links on it.

        >>> import minicontain
        >>> with minicontain.Bridge("br0") as bridge:
        ...     bridge.ports
        []
        """
        links = _native.Link.list(self._core.namespace)
        return [Link._of(link) for link in links if link.state()["master"] == self.index]


_KINDS: dict[str | None, type[Link]] = {"veth": Veth, "bridge": Bridge}
