"""The benchmark's Python program: the same work as floor.c, through `import minicontain`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import contract
import minicontain


def prepare(options: argparse.Namespace) -> Callable[[], None]:
    """The function that makes one run."""
    fields: dict[str, object] = {"init": False} if options.no_init else {}
    if not options.defaults:
        # What the floor does not do is switched off.
        shared = {"time": "host"}
        shared.update({} if options.net else {"net": "host"})
        shared.update({} if options.user else {"user": "host"})
        ids = {"uidmap": ["0:0:1"], "gidmap": ["0:0:1"]} if options.user else {}
        fields = {
            "rootfs": options.root,
            "namespaces": shared,
            "loopback": False,
            "sys": False,
            "dev": False,
            "tmp": False,
            "masked_paths": [],
            "readonly_paths": [],
            "cap_add": ["ALL"],
            "no_new_privileges": False,
            "new_keyring": False,
            "start_new_session": False,
            "init": False,
            **ids,
        }

    def run() -> None:
        minicontain.run(["/bin/true"], check=True, **fields)

    if not options.planned:
        return run
    plan = minicontain.Plan(["/bin/true"], **fields)

    def run_planned() -> None:
        with plan.start() as container:
            if container.wait() != 0:
                raise SystemExit("/bin/true failed")

    return run_planned


if __name__ == "__main__":
    contract.main(prepare)
