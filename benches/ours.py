"""minicontain itself, through its three faces.

Each face has one program, with floor.c's command line and answer and three flags more:

    PROGRAM [--net] [--user] [--defaults [--no-init]] [--planned] [--rss MIB] [--threads T] [--repeat]
            ROOTDIR N

Without --defaults it does the floor's work and no more: the namespaces that floor.c makes, ROOTDIR as root,
/proc, /bin/true; every default (user mapping, seccomp, capabilities, limits, masked paths) is switched off by
name. With --defaults, ROOTDIR is ignored and a run is `minicontain.run(["/bin/true"])`,
or with `init=False` as well. A run plans, starts, waits and frees; with --planned it executes a plan that
was made before the clock ran, as floor.c does.

The first run of each thread is not counted. A failed run ends the program with a status other than 0 and the
reason as the last line on stderr. Nothing but the answer is written to stdout.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from measure import Absent, Command, Measure, Program, Unavailable, output_of
from prepare import BENCHES, BUILD, REPOSITORY, ROOTFS, compile_c

RUST_SOURCE = REPOSITORY / "core" / "examples" / "bench.rs"
C_SOURCE = BENCHES / "c" / "run.c"
PYTHON_SOURCE = BENCHES / "python" / "run.py"
LIBRARIES = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release"


@functools.cache
def missing() -> dict[str, str]:
    """Build what there is a source of, once; why a face cannot be measured, by its name."""
    reasons = {}
    for name, build in {"rust": build_rust, "c": build_c, "python": check_python}.items():
        try:
            build()
        except Unavailable as why:
            reasons[name] = f"not built: {why}"
    return reasons


def build_rust() -> None:
    if not RUST_SOURCE.exists():
        raise Unavailable(f"no {RUST_SOURCE.relative_to(REPOSITORY)}")
    manifest = REPOSITORY / "Cargo.toml"
    output_of(["cargo", "build", "--quiet", "--release", "--manifest-path", manifest, "-p", "minicontain",
               "--example", "bench"])  # fmt: skip
    shutil.copy2(LIBRARIES / "examples" / "bench", BUILD / "rust")


def build_c() -> None:
    if not C_SOURCE.exists():
        raise Unavailable(f"no {C_SOURCE.relative_to(REPOSITORY)}")
    if not (LIBRARIES / "libminicontain.so").exists():
        raise Unavailable("no libminicontain.so: build the C library with cargo build --release first")
    # The shared library, as an embedding program has it, under the name that its soname says.
    shutil.copy2(LIBRARIES / "libminicontain.so", BUILD / "libminicontain.so.0")
    compile_c(BUILD / "c", "-std=c99", "-pthread", f"-I{REPOSITORY / 'include'}", C_SOURCE,
              f"-L{BUILD}", f"-Wl,-rpath,{BUILD}", "-l:libminicontain.so.0")  # fmt: skip


def check_python() -> None:
    """Nothing to build: the module has to be installed in the environment that runs the harness."""
    if importlib.util.find_spec("minicontain") is None:
        raise Unavailable("no module minicontain")
    if not PYTHON_SOURCE.exists():
        raise Unavailable(f"no {PYTHON_SOURCE.relative_to(REPOSITORY)}")


def rust(*flags: str) -> Measure:
    return face("rust", BUILD / "rust", *flags)


def c(*flags: str) -> Measure:
    return face("c", BUILD / "c", *flags)


def python(*flags: str) -> Measure:
    return face("python", sys.executable, PYTHON_SOURCE, *flags)


FACES = {"rust": rust, "c": c, "python": python}


def face(name: str, *argv: str | os.PathLike) -> Measure:
    return Absent(missing()[name]) if name in missing() else Program(*argv, root=ROOTFS)


def import_module() -> Measure:
    if importlib.util.find_spec("minicontain") is None:
        return Absent("not built: no module minicontain")
    return python_statement("import minicontain")


def python_statement(statement: str) -> Measure:
    """A whole Python process that does only this. Isolated: neither cwd nor user settings play a part."""
    return Command(sys.executable, "-I", "-c", statement)
