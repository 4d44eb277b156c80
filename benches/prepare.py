"""Where things are, and what nothing can be measured without: the floor and a root file system."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from measure import output_of

BENCHES = Path(__file__).resolve().parent
REPOSITORY = BENCHES.parent
BUILD = BENCHES / "build"
ROOTFS = BUILD / "rootfs"
FLOOR = BUILD / "floor"
# The program, in it, of a container that others join.
ROOTFS_PAUSE = "/bin/pause"


def compile_c(output: Path, *arguments: str | os.PathLike) -> Path:
    """Compile and link with the warnings that the project's own C is held to."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    output_of([*compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", output, *arguments])
    return output


def build_floor() -> None:
    BUILD.mkdir(exist_ok=True)
    compile_c(FLOOR, "-std=c99", "-pthread", BENCHES / "floor.c")


def build_rootfs() -> None:
    """A root file system with nothing but /bin/true, /bin/pause and the mount points that runtimes expect."""
    for directory in ("bin", "dev", "proc", "sys", "tmp"):
        (ROOTFS / directory).mkdir(parents=True, exist_ok=True)
    compile_c(ROOTFS / "bin" / "true", "-static", "-nostdlib", BENCHES / "true.c")
    compile_c(ROOTFS / ROOTFS_PAUSE[1:], "-static", BENCHES / "pause.c")
