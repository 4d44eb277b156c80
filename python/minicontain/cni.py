"""Networks of CNI plugins: what Kubernetes, Podman and others attach containers with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Union

from . import _native
from ._record import Record
from .errors import fault
from .namespace import Namespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Self, TypedDict, Unpack

    from .fields import Path
    from .namespace import HasPid

    _Netns = Union[Namespace, HasPid, int, Path]

    class _CniOptions(TypedDict, total=False):
        """What an attachment can be given."""

        ifname: str
        """The interface's name in the container. Default: `eth0`."""
        ports: Mapping[int, int]
        """Ports of the host that lead to the container's: the capability `portMappings`."""
        ips: Iterable[str]
        """The addresses that it shall have, with their prefixes: the capability `ips`."""
        mac: str
        """The hardware address that it shall have: the capability `mac`."""
        capabilities: Mapping[str, Any]
        """Any other capability, for the plugins that declare it."""
        args: Mapping[str, str]
        """Pairs for `CNI_ARGS`."""
        plugin_dirs: Iterable[Path]
        """The directories with plugins, instead of `CNI_PATH` or the usual ones."""
        timeout: float
        """How long each plugin may take, in seconds, before it is killed. Default: a minute."""
        detached: bool
        """Whether it outlives this process."""


class CniResult(Record):
    """What attaching a container gave.

    >>> import minicontain
    >>> minicontain.CniResult([], [{"address": "10.1.0.5/16"}], [], {}, {}).ip
    '10.1.0.5'
    """

    __slots__ = ("interfaces", "ips", "routes", "dns", "json")

    interfaces: list[dict[str, Any]]
    """The interfaces, of the container and of the host: `name`, `mac`, `sandbox`."""
    ips: list[dict[str, Any]]
    """The addresses: `address`, `gateway`, `interface` (its place among the interfaces)."""
    routes: list[dict[str, Any]]
    """The routes that were made: `dst`, `gw`."""
    dns: dict[str, Any]
    """How names are resolved: `nameservers`, `domain`, `search`, `options`."""
    json: dict[str, Any]
    """All of it as the last plugin printed it."""

    @property
    def ip(self) -> str | None:
        """The first address, without its prefix.

        >>> import minicontain
        >>> minicontain.CniResult([], [], [], {}, {}).ip is None
        True
        """
        return str(self.ips[0]["address"]).partition("/")[0] if self.ips else None


