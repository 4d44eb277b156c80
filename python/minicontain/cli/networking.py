"""`network`: making, listing and removing the networks of containers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import StateError
from .ending import each
from .failures import Failure, problem_of
from .parser import Command, Option, parse

if TYPE_CHECKING:
    from ..network import Network
    from .parser import Values


def network(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain network`."""
    if rest[0] in ("--help", "help"):
        print(COMMANDS["network"].help(), end="")
        return 0
    command = _SUBCOMMANDS.get(_ALIASES.get(rest[0], rest[0]))
    if command is None:
        from difflib import get_close_matches

        near = get_close_matches(rest[0], [*_SUBCOMMANDS, *_ALIASES], 1)
        hint = f"did you mean '{near[0]}'?" if near else "see 'minicontain network --help'"
        raise Failure(f"network has no command '{rest[0]}'", hint)
    given, names = parse(command, rest[1:])
    if given.get("help"):
        print(command.help(), end="")
        return 0
    return command.do(given, names)


def create(values: Values, rest: list[str]) -> int:
    """`minicontain network create`."""
    from ..network import Network

    subnets: list[str] = values.get("subnet", [])
    subnet = next((text for text in subnets if ":" not in text), None)
    subnet6 = next((text for text in subnets if ":" in text), None)
    if len(subnets) > (subnet is not None) + (subnet6 is not None):
        raise Failure("--subnet: a network has one of each version", "make another network")
    if "gateway" in values:
        if subnet is None:
            raise Failure(
                "--gateway: there is no subnet that it could be in", "write --subnet 10.16.9.0/24 too"
            )
        subnet = f"{values['gateway']}/{subnet.partition('/')[2]}"
    made = Network(
        rest[0],
        subnet,
        subnet6=subnet6,
        mtu=_mtu(values),
        nat=values.get("nat", False),
        forward=values.get("forward", False),
        dns=values.get("dns", ()),
        resolver=values.get("resolver", False),
        # This process ends at once.
        persistent=True,
    )
    print(made.name)
    return 0


def ls(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain network ls`."""
    from ..network import networks

    found = networks()
    if values.get("quiet"):
        for one in found:
            print(one.name)
        return 0
    rows = [("NAME", "SUBNET", "GATEWAY", "BRIDGE"), *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(text.ljust(width) for text, width in zip(row, widths)), row[3]]))
    return 0


def inspect(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain network inspect`."""
    from ..network import Network

    print(json.dumps([_plain(Network.open(name)) for name in rest], indent=2))
    return 0


def rm(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain network rm`."""
    from ..network import Network

    def one(name: str) -> None:
        try:
            Network.open(name).remove()
        except StateError as error:
            # What is to be stopped is not the network.
            raise Failure(problem_of(error), "stop these containers first: see 'minicontain ps'") from error

    return each(rest, one)


def _row(one: Network) -> tuple[str, str, str, str]:
    return one.name, one.subnet, one.gateway, one.bridge.name


def _plain(one: Network) -> dict[str, Any]:
    return {
        "name": one.name,
        "subnet": one.subnet,
        "subnet6": one.subnet6,
        "gateway": one.gateway,
        "bridge": one.bridge.name,
        "mtu": one.bridge.mtu,
        "names": one.names,
        "ports": _ports(one.name),
    }


def _ports(network: str) -> dict[str, list[str]]:
    """The published ports of containers that have a name: they lead to the first of its networks."""
    from ..named import containers
    from .listing import ports

    return {
        one.name: ports(one)
        for one in containers()
        if ports(one) and one.spec.fields["networks"][0]["network"] == network
    }


def _mtu(values: Values) -> int | None:
    text = values.get("mtu")
    if text is None:
        return None
    if not text.isdigit():
        raise Failure(f"--mtu: '{text}' is not a number", "write a number of bytes")
    return int(text)


_ALIASES = {"list": "ls", "remove": "rm"}
_SUBCOMMANDS = {
    "create": Command(
        "network create",
        "[OPTIONS] NAME",
        "Makes a network, which stays until it is removed.",
        create,
        (
            Option(("--subnet",), "its addresses; once for each version", "SUBNET", many=True),
            Option(("--gateway",), "the host's address on it (default: the first)", "ADDRESS"),
            Option(("--nat",), "containers reach what the host reaches, behind its address"),
            Option(("--forward",), "switch on that the host forwards packets, where it is off"),
            Option(("--internal",), "nothing outside is reached (the default)", key="nat", on=False),
            Option(("--dns",), "a server that containers ask for names", "ADDRESS", many=True),
            Option(("--resolver",), "init answers at 127.0.0.11:53: dig and nginx find the names too"),
            Option(("--mtu",), "the largest packet, in bytes", "BYTES"),
        ),
        least=1,
        most=1,
    ),
    "ls": Command(
        "network ls",
        "[OPTIONS]",
        "Lists the networks.",
        ls,
        (Option(("-q", "--quiet"), "only their names"),),
        most=0,
    ),
    "inspect": Command("network inspect", "NAME...", "Tells all about networks, as JSON.", inspect, least=1),
    "rm": Command("network rm", "NAME...", "Removes networks that no container is on.", rm, least=1),
}

COMMANDS = {
    "network": Command(
        "network",
        "COMMAND ...",
        "Networks for containers: create, ls, inspect, rm.",
        network,
        least=1,
        options_first=True,
        more="'minicontain network COMMAND --help' tells more.",
    ),
}
