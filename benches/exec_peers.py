"""What else executes a program in a running container: the OCI runtimes, and nsenter for the bare calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from measure import Block, Command, Measure, Unavailable, output_of
from prepare import BUILD, ROOTFS, ROOTFS_PAUSE

STATE = BUILD / "oci-state"
NAME = "minicontain-bench-exec"


class OciExec(Measure):
    """`RUNTIME exec` in a container that runs for as long as this is measured."""

    def __init__(self, runtime: str, *options: str) -> None:
        self.runtime = [runtime, "--root", str(STATE / runtime), *options]
        self.bundle = BUILD / f"bundle-{runtime}"
        self.command: Command | None = None

    def start(self) -> Command:
        self.bundle.mkdir(exist_ok=True)
        config = self.bundle / "config.json"
        config.unlink(missing_ok=True)  # spec refuses to overwrite
        output_of([self.runtime[0], "spec", "--bundle", str(self.bundle)])
        spec = json.loads(config.read_text())
        spec["process"].update(terminal=False, args=[ROOTFS_PAUSE])
        spec["root"]["path"] = str(ROOTFS)
        config.write_text(json.dumps(spec))
        subprocess.run([*self.runtime, "delete", "--force", NAME], check=False, capture_output=True)
        # With --detach it lives on; its streams must not be this command's pipes, which it would hold open.
        with open(BUILD / "oci-start.log", "w+b") as log:
            argv = [*self.runtime, "run", "--detach", "--bundle", str(self.bundle), NAME]
            done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
        if done.returncode != 0:
            raise Unavailable(said.splitlines()[-1] if said else f"exit status {done.returncode}")
        return Command(*self.runtime, "exec", NAME, "/bin/true")

    def block(self, runs: int) -> Block:
        self.command = self.command or self.start()
        return self.command.block(runs)

    def close(self) -> None:
        if self.command:
            subprocess.run([*self.runtime, "delete", "--force", NAME], check=False, capture_output=True)


class Nsenter(Measure):
    """nsenter into the namespaces of a sleeping process: no root file system, no rights are changed."""

    def __init__(self) -> None:
        self.target: subprocess.Popen | None = None

    def block(self, runs: int) -> Block:
        if self.target is None:
            flags = ["--user", "--map-root-user", "--mount", "--pid", "--uts", "--ipc", "--net", "--fork"]
            self.target = subprocess.Popen(["unshare", *flags, "sleep", "3600"], start_new_session=True)
        children = Path(f"/proc/{self.target.pid}/task/{self.target.pid}/children")
        for _ in range(1000):
            inside = children.read_text().split()
            if inside:
                break
        else:
            raise Unavailable("unshare made no child")
        return Command("nsenter", "--all", "--target", inside[0], "/bin/true").block(runs)

    def close(self) -> None:
        if self.target:
            os.killpg(self.target.pid, signal.SIGKILL)
            self.target.wait()
