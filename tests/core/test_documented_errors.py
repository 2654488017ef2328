"""Refusals: what upstream makes, and what is none of its errors where it makes it."""

from __future__ import annotations

import pytest

from conformance.core.case import Case
from conformance.core.documented_errors import REFUSALS, documented, rightly_refused
from conformance.core.observation import Trouble
from conformance.reproducer import write_script

SAYS = "`ensure_weight_tying=True` requires that the tied layers are adapted in the same way"
TODAY = "modules_to_save cannot be applied to modules of type <class 'Linear'>"
TWO_WAYS = Case(ensure=True, placement="target:head+save:embedding")
DORA = Case(ensure=True, placement="target:both", dora=True)


def ended(message: str) -> Trouble:
    return Trouble("adapted", "main", "ValueError", message, "peft", deliberate=True)


@pytest.mark.parametrize("case", [TWO_WAYS, DORA], ids=repr)
def test_a_refusal_that_would_be_right_is_no_error_where_it_names_the_tie(case: Case) -> None:
    assert rightly_refused(case, ended(SAYS))
    assert not documented(case, ended(SAYS))
    assert not rightly_refused(case, ended(TODAY))


@pytest.mark.parametrize(
    "case",
    [
        Case(placement="target:head+save:embedding"),
        Case(ensure=True, placement="target:head"),
        Case(tied=False, ensure=True, placement="target:head+save:embedding"),
        Case(placement="target:both", dora=True),
    ],
    ids=repr,
)
def test_what_can_be_done_may_not_be_refused(case: Case) -> None:
    assert not rightly_refused(case, ended(SAYS))


@pytest.mark.parametrize("case", [TWO_WAYS, DORA], ids=repr)
def test_nothing_counts_on_a_refusal_that_no_release_makes(case: Case) -> None:
    assert not any(refusal.covers(case) for refusal in REFUSALS if not refusal.peft)
    assert write_script(case, "life-completes")
