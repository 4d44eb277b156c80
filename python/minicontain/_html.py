"""Tables for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CELL = "text-align:left;vertical-align:top;padding:1px 10px 1px 0"
_CODE = f"{_CELL};font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere"


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, code: Sequence[int] = ()
) -> str:
    """A small table; the columns whose numbers are in `code` are in the type of programs."""

    def cell(number: int, content: object) -> str:
        return f'<td style="{_CODE if number in code else _CELL}">{escape(str(content))}</td>'

    titles = "".join(f'<th style="{_CELL}">{escape(title)}</th>' for title in head)
    lines = "".join(f"<tr>{''.join(cell(n, content) for n, content in enumerate(row))}</tr>" for row in rows)
    return (
        f'<table style="font-size:small"><caption style="text-align:left">{escape(caption)}</caption>'
        f"{f'<thead><tr>{titles}</tr></thead>' if head else ''}<tbody>{lines}</tbody></table>"
    )
