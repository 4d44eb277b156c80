"""`doctor`: what this host can do for containers, and what to change where it cannot."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .doctor_cgroups import cgroups
from .doctor_networks import networks
from .finding import Finding, read, sysctl
from .parser import Command, Option

if TYPE_CHECKING:
    from .parser import Values

# System calls have these numbers on every architecture.
_CLONE3, _MOUNT_SETATTR, _LANDLOCK_CREATE_RULESET = 435, 442, 444
_ENOSYS, _EPERM = 38, 1


def doctor(values: Values, rest: list[str]) -> int:  # noqa: ARG001
    """`minicontain doctor`."""
    findings = examine()
    if values.get("json"):
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{'ok' if finding.ok else 'missing':<8} {finding.what}: {finding.found}")
            if not finding.ok and finding.change:
                print(f"         change: {finding.change}")
    return 1 if any(finding.needed and not finding.ok for finding in findings) else 0


def examine() -> list[Finding]:
    """Looks at this host as this user finds it. Changes nothing."""
    return [
        _kernel(),
        _user_namespaces(),
        _clone3(),
        _overlay(),
        _idmapped_mounts(),
        *cgroups(),
        _seccomp(),
        _landlock(),
        _memfd_exec(),
        *networks(),
        _state_directory(),
        _container(),
    ]


def _kernel() -> Finding:
    release = platform.release()
    numbers = release.replace("-", ".").split(".")
    version = tuple(int(number) if number.isdigit() else 0 for number in numbers[:2])
    return Finding(
        "kernel",
        version >= (5, 9),
        f"Linux {release} on {platform.machine()}",
        "use a kernel of 5.9 or newer, better 5.12",
        needed=True,
    )


def _user_namespaces() -> Finding:
    what = "user namespaces"
    forbidden = {
        "user.max_user_namespaces": "0",
        "kernel.unprivileged_userns_clone": "0",
        "kernel.apparmor_restrict_unprivileged_userns": "1",
    }
    wrong = [
        name
        for name, value in forbidden.items()
        if sysctl(name) == value and (os.geteuid() != 0 or name.startswith("user."))
    ]
    errno = _try_user_namespace()
    if errno == 0 and not wrong:
        outside = "nobody" if os.geteuid() == 0 else "this user"
        return Finding(what, True, f"root inside is {outside} outside", needed=True)
    if wrong:
        fixes = " ".join(f"{name}={1 if forbidden[name] == '0' else 0}" for name in wrong)
        fixes = fixes.replace("max_user_namespaces=1", "max_user_namespaces=65536")
        settings = " and ".join(f"{name}={forbidden[name]}" for name in wrong)
        found = f"forbidden by {settings}" if errno else f"made, but without rights, by {settings}"
        return Finding(
            what, False, f"{found}: this user cannot start containers", f"as root: sysctl -w {fixes}", True
        )
    change = "inside another container, let its seccomp profile and capabilities allow unshare(CLONE_NEWUSER)"
    return Finding(what, False, f"refused with errno {errno} ({os.strerror(errno)})", change, True)


def _try_user_namespace() -> int:
    """The errno of making a user namespace in a process of its own; 0 if that works."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os._exit(0 if libc.unshare(0x10000000) == 0 else min(ctypes.get_errno(), 255))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _clone3() -> Finding:
    # Without a structure, it can only fail: the question is how.
    errno = _errno_of(_CLONE3, 0, 0)
    return Finding(
        "clone3",
        errno not in (_ENOSYS, _EPERM),
        "a container's process is made by it"
        if errno not in (_ENOSYS, _EPERM)
        else "there is no such call, or a system call filter (of an outer container?) forbids it",
        "allow clone3 in the filter that this runs under",
        needed=True,
    )


def _overlay() -> Finding:
    modules = Path("/lib/modules") / platform.release()
    known = "\toverlay\n" in read("/proc/filesystems")
    loadable = any(modules.glob("kernel/fs/overlayfs/overlay.ko*"))
    if known:
        return Finding(
            "overlayfs", True, "what a program writes to the host's files goes to a throw-away layer"
        )
    if loadable and os.geteuid() == 0:
        return Finding("overlayfs", True, "a module, which is loaded when it is needed")
    return Finding(
        "overlayfs",
        False,
        "the host's files cannot be seen under a throw-away layer",
        "as root: modprobe overlay; or use --host-files /=read-only, or --rootfs",
    )


