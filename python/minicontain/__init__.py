r"""Containers as a library: no daemon, no helper, inside the caller's own process.

`run` is `subprocess.run` with walls: the program sees its own users, processes, network, host name and files.

    >>> import minicontain
    >>> command = ["sh", "-c", "hostname; id -u"]
    >>> done = minicontain.run(command, hostname="box", capture_output=True, text=True)
    >>> done.stdout
    'box\n0\n'
    >>> done.reason, done.enforced["namespaces"].state
    ('exited', 'enforced')

- `Container` describes a container; `with` or `start` runs it, and it is then much like a `subprocess.Popen`.
- `Popen`, `call`, `check_call`, `check_output` are those of `subprocess`, in a container.
- `Container.exec` runs a program in one that runs, `enter` beside any process.
- `Container.put` and `Container.get` move files into one that runs and out of it.
- `Container.attach` and `containers` find those that have a name.
- Limits (`memory`, `cpus`, `pids_limit`, …) hold for a container, a program that joins it, or a `Cgroup`;
  `Container.stats` and `Cgroup.stats` measure.
- `Namespace` and `namespaces` are namespaces as objects; `unshare`, `setns` and `clone` are the system calls.
- `Link`, `Veth`, `Bridge`, `routes` are the parts of a network, in any network namespace; a `Network` is what
  containers are on: `network=`, `publish=`, `Container.ip`.
- `run_async`, `Container.wait_async` and `async with` are for asyncio.
- Whatever makes a container takes its fields by name: `help(minicontain.fields)` tells of each.
- `Spec` is what is wanted, as plain data. `Plan` is how it is made: every system call, before any is made.
- `Trace` is what was done: the plan with results and times.
- Everything that goes wrong is an `Error`, and also the exception that `subprocess` would raise.

Nothing is loaded before it is used, so that importing this module costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import fields as fields
    from ._native import __version__ as __version__
    from .calls import call as call
    from .calls import check_call as check_call
    from .calls import check_output as check_output
    from .calls import getoutput as getoutput
    from .calls import getstatusoutput as getstatusoutput
    from .cgroup import Cgroup as Cgroup
    from .cgroup import CgroupDirectory as CgroupDirectory
    from .cgroup import CgroupEvents as CgroupEvents
    from .cgroup import Held as Held
    from .cgroup import Victim as Victim
    from .child import Child as Child
    from .child import clone as clone
    from .cni import CniConfig as CniConfig
    from .cni import CniResult as CniResult
    from .container import Container as Container
    from .enforcement import Enforcement as Enforcement
    from .errors import CgroupError as CgroupError
    from .errors import ContainerError as ContainerError
    from .errors import Error as Error
    from .errors import Fault as Fault
    from .errors import NamespaceError as NamespaceError
    from .errors import NameTakenError as NameTakenError
    from .errors import NetworkError as NetworkError
    from .errors import NoSuchCgroupError as NoSuchCgroupError
    from .errors import NoSuchContainerError as NoSuchContainerError
    from .errors import NoSuchLinkError as NoSuchLinkError
    from .errors import NoSuchNamespaceError as NoSuchNamespaceError
    from .errors import NoSuchNetworkError as NoSuchNetworkError
    from .errors import SpecError as SpecError
    from .errors import StartError as StartError
    from .errors import StartFileNotFoundError as StartFileNotFoundError
    from .errors import StartNotADirectoryError as StartNotADirectoryError
    from .errors import StartPermissionError as StartPermissionError
    from .errors import StateError as StateError
    from .flags import CLONE_FS as CLONE_FS
    from .flags import CLONE_NEWCGROUP as CLONE_NEWCGROUP
    from .flags import CLONE_NEWIPC as CLONE_NEWIPC
    from .flags import CLONE_NEWNET as CLONE_NEWNET
    from .flags import CLONE_NEWNS as CLONE_NEWNS
    from .flags import CLONE_NEWPID as CLONE_NEWPID
    from .flags import CLONE_NEWTIME as CLONE_NEWTIME
    from .flags import CLONE_NEWUSER as CLONE_NEWUSER
    from .flags import CLONE_NEWUTS as CLONE_NEWUTS
    from .joining import enter as enter
    from .link import Bridge as Bridge
    from .link import Link as Link
    from .link import Veth as Veth
    from .link_records import Done as Done
    from .link_records import LinkStatistics as LinkStatistics
    from .named import ContainerStatus as ContainerStatus
    from .named import containers as containers
    from .named import remove as remove
    from .namespace import Namespace as Namespace
    from .namespace import Namespaces as Namespaces
    from .namespace import named_namespaces as named_namespaces
    from .namespace import namespaces as namespaces
    from .namespace import setns as setns
    from .namespace import unshare as unshare
    from .network import Connected as Connected
    from .network import Network as Network
    from .network import NetworkDescription as NetworkDescription
    from .network import networks as networks
    from .plan import Plan as Plan
    from .plan import Step as Step
    from .popen import Popen as Popen
    from .process import run as run
    from .process_async import run_async as run_async
    from .results import CalledProcessError as CalledProcessError
    from .results import CompletedProcess as CompletedProcess
    from .results import SubprocessError as SubprocessError
    from .results import TimeoutExpired as TimeoutExpired
    from .routing import LinkDescription as LinkDescription
    from .routing import Neighbour as Neighbour
    from .routing import NetworkState as NetworkState
    from .routing import Route as Route
    from .routing import add_route as add_route
    from .routing import neighbours as neighbours
    from .routing import network_state as network_state
    from .routing import remove_route as remove_route
    from .routing import routes as routes
    from .spec import Spec as Spec
    from .stats import CpuStats as CpuStats
    from .stats import IoStats as IoStats
    from .stats import MemoryStats as MemoryStats
    from .stats import PidsStats as PidsStats
    from .stats import Pressure as Pressure
    from .stats import PressureTimes as PressureTimes
    from .stats import Sample as Sample
    from .stats import Stats as Stats
    from .stats import Usage as Usage
    from .stepper import Stepper as Stepper
    from .trace import Trace as Trace
    from .trace import TraceStep as TraceStep
    from .watching import Watch as Watch

PIPE = -1
"""For a stream: a new pipe, whose other end the caller gets. The same as `subprocess.PIPE`."""
STDOUT = -2
"""For stderr: where stdout goes. The same as `subprocess.STDOUT`."""
DEVNULL = -3
"""For a stream: `/dev/null`. The same as `subprocess.DEVNULL`."""

__all__ = [
    "CLONE_FS",
    "CLONE_NEWCGROUP",
    "CLONE_NEWIPC",
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWTIME",
    "CLONE_NEWUSER",
    "CLONE_NEWUTS",
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Bridge",
    "CalledProcessError",
    "Cgroup",
    "CgroupDirectory",
    "CgroupError",
    "CgroupEvents",
    "Child",
    "CniConfig",
    "CniResult",
    "CompletedProcess",
    "Connected",
    "Container",
    "ContainerError",
    "ContainerStatus",
    "CpuStats",
    "Done",
    "Enforcement",
    "Error",
    "Fault",
    "Held",
    "IoStats",
    "Link",
    "LinkDescription",
    "LinkStatistics",
    "MemoryStats",
    "NameTakenError",
    "Namespace",
    "NamespaceError",
    "Namespaces",
    "Neighbour",
    "Network",
    "NetworkDescription",
    "NetworkError",
    "NetworkState",
    "NoSuchCgroupError",
    "NoSuchContainerError",
    "NoSuchLinkError",
    "NoSuchNamespaceError",
    "NoSuchNetworkError",
    "PidsStats",
    "Plan",
    "Popen",
    "Pressure",
    "PressureTimes",
    "Route",
    "Sample",
    "Spec",
    "SpecError",
    "StartError",
    "StartFileNotFoundError",
    "StartNotADirectoryError",
    "StartPermissionError",
    "StateError",
    "Stats",
    "Step",
    "Stepper",
    "SubprocessError",
    "TimeoutExpired",
    "Trace",
    "TraceStep",
    "Usage",
    "Veth",
    "Victim",
    "Watch",
    "__version__",
    "add_route",
    "call",
    "check_call",
    "check_output",
    "clone",
    "containers",
    "enter",
    "getoutput",
    "getstatusoutput",
    "named_namespaces",
    "namespaces",
    "neighbours",
    "network_state",
    "networks",
    "remove",
    "remove_route",
    "routes",
    "run",
    "run_async",
    "setns",
    "unshare",
]

# In which module of this package each name is.
_HOMES = {
    "Bridge": "link",
    "CLONE_FS": "flags",
    "CLONE_NEWCGROUP": "flags",
    "CLONE_NEWIPC": "flags",
    "CLONE_NEWNET": "flags",
    "CLONE_NEWNS": "flags",
    "CLONE_NEWPID": "flags",
    "CLONE_NEWTIME": "flags",
    "CLONE_NEWUSER": "flags",
    "CLONE_NEWUTS": "flags",
    "CalledProcessError": "results",
    "Cgroup": "cgroup",
    "CgroupDirectory": "cgroup",
    "CgroupError": "errors",
    "CgroupEvents": "cgroup",
    "Child": "child",
    "CniConfig": "cni",
    "CniResult": "cni",
    "CompletedProcess": "results",
    "Connected": "network",
    "Container": "container",
    "ContainerError": "errors",
    "ContainerStatus": "named",
    "CpuStats": "stats",
    "Done": "link_records",
    "Enforcement": "enforcement",
    "Error": "errors",
    "Fault": "errors",
    "Held": "cgroup",
    "IoStats": "stats",
    "Link": "link",
    "LinkDescription": "routing",
    "LinkStatistics": "link_records",
    "MemoryStats": "stats",
    "NameTakenError": "errors",
    "Namespace": "namespace",
    "NamespaceError": "errors",
    "Namespaces": "namespace",
    "Neighbour": "routing",
    "Network": "network",
    "NetworkDescription": "network",
    "NetworkError": "errors",
    "NetworkState": "routing",
    "NoSuchCgroupError": "errors",
    "NoSuchContainerError": "errors",
    "NoSuchLinkError": "errors",
    "NoSuchNamespaceError": "errors",
    "NoSuchNetworkError": "errors",
    "PidsStats": "stats",
    "Plan": "plan",
    "Popen": "popen",
    "Pressure": "stats",
    "PressureTimes": "stats",
    "Route": "routing",
    "Sample": "stats",
    "Spec": "spec",
    "SpecError": "errors",
    "StartError": "errors",
    "StartFileNotFoundError": "errors",
    "StartNotADirectoryError": "errors",
    "StartPermissionError": "errors",
    "StateError": "errors",
    "Stats": "stats",
    "Step": "plan",
    "Stepper": "stepper",
    "SubprocessError": "results",
    "TimeoutExpired": "results",
    "Trace": "trace",
    "TraceStep": "trace",
    "Usage": "stats",
    "Veth": "link",
    "Victim": "cgroup",
    "Watch": "watching",
    "__version__": "_native",
    "add_route": "routing",
    "call": "calls",
    "check_call": "calls",
    "check_output": "calls",
    "clone": "child",
    "containers": "named",
    "enter": "joining",
    "getoutput": "calls",
    "getstatusoutput": "calls",
    "named_namespaces": "namespace",
    "namespaces": "namespace",
    "neighbours": "routing",
    "network_state": "routing",
    "networks": "network",
    "remove": "named",
    "remove_route": "routing",
    "routes": "routing",
    "run": "process",
    "run_async": "process_async",
    "setns": "namespace",
    "unshare": "namespace",
}


def __getattr__(name: str) -> object:
    if name == "fields":
        return __import__(f"{__name__}.fields").fields
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
