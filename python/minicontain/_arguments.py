"""From the arguments that people give to the fields that a spec has.

Whatever has no form of its own here goes to the engine as it is, which names what is wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Callable

from . import errors, streams
from .spec import Spec


def spec_fields(args: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a spec, made of `given` itself. `None` stands for a field's default."""
    shell = given.pop("shell", False)
    for name, value in given.items():
        if value is not None and name in _FORMS:
            given[name] = _FORMS[name](value)
    if isinstance(args, Spec):
        # A stream that is not given is as the spec has it.
        absent = {name for name in ("stdin", "stdout", "stderr") if given.get(name, "") is None}
        given = {**args.fields, **{name: value for name, value in given.items() if name not in absent}}
    else:
        given["args"] = words_of(args, shell, given.get("executable"))
    if not _ALIASES.isdisjoint(given):
        _resolve_aliases(given)
    return given


def is_on_terminal(args: Any, given: dict[str, Any]) -> bool:
    """Whether a program is to have a terminal."""
    tty = given.get("tty")
    return bool(args.fields["tty"] if tty is None and isinstance(args, Spec) else tty)


def shown_args(args: Any) -> Any:
    """`args` as results and errors show it: as it was given, or as a spec has it."""
    return args.fields["args"] if isinstance(args, Spec) else args


def words_of(args: Any, shell: bool, executable: Any) -> list[Any]:
    """`args` as a list: a text or a path is one program; with `shell`, a command of it."""
    if isinstance(args, Spec):
        return list(args.fields["args"])
    if shell and isinstance(args, os.PathLike):
        raise TypeError("path-like args is not allowed when shell is true")
    # Of a list, the usual case, nobody asks whether it is a path: that is a question to an abstract class.
    is_one = not isinstance(args, list) and isinstance(args, (str, bytes, os.PathLike))
    words = [args] if is_one else list(args)
    return [executable or "/bin/sh", "-c", *words] if shell else words


_ALIASES = frozenset(("network", "group", "extra_groups", "umask", "process_group"))


def _resolve_aliases(fields: dict[str, Any]) -> None:
    """What `docker run` and `subprocess` have by another name."""
    if fields.get("umask") == -1:
        del fields["umask"]
    if fields.get("process_group") == -1:
        del fields["process_group"]
    network = fields.pop("network", None)
    if network is not None:
        source, fields["networks"] = _network(network)
        fields["namespaces"] = {**(fields.get("namespaces") or {}), "net": source}
    group = fields.pop("group", None)
    if group is not None:
        user = fields.get("user") or "0"
        if ":" in user:
            raise errors.fault("group", "user names a group already", "name it once")
        fields["user"] = f"{user}:{group}"
    groups = fields.pop("extra_groups", None)
    if groups is not None:
        fields["group_add"] = [*(fields.get("group_add") or ()), *map(_group_id, groups)]


class _Held(dict[str, int]):
    """An object as a source, by its descriptor; kept, for it may close that when it is forgotten."""

    def __init__(self, of: Any) -> None:
        super().__init__(fd=of.fileno())
        self.of = of


class _Named(str):
    """An object by its name; kept, for what it stands for may go when it is forgotten."""

    of: Any

    def __new__(cls, name: str, of: Any) -> _Named:
        named = super().__new__(cls, name)
        named.of = of
        return named


def _network(network: Any) -> tuple[Any, list[Any]]:
    """Where the network namespace comes from, and the networks that it is on."""
    if hasattr(network, "fileno"):
        return _Held(network), []
    if isinstance(network, str):
        if network in ("none", "host"):
            return {"none": "new", "host": "host"}[network], []
        kind, colon, name = network.partition(":")
        if colon and kind == "container":
            from .container import Container

            return _Held(Container.attach(name)), []
    if isinstance(network, (list, tuple)):
        return "new", [_attachment(each) for each in network]
    return "new", [_attachment(network)]


def _networks(networks: Any) -> Any:
    if isinstance(networks, (str, bytes)) or not hasattr(networks, "__iter__"):
        return networks
    return [each if isinstance(each, Mapping) else _attachment(each) for each in networks]


def _attachment(network: Any) -> str:
    """The name of a network, or the path of a CNI configuration."""
    name = getattr(network, "_attached_as", network)
    if not isinstance(name, str) or name.partition(":")[0] in ("", "host", "none", "container"):
        raise errors.fault(
            "network",
            f"{network!r} is not a network that a container can be on",
            "use 'none', 'host', a Namespace, a Container, a Network, its name, or a list of networks",
        )
    return name if name is network else _Named(name, network)


def _publish(ports: Any) -> Any:
    """Published ports as `docker run` writes them: of a mapping, from the host's to the container's."""
    if isinstance(ports, Mapping):
        return [_published(str(host), str(port)) for host, port in ports.items()]
    if isinstance(ports, (str, bytes)) or not hasattr(ports, "__iter__"):
        return ports
    return [str(port) if isinstance(port, int) else port for port in ports]


