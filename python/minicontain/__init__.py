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
- `run_async`, `Container.wait_async` and `async with` are for asyncio.
- `Spec` is what is wanted, as plain data. `Plan` is how it is made: every system call, before any is made.
- `Trace` is what was done: the plan with results and times.
- Everything that goes wrong is an `Error`, and also the exception that `subprocess` would raise.

Nothing is loaded before it is used, so that importing this module costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._native import __version__ as __version__
    from .calls import call as call
    from .calls import check_call as check_call
    from .calls import check_output as check_output
    from .calls import getoutput as getoutput
    from .calls import getstatusoutput as getstatusoutput
    from .container import Container as Container
    from .enforcement import Enforcement as Enforcement
    from .errors import ContainerError as ContainerError
    from .errors import Error as Error
    from .errors import Fault as Fault
    from .errors import NameTakenError as NameTakenError
    from .errors import NoSuchContainerError as NoSuchContainerError
    from .errors import SpecError as SpecError
    from .errors import StartError as StartError
    from .errors import StartFileNotFoundError as StartFileNotFoundError
    from .errors import StartNotADirectoryError as StartNotADirectoryError
    from .errors import StartPermissionError as StartPermissionError
    from .errors import StateError as StateError
    from .joining import enter as enter
    from .named import ContainerStatus as ContainerStatus
    from .named import containers as containers
    from .named import remove as remove
    from .plan import Plan as Plan
    from .plan import Step as Step
    from .popen import Popen as Popen
    from .process import run as run
    from .process_async import run_async as run_async
    from .results import CalledProcessError as CalledProcessError
    from .results import CompletedProcess as CompletedProcess
    from .results import SubprocessError as SubprocessError
    from .results import TimeoutExpired as TimeoutExpired
    from .spec import Spec as Spec
    from .stats import MemoryStats as MemoryStats
    from .stats import Stats as Stats
    from .stepper import Stepper as Stepper
    from .trace import Trace as Trace
    from .trace import TraceStep as TraceStep

PIPE = -1
"""For a stream: a new pipe, whose other end the caller gets. The same as `subprocess.PIPE`."""
STDOUT = -2
"""For stderr: where stdout goes. The same as `subprocess.STDOUT`."""
DEVNULL = -3
"""For a stream: `/dev/null`. The same as `subprocess.DEVNULL`."""

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "CalledProcessError",
    "CompletedProcess",
    "Container",
    "ContainerError",
    "ContainerStatus",
    "Enforcement",
    "Error",
    "Fault",
    "MemoryStats",
    "NameTakenError",
    "NoSuchContainerError",
    "Plan",
    "Popen",
    "Spec",
    "SpecError",
    "StartError",
    "StartFileNotFoundError",
    "StartNotADirectoryError",
    "StartPermissionError",
    "StateError",
    "SubprocessError",
    "Stats",
    "Step",
    "Stepper",
    "TimeoutExpired",
    "Trace",
    "TraceStep",
    "__version__",
    "call",
    "check_call",
    "check_output",
    "containers",
    "enter",
    "getoutput",
    "getstatusoutput",
    "remove",
    "run",
    "run_async",
]

# In which module of this package each name is.
_HOMES = {
    "CalledProcessError": "results",
    "CompletedProcess": "results",
    "Container": "container",
    "ContainerError": "errors",
    "ContainerStatus": "named",
    "Enforcement": "enforcement",
    "Error": "errors",
    "Fault": "errors",
    "MemoryStats": "stats",
    "NameTakenError": "errors",
    "NoSuchContainerError": "errors",
    "Plan": "plan",
    "Popen": "popen",
    "Spec": "spec",
    "SpecError": "errors",
    "StartError": "errors",
    "StartFileNotFoundError": "errors",
    "StartNotADirectoryError": "errors",
    "StartPermissionError": "errors",
    "StateError": "errors",
    "SubprocessError": "results",
    "Stats": "stats",
    "Step": "plan",
    "Stepper": "stepper",
    "TimeoutExpired": "results",
    "Trace": "trace",
    "TraceStep": "trace",
    "__version__": "_native",
    "call": "calls",
    "check_call": "calls",
    "check_output": "calls",
    "containers": "named",
    "enter": "joining",
    "getoutput": "calls",
    "getstatusoutput": "calls",
    "remove": "named",
    "run": "process",
    "run_async": "process_async",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
