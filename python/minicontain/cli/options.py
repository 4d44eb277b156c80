"""The options of `docker run` and what they mean for a container."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .failures import Failure
from .limits import DEMANDS, LIMITS, demand_fields, limit_fields
from .parser import Option

if TYPE_CHECKING:
    from .parser import Values

PROGRAM = (
    Option(("-i", "--interactive"), "keep standard input open"),
    Option(("-t", "--tty"), "give it a terminal of its own"),
    Option(("-e", "--env"), "set a variable; without a value, to the caller's", "NAME[=VALUE]", many=True),
    Option(("--env-file",), "variables from a file, one a line", "FILE", many=True),
    Option(("-w", "--workdir"), "working directory inside", "DIR"),
    Option(("-u", "--user"), "who it runs as", "NAME|UID[:GROUP|GID]"),
    Option(("--group-add",), "a further group", "GROUP", many=True),
    Option(("--umask",), "file mode creation mask, octal", "MASK"),
    Option(("--ulimit",), "a resource limit (nofile=1024:2048)", "NAME=SOFT[:HARD]", many=True),
    *LIMITS,
    *DEMANDS,
)
"""What a program can be given, in a new container or in a running one."""

WALLS = (
    Option(("--name",), "a name by which other processes find it", "NAME"),
    Option(("-v", "--volume"), "a directory or file of the host inside", "HOST:INSIDE[:ro]", many=True),
    Option(("--tmpfs",), "an empty directory in memory", "DIR[:size=64M,mode=700]", many=True),
    Option(("--read-only",), "nothing can be written but volumes, tmpfs and /dev"),
    Option(("--rootfs",), "a directory to be the root (default: the host's files under a layer)", "DIR"),
    Option(
        ("--host-files",), "how a host directory is seen: overlay, read-only, hidden, full", "DIR=HOW", True
    ),
    Option(("--storage-opt",), "how much the layer may hold (size=1G)", "size=SIZE", many=True),
    Option(("-h", "--hostname"), "host name", "NAME"),
    Option(("--domainname",), "NIS domain name", "NAME"),
    Option(
        ("--network", "--net"),
        "none (the default), host, container:NAME, or a network's name",
        "NETWORK",
        True,
        "network",
    ),
    Option(("--ip",), "its address on the first network", "ADDRESS"),
    Option(("--network-alias",), "a further name on the first network", "NAME", many=True),
    Option(
        ("-p", "--publish"),
        "a port of the host that leads to its own",
        "[ADDRESS:]HOST:CONTAINER[/udp]",
        many=True,
    ),
    Option(("--pid",), "the host's processes are seen", "host"),
    Option(("--ipc",), "the host's shared memory is seen", "host"),
    Option(("--uts",), "the host's names", "host"),
    Option(("--userns",), "the host's users", "host"),
    Option(("--cgroupns",), "private (the default) or host", "private|host"),
    Option(("--cap-add",), "a capability beyond the default ones", "CAPABILITY", many=True),
    Option(("--cap-drop",), "a capability less", "CAPABILITY", many=True),
    Option(
        ("--security-opt",), "no-new-privileges (the default), or no-new-privileges=false", "OPTION", True
    ),
    Option(("--sysctl",), "a kernel setting of its own namespaces", "NAME=VALUE", many=True),
    Option(("--init",), "a small init is process 1 (the default)"),
    Option(("--no-init",), "the program is process 1", key="init", on=False),
    Option(("--entrypoint",), "the program; what follows the options are then its arguments", "PROGRAM"),
    Option(("--cgroup",), "give it a cgroup of its own without limits too: it can then be measured"),
    Option(("--cgroup-parent",), "the cgroup below which its own is made", "PATH"),
)
"""What a new container can be given."""

NOT_YET = {
    **dict.fromkeys(("-P", "--publish-all"), "ports are published by number"),
    **dict.fromkeys(("--dns", "--add-host"), "a network has its DNS servers and names, see 'network create'"),
    "--device": "devices of the host cannot be given yet",
    "--privileged": "use --cap-add ALL, --userns host and what else is needed by its name",
    "--mount": "use --volume or --tmpfs",
    "--restart": "there is no daemon that could",
}
"""Docker's options that mean nothing here yet, and why."""


def container_fields(values: Values) -> dict[str, Any]:
    """The fields of a new container."""
    fields = program_fields(values)
    for key in (
        "name",
        "read_only",
        "hostname",
        "domainname",
        "publish",
        "init",
        "cap_add",
        "cap_drop",
        "cgroup",
        "cgroup_parent",
        "tmpfs",
    ):
        if key in values:
            fields[key] = values[key]
    network = _network(values)
    if network:
        fields["network"] = network
    if "rootfs" in values:
        fields["rootfs"] = os.path.abspath(values["rootfs"])
    if "volume" in values:
        fields["volumes"] = [_volume(text) for text in values["volume"]]
    if "host_files" in values:
        fields["host_files"] = dict(_pair("--host-files", text) for text in values["host_files"])
    if "sysctl" in values:
        fields["sysctls"] = dict(_pair("--sysctl", text) for text in values["sysctl"])
    for text in values.get("storage_opt", ()):
        name, value = _pair("--storage-opt", text)
        if name != "size":
            raise Failure(f"--storage-opt: there is no '{name}'", "write --storage-opt size=1G")
        fields["storage_size"] = value
    for text in values.get("security_opt", ()):
        fields["no_new_privileges"] = _no_new_privileges(text)
    namespaces = _namespaces(values)
    if namespaces:
        fields["namespaces"] = namespaces
    return fields


