"""What else runs programs with limits, or in running containers: OCI runtimes; nsenter, for bare calls."""

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


def write_bundle(runtime: str, bundle: Path, program: str, limits: dict[str, dict] | None = None) -> None:
    """The runtime's own default configuration, without a terminal."""
    bundle.mkdir(exist_ok=True)
    config = bundle / "config.json"
    config.unlink(missing_ok=True)  # spec refuses to overwrite
    output_of([runtime, "spec", "--bundle", str(bundle)])
    spec = json.loads(config.read_text())
    spec["process"].update(terminal=False, args=[program])
    spec["root"]["path"] = str(ROOTFS)
    spec["linux"].setdefault("resources", {}).update(limits or {})
    config.write_text(json.dumps(spec))


def oci_run(runtime: str, limits: dict[str, dict]) -> Command:
    """`RUNTIME run` with these limits."""
    name = f"minicontain-bench-{'-'.join(limits) or 'plain'}"
    bundle = BUILD / f"bundle-{runtime}-{name}"
    write_bundle(runtime, bundle, "/bin/true", limits)
    return Command(runtime, "--root", str(STATE / runtime), "run", "--bundle", str(bundle), name)


class OciExec(Measure):
    """`RUNTIME exec` in a container that runs for as long as this is measured."""

    def __init__(self, runtime: str, *options: str) -> None:
        self.runtime = [runtime, "--root", str(STATE / runtime), *options]
        self.bundle = BUILD / f"bundle-{runtime}"
        self.command: Command | None = None

    def start(self) -> Command:
        write_bundle(self.runtime[0], self.bundle, ROOTFS_PAUSE)
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
