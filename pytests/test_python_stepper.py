"""A container can be made one step at a time, and looked at in between.

Covers: root and ordinary user.
"""

import gc
import os
import threading

import minicontain
import pytest
from minicontain import PIPE, Plan, TraceStep


def test_every_step_is_made_and_told():
    plan = Plan(["sh", "-c", "hostname; exit 3"], hostname="box", stdout=PIPE)
    with plan.start_paused() as stepper:
        assert stepper.plan is plan
        assert stepper.next == plan.steps[0]
        steps = list(stepper)
        with stepper.finish() as container:
            assert container.communicate() == (b"box\n", None)
            assert container.returncode == 3
    assert all(isinstance(step, TraceStep) for step in steps)
    assert [step.index for step in steps] == sorted(step.index for step in steps)
    assert {step.index for step in steps} <= {step.index for step in container.trace}


def test_the_half_made_container_can_be_looked_at():
    own = os.stat("/proc/self/ns/uts").st_ino
    with Plan(["true"], hostname="box").start_paused() as stepper:
        assert stepper.pid is None
        with pytest.raises(minicontain.StateError):
            stepper.namespaces  # noqa: B018
        while stepper.next.syscall != "sethostname":
            stepper.step()
        assert stepper.namespaces["uts"] != own
        pid = stepper.pid
    assert not os.path.exists(f"/proc/{pid}")
    assert stepper.next is stepper.pid is stepper.step() is None


@pytest.mark.parametrize("steps", [0, 1, 40, 60, 80, 120])
def test_leaving_in_the_middle_leaves_nothing(steps):
    before = sorted(os.listdir("/proc/self/fd"))
    with Plan(["true"]).start_paused() as stepper:
        for _ in range(steps):
            stepper.step()
        pid = stepper.pid
    stepper = Plan(["true"]).start_paused()
    for _ in range(steps):
        stepper.step()
    del stepper
    gc.collect()
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert pid is None or not os.path.exists(f"/proc/{pid}")


def test_a_step_that_fails_is_the_error_of_a_start():
    stepper = Plan(["no-such-program"]).start_paused()
    with pytest.raises(FileNotFoundError) as caught:
        stepper.finish()
    assert caught.value.code == "program_not_found"
    with pytest.raises(minicontain.StateError):
        stepper.finish()


@pytest.mark.parametrize("init", [True, False])
def test_what_comes_next_when_the_program_runs(init):
    # No other candidate of the PATH: the caller has something left to do, the program's side has not.
    with Plan(["sh", "-c", "exit 3"], env={"PATH": "/bin:/usr/bin"}, init=init).start_paused() as stepper:
        assert "next is " in repr(stepper)
        while stepper.step() is not None:
            pass
        assert (stepper.next.side, stepper.next.syscall) == ("caller", "futex")
        assert "execve" not in repr(stepper)
        assert {step.side for step in stepper} == {"caller"}
        assert stepper.next is None
        assert repr(stepper).endswith(": nothing is left>")
        with stepper.finish() as container:
            assert container.wait() == 3


def test_another_thread_may_go_on():
    container = []
    stepper = Plan(["true"]).start_paused()
    stepper.step()
    thread = threading.Thread(target=lambda: container.append(stepper.finish()))
    thread.start()
    thread.join()
    with container[0]:
        assert container[0].wait() == 0
