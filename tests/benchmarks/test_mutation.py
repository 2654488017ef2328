"""Mutants: each is one change, where the scope says, and the installed package stays as it is."""

from __future__ import annotations

import ast
import difflib

import pytest

from benchmarks.mutation.__main__ import SCOPE, package, sample
from benchmarks.mutation.sites import OPERATORS, Site, mutated, sites
from conformance.core.versions import installed

SOURCE = '''
class Layer:
    def merge(self, names):
        """A docstring == not code."""
        if names is None and not self.merged:
            names = [n for n in self.names if n in self.known]
        for name in names:
            self.weight += self.scale * self.delta(name, safe=True)
            self.merged.append(name)

    def other(self):
        return 1 == 1


def merge(x):
    return x + 1
'''
EVERY = list(sites("layer.py", SOURCE, ["Layer.merge"], list(OPERATORS)))


def test_every_operator_finds_its_place() -> None:
    assert {site.operator for site in EVERY} == set(OPERATORS)
    assert {site.function for site in EVERY} == {"Layer.merge"}


@pytest.mark.parametrize("site", EVERY, ids=str)
def test_a_mutant_differs_in_one_place(site: Site) -> None:
    before = ast.unparse(ast.parse(SOURCE)).splitlines()
    after = mutated(SOURCE, site).splitlines()
    changed = [line for line in difflib.ndiff(before, after) if line.startswith(("- ", "+ "))]
    assert 1 <= len(changed) <= 2
    assert "docstring == not code" in "\n".join(after)
    assert "return 1 == 1" in "\n".join(after)


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        list(sites("layer.py", SOURCE, ["Layer.split"], ["compare"]))


@pytest.mark.skipif(installed("peft") != SCOPE["peft"], reason="the scope is of another PEFT")
def test_the_sample_is_of_the_installed_peft_and_always_the_same() -> None:
    chosen = sample(package())
    assert len(set(chosen)) == SCOPE["sample"]
    assert chosen == sample(package())
    assert {site.file for site in chosen} == set(SCOPE["files"])
    assert {site.operator for site in chosen} == set(OPERATORS)
