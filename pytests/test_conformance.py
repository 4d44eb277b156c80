"""Rust, C and Python give the same result for the same spec: the scenarios of pytests/conformance.

A scenario has a `name`, a `spec`, what to `expect`, and may say what it is `about`, that it `needs_root`, its
`input` and its time (`timeout_ms`). `${...}` stands for what only the test knows: see the fixture `known`.

Covers: root and ordinary user (whoever runs the tests); no cgroups.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import PATIENCE, ROOT, make_busybox_root, static_busybox

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
SCENARIOS = {
    f"{file.stem}: {scenario['name']}": scenario
    for file in sorted((PROJECT / "pytests/conformance").glob("*.json"))
    for scenario in json.loads(file.read_text())
}
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
LIB_DIR = Path(os.environ.get("MINICONTAIN_LIB_DIR", TARGET / "release"))
# What `cargo test` builds beside the tests.
EXAMPLES_DIR = Path(os.environ.get("MINICONTAIN_EXAMPLES_DIR", TARGET / "debug/examples"))
FACES = ["rust", "c", "python"]
# What pytests/c/conformance.c does, in Python.
PYTHON_RUNNER = """\
import argparse, errno, json, signal, subprocess, sys
import minicontain

parser = argparse.ArgumentParser()
parser.add_argument("-i")
parser.add_argument("-t", type=int)
given = parser.parse_args()
text = sys.stdin.read()
inherited = [name for name in ("stdout", "stderr") if name not in json.loads(text)]
try:
    done = minicontain.run(
        minicontain.Spec.from_json(text),
        **dict.fromkeys(inherited, minicontain.PIPE),
        **({} if given.i is None else {"input": given.i}),
        timeout=None if given.t is None else given.t / 1000,
        encoding="utf-8",
        errors="replace",
    )
except minicontain.TimeoutExpired as late:
    done = late.result
except minicontain.Error as error:
    # What is EINVAL elsewhere is a ValueError in Python.
    number = errno.EINVAL if isinstance(error, ValueError) else error.errno
    print(json.dumps({
        "reason": None,
        "status": None,
        "signal": None,
        "stdout": "",
        "stderr": "",
        "error_code": error.code,
        "errno": errno.errorcode[number] if number else "",
        "step": -1 if getattr(error, "step_index", None) is None else error.step_index,
        "syscall": getattr(error, "syscall", None) or "",
        "path": getattr(error, "path", None) or "",
        "message": str(error),
        "hint": error.hint,
        "fields": [fault.field for fault in getattr(error, "faults", ())],
    }))
    sys.exit()
