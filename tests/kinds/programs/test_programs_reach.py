"""Reach: a program is judged up to the first step that goes wrong, and no further."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.causes.known import Known
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.programs.kind import up_to_the_first_wrong_step
from conformance.kinds.programs.observation import ProgramObservation
from conformance.kinds.programs.observe import observe_program
from conformance.kinds.programs.program import Program

KNOWN = Known.load()
# the third step goes wrong as declared, and what comes after it computes something else too
PROGRAM = Program(
    tied=False,
    steps=(
        ("wrap", "default", "body", 2, 2),
        ("merge", ()),
        ("unload",),
        ("wrap", "other", "mlp", 2, 2),
    ),
)


@pytest.fixture(scope="module")
def seen() -> ProgramObservation:
    return observe_program(PROGRAM)


def moved(seen: ProgramObservation, number: int) -> ProgramObservation:
    """The same, but that the logits after one step are others: nobody declared that."""
    steps = [
        replace(step, logits=replace(step.logits, found=step.logits.found + 1))
        if step.number == number
        else step
        for step in seen.steps
    ]
    return replace(seen, steps=tuple(steps))


def open_in(seen: ProgramObservation) -> list[str]:
    reached = up_to_the_first_wrong_step(seen)
    return [
        finding.what
        for one in PROGRAMS.values()
        for finding in KNOWN.undeclared(one.id, one.judge(reached).findings, reached)[0]
    ]


def test_what_follows_a_declared_failure_is_not_judged(seen: ProgramObservation) -> None:
    reached = up_to_the_first_wrong_step(seen)
    assert [step.number for step in reached.steps] == [1, 2, 3]
    assert reached.case == replace(PROGRAM, steps=PROGRAM.steps[:3])
    assert not open_in(seen)
    assert not open_in(moved(seen, 4))


def test_what_comes_before_it_is(seen: ProgramObservation) -> None:
    assert any("after step 2" in what for what in open_in(moved(seen, 2)))


def test_a_program_that_keeps_every_promise_is_judged_whole(seen: ProgramObservation) -> None:
    whole = seen.upto(2)
    assert up_to_the_first_wrong_step(whole) is whole
