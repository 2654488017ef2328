"""What is planned is what Hypothesis makes of the same choices, and it simplifies that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase

from conformance.core.finding import Violation
from conformance.core.grid import Stratum, fitting, strata
from conformance.core.options import RUN_SEED
from conformance.core.placements import PLACEMENTS
from conformance.kinds.lifecycle.covering import planned
from conformance.kinds.lifecycle.kind import drawn_cases
from conformance.running.drawn import BATCH, _with_hypothesis, distinct, draw
from conformance.running.replayed import BACKEND, replaying
from tiny_models.families import BEYOND, DECODERS

GRID = strata(("cpu",), placements=tuple(PLACEMENTS))


@pytest.mark.parametrize("families", [DECODERS, BEYOND], ids=["decoders", "beyond"])
def test_hypothesis_makes_the_same_case_of_the_same_choices(families: tuple[str, ...]) -> None:
    for stratum in (one for one in GRID if fitting(one, families)):
        (one,) = planned(stratum, families, RUN_SEED, "", 1)
        cases = drawn_cases(stratum, families, RUN_SEED, 1)
        met: list[Any] = []
        with replaying(one.places):
            _with_hypothesis(
                cases, met.append, backend=BACKEND, max_examples=2, phases=[Phase.generate]
            )
        assert met[-1] == one.case


def test_more_cases_begin_with_fewer() -> None:
    """Beyond what is planned too, where Hypothesis draws."""
    every = distinct(drawn_cases(GRID[0], ("llama",), RUN_SEED, 16 + 3 * BATCH))
    for fewer in (1, 5, 17, 16 + BATCH + 2):
        some = distinct(drawn_cases(GRID[0], ("llama",), RUN_SEED, fewer))
        assert every[: len(some)] == some


def test_a_device_lives_the_cases_of_the_cpu() -> None:
    stratum = Stratum("cuda", tied=True, ensure=True, placement="save:both")
    here = planned(Stratum("cpu", True, True, "save:both"), DECODERS, RUN_SEED, "", 4)
    there = planned(stratum, DECODERS, RUN_SEED, "", 4)
    assert [one.places for one in here] == [one.places for one in there]


def test_a_planned_case_that_fails_is_simplified() -> None:
    def meet(case: Any) -> None:
        if case.tied and case.family != "llama" and case.rank > 1:
            raise Violation(repr(case))

    cases = drawn_cases(GRID[3], DECODERS, RUN_SEED, 9)
    with pytest.raises(Violation) as raised:
        draw(cases, meet, phases=[Phase.generate, Phase.shrink], database=None, deadline=None)
    assert str(raised.value).count(",") == 4, raised.value  # the stratum, and another family