killed = done.returncode < 0
print(json.dumps({
    "reason": done.reason,
    "status": None if killed else done.returncode,
    "signal": -done.returncode if killed else None,
    "stdout": done.stdout or "",
    "stderr": done.stderr or "",
    "error_code": None,
}))
"""
Result = dict[str, Any]


@pytest.fixture(scope="module")
def runners(workshop: Path) -> dict[str, list[str] | str]:
    """For each face the command that runs a spec through it, or why there is none."""
    found: dict[str, list[str] | str] = {"python": [sys.executable, "-c", PYTHON_RUNNER]}
    rust = EXAMPLES_DIR / "conformance"
    found["rust"] = [str(rust)] if rust.exists() else "not built: cargo build -p minicontain --examples"
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        found["c"] = "there is no C compiler"
    elif not (LIB_DIR / "libminicontain.so").exists():
        found["c"] = "not built: cargo build --release -p minicontain-ffi"
    else:
        soname = workshop / "libminicontain.so.0"
        soname.symlink_to(LIB_DIR / "libminicontain.so")
        source, program = PROJECT / "pytests/c/conformance.c", workshop / "conformance"
        where = [f"-I{PROJECT / 'include'}", f"-Wl,-rpath,{workshop}", str(soname)]
        subprocess.run([compiler, str(source), "-o", str(program), *where], check=True, timeout=PATIENCE)
        found["c"] = [str(program)]
    return found


@pytest.fixture(scope="module")
def known(workshop: Path) -> dict[str, str]:
    """What stands for `${...}` in scenarios."""
    volume = workshop / "volume"
    volume.mkdir()
    volume.chmod(0o777)
    (volume / "greeting").write_text("hello\n")
    for name, text in [("bad-interpreter", "#!/no/such/interpreter\n"), ("bad-format", "\x00no program\n")]:
        (volume / name).write_text(text)
        (volume / name).chmod(0o755)
    kinds = ["user", "pid", "net", "uts", "time"]
    names = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}
    names |= {"volume": str(volume), "long": "x" * 200_000}
    busybox = static_busybox()
    if busybox is not None:
        names["root"] = str(make_busybox_root(workshop / "root", busybox))
    return names


def filled_in(value: Any, known: dict[str, str]) -> Any:
    """A scenario with what stands for `${...}` put in."""
    if isinstance(value, dict):
        return {name: filled_in(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner, known) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: known[match[1]], value)
    return value


@pytest.fixture(params=SCENARIOS)
def scenario(request: pytest.FixtureRequest, known: dict[str, str]) -> Iterator[dict[str, Any]]:
    found = dict(SCENARIOS[request.param])
    if found.get("needs_root") and not ROOT:
        pytest.skip(f"needs root: {found['about']}")
    if "root" not in known and "${root}" in json.dumps(found):
        pytest.skip("there is no static busybox")
    for part in ("spec", "expect"):
        found[part] = filled_in(found[part], known)
    yield found
    for made in ("answer", "never"):
        Path(known["volume"], made).unlink(missing_ok=True)


def run(command: list[str], scenario: dict[str, Any]) -> Result:
    options: list[str] = []
    if scenario.get("input") is not None:
        options += ["-i", scenario["input"]]
    if "timeout_ms" in scenario:
        options += ["-t", str(scenario["timeout_ms"])]
    environment = os.environ | {"MINICONTAIN_CONFORMANCE": "the-callers"}
    done = subprocess.run(
        [*command, *options],
        input=json.dumps(scenario["spec"]),
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    result: Result = json.loads(done.stdout)
    return result


def comparable(result: Result) -> Result:
    """A result without the place of a step: a runtime that ignores a signal has a step more to undo that."""
    if result["error_code"] is None:
        return result
    return result | {"step": result["step"] >= 0, "message": re.sub(r"step \d+", "step", result["message"])}


def unmet(expected: dict[str, Any], result: Result) -> list[str]:
    """What of the expectations does not hold."""
    wrong = []
    for name, value in expected.items():
        if name.endswith("_contains"):
            met = value in result.get(name[: -len("_contains")], "")
        elif name.endswith("_matches"):
            met = re.search(value, result[name[: -len("_matches")]]) is not None
        elif name in ("host_has", "host_has_not"):
            met = Path(value).exists() == (name == "host_has")
        else:
            met = name in result and result[name] == value
        if not met:
            wrong.append(f"{name}: {value!r}")
    return wrong


@pytest.mark.parametrize("face", FACES)
def test_result_is_as_expected(face: str, scenario: dict[str, Any], runners: dict[str, Any]) -> None:
    if isinstance(runners[face], str):
        pytest.skip(f"{face}: {runners[face]}")
    result = run(runners[face], scenario)
    if "error_code" not in scenario["expect"]:
        assert result["error_code"] is None, result
    assert not unmet(scenario["expect"], result), result


def test_result_is_the_same_through_every_face(scenario: dict[str, Any], runners: dict[str, Any]) -> None:
    built = {face: command for face, command in runners.items() if not isinstance(command, str)}
    if len(built) < 2:
        pytest.skip("fewer than two faces are built")
    results = {face: comparable(run(command, scenario)) for face, command in built.items()}
    different = {
        field: {face: result.get(field) for face, result in results.items()}
        for field in {field for result in results.values() for field in result}
        if len({json.dumps(result.get(field)) for result in results.values()}) > 1
    }
    assert not different


def test_names_are_told_once() -> None:
    assert len(SCENARIOS) == sum(
        len(json.loads(f.read_text())) for f in (PROJECT / "pytests/conformance").glob("*.json")
    )


def test_an_expectation_that_does_not_hold_is_found() -> None:
    result = {"status": 0, "stdout": "hello\n", "error_code": None}
    assert not unmet(
        {"status": 0, "stdout_contains": "hell", "stdout_matches": "^h", "host_has": "/"}, result
    )
    for expected in (
        {"status": 1},
        {"stdout_contains": "x"},
        {"stdout_matches": "^o"},
        {"host_has_not": "/"},
        {"path": "/"},
    ):
        assert len(unmet(expected, result)) == 1
