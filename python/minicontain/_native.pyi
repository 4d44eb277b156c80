"""The engine behind the package. Private: use the package."""

import builtins
from os import PathLike
from pathlib import Path
from typing import Any, final

from .watching import _Event

__all__ = [
    "Cgroup",
    "Child",
    "CniConfig",
    "Container",
    "Link",
    "Namespace",
    "Network",
    "Outcome",
    "Plan",
    "Spec",
    "Stepper",
    "Trace",
    "Watch",
    "__version__",
    "change_route",
    "cni_find",
    "cni_sweep",
    "containers",
    "fork",
    "join",
    "map_root",
    "named_namespaces",
    "namespaces",
    "network_state",
    "remove",
    "run",
    "setns",
    "unshare",
    "why_no_manager",
]

__version__: str

@final
class Spec:
    """What is wanted, valid."""

    def __new__(cls, fields: dict[str, Any]) -> Spec: ...
    @staticmethod
    def from_json(json: str) -> Spec:
        """Reads a spec from JSON."""
    def to_json(self) -> str:
        """Every field as JSON."""
    def fields(self) -> dict[str, Any]:
        """Every field as a dict of plain Python values."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Plan:
    """The steps that make a container."""

    def __new__(cls, spec: Spec) -> Plan: ...
    @property
    def spec(self) -> Spec:
        """What was asked for."""
    def contents(self) -> dict[str, Any]:
        """The steps and what will be enforced, as plain Python values."""
    def explain(self) -> str:
        """What will be done and why, for people."""
    def to_json(self) -> str:
        """The same as `contents`, as JSON."""
    def to_shell(self) -> str:
        """The same as shell commands."""
    def __len__(self) -> int: ...

@final
class Trace:
    """The steps that were performed, with results and times."""

    @property
    def setup_ns(self) -> int:
        """From the first step until the program was executed, in nanoseconds."""
    def rows(self) -> list[tuple[int, str, str, str, str, int, int, int, str, str]]:
        """Each step as a tuple, in the order of the attributes of `TraceStep`."""
    def enforced(self) -> dict[str, dict[str, str]]:
        """What was enforced, as plain Python values."""
    def render(self) -> str:
        """The steps as text, one a line."""
    def to_json(self) -> str:
        """The steps as JSON."""

@final
class Outcome:
    """Why a container ended and what it used."""

    @property
    def returncode(self) -> int:
        """The exit status, or the negative signal."""
    @property
    def reason(self) -> str:
        """`exited`, `signaled`, `timed_out`, `oom` or `killed`."""
    @property
    def usage(self) -> tuple[int, int, int, int | None]:
        """Nanoseconds of wall, user and system time; the peak memory in bytes."""
    @property
    def oom_kills(self) -> int:
        """How many of its processes the kernel killed for want of memory."""
    @property
    def oom_victims(self) -> list[tuple[int, str]]:
        """Which: pid and name."""
    @property
    def stats(self) -> dict[str, Any] | None:
        """The last statistics of its cgroup as plain Python values, where it had one."""

@final
class Cgroup:
    """A cgroup. It stays until it is removed."""

    def __new__(cls, name: str, limits: dict[str, Any]) -> Cgroup: ...
    @staticmethod
    def open(name: str) -> Cgroup:
        """Finds one below the caller's own by its name."""
    @staticmethod
    def of(pid: int) -> Cgroup:
        """That in which a process is."""
    def child(self, name: str, limits: dict[str, Any]) -> Cgroup:
        """Makes one below it."""
    def set(self, limits: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Changes limits."""
    @property
    def directories(self) -> list[tuple[Path, int, list[str]]]:
        """Its directories."""
    def add(self, pid: int) -> None:
        """Moves a process into it."""
    def processes(self) -> list[int]:
        """The processes in it."""
    def threads(self) -> list[int]:
        """The threads in it."""
    def stats(self) -> dict[str, Any]:
        """What it uses and has used, as plain Python values."""
    def events(self) -> dict[str, Any]:
        """What has happened to it, as plain Python values."""
    def watch(self) -> Watch:
        """Begins to look at its events."""
    def oom_victims(self) -> list[tuple[int, str]]:
        """Whom the kernel killed in it for want of memory: pid and name."""
    def freeze(self) -> None:
        """Stops every process in it."""
    def thaw(self) -> None:
        """Lets them go on."""
    @property
    def frozen(self) -> bool | None:
        """Whether it is frozen; `None` when it cannot be."""
    def kill(self) -> None:
        """Kills every process in it."""
    def remove(self) -> None:
        """Removes it."""
    def read(self, file: str) -> str:
        """Reads a file of its interface."""
    def write(self, file: str, value: str) -> None:
        """Writes a file of its interface."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Namespace:
    """A namespace. It lives at least until this is closed."""

    def __new__(cls, kind: str, name: str | None, owner: Namespace | None) -> Namespace: ...
    @staticmethod
    def of(pid: int | None, kind: str) -> Namespace:
        """That of a process; of the calling thread without one."""
    @staticmethod
    def open(path: str | PathLike[str]) -> Namespace:
        """The one that a file stands for."""
    @staticmethod
    def from_fd(fd: int) -> Namespace:
        """The one that a descriptor stands for, which stays the caller's."""
    @staticmethod
    def named(name: str, kind: str) -> Namespace:
        """The one that has a name."""
    @property
    def kind(self) -> str:
        """Which of the eight it is."""
    @property
    def id(self) -> int:
        """Its number, as `/proc/PID/ns` shows it."""
    @property
    def name(self) -> str | None:
        """The name that it was made or opened by."""
    @property
    def clone_flag(self) -> int:
        """The flag of clone(2)."""
    @property
    def path(self) -> str:
        """Where it can be opened until it is closed."""
    @property
    def fd(self) -> int:
        """The number of its descriptor."""
    @property
    def parent(self) -> Namespace | None:
        """The one above it."""
    @property
    def owner(self) -> Namespace | None:
        """The user namespace that owns it."""
    @property
    def owner_uid(self) -> int:
        """The user who made a user namespace."""
    @property
    def is_current(self) -> bool:
        """Whether the calling thread is in it."""
    def enter(self) -> None:
        """Takes the calling thread inside."""
    def leave(self) -> None:
        """Takes the calling thread back to where it was before it last went in."""
    def remove(self) -> None:
        """Takes its name away."""
    def close(self) -> None:
        """Lets go of it."""

@final
class Link:
    """A network interface. It stays until it is deleted."""

    def __new__(cls, namespace: Namespace | None, name: str, kind: str, options: dict[str, Any]) -> Link: ...
    @staticmethod
    def list(namespace: Namespace | None) -> list[Link]:
        """Those of a namespace."""
    @staticmethod
    def get(namespace: Namespace | None, name: str) -> Link:
        """The one of that name."""
    @property
    def index(self) -> int:
        """Its number."""
    @property
    def namespace(self) -> Namespace:
        """The namespace that it is in."""
    def state(self) -> dict[str, Any]:
        """What the kernel says about it, as plain Python values."""
    def addresses(self) -> builtins.list[str]:
        """Its addresses."""
    def master(self) -> Link | None:
        """The link that it is part of."""
    def peer(self, namespace: Namespace | None) -> Link | None:
        """The other end of a veth: in that namespace, or wherever it is."""
    def switch(self, on: bool) -> None:
        """Switches it on or off."""
    def rename(self, name: str) -> None:
        """Gives it another name."""
    def set_mtu(self, mtu: int) -> None:
        """Sets the largest packet."""
    def set_mac(self, mac: str) -> None:
        """Sets its own address."""
    def set_master(self, master: Link | None) -> None:
        """Connects it to a bridge, or takes it away."""
    def add_address(self, address: str) -> None:
        """Gives it an address."""
    def remove_address(self, address: str) -> None:
        """Takes an address away."""
    def move_to(self, namespace: Namespace) -> None:
        """Moves it to another namespace."""
    def move_to_pid(self, pid: int) -> None:
        """Moves it to the namespace of a process."""
    def limit(self, rate: int, burst: int | None, latency: float | None) -> None:
        """Limits how fast it sends: bits a second, bytes at once, seconds of waiting."""
    def delay(self, delay: float, jitter: float) -> None:
        """Delays what it sends, by seconds."""
    def unlimit(self) -> None:
        """Takes a limit or delay away."""
    def delete(self) -> None:
        """Deletes it."""
    def history(self) -> builtins.list[tuple[str, int, int]]:
        """What was done through its socket."""

@final
class Network:
    """A network for containers. It stays until it is removed, or its maker ends."""

    def __new__(cls, name: str, options: dict[str, Any]) -> Network: ...
    @staticmethod
    def open(name: str) -> Network:
        """The one of that name."""
    @staticmethod
    def list() -> list[Network]:
        """Those that there are."""
    def remove(self) -> None:
        """Removes it."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def subnet(self) -> str:
        """Its addresses."""
    @property
    def subnet6(self) -> str | None:
        """Its addresses of version 6."""
    @property
    def gateway(self) -> str:
        """The host's address on it."""
    def bridge(self) -> Link:
        """Its bridge."""
    @property
    def namespace(self) -> Namespace:
        """The namespace that the bridge is in."""
    def names(self) -> builtins.list[tuple[str, str]]:
        """The names on it, with what they stand for."""
    def describe(self) -> dict[str, Any]:
        """All of it as it is now, as plain Python values."""
    def rules(self) -> str:
        """Its rules."""

@final
class CniConfig:
    """A network as a file of CNI has it."""

    @staticmethod
    def load(path: str | PathLike[str]) -> CniConfig:
        """Reads a file."""
    @staticmethod
    def parse(text: str) -> CniConfig:
        """Reads a text."""
    @property
    def name(self) -> str:
        """Its name."""
    @property
    def version(self) -> str:
        """The version of CNI that it is written in."""
    def plugins(self) -> list[dict[str, Any]]:
        """Its plugins, as plain Python values."""
    def add(self, container_id: str, netns: str, options: dict[str, Any]) -> dict[str, Any]:
        """Attaches a container; what the last plugin printed, as plain Python values."""
    def check(self, container_id: str, netns: str, options: dict[str, Any]) -> None:
        """Checks that what was made is there."""
    def delete(self, container_id: str, netns: str, options: dict[str, Any]) -> None:
        """Detaches it."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Child:
    """A copy of this process."""

    @property
    def pid(self) -> int:
        """Its process id, as the caller sees it."""
    @property
    def pidfd(self) -> int:
        """The number of its process descriptor."""
    def poll(self) -> int | None:
        """The exit status, or the negative signal, if it has ended."""
    def wait(self, timeout: float | None = None) -> int | None:
        """Waits until it has ended; `None` when the time is up."""
    def send_signal(self, signal: int) -> None:
        """Sends it a signal."""

@final
class Watch:
    """Looks at a cgroup's events until it is closed."""

    @property
    def fd(self) -> int:
        """A descriptor that is readable when there may be something new."""
    @property
    def closed(self) -> bool:
        """Whether it was closed."""
    def read(self) -> list[_Event]:
        """What happened since the last time."""
    def wait(self, timeout: float | None = None) -> list[_Event]:
        """Waits until something happens; nothing when the time is up."""
    def close(self) -> None:
        """Closes its descriptors."""

@final
class Container:
    """A container, from its start until it is closed."""

    def __new__(cls, plan: Plan, fault: tuple[int, int] | None = None) -> Container: ...
    @staticmethod
    def attach(name: str) -> Container:
        """Finds a container by its name."""
    @property
    def plan(self) -> Plan:
        """How it was made: for one that was found by its name, no more than its spec is known."""
    @property
    def name(self) -> str | None:
        """Its name, where it has one."""
    @property
    def log_path(self) -> Path | None:
        """Where a detached one's output goes."""
    @property
    def lasting(self) -> bool:
        """Whether it goes on when this is closed."""
    @property
    def pid(self) -> int:
        """The id of its first process, as the caller sees it."""
    @property
    def program_pid(self) -> int | None:
        """The id of the program's process, as the caller sees it; `None` once that has ended."""
    @property
    def pidfd(self) -> int:
        """The number of the process descriptor. It means nothing once the container is closed."""
    @property
    def owned(self) -> bool:
        """Whether this process started it, and did not get it by a fork."""
    @property
    def trace(self) -> Trace:
        """What was done to start it."""
    def take_terminal(self) -> int | None:
        """Hands over the caller's end of the terminal."""
    def take_pipes(self) -> list[int | None]:
        """Hands over the caller's ends of the pipes to stdin, stdout and stderr."""
    def begin(self, input: bytes | None, pipes: tuple[int | None, int | None, int | None]) -> None:
        """Begins to feed it and to gather what it says, on copies of these descriptors."""
    def advance(self, timeout: float | None = None) -> bool:
        """Goes on until nothing more can come (`True`) or the time is up (`False`)."""
    def said(self) -> tuple[bytes, bytes]:
        """What it said on stdout and stderr since `begin`."""
    def wait(self, timeout: float | None = None) -> Outcome | None:
        """Waits until it has ended; `None` when the time is up."""
    def poll(self) -> Outcome | None:
        """Looks whether it has ended."""
    def send_signal(self, signal: int) -> None:
        """Sends a signal to the program."""
    def pause(self) -> None:
        """Stops every process in it."""
    def resume(self) -> None:
        """Lets it go on."""
    @property
    def paused(self) -> bool:
        """Whether it was paused, and not resumed."""
    @property
    def cgroup(self) -> Cgroup | None:
        """Its cgroup, where it has one."""
    def stats(self) -> dict[str, Any]:
        """What it uses and has used, as plain Python values."""
    def addresses(self) -> list[tuple[str, str]]:
        """Its addresses, each with the name of its interface."""
    def put(self, path: str, data: bytes, mode: int) -> None:
        """Writes a file in it."""
    def put_tree(self, host: str, path: str) -> None:
        """Copies a file or directory of the host into it."""
    def get(self, path: str) -> bytes:
        """Reads a file in it."""
    def get_tree(self, path: str, host: str) -> None:
        """Copies a file or directory out of it."""
    def kill(self) -> None:
        """Kills it with everything in it."""
    def close(self) -> Outcome | None:
        """Closes it, and ends it unless it is lasting; the outcome, if it has ended and is ours."""

@final
class Stepper:
    """A plan that is being executed one step at a time."""

    def __new__(cls, plan: Plan) -> Stepper: ...
    @property
    def next_index(self) -> int | None:
        """The place of the next step in the plan; `None` at the end."""
    @property
    def pid(self) -> int | None:
        """The container's process, once it is made and while it can be stepped."""
    def step(self) -> tuple[int, str, str, str, str, int, int, int, str, str] | None:
        """Performs the next step; `None` when there is none, or it was the program's execution."""
    def finish(self) -> Container:
        """Performs the rest; the running container."""
    def close(self) -> None:
        """Kills the process and undoes what was done, if this is the process that began it."""

def run(
    fields: dict[str, Any],
    input: bytes | None,
    timeout: float | None,
    place: Container | int | None = None,
) -> tuple[Outcome, bytes | None, bytes | None, Trace]:
    """Runs a program to its end. When Python's signal handlers raise, it is killed first."""

def join(fields: dict[str, Any], place: Container | int) -> Container:
    """Starts a program in a running container, or beside a process."""

def containers() -> list[tuple[str, int | None, int, Spec, bool, Outcome | None, Path | None]]:
    """The containers of this user that have a name."""

def remove(name: str) -> None:
    """Removes what is kept of a container that has ended."""

def namespaces(pid: int | None) -> list[Namespace]:
    """Those of a process; of the calling thread without one."""

def named_namespaces(kind: str) -> list[Namespace]:
    """Those of a kind that have names."""

def unshare(flags: int) -> None:
    """Moves the calling thread into new namespaces."""

def setns(fd: int, flags: int) -> None:
    """Moves the calling thread into the namespaces that a descriptor stands for."""

def fork(flags: int) -> Child | None:
    """Copies the process; `None` in the copy, which begins in new namespaces."""

def map_root(uid: int, gid: int) -> None:
    """Maps root of the process's new user namespace to a user and a group of the one above."""

def network_state(namespace: Namespace | None) -> dict[str, Any]:
    """What is in a network namespace, as plain Python values."""

def change_route(
    namespace: Namespace | None,
    add: bool,
    destination: str,
    gateway: str | None,
    device: str | None,
    source: str | None,
    metric: int | None,
) -> None:
    """Adds a route, or removes the first one like it."""

def why_no_manager() -> str | None:
    """Why systemd's user manager cannot be asked for a cgroup; None where it answers."""

def cni_find(name: str, directories: list[str]) -> Path:
    """The file of the network of that name."""

def cni_sweep() -> int:
    """Detaches what nobody else will; how many."""