def _idmapped_mounts() -> Finding:
    errno = _errno_of(_MOUNT_SETATTR, -1, 0, 0, 0, 0)
    there = errno != _ENOSYS
    if there and os.geteuid() != 0:
        return Finding(
            "idmapped mounts", True, "the kernel has them, for root; this user's containers need none"
        )
    return Finding(
        "idmapped mounts",
        there,
        "volumes show the host's owners"
        if there
        else "volumes and --rootfs of root's containers cannot show the host's owners",
        "use a kernel of 5.12 or newer",
    )


def _seccomp() -> Finding:
    status = dict(
        line.split(":", 1) for line in read("/proc/self/status").splitlines() if line.startswith("Seccomp")
    )
    there = "Seccomp" in status
    found = "system calls can be filtered (this version does not yet)"
    if status.get("Seccomp", "").strip() == "2":
        found += "; this runs under a filter itself, which may forbid some of what containers need"
    return Finding(
        "seccomp", there, found if there else "not in this kernel", "build it with CONFIG_SECCOMP_FILTER"
    )


def _landlock() -> Finding:
    # With the flag LANDLOCK_CREATE_RULESET_VERSION, it tells the version and does nothing.
    version = _call(_LANDLOCK_CREATE_RULESET, 0, 0, 1)
    return Finding(
        "Landlock",
        version > 0,
        f"version {version} of its interface (this version does not use it yet)"
        if version > 0
        else "not in this kernel, or not switched on",
        "boot with lsm=landlock,... (CONFIG_SECURITY_LANDLOCK)",
    )


def _memfd_exec() -> Finding:
    value = sysctl("vm.memfd_noexec") or "0"
    return Finding(
        "programs in memory",
        value != "2",
        "init is executed from memory"
        if value != "2"
        else "vm.memfd_noexec=2: init cannot be executed from memory",
        "as root: sysctl -w vm.memfd_noexec=1; or use --no-init",
    )


def _state_directory() -> Finding:
    what = "state directory"
    if os.geteuid() == 0:
        there = os.access("/run", os.W_OK)
        found = "/run/minicontain" if there else "/run cannot be written: containers can have no names"
        return Finding(what, there, found, "mount a tmpfs at /run")
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    own = os.path.isabs(runtime) and os.path.isdir(runtime) and os.stat(runtime).st_uid == os.geteuid()
    found = (
        f"{runtime}/minicontain"
        if own
        else f"{runtime} is no directory of this user's: containers can have no names"
    )
    return Finding(what, own, found, "set XDG_RUNTIME_DIR to a directory of yours")


def _container() -> Finding:
    """The proof: a container with every default."""
    from ..errors import Error
    from ..process import run

    try:
        done = run(["true"], stdin=-3, timeout=20)
    except Error as error:
        message = " ".join(str(error).split())
        return Finding("a container", False, message, error.hint, needed=True)
    short = [
        f"{name}: {state}"
        for name, state in done.enforced.items()
        if state.state != "enforced" and name not in ("read_only", "seccomp")
    ]
    found = f"starts in {done.trace.setup * 1e3:.1f} ms"
    return Finding(
        "a container",
        done.returncode == 0,
        "; ".join([found, *short]) if done.returncode == 0 else f"'true' ended with {done.returncode}",
        needed=True,
    )


# Looking


def _call(number: int, *arguments: int) -> int:
    """What a system call answers: negative for an errno."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    answer: int = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return -ctypes.get_errno() if answer < 0 else answer


def _errno_of(number: int, *arguments: int) -> int:
    return max(0, -_call(number, *arguments))


COMMANDS = {
    "doctor": Command(
        "doctor",
        "[OPTIONS]",
        "Says what this host can do for containers, and what to change. Changes nothing.",
        doctor,
        (Option(("--json",), "as JSON"),),
        most=0,
        more="The exit status is 1 when no container can be started.",
    )
}
