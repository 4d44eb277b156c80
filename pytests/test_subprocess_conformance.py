"""CPython's own tests of subprocess, run on this package's Popen, run, call, check_call and check_output.

The walls are thin here: environment, working directory, user and files are the caller's, so that what is
judged is the interface. Everything else is as it is by default for root; for an ordinary user, who may not
make namespaces without a user namespace, all namespaces are the caller's.

Covers: root and ordinary user. Needs the module test.test_subprocess, which not every Python has.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
import types
import unittest
from collections import Counter
from typing import Any

import minicontain
import pytest
from support import ROOT

KINDS = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")
# A test waits for `pid` with waitpid(2): of a PID namespace with an init, that is not the caller's child.
SHARED = ("user", "pid") if ROOT else KINDS
THIN: dict[str, Any] = {
    "namespaces": dict.fromkeys(SHARED, "host"),
    "cap_add": ["ALL"],
    **({"host_files": {"/": "full"}, "tmp": False} if ROOT else {}),
}

NO_PREEXEC = "preexec_fn: no Python runs between clone and execve"
INTERNALS = "mocks what CPython's own way of making a process calls"
EXCLUDED = {
    "POSIXProcessTestCase.test_close_fds_after_preexec": NO_PREEXEC,
    "POSIXProcessTestCase.test_preexec": NO_PREEXEC,
    "POSIXProcessTestCase.test_preexec_errpipe_does_not_double_close_pipes": NO_PREEXEC,
    "POSIXProcessTestCase.test_preexec_exception": NO_PREEXEC,
    "POSIXProcessTestCase.test_preexec_fork_failure": NO_PREEXEC,
    "POSIXProcessTestCase.test_preexec_gc_module_failure": NO_PREEXEC,
    "POSIXProcessTestCase.test_surrogates_error_message": NO_PREEXEC,
    "ProcessTestCase.test__use_vfork": INTERNALS,
    "POSIXProcessTestCase.test__use_vfork": INTERNALS,
    "POSIXProcessTestCase.test_exception_errpipe_bad_data": INTERNALS,
    "POSIXProcessTestCase.test_exception_errpipe_normal": INTERNALS,
    "POSIXProcessTestCase.test_stopped": INTERNALS,
    "POSIXProcessTestCase.test_fork_exec": "calls _posixsubprocess itself",
    "POSIXProcessTestCase.test_fork_exec_sorted_fd_sanity_check": "calls _posixsubprocess itself",
    "MiscTests.test_call_keyboardinterrupt_no_kill": "call and run are not made of Popen, and kill at Ctrl-C",
    "MiscTests.test_run_keyboardinterrupt_no_kill": "call and run are not made of Popen, and kill at Ctrl-C",
    "MiscTests.test__all__": "about the module subprocess itself",
    "POSIXProcessTestCase.test_restore_signals": "signals always start as the system has them",
    "POSIXProcessTestCase.test_undecodable_env": "a spec is JSON, and so UTF-8",
}
CLASSES = {
    "Win32ProcessTestCase": "about Windows",
    "CommandsWithSpaces": "about Windows",
    "ProcessTestCaseNoPoll": "the tests of ProcessTestCase again with another selector of CPython's own",
}


def thinned(options: dict[str, Any]) -> dict[str, Any]:
    """What a test asks for, with thin walls."""
    given = {**THIN, **options}
    if given.get("env") is None:
        given["env"] = dict(os.environ)
    if given.get("cwd") is None:
        given["cwd"] = os.getcwd()
    return given


class Popen(minicontain.Popen):
    def __init__(self, args, *more, **options):
        super().__init__(args, *more, **thinned(options))


def thin(function):
    @functools.wraps(function)
    def wrapper(*args, **options):
        return function(*args, **thinned(options))

    return wrapper


def stand_in() -> types.ModuleType:
    """The module subprocess with the names that this package has."""
    module = types.ModuleType("subprocess")
    vars(module).update(vars(subprocess))
    for name in ("CalledProcessError", "CompletedProcess", "TimeoutExpired"):
        setattr(module, name, getattr(minicontain, name))
    for name in ("run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"):
        setattr(module, name, thin(getattr(minicontain, name)))
    module.Popen = Popen
    return module


def load() -> types.ModuleType | str:
    """CPython's tests with `subprocess` replaced, or why they are not there."""
    try:
        spec = importlib.util.find_spec("test.test_subprocess")
    except ImportError:
        spec = None
    if spec is None or spec.loader is None:
        return f"this Python ({sys.executable}) has no module test.test_subprocess"
    # Once as it is: what it imports gets the real subprocess.
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    module = importlib.util.module_from_spec(spec)
    sys.modules["subprocess"] = stand_in()
    try:
        spec.loader.exec_module(module)
    finally:
        sys.modules["subprocess"] = subprocess
    return module


LOADED = load()
FOUND = (
    {}
    if isinstance(LOADED, str)
    else {
        f"{kind.__name__}.{name}": (kind, name)
        for kind in vars(LOADED).values()
        if isinstance(kind, type) and issubclass(kind, unittest.TestCase)
        for name in unittest.defaultTestLoader.getTestCaseNames(kind)
    }
)


@pytest.mark.skipif(isinstance(LOADED, str), reason=str(LOADED))
@pytest.mark.parametrize("name", FOUND or ["none"])
def test_what_cpython_expects(name):
    kind, method = FOUND[name]
    if kind.__name__ in CLASSES:
        pytest.skip(f"CPython's {kind.__name__}: {CLASSES[kind.__name__]}")
    if name in EXCLUDED:
        pytest.skip(f"CPython's test does not apply: {EXCLUDED[name]}")
    result = unittest.TestResult()
    unittest.TestSuite([kind(method)]).run(result)
    for _, report in (*result.errors, *result.failures):
        pytest.fail(report, pytrace=False)
    for _, reason in result.skipped:
        pytest.skip(f"CPython skips it: {reason}")


@pytest.mark.skipif(isinstance(LOADED, str), reason=str(LOADED))
def test_most_of_cpythons_tests_apply():
    classes = Counter(kind.__name__ for kind, _ in FOUND.values())
    judged = sum(count for name, count in classes.items() if name not in CLASSES)
    excluded = len(FOUND.keys() & EXCLUDED.keys())
    print(f"\nCPython has {judged} tests of subprocess for this system; {excluded} do not apply")
    assert judged > 150
    assert excluded < judged / 8