class CniConfig:
    """A network as a `.conflist` file has it: its name, and the plugins that attach a container to it.

    It goes where a container's `network` does, if it was read from a file. Plugins run in the network
    namespace of the calling thread, which is the host to them.

    Raises `SpecError` when it is no configuration, a `FileNotFoundError` when there is none, and
    `NetworkError` (`cni_failed`) with what a plugin says.

    >>> import minicontain
    >>> lab = minicontain.CniConfig.parse({"cniVersion": "1.0.0", "name": "lab", "plugins": [
    ...     {"type": "bridge", "bridge": "lab0", "ipam": {"type": "host-local", "subnet": "10.16.9.0/24"}}]})
    >>> lab.name, [plugin["type"] for plugin in lab.plugins]
    ('lab', ['bridge'])
    """

    __slots__ = ("_core", "path")

    _core: _native.CniConfig
    path: str | None
    """The file that it was read from."""

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("use CniConfig.load, CniConfig.find or CniConfig.parse")

    @classmethod
    def _of(cls, native: _native.CniConfig, path: str | None) -> Self:
        config = cls.__new__(cls)
        config._core, config.path = native, path
        return config

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a `.conflist` file, or a `.conf` or `.json` file with a single plugin.

        >>> import minicontain
        >>> try:
        ...     minicontain.CniConfig.load("/no/such.conflist")
        ... except FileNotFoundError as error:
        ...     error.filename
        '/no/such.conflist'
        """
        whole = os.path.abspath(path)
        return cls._of(_native.CniConfig.load(whole), whole)

    @classmethod
    def find(cls, name: str, directories: Iterable[Path] = ("/etc/cni/net.d",)) -> Self:
        """The network of that name: `.conflist` files come first, then `.conf` and `.json`.

        >>> import minicontain
        >>> try:
        ...     minicontain.CniConfig.find("no-such-network")
        ... except minicontain.NoSuchNetworkError as error:
        ...     print(error.code)
        network_not_found
        """
        searched = [os.fspath(directory) for directory in directories]
        path = _native.cni_find(name, searched)
        return cls.load(path)

    @classmethod
    def parse(cls, text: str | Mapping[str, Any]) -> Self:
        """Reads a configuration from its text, or from what that stands for.

        >>> import minicontain
        >>> text = '{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}'
        >>> minicontain.CniConfig.parse(text).version
        '1.0.0'
        """
        if not isinstance(text, str):
            import json

            text = json.dumps(dict(text))
        return cls._of(_native.CniConfig.parse(text), None)

    @property
    def name(self) -> str:
        """The network's name.

        >>> import minicontain
        >>> config = {"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}
        >>> minicontain.CniConfig.parse(config).name
        'lab'
        """
        return self._core.name

    @property
    def version(self) -> str:
        """The version of CNI that it is written in.

        >>> import minicontain
        >>> config = {"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "bridge"}]}
        >>> minicontain.CniConfig.parse(config).version
        '0.4.0'
        """
        return self._core.version

    @property
    def plugins(self) -> list[dict[str, Any]]:
        """What each plugin is told, in their order.

        >>> import minicontain
        >>> config = {"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "b0"}]}
        >>> minicontain.CniConfig.parse(config).plugins
        [{'bridge': 'b0', 'type': 'bridge'}]
        """
        return self._core.plugins()

    @property
    def _attached_as(self) -> str:
        if self.path is None:
            problem = f"the CNI network '{self.name}' was not read from a file"
            raise fault("network", problem, "write it to a .conflist file, and use CniConfig.load")
        return self.path

    def add(self, container_id: str, netns: _Netns, **options: Unpack[_CniOptions]) -> CniResult:
        """Attaches a container: ADD of each plugin, in order. If one fails, those that were run delete.

        `netns` is a network namespace, a process in it, or a path. Raises `NetworkError` (`cni_failed`).

        >>> import minicontain
        >>> config = {"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "none-such"}]}
        >>> lab = minicontain.CniConfig.parse(config)
        >>> try:
        ...     lab.add("box", minicontain.Namespace.of("self", "net"))
        ... except minicontain.NetworkError as error:
        ...     error.code
        'cni_failed'
        """
        plain = self._core.add(container_id, _path_of(netns), _given(options))
        lists = (plain.get("interfaces") or [], plain.get("ips") or [], plain.get("routes") or [])
        return CniResult(*lists, plain.get("dns") or {}, plain)

    def check(self, container_id: str, netns: _Netns, **options: Unpack[_CniOptions]) -> None:
        """Checks that what `add` made is still there: CHECK of each plugin.

        >>> import minicontain
        >>> config = {"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "none-such"}]}
        >>> lab = minicontain.CniConfig.parse(config)
        >>> try:
        ...     lab.check("box", minicontain.Namespace.of("self", "net"))
        ... except minicontain.NetworkError as error:
        ...     error.code
        'cni_failed'
        """
        self._core.check(container_id, _path_of(netns), _given(options))

    def delete(self, container_id: str, netns: _Netns, **options: Unpack[_CniOptions]) -> None:
        """Detaches it: DEL of each plugin, in reverse order. It may be asked again and again.

        >>> import minicontain
        >>> config = {"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "none-such"}]}
        >>> lab = minicontain.CniConfig.parse(config)
        >>> try:
        ...     lab.delete("box", minicontain.Namespace.of("self", "net"))
        ... except minicontain.NetworkError as error:
        ...     error.code
        'cni_failed'
        """
        self._core.delete(container_id, _path_of(netns), _given(options))

    @staticmethod
    def sweep() -> int:
        """Detaches what nobody else will, since its maker was killed; how many these were.

        >>> import minicontain
        >>> minicontain.CniConfig.sweep()
        0
        """
        return _native.cni_sweep()

    def __eq__(self, other: object) -> bool:
        return self._core == other._core if isinstance(other, CniConfig) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        plugins = ", ".join(plugin["type"] for plugin in self.plugins)
        return f"<{type(self).__name__} {self.name}: {plugins}>"


def _path_of(netns: _Netns) -> str:
    if isinstance(netns, (str, os.PathLike)):
        return os.fspath(netns)
    if isinstance(netns, Namespace):
        return netns.path
    pid = netns if isinstance(netns, int) else netns.pid
    return f"/proc/{pid}/ns/net"


def _given(options: _CniOptions) -> dict[str, Any]:
    given: dict[str, Any] = dict(options)
    ports = given.get("ports")
    if ports is not None:
        given["ports"] = [
            {"hostPort": host, "containerPort": port, "protocol": "tcp"} for host, port in ports.items()
        ]
    return given