def _published(host: str, port: str) -> str:
    host, _, ours = host.partition("/")
    port, _, theirs = port.partition("/")
    if ours and theirs and ours != theirs:
        raise errors.fault("publish", f"{ours} cannot lead to {theirs}", "name the protocol once")
    return f"{host}:{port}/{ours or theirs or 'tcp'}"


def _group_id(group: Any) -> Any:
    if not isinstance(group, str):
        return group
    from grp import getgrnam

    return getgrnam(group).gr_gid


def _ulimits(limits: Any) -> Any:
    def limit(value: Any) -> Any:
        if isinstance(value, (tuple, list)) and len(value) == 2:
            return {"soft": limit(value[0]), "hard": limit(value[1])}
        return None if value == -1 else value

    return {name: limit(value) for name, value in limits.items()} if isinstance(limits, Mapping) else limits


def _sysctls(settings: Any) -> Any:
    if not isinstance(settings, Mapping):
        return settings
    return {name: str(value) if isinstance(value, int) else value for name, value in settings.items()}


def _volumes(volumes: Any) -> Any:
    if isinstance(volumes, Mapping):
        return [_volume(source, target) for source, target in volumes.items()]
    return volumes


def _volume(source: Any, target: Any) -> Any:
    if not isinstance(target, Mapping):
        target, _, mode = os.fspath(target).partition(":")
        return _mounted(source, target, mode)
    unknown = target.keys() - {"bind", "mode"}
    if unknown or "bind" not in target:
        raise errors.fault(
            "volumes",
            f"{source}: {dict(target)!r} is not a volume",
            "write {'bind': '/inside', 'mode': 'ro'}",
        )
    return _mounted(source, target["bind"], target.get("mode", "rw"))


def _mounted(source: Any, target: Any, mode: str) -> dict[str, Any]:
    if mode not in ("", "ro", "rw"):
        raise errors.fault("volumes", f"{source}: {mode!r} is not a mode", "use 'ro' or 'rw'")
    return {"source": source, "target": target, "read_only": mode == "ro"}


def _tmpfs(mounts: Any) -> Any:
    if isinstance(mounts, Mapping):
        return [f"{os.fspath(target)}:{options}" if options else target for target, options in mounts.items()]
    return mounts


def _namespaces(sources: Any) -> Any:
    """Where each namespace comes from."""
    if not isinstance(sources, Mapping):
        return sources
    return {kind: _source(source) for kind, source in sources.items()}


def _source(source: Any) -> Any:
    """A word, a process id, a path, or what has a descriptor."""
    if isinstance(source, str):
        return {"path": source} if source.startswith("/") else source
    if isinstance(source, int):
        return {"pid": source}
    if isinstance(source, os.PathLike):
        return {"path": os.fspath(source)}
    return _Held(source) if hasattr(source, "fileno") else source


def _ranges(ranges: Any) -> Any:
    """Ranges of ids as texts or as tuples."""
    if isinstance(ranges, (str, bytes)) or not hasattr(ranges, "__iter__"):
        return ranges
    return [":".join(map(str, each)) if isinstance(each, (tuple, list)) else each for each in ranges]


def _numbers(numbers: Any) -> Any:
    """A list of CPUs or memory nodes as cpuset(7) writes it."""
    if isinstance(numbers, int):
        return str(numbers)
    if isinstance(numbers, (str, bytes)) or not hasattr(numbers, "__iter__"):
        return numbers
    return ",".join(map(str, sorted(numbers)))


def _identity(name: str) -> Callable[[Any], Any]:
    """A user or group, by number or name."""

    def form(value: Any) -> Any:
        if not isinstance(value, int):
            return value
        if value >= 1 << 32:
            raise errors.too_large(name, value)
        return str(value)

    return form


def limit_fields(limits: dict[str, Any]) -> dict[str, Any]:
    """The fields of limits, made of `limits` itself."""
    for name in ("cpuset_cpus", "cpuset_mems"):
        if limits.get(name) is not None:
            limits[name] = _numbers(limits[name])
    return limits


_FORMS: dict[str, Callable[[Any], Any]] = {
    "cpuset_cpus": _numbers,
    "cpuset_mems": _numbers,
    "gidmap": _ranges,
    "group": _identity("group"),
    "namespaces": _namespaces,
    "networks": _networks,
    "publish": _publish,
    "stderr": streams.form,
    "stdin": streams.form,
    "stdout": streams.form,
    "sysctls": _sysctls,
    "tmpfs": _tmpfs,
    "uidmap": _ranges,
    "ulimits": _ulimits,
    "user": _identity("user"),
    "volumes": _volumes,
}
