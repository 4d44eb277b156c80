"""What can go wrong.

Every exception here is an `Error`, has a stable `code` and a `hint`, and is also the built-in exception that
code written for `subprocess` catches.
"""

from __future__ import annotations

import errno as _errno
import os
from typing import TYPE_CHECKING, Any

from ._record import Record

if TYPE_CHECKING:
    from .trace import Trace


class Fault(Record):
    """What is wrong with one field of a spec.

    >>> import minicontain
    >>> try:
    ...     minicontain.Spec(["true"], hostnme="box")
    ... except minicontain.SpecError as error:
    ...     print(error.faults[0])
    hostnme: no such field (did you mean 'hostname'?)
    """

    __slots__ = ("field", "problem", "fix")

    field: str
    """The field's name; empty for the spec as a whole."""
    problem: str
    """What is wrong."""
    fix: str
    """What to do about it."""

    def __str__(self) -> str:
        return f"{self.field}: {self.problem} ({self.fix})" if self.field else f"{self.problem} ({self.fix})"


class Error(Exception):
    """Anything that this package raises.

    >>> import minicontain
    >>> try:
    ...     minicontain.run(["no-such-program"])
    ... except minicontain.Error as error:
    ...     error.code
    'program_not_found'
    """

    code: str = "error"
    """What kind of error it is: a name that never changes."""
    hint: str = ""
    """What to do about it; empty where nothing is known."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


class SpecError(Error, ValueError):
    """What is wanted cannot be. Nothing was touched. Names every fault at once.

    >>> import minicontain
    >>> try:
    ...     minicontain.Spec([], hostname="no spaces")
    ... except minicontain.SpecError as error:
    ...     [fault.field for fault in error.faults]
    ['args', 'hostname']
    """

    code = "invalid_spec"
    faults: tuple[Fault, ...] = ()
    """Every fault that was found."""

    def __init__(self, message: str = "", faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message or "; ".join(map(str, faults)))
        self.faults = faults
        self.hint = faults[0].fix if faults else ""


class StateError(Error, RuntimeError):
    """The container is not in a state for this: not started, started already, paused, or ended.

    >>> import minicontain
    >>> with minicontain.Container(["sleep", "9"]) as container:
    ...     try:
    ...         container.start()
    ...     except minicontain.StateError as error:
    ...         print(error)
    the container was started already; make another one to run it again
    """

    code = "wrong_state"


class _SystemError(Error, OSError):
    """An error that tells of the kernel's answer."""

    _message = ""

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> tuple[Any, ...]:
        args = self.args if self.filename is None else (*self.args, self.filename)
        return _restore, (type(self), args, self.__dict__)


class StartError(_SystemError):
    """A container could not be started. Nothing of it is left.

    It is also a `FileNotFoundError`, `PermissionError` or `NotADirectoryError` where `errno` says so.

    >>> import minicontain
    >>> try:
    ...     minicontain.run(["true"], cwd="/no/such/directory")
    ... except FileNotFoundError as error:
    ...     error.code, error.syscall, error.filename
    ('cwd_not_found', 'chdir', '/no/such/directory')
    """

    code = "step_failed"
    reason: str = "start_failed"
    """`exec_failed` where all was ready but the program could not be executed, else `start_failed`."""
    step: str | None = None
    """Why the step that failed is there; None where it was not a step that failed."""
    step_index: int | None = None
    """The place of that step in the plan, from 0."""
    syscall: str | None = None
    """The system call that failed."""
    arguments: str | None = None
    """Its arguments as a person would read them."""
    path: str | None = None
    """The path at fault, where there is one; `filename` has the program's name as it was given."""
    trace: Trace | None = None
    """What was done until then, where something was."""


class StartFileNotFoundError(StartError, FileNotFoundError):
    """A `StartError` for `ENOENT`: the program, the working directory or a volume's source is not there.

    >>> import minicontain
    >>> try:
    ...     minicontain.run(["no-such-program"])
    ... except FileNotFoundError as error:
    ...     type(error).__name__, error.filename, error.reason
    ('StartFileNotFoundError', 'no-such-program', 'exec_failed')
    """


class StartPermissionError(StartError, PermissionError):
    """A `StartError` for `EACCES` or `EPERM`.

    >>> import minicontain
    >>> try:
    ...     minicontain.run(["/etc/passwd"])
    ... except PermissionError as error:
    ...     type(error).__name__, error.filename
    ('StartPermissionError', '/etc/passwd')
    """


class StartNotADirectoryError(StartError, NotADirectoryError):
    """A `StartError` for `ENOTDIR`.

    >>> import minicontain
    >>> try:
    ...     minicontain.run(["true"], cwd="/etc/passwd")
    ... except NotADirectoryError as error:
    ...     type(error).__name__, error.filename
    ('StartNotADirectoryError', '/etc/passwd')
    """


