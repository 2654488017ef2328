"""Shrinking: what is left of a failing program is possible, still fails, and needs all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.kinds.programs.minimise import simplest
from conformance.kinds.programs.parsing import parse_program
from conformance.kinds.programs.plan import first_impossible
from conformance.kinds.programs.program import Program

LONG = Program(
    tied=False,
    family="gemma2",
    dtype="float64",
    autocast=False,
    seed=17,
    steps=(
        ("wrap", "another", "save:both", 4, 1),
        ("train", "adamw", 3),
        ("add", "fault", "both-bodies", 1, 4),
        ("without",),
        ("load", "fault", "weight"),
        ("activate", ("another", "fault")),
        ("merge", ("fault",)),
        ("unmerge",),
        ("set", "another"),
        ("delete", "weight"),
        ("merge_and_unload", ()),
        ("reload", "float16"),
        ("resize", 3),
    ),
)


def test_the_example_exists() -> None:
    assert parse_program(repr(LONG)) == LONG


def test_only_the_steps_that_it_takes_are_left() -> None:
    found = simplest(LONG, lambda one: "delete" in one.operations)
    (_, first, *how), (_, source, name), (_, gone) = found.steps
    assert found.operations == ("wrap", "load", "delete")
    assert how == ["body", 2, 2]
    assert (source, name) == (first, gone)


def test_fields_that_matter_stay() -> None:
    found = simplest(LONG, lambda one: one.dtype == "float64" and one.seed == 17)
    wrapped = ("wrap", "default", "body", 2, 2)
    assert found == Program(tied=False, dtype="float64", seed=17, steps=(wrapped,))


def test_arguments_that_matter_stay() -> None:
    found = simplest(LONG, lambda one: any(s[0] == "wrap" and s[3] == 4 for s in one.steps))
    assert found.steps == (("wrap", "default", "body", 4, 2),)


@pytest.mark.parametrize("operation", sorted(set(LONG.operations)))
def test_nothing_can_be_left_out_of_what_is_left(operation: str) -> None:
    def broken(one: Program) -> bool:
        return operation in one.operations

    found = simplest(LONG, broken)
    assert broken(found)
    assert not first_impossible(found)
    for at in range(len(found.steps)):
        left = replace(found, steps=(*found.steps[:at], *found.steps[at + 1 :]))
        assert first_impossible(left) or not left.steps or not broken(left)


def test_the_stratum_is_kept() -> None:
    assert simplest(LONG, lambda _: True).stratum == LONG.stratum
