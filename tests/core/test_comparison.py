"""Comparing: two results agree, differ, or nobody can tell; and each answer has a reason."""

from __future__ import annotations

import math

import pytest
from observations import healthy

from conformance.core.comparison import Allowance, Comparison, broken
from conformance.core.finding import Finding
from conformance.core.invariant import Invariant, always

ALLOWED = Allowance(1.0, 4.0, "bfloat16")
FOUND = Finding("missing-key", "it is gone")


def at(amount: float) -> Comparison:
    return Comparison("logits of b differ from a", amount, ALLOWED)


@pytest.mark.parametrize(
    ("amounts", "verdict"),
    [
        ((), "holds"),
        ((0.0,), "holds"),
        ((1.0,), "holds"),
        ((1.1,), "not judged"),
        ((4.0,), "not judged"),
        ((4.1,), "breaks"),
        ((math.inf,), "breaks"),
        ((math.nan,), "breaks"),
        ((0.5, 2.0), "not judged"),
        ((2.0, 5.0), "breaks"),
    ],
)
def test_three_answers(amounts: tuple[float, ...], verdict: str) -> None:
    one = Invariant("i", "p", "s", lambda _: map(at, amounts), always, ())
    judgement = one.judge(healthy())
    assert judgement.verdict == verdict
    assert len(judgement.comparisons) == len(amounts)
    assert bool(judgement.findings) is (verdict == "breaks")
    assert bool(judgement.reason) is (verdict == "not judged")


def test_what_is_not_judged_says_why() -> None:
    told = at(2.5).doubt()
    assert "in bfloat16 rounding may explain it" in told
    assert "logits of b differ from a by 2.5" in told
    assert "between 1 and 4" in told


def test_a_finding_beside_a_doubt_is_what_counts() -> None:
    one = Invariant("i", "p", "s", lambda _: iter((at(2.0), FOUND)), always, ())
    judgement = one.judge(healthy())
    assert (judgement.verdict, judgement.findings) == ("breaks", (FOUND,))


def test_what_is_broken_becomes_a_finding() -> None:
    assert broken((at(0.5), at(2.0), FOUND)) == (FOUND,)
    (found,) = broken((at(9.0),))
    assert found == Finding("wrong-value", "logits of b differ from a", 9.0, 4.0)
