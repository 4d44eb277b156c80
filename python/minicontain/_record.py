"""Plain data that does not change."""

from __future__ import annotations

from typing import ClassVar


class Record:
    """Named values, in the order of `__slots__`, that do not change. Equal when all values are.

    A subclass has those of its own, and then those of the class above it.
    """

    __slots__: tuple[str, ...] = ()
    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # What a subclass adds comes first.
        above = cls.__mro__[1]._names  # type: ignore[attr-defined]
        cls._names = (*cls.__slots__, *(name for name in above if name not in cls.__slots__))

    def __init__(self, *values: object) -> None:
        if len(values) != len(self._names):
            raise TypeError(f"{type(self).__name__} has {len(self._names)} values, not {len(values)}")
        for name, value in zip(self._names, values):
            object.__setattr__(self, name, value)

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._names)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} does not change")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names)
        return f"{type(self).__name__}({values})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._values()
