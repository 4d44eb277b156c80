"""What is wanted, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _native

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .fields import Args, Streams


class Spec:
    r"""A container as data: what to run, and what it may see and do. It does not change.

    It takes every field of a container by name: `help(minicontain.fields)` tells of each. All but `args` have
    a default, and the defaults are the safe ones. Whatever takes `args` takes a `Spec` as well, and then its
    other parameters are changes to it.

    Raises `SpecError` with every fault at once.

    >>> import minicontain
    >>> spec = minicontain.Spec(["hostname"], hostname="box")
    >>> spec
    Spec(args=['hostname'], hostname='box')
    >>> minicontain.run(spec, hostname="other", capture_output=True).stdout
    b'other\n'
    """

    __slots__ = ("_native",)

    def __init__(self, args: Args, **fields: Unpack[Streams]) -> None:
        from ._arguments import spec_fields

        self._native = _native.Spec(spec_fields(args, dict(fields)))

    @classmethod
    def _of(cls, native: _native.Spec) -> Self:
        spec = cls.__new__(cls)
        spec._native = native
        return spec

    @classmethod
    def from_json(cls, json: str) -> Self:
        """Reads a spec from a JSON object. Raises `SpecError`, also for a field that does not exist.

        >>> import minicontain
        >>> minicontain.Spec.from_json('{"args": ["true"], "read_only": true}')
        Spec(args=['true'], read_only=True)
        """
        return cls._of(_native.Spec.from_json(json))

    def to_json(self) -> str:
        """The spec as a JSON object, every field written out.

        >>> import minicontain
        >>> spec = minicontain.Spec(["true"])
        >>> minicontain.Spec.from_json(spec.to_json()) == spec
        True
        """
        return self._native.to_json()

    @property
    def fields(self) -> dict[str, Any]:
        """Every field as a plain Python value, in a new dict.

        >>> import minicontain
        >>> minicontain.Spec(["true"]).fields["umask"]
        18
        """
        return self._native.fields()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spec):
            return NotImplemented
        return self._native == other._native

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        plain = _native.Spec({"args": ["-"]}).fields()
        shown = {name: value for name, value in self.fields.items() if name == "args" or value != plain[name]}
        for name, value in shown.items():
            if isinstance(value, dict):
                shown[name] = {key: value[key] for key in value if value[key] != plain[name].get(key, ...)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_json, (self.to_json(),)
