"""Probes: a mutant that no probe tells of must do what the package does."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from benchmarks.mutation.probes import CODE, MODULE, only_looks, probed
from benchmarks.mutation.sites import OPERATORS, Site, mutated, sites

SOURCE = '''
class Layer:
    def __init__(self, weight):
        self.weight, self.merged = weight, []

    def merge(self, names, safe=False):
        """Adds up what is asked for."""
        found = self.weight
        if names is None or not names:
            names = ["default"]
        elif safe and len(names) > 2:
            raise ValueError("too many")
        for name in names:
            if name in self.merged:
                continue
            if self.note(name) and safe:
                found = found * 2
            found += len(name) if safe else 1
        self.weight = found
        return sorted(self.merged, reverse=safe)

    def note(self, name):
        self.merged.append(name)
        return name != "other"
'''
INPUTS: tuple[tuple[Any, ...], ...] = (
    (None,),
    ((), True),
    (("a",),),
    (("a", "bb", "a"), False),
    (("a", "bb", "ccc"), True),
    (("other", "bb"), True),
    (7,),
)
SITES = list(sites("layer.py", SOURCE, ["Layer.merge", "Layer.note"], list(OPERATORS)))


def outcome(source: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """What merging comes to in a module: the value, the state, or the error."""
    room: dict[str, Any] = {}
    exec(compile(source, "layer", "exec"), room)  # noqa: S102  the text stands above
    layer = room["Layer"](10)
    try:
        value = layer.merge(*given)
    except Exception as error:  # noqa: BLE001  whatever a mutant raises is its outcome
        value = (type(error).__name__, str(error))
    return value, layer.weight, layer.merged


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the probes."""
    module: Any = ModuleType(MODULE)
    exec(CODE, module.__dict__)  # noqa: S102  our own text
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module


@pytest.mark.parametrize("given", INPUTS, ids=repr)
def test_what_is_not_met_cannot_differ(probe: Any, given: tuple[Any, ...]) -> None:
    met = probed(SOURCE, {site: number for number, site in enumerate(SITES)})
    plain = outcome(SOURCE, given)
    assert outcome(met, given) == plain, "probes change nothing"
    differ = {n for n, site in enumerate(SITES) if outcome(mutated(SOURCE, site), given) != plain}
    assert differ <= probe.SEEN


def test_most_that_is_met_differs_and_some_is_never_met(probe: Any) -> None:
    met = probed(SOURCE, {site: number for number, site in enumerate(SITES)})
    outcome(met, (("a",),))
    assert 0 < len(probe.SEEN) < len(SITES)
    probe.SEEN.clear()
    for given in INPUTS:
        outcome(met, given)
    plain = [outcome(SOURCE, given) for given in INPUTS]
    differ = {
        n
        for n, site in enumerate(SITES)
        if [outcome(mutated(SOURCE, site), given) for given in INPUTS] != plain
    }
    assert differ <= probe.SEEN
    assert len(differ) > 0.8 * len(probe.SEEN)


@pytest.mark.parametrize(
    ("test", "looks"),
    [
        ("a and not b", True),
        ("isinstance(a, str) or len(b) == 2", True),
        ("any(x.endswith(y) for y in z)", True),
        ("(n := a)", False),
        ("self.pop()", False),
        ("a.append(b) is None", False),
    ],
)
def test_a_test_is_asked_twice_only_if_it_just_looks(test: str, looks: bool) -> None:
    assert only_looks(ast.parse(test, mode="eval").body) is looks


def test_every_mutant_of_an_if_that_does_something_is_met_wherever_it_is_reached(
    probe: Any,
) -> None:
    (number,) = (
        n for n, one in enumerate(SITES) if one.operator == "boolean" and "note" in _line(one)
    )
    outcome(probed(SOURCE, {SITES[number]: number}), (("a",),))
    assert set(probe.SEEN) == {number}


def _line(site: Site) -> str:
    return SOURCE.splitlines()[site.line - 1]
