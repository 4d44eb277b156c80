"""What the parts of a container have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import _native


class Running:
    """A container that may have been started."""

    args: Any

    def _started(self) -> _native.Container:
        raise NotImplementedError

    def _open(self) -> _native.Container:
        """The engine's container. Raises `StateError` before the start, and once it was closed."""
        raise NotImplementedError

    def poll(self) -> int | None:
        """Looks whether it has ended."""
        raise NotImplementedError

    def wait(self, timeout: float | None = None) -> int:
        """Waits until it has ended."""
        raise NotImplementedError