class NameTakenError(StartError, FileExistsError):
    """There is a container of that name already.

    >>> import minicontain
    >>> with minicontain.Container(["sleep", "9"], name="example-taken"):
    ...     try:
    ...         minicontain.run(["true"], name="example-taken")
    ...     except minicontain.NameTakenError as error:
    ...         error.code
    'name_taken'
    """


class NoSuchContainerError(StateError, LookupError):
    """There is no container of that name.

    >>> import minicontain
    >>> try:
    ...     minicontain.remove("no-such-container")
    ... except minicontain.NoSuchContainerError as error:
    ...     print(error.code)
    no_such_container
    """

    code = "no_such_container"


class NoSuchCgroupError(StateError, LookupError):
    """There is no such cgroup, or no such file in it: it was never there, or was removed.

    >>> import minicontain
    >>> try:
    ...     minicontain.Cgroup.open("no-such-cgroup")
    ... except minicontain.NoSuchCgroupError as error:
    ...     print(error.code)
    cgroup_not_found
    """

    code = "cgroup_not_found"


class CgroupError(_SystemError):
    """A cgroup could not be made, or a call on it failed.

    It is also a `PermissionError` or a `FileExistsError` where `code` is `permission_denied` or `name_taken`;
    `not_enforced` is a limit that cannot be held here.

    >>> import minicontain
    >>> issubclass(minicontain.CgroupError, OSError)
    True
    """

    code = "io"


class CgroupPermissionError(CgroupError, PermissionError):
    """A cgroup that the caller may not have, or change."""


class CgroupExistsError(CgroupError, FileExistsError):
    """A cgroup that is there already."""


class NamespaceError(_SystemError):
    """A namespace could not be made, looked at or gone into, or no process made in one.

    It is also a `PermissionError` or a `FileExistsError` where `code` tells so (`permission_denied`,
    `user_namespace_forbidden`; `name_taken`). `hint` names the way that works, where there is one.

    >>> import minicontain
    >>> try:
    ...     minicontain.Namespace.new("pid")
    ... except minicontain.NamespaceError as error:
    ...     error.code, "first process" in error.hint
    ('not_supported', True)
    """

    code = "step_failed"


class NoSuchNamespaceError(NamespaceError, FileNotFoundError, LookupError):
    """There is no such namespace: no process or name of it, or the file or descriptor stands for none.

    >>> import minicontain
    >>> try:
    ...     minicontain.Namespace.open("/dev/null")
    ... except minicontain.NoSuchNamespaceError as error:
    ...     print(error.code)
    namespace_not_found
    """

    code = "namespace_not_found"


class NamespacePermissionError(NamespaceError, PermissionError):
    """What the caller may not do to a namespace."""


class NamespaceExistsError(NamespaceError, FileExistsError):
    """A name that another namespace has."""


class NetworkError(_SystemError):
    """A link, route or network could not be made, looked at or changed.

    It is also a `PermissionError` or a `FileExistsError` where `code` tells so (`permission_denied`;
    `link_exists`, `name_taken`). `address_in_use` is an address, a subnet, a port or a route that is there
    already, `forwarding_off` a host that does not forward packets, `cni_failed` what a CNI plugin says.
    Its text has the shell command that would have done the same.

    >>> import minicontain
    >>> issubclass(minicontain.NetworkError, OSError)
    True
    """

    code = "io"


class NoSuchLinkError(NetworkError, FileNotFoundError, LookupError):
    """There is no such link in that network namespace: it was deleted, renamed or moved, or never there.

    >>> import minicontain
    >>> try:
    ...     minicontain.Link.get("no-such-link")
    ... except minicontain.NoSuchLinkError as error:
    ...     print(error.code)
    link_not_found
    """

    code = "link_not_found"


class NoSuchNetworkError(NetworkError, FileNotFoundError, LookupError):
    """There is no network of that name, or no file of CNI that has it.

    >>> import minicontain
    >>> try:
    ...     minicontain.Network.open("no-such-network")
    ... except minicontain.NoSuchNetworkError as error:
    ...     print(error.code)
    network_not_found
    """

    code = "network_not_found"


class NetworkPermissionError(NetworkError, PermissionError):
    """What the caller may not do to a link or a network."""


class NetworkFileNotFoundError(NetworkError, FileNotFoundError):
    """A file or directory that is missing: a configuration of CNI, or the place for this user's state."""


class NetworkExistsError(NetworkError, FileExistsError):
    """A name that another link or network has."""


class ContainerError(_SystemError):
    """A call on a running container failed: its status was lost, or a pipe could not be read.

    >>> import minicontain
    >>> issubclass(minicontain.ContainerError, OSError)
    True
    """

    code = "io"


class ContainerFileNotFoundError(ContainerError, FileNotFoundError):
    """A file that is not in the container."""


