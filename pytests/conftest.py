"""What holds for every test: it leaves nothing behind, and a skip says why and is counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import minicontain
import pytest
from support import ROOT, Caller, belongings, find_caller, left_since, public_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "root_only(reason): this needs root, because of the reason")


def pytest_sessionstart() -> None:
    # The library keeps one descriptor, of its init, from the first container on.
    minicontain.run(["true"])


def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("root_only")
    if marker is not None and not ROOT:
        pytest.skip(f"needs root: {marker.args[0]}")


@pytest.fixture(scope="session", autouse=True)
def state_directory() -> Iterator[None]:
    """An ordinary user's containers are kept in a directory that a login makes; here there may be none."""
    if ROOT:
        yield
        return
    with pytest.MonkeyPatch.context() as patch, public_directory() as path:
        path.chmod(0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(path))
        yield


@pytest.fixture(scope="session", autouse=True)
def init_is_made() -> None:
    """The first container of a process makes a file of init, which the process keeps."""
    minicontain.run(["true"])


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Mounts, cgroups, links, processes, descriptors and state files are after a test what they were."""
    before = belongings()
    yield
    left = left_since(before)
    if left:
        pytest.fail("the test left behind:\n" + "\n".join(left), pytrace=False)


@pytest.fixture(params=["root", "ordinary user"])
def caller(request: pytest.FixtureRequest) -> Caller:
    """Root, and then somebody who is not."""
    found = find_caller(request.param)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="module")
def workshop() -> Iterator[Path]:
    """A directory that every user can read."""
    with public_directory() as path:
        yield path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    terminalreporter.write_line(f"skipped: {sum(reasons.values())}")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"  {count} x {reason}")
