"""What a link tells: its counters, and what was done to it."""

from __future__ import annotations

from ._record import Record


class LinkStatistics(Record):
    """What went through a link: `struct rtnl_link_stats64`, rtnetlink(7).

    >>> import minicontain
    >>> minicontain.Link.get("lo").statistics.rx_errors
    0
    """

    __slots__ = (
        "rx_bytes",
        "rx_packets",
        "rx_errors",
        "rx_dropped",
        "tx_bytes",
        "tx_packets",
        "tx_errors",
        "tx_dropped",
        "multicast",
        "collisions",
    )

    rx_bytes: int
    """Bytes received."""
    rx_packets: int
    """Packets received."""
    rx_errors: int
    """Packets that were received with an error."""
    rx_dropped: int
    """Packets received and dropped for want of room or of somebody to take them."""
    tx_bytes: int
    """Bytes sent."""
    tx_packets: int
    """Packets sent."""
    tx_errors: int
    """Packets that could not be sent for an error."""
    tx_dropped: int
    """Packets dropped on the way out."""
    multicast: int
    """Multicast packets received."""
    collisions: int
    """Collisions."""

    @classmethod
    def _of(cls, plain: dict[str, int]) -> LinkStatistics:
        return cls(*(plain[name] for name in cls.__slots__))


class Done(Record):
    """A change that was made to the network, or refused.

    >>> import minicontain
    >>> str(minicontain.Done("ip link set dev lo up", 15_000, 0))
    'ip link set dev lo up'
    """

    __slots__ = ("command", "ns", "errno")

    command: str
    """The shell command that does the same, and the namespace to run it in where that is another."""
    ns: int
    """How long the kernel took, in nanoseconds."""
    errno: int
    """The kernel's answer; 0 where it did it."""

    def __str__(self) -> str:
        return self.command