class ContainerPermissionError(ContainerError, PermissionError):
    """A file that may not be touched."""


class ContainerIsADirectoryError(ContainerError, IsADirectoryError):
    """A directory where a file is asked for."""


class ContainerNotADirectoryError(ContainerError, NotADirectoryError):
    """A file where a directory is asked for."""


_BY_ERRNO: dict[int, type[StartError]] = {
    _errno.ENOENT: StartFileNotFoundError,
    _errno.EACCES: StartPermissionError,
    _errno.EPERM: StartPermissionError,
    _errno.ENOTDIR: StartNotADirectoryError,
}
_FILES: dict[int, type[ContainerError]] = {
    _errno.ENOENT: ContainerFileNotFoundError,
    _errno.EACCES: ContainerPermissionError,
    _errno.EPERM: ContainerPermissionError,
    _errno.EISDIR: ContainerIsADirectoryError,
    _errno.ENOTDIR: ContainerNotADirectoryError,
}
_CGROUPS: dict[str, type[CgroupError]] = {
    "name_taken": CgroupExistsError,
    "permission_denied": CgroupPermissionError,
}
_NAMESPACES: dict[str, type[NamespaceError]] = {
    "name_taken": NamespaceExistsError,
    "namespace_not_found": NoSuchNamespaceError,
    "permission_denied": NamespacePermissionError,
    "user_namespace_forbidden": NamespacePermissionError,
}
_NETWORKS: dict[str, type[NetworkError]] = {
    "link_exists": NetworkExistsError,
    "link_not_found": NoSuchLinkError,
    "name_taken": NetworkExistsError,
    "network_not_found": NoSuchNetworkError,
    "permission_denied": NetworkPermissionError,
    "source_not_found": NetworkFileNotFoundError,
    "user_namespace_forbidden": NetworkPermissionError,
}
_STATES: dict[str, type[StateError]] = {
    "cgroup_not_found": NoSuchCgroupError,
    "ended": StateError,
    "no_such_container": NoSuchContainerError,
    "paused": StateError,
    "still_runs": StateError,
}
_EXEC_FAILED = {"program_not_found", "program_not_executable", "interpreter_not_found", "wrong_format"}


def exception(details: dict[str, Any]) -> Error:
    """The exception for what the engine reports."""
    number: int | None = details["errno"]
    code: str = details["code"]
    if "faults" in details:
        return SpecError(details["message"], tuple(Fault(*fault) for fault in details["faults"]))
    # That a status was lost is the kernel's answer, and no state that the caller could have known.
    if code in _STATES and not (code == "ended" and details["running"] and number is not None):
        state = _STATES[code](details["message"])
        state.code, state.hint = code, details["hint"]
        return state
    kind: type[_SystemError] = StartError
    if details["in_cgroup"]:
        kind = _CGROUPS.get(code, CgroupError)
    elif details["in_namespace"]:
        kind = _NAMESPACES.get(code, NamespaceError)
    elif code == "namespace_not_found" and details["in_network"]:
        kind = NoSuchNamespaceError
    elif details["in_network"]:
        kind = _NETWORKS.get(code, NetworkError)
    elif code == "name_taken":
        number, kind = _errno.EEXIST, NameTakenError
    elif details["running"]:
        kind = ContainerError if details.get("path") is None else _FILES.get(number or 0, ContainerError)
    elif number is not None:
        kind = _BY_ERRNO.get(number, StartError)
    failed_exec = code in _EXEC_FAILED
    filename = details.get("program") if failed_exec else details.get("path")
    error = kind() if number is None else kind(number, os.strerror(number), *([filename] if filename else []))
    error._message = details["message"]
    error.code = code
    error.hint = details["hint"]
    if isinstance(error, StartError):
        _add_step(error, details)
        if failed_exec:
            error.reason = "exec_failed"
    return error


def _add_step(error: StartError, details: dict[str, Any]) -> None:
    for name in ("step", "step_index", "syscall", "arguments", "path"):
        if name in details:
            setattr(error, name, details[name])
    if "trace" in details:
        from .trace import Trace

        error.trace = Trace(details["trace"])


def fault(field: str, problem: str, fix: str) -> SpecError:
    """The exception for a field that is wrong in a way which the engine cannot see."""
    return SpecError(faults=(Fault(field, problem, fix),))


class TooLargeError(SpecError, OverflowError):
    """A number that no id can be."""


def too_large(field: str, value: int) -> SpecError:
    """The exception for a user or group whose number is too large: also the one that `subprocess` raises."""
    return TooLargeError(faults=(Fault(field, f"{value} is too large for an id", "use one below 2**32"),))


def _restore(kind: type[Error], args: tuple[Any, ...], state: dict[str, Any]) -> Error:
    error = kind.__new__(kind, *args)
    if not isinstance(error, OSError):
        error.args = args
    error.__dict__.update(state)
    return error
