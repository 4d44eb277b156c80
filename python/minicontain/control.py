"""Signals to a container: it is asked to end, killed, stopped and let go on."""

from __future__ import annotations

import signal
from contextlib import suppress

from ._running import Running
from .results import TimeoutExpired


class Controlled(Running):
    """What `Container` has for what is done to its processes from outside."""

    _killed = False

    def send_signal(self, signal: int) -> None:
        """Sends a signal to the program: see signal(7). One that has ended is left alone.

        `SIGKILL` is `kill`: it ends everything in the container. With `init=False`, the program gets only the
        signals that it handles, `SIGKILL` and `SIGSTOP`: see pid_namespaces(7).

        Raises `StateError` before the start and `SpecError` (a `ValueError`) where there is no such signal.

        >>> import minicontain, signal
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.send_signal(signal.SIGINT)
        ...     container.wait(), container.result.reason
        (-2, 'signaled')
        """
        if self.poll() is None:
            self._started().send_signal(int(signal))

    def terminate(self) -> None:
        """Sends `SIGTERM`; see `send_signal`.

        >>> import minicontain
        >>> script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done"
        >>> with minicontain.Container(script, shell=True, stdout=minicontain.PIPE) as container:
        ...     _ = container.stdout.readline()
        ...     container.terminate()
        ...     container.wait()
        3
        """
        self.send_signal(signal.SIGTERM)

    def stop(self, timeout: float = 10) -> int:
        """Asks the program to end (`terminate`), and kills the container if it has not in `timeout` seconds.

        Returns `returncode`. Raises `StateError` before the start.

        >>> import minicontain
        >>> script = "trap '' TERM; echo ready; sleep 9"
        >>> with minicontain.Container(script, shell=True, stdout=minicontain.PIPE) as c:
        ...     _ = c.stdout.readline()
        ...     c.stop(timeout=0.1), c.result.reason
        (-9, 'killed')
        """
        self.terminate()
        with suppress(TimeoutExpired):
            return self.wait(timeout)
        self.kill()
        return self.wait()

    def kill(self) -> None:
        """Kills it with everything in it. One that has ended is left alone.

        Raises `StateError` before the start.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.kill()
        ...     container.wait(), container.result.reason
        (-9, 'killed')
        """
        self._started().kill()
        self._killed = True

    def pause(self) -> None:
        """Stops every process in it, until `resume`; it can be killed meanwhile.

        One that has ended is left alone. Raises `StateError` before the start, and `ContainerError`
        (`not_supported`) with `init=False` or without a PID namespace of its own.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.pause()
        ...     container.paused
        True
        """
        if self.poll() is None:
            self._started().pause()

    def resume(self) -> None:
        """Lets every process in it go on. One that has ended is left alone.

        Raises as `pause`.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.pause()
        ...     container.resume()
        ...     container.paused
        False
        """
        if self.poll() is None:
            self._started().resume()

    @property
    def paused(self) -> bool:
        """Whether it was paused, and not resumed. Raises `StateError` before the start.

        >>> import minicontain
        >>> with minicontain.Container(["sleep", "9"]) as container:
        ...     container.paused
        False
        """
        return self._started().paused
