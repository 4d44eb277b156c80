"""What `doctor` finds, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str
    """What is there, and what that means."""
    change: str = ""
    """What to change, where something is missing."""
    needed: bool = False
    """Whether no container can be started without it."""


def read(path: str) -> str:
    """A file's text; empty where it cannot be read."""
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def sysctl(name: str) -> str:
    """A kernel setting; empty where there is none."""
    return read(f"/proc/sys/{name.replace('.', '/')}").strip()