def program_fields(values: Values) -> dict[str, Any]:
    """The fields of a program, in a new container or in a running one."""
    fields: dict[str, Any] = {}
    variables = environment(values)
    if variables:
        fields["env"] = variables
    if "workdir" in values:
        fields["cwd"] = values["workdir"]
    if "user" in values:
        fields["user"] = values["user"]
    if "group_add" in values:
        fields["group_add"] = [_group(text) for text in values["group_add"]]
    if "umask" in values:
        fields["umask"] = _number("--umask", values["umask"], 8)
    if "ulimit" in values:
        fields["ulimits"] = dict(_ulimit(text) for text in values["ulimit"])
    return {**fields, **limit_fields(values), **demand_fields(values)}


def program_args(values: Values, rest: list[str]) -> list[str]:
    """The program and its arguments."""
    entry = values.get("entrypoint")
    args = [entry, *rest] if entry else rest
    if not args:
        raise Failure("there is no program to run", "write it after the options: minicontain run -- sh")
    return args


def environment(values: Values) -> dict[str, str | None]:
    """The variables of the files, and then those of the command line."""
    variables: dict[str, str | None] = {}
    for path in values.get("env_file", ()):
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise Failure(f"--env-file: {path}: {why}", "one NAME=VALUE a line") from None
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                _set(variables, line.lstrip())
    for text in values.get("env", ()):
        _set(variables, text)
    return variables


def seconds(option: str, text: str) -> float:
    """A time."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise Failure(f"{option}: '{text}' is not a time", "write a number of seconds")
    return number


def _set(variables: dict[str, str | None], text: str) -> None:
    name, equals, value = text.partition("=")
    if equals:
        variables[name] = value
    elif name in os.environ:
        variables[name] = None
    else:
        # Docker leaves out what the caller has not.
        variables.pop(name, None)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Failure(f"{option}: '{text}' has no '='", f"write {option} NAME=VALUE")
    return name, value


def _number(option: str, text: str, base: int = 10) -> int:
    try:
        return int(text, base)
    except ValueError:
        kind = "an octal number" if base == 8 else "a number"
        raise Failure(f"{option}: '{text}' is not {kind}", f"write {kind}") from None


def _group(text: str) -> int:
    if text.isdigit():
        return int(text)
    from grp import getgrnam

    try:
        return getgrnam(text).gr_gid
    except KeyError:
        raise Failure(
            f"--group-add: there is no group '{text}'", "name one of /etc/group, or its number"
        ) from None


def _ulimit(text: str) -> tuple[str, Any]:
    name, limits = _pair("--ulimit", text)
    soft, colon, hard = limits.partition(":")
    option = f"--ulimit {name}"
    low = _number(option, soft)
    return name, (low, _number(option, hard) if colon else low)


def _volume(text: str) -> str:
    # As Docker: a path that begins with a dot is below the working directory.
    source, colon, rest = text.partition(":")
    if colon and (source in (".", "..") or source.startswith(("./", "../"))):
        source = os.path.abspath(source)
    return f"{source}{colon}{rest}"


def _no_new_privileges(text: str) -> bool:
    name, separator, value = text.replace(":", "=", 1).partition("=")
    if name != "no-new-privileges" or value not in ("", "true", "false"):
        raise Failure(
            f"--security-opt: '{text}' is not in this version", "write no-new-privileges[=true|=false]"
        )
    return not separator or value != "false"


def _network(values: Values) -> str | list[str]:
    """The networks, or the one word for what is none."""
    networks: list[str] = values.get("network", [])
    options = [f"alias={name}" for name in values.get("network_alias", ())]
    if "ip" in values:
        options.insert(0, f"ip={values['ip']}")
    if options:
        if not networks or networks[0] in ("none", "host") or networks[0].startswith(("container:", "/")):
            option = "--ip" if "ip" in values else "--network-alias"
            raise Failure(f"{option}: there is no network", "write --network NAME too")
        joined = ",".join(options)
        networks = [f"{networks[0]}{',' if ':' in networks[0] else ':'}{joined}", *networks[1:]]
    return networks[0] if len(networks) == 1 else networks


def _namespaces(values: Values) -> dict[str, str]:
    sources = {}
    for option, kind in (
        ("pid", "pid"),
        ("ipc", "ipc"),
        ("uts", "uts"),
        ("userns", "user"),
        ("cgroupns", "cgroup"),
    ):
        if option in values:
            source = {"host": "host", "private": "new", "": "new"}.get(values[option])
            if source is None:
                raise Failure(f"--{option}: there is no '{values[option]}'", f"write --{option} host")
            sources[kind] = source
    return sources
