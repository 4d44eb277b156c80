"""Where a container is reached."""

from __future__ import annotations

from ._running import Running


class Addressed(Running):
    """What `Container` has for its addresses."""

    @property
    def addresses(self) -> dict[str, list[str]]:
        """Its addresses as the kernel has them now, by interface, each with the length of its prefix.

        The loopback's are left out. Empty where it is on no network, or on the caller's own. Raises
        `StateError` before the start and after the end.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet="10.16.9.0/24") as network:
        ...     with minicontain.Container(["sleep", "9"], network=network) as container:
        ...         container.addresses
        {'eth0': ['10.16.9.2/24']}
        """
        found: dict[str, list[str]] = {}
        for link, address in self._open().addresses():
            found.setdefault(link, []).append(address)
        return found

    @property
    def ip(self) -> str | None:
        """Its address on its first network; None where it has none of its own.

        Raises as `addresses`.

        >>> import minicontain
        >>> with minicontain.Network("example", subnet="10.16.9.0/24") as network:
        ...     with minicontain.Container(["sleep", "9"], network="example:ip=10.16.9.7") as container:
        ...         container.ip
        '10.16.9.7'
        """
        first = next(iter(self._open().addresses()), None)
        return None if first is None else first[1].partition("/")[0]
