"""How well each feature of a container holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class Enforcement(Record):
    """How well one feature holds. True when it holds fully.

    >>> import minicontain
    >>> namespaces = minicontain.Plan(["true"]).enforced["namespaces"]
    >>> namespaces.state, namespaces.reason, bool(namespaces)
    ('enforced', '', True)
    """

    __slots__ = ("state", "reason")

    state: str
    """`enforced`, `partial` or `not_enforced`."""
    reason: str
    """Why it does not hold fully; empty where it does."""

    def __bool__(self) -> bool:
        return self.state == "enforced"

    def __str__(self) -> str:
        state = self.state.replace("_", " ")
        return f"{state}: {self.reason}" if self.reason else state


def from_plain(enforced: Mapping[str, Mapping[str, str]]) -> dict[str, Enforcement]:
    """From the engine's plain values."""
    return {feature: Enforcement(state["state"], state["reason"]) for feature, state in enforced.items()}
