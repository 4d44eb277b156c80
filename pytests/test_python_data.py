"""Specs, plans and traces are data to look at, compare and keep.

Covers: root and ordinary user.
"""

import copy
import json
import pickle

import minicontain
import pytest
from minicontain import Plan, Spec, Step, TraceStep, run


def test_a_spec_goes_through_json_and_pickle():
    spec = Spec(
        ["sh", "-c", "true"],
        hostname="box",
        volumes={"/usr": {"bind": "/v", "mode": "ro"}},
        tmpfs=["/t:size=1M"],
        ulimits={"nofile": (1, 2), "core": None},
        env={"A": "a", "B": None},
        time_offsets={"boottime": 1.5},
        stdin=minicontain.DEVNULL,
        uidmap=[(0, 5, 1)],
    )
    for again in (
        Spec.from_json(spec.to_json()),
        pickle.loads(pickle.dumps(spec)),
        copy.deepcopy(spec),
        Spec(spec),
    ):
        assert again == spec
        assert hash(again) == hash(spec)
    assert spec != Spec(["sh", "-c", "true"])
    assert spec != "spec"


def test_a_spec_shows_what_is_not_default():
    assert repr(Spec(["true"])) == "Spec(args=['true'])"
    spec = Spec(["true"], network="host", env={"A": None})
    assert repr(spec) == "Spec(args=['true'], env={'A': None}, namespaces={'net': 'host'})"


def test_changing_what_a_spec_gave_does_not_change_the_spec():
    spec = Spec(["true"])
    spec.fields["args"].append("more")
    assert spec.fields["args"] == ["true"]


def test_a_plan_is_steps_as_plain_data():
    plan = Plan(["true"], hostname="box")
    assert [step.index for step in plan.steps] == list(range(len(plan)))
    assert {step.side for step in plan.steps} == {"caller", "container"}
    assert all(isinstance(step, Step) and step.what and step.why and step.syscall for step in plan.steps)
    named = next(step for step in plan.steps if step.syscall == "sethostname")
    assert (named.side, named.arguments, str(named)) == ("container", '"box", 3', 'sethostname("box", 3)')
    written = json.loads(plan.to_json())
    assert written["steps"][named.index]["arguments"] == named.arguments
    assert len(written["steps"]) == len(plan)
    assert named.why in plan.explain() == str(plan)
    assert plan.spec.fields["hostname"] == "box"
    assert plan.enforced["namespaces"]
    assert isinstance(plan.to_shell(), str)
    assert "steps" in repr(plan)


def test_steps_do_not_change_and_are_equal_by_value():
    first, second = Plan(["true"]).steps[0], Plan(["true"]).steps[0]
    assert first == second
    assert hash(first) == hash(second)
    assert first != Plan(["true"]).steps[1]
    assert pickle.loads(pickle.dumps(first)) == first
    assert repr(first).startswith("Step(index=0, side='caller'")
    with pytest.raises(AttributeError, match="does not change"):
        first.side = "container"
    with pytest.raises(AttributeError, match="does not change"):
        del first.side


def test_a_plan_is_executed_as_often_as_wanted():
    plan = Plan(["sh", "-c", "echo hi; exit 3"], stdout=minicontain.PIPE)
    for _ in range(2):
        with plan.start() as container:
            assert container.communicate() == (b"hi\n", None)
            assert container.returncode == 3
            assert container.plan is plan


def test_a_fault_that_cannot_be_is_refused():
    plan = Plan(["true"])
    for fault in [(-1, 5), (len(plan), 5), (0, 0), (0, -5), (0, 4096)]:
        with pytest.raises(ValueError, match="fault"):
            plan.start(fault=fault)


def test_a_trace_follows_the_plan():
    container = minicontain.Container(["true"], hostname="box")
    with container:
        container.wait()
    trace, steps = container.trace, container.plan.steps
    assert len(trace) > 20
    assert all(isinstance(step, TraceStep) for step in trace)
    assert [step.index for step in trace] == sorted(step.index for step in trace)
    for step in trace:
        planned = steps[step.index]
        assert (planned.side, planned.syscall, planned.what, planned.why) == (
            step.side,
            step.syscall,
            step.what,
            step.why,
        )
    assert all(step.ns >= 0 and step.start_ns >= 0 for step in trace)
    assert trace[-1] == trace[len(trace) - 1]
    assert trace[:2] == (trace[0], trace[1])
    assert trace[1] in trace
    assert trace.index(trace[1]) == 1
    assert 0 < trace.setup < 60


def test_a_trace_is_text_and_json():
    trace = run(["true"], hostname="box").trace
    lines = trace.render().splitlines()
    assert str(trace) == trace.render()
    assert len(lines) == len(trace) == len(json.loads(trace.to_json()))
    named = next(n for n, step in enumerate(trace) if step.syscall == "sethostname")
    assert str(trace[named]) == 'sethostname("box", 3) = 0'
    assert str(trace[named]) in lines[named]
    assert json.loads(trace.to_json())[named] == {
        name: getattr(trace[named], name) for name in TraceStep.__slots__
    }
    assert repr(trace).startswith(f"<Trace: {len(trace)} steps")


def test_notebooks_show_tables():
    done = run("echo '<b>out'; exit 3", shell=True, capture_output=True, text=True)
    for shown in (done, done.trace, Plan(["true"])):
        html = shown._repr_html_()
        assert html.startswith("<table")
        assert html.endswith("</table>")
    html = done._repr_html_()
    assert "&lt;b&gt;out" in html
    assert "<b>" not in html
    assert "3 (exited)" in html
    assert "execve" in done.trace._repr_html_()
    assert "pivot_root" in Plan(["true"])._repr_html_()


def test_enforcement_is_a_word_and_a_reason():
    enforced = Plan(["true"], network="host").enforced["namespaces"]
    assert enforced.state == "partial"
    assert str(enforced) == f"partial: {enforced.reason}"
    assert not enforced
    assert Plan(["true"]).enforced["namespaces"] == minicontain.Enforcement("enforced", "")
