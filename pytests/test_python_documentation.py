"""The examples in the documentation run, and nothing public is without documentation.

Covers: root and ordinary user.
"""

import doctest
import importlib
import inspect
import json
import pkgutil
import re
from contextlib import nullcontext
from functools import cached_property

import minicontain
import pytest
from support import ROOT, why_no_cgroup

MODULES = [
    info.name
    for info in pkgutil.iter_modules(minicontain.__path__, "minicontain.")
    if "_native" not in info.name
]


def documented(module):
    """What of a module has documentation; doctest itself does not know cached properties."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    yield from finder.find(module)
    for kind in vars(module).values():
        if inspect.isclass(kind) and kind.__module__ == module.__name__:
            for name, value in vars(kind).items():
                if isinstance(value, cached_property):
                    yield from finder.find(value.func, f"{module.__name__}.{kind.__name__}.{name}", module)


EXAMPLES = {
    test.name: test
    for name in ["minicontain", *MODULES]
    for test in documented(importlib.import_module(name))
    if test.examples
}


# Their examples make cgroups.
IN_CGROUPS = ("minicontain.cgroup.", "minicontain.measured.", "minicontain.watching.")
# Theirs make links and networks: in a network namespace that is thrown away.
IN_NETWORKS = tuple(f"minicontain.{name}." for name in ("addressed", "cni", "link", "network", "routing"))
# An ordinary user's networks are in namespaces of their own anyway.
ANYWHERE = ("minicontain.addressed.", "minicontain.network.")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name):
    if name.startswith(IN_CGROUPS) and why_no_cgroup():
        pytest.skip(why_no_cgroup())
    in_network = name.startswith(IN_NETWORKS)
    if in_network and not ROOT and not name.startswith(ANYWHERE):
        pytest.skip("the examples of networks play the host in a network namespace, which needs root")
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    with minicontain.Namespace.new("net") if in_network and ROOT else nullcontext():
        runner.run(EXAMPLES[name], out=report.append)
    assert runner.failures == 0, "".join(report)


def test_every_public_name_is_there_and_documented_with_an_example():
    for name in minicontain.__all__:
        value = getattr(minicontain, name)
        assert name in dir(minicontain)
        # One is of subprocess itself.
        if callable(value) and value.__module__ != "subprocess":
            assert ">>>" in (inspect.getdoc(value) or ""), name


def test_every_public_method_is_documented_with_an_example():
    for name in minicontain.__all__:
        kind = getattr(minicontain, name)
        if inspect.isclass(kind) and kind.__module__ != "subprocess":
            for attribute, value in vars(kind).items():
                documented = callable(value) or isinstance(value, (property, cached_property))
                if not attribute.startswith("_") and documented:
                    assert ">>>" in (inspect.getdoc(value) or ""), f"{name}.{attribute}"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        minicontain.nothing_of_the_kind  # noqa: B018


def test_type_checkers_know_every_field_of_a_spec():
    from minicontain.fields import Streams

    aliases = {"group", "extra_groups", "network", "shell"}
    fields = set(json.loads(minicontain.Spec(["true"]).to_json())) - {"args"}
    assert set(Streams.__annotations__) - aliases == fields


def test_help_tells_of_every_field_and_of_no_other():
    from minicontain.fields import Streams

    names = re.findall(r"^ {4}(\w+) +\S", minicontain.fields.__doc__, re.MULTILINE)
    assert sorted(names) == sorted({"args", *Streams.__annotations__})


def test_what_takes_the_fields_says_where_they_are_told():
    for taker in (
        minicontain.run,
        minicontain.Spec,
        minicontain.Container,
        minicontain.Popen,
        minicontain.Plan,
    ):
        assert "help(minicontain.fields)" in " ".join(inspect.getdoc(taker).split()), taker
    with pytest.raises(minicontain.SpecError) as caught:
        minicontain.Spec(["true"], nothing_like_it=1)
    assert caught.value.hint == "see help(minicontain.fields)"
    with pytest.raises(minicontain.SpecError, match=r"help\(minicontain.fields\)"):
        minicontain.Spec(["true"], hostname=object())
