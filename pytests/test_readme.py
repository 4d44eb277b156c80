"""The README's Python, run as it stands, twice: nothing of the first run is in the way of the second.

Covers: root.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import PATIENCE, why_no_cgroup

README = Path(__file__).parent.parent / "README.md"
IMPORTS = "import os, socket, subprocess, urllib.request, minicontain\n"
SNIPPETS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)

pytestmark = [
    pytest.mark.root_only("networks of the host, and namespaces that have a name"),
    pytest.mark.skipif(
        bool(why_no_cgroup()) or not all(map(shutil.which, ("nft", "ping", "ip"))),
        reason="it takes cgroups, nft, ping and ip",
    ),
]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.split("\n")[0][:40])
def test_a_snippet(snippet, tmp_path):
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS + snippet],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
