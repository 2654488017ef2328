"""The judging loop on a toy kind: what is drawn, minimised, counted and raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from data.toy_kind.kind import SMALL, Toy, ToyCase
from hypothesis import Phase, settings

from conformance.causes.known import Known
from conformance.core.covering import Pick
from conformance.core.finding import Violation
from conformance.core.kind import Drawn, Item
from conformance.running.cache import Cache
from conformance.running.judge import judge_item
from conformance.running.outcome import violations
from conformance.running.tally import Tally


class Counting(Toy):
    """Numbers that are counted when they are observed, and made smaller in steps of one."""

    def __init__(self) -> None:
        self.observed: list[int] = []

    def observe(self, case: ToyCase) -> Any:
        """Count it."""
        self.observed.append(case.number)
        return super().observe(case)

    def simplicity(self, case: ToyCase) -> tuple[int, str]:
        """The number."""
        return case.number, ""

    def minimise(self, case: ToyCase, fails: Callable[[ToyCase], bool]) -> ToyCase:
        """Go down as long as it fails."""
        while fails(ToyCase(case.number - 1)):
            case = ToyCase(case.number - 1)
        return case


def drawn(least: int, *, own_minimiser: bool) -> Item[ToyCase]:
    numbers = tuple(range(least, least + 91))

    def make(choose: Pick, /) -> ToyCase:
        return ToyCase(choose(numbers))

    cases = Drawn(make, 7, 30, ("numbers", least), own_minimiser=own_minimiser)
    return Item("numbers", "toy", (SMALL,), cases, invariant=SMALL.id)


def broken(kind: Toy, item: Item[ToyCase], tally: Tally | None = None) -> Violation:
    with pytest.raises(Violation) as raised:
        judge_item(kind, item, Known(), tally=tally)
    (found,) = violations(raised.value)
    return found


@pytest.mark.parametrize("own_minimiser", [True, False])
def test_the_simplest_failing_case_is_raised(own_minimiser: bool) -> None:
    tally = Tally()
    found = broken(Counting(), drawn(0, own_minimiser=own_minimiser), tally)
    assert found.case == "ToyCase(number=3)"
    assert "CASE      ToyCase(number=3)" in str(found)
    assert tally.example == (ToyCase(3), ())


def test_a_profile_that_does_not_shrink_raises_what_was_drawn() -> None:
    parent = settings.get_current_profile_name()
    settings.register_profile("no-shrinking", phases=(Phase.generate,), database=None)
    settings.load_profile("no-shrinking")
    try:
        found = broken(Counting(), drawn(50, own_minimiser=True))
    finally:
        settings.load_profile(parent)
    assert found.case != "ToyCase(number=3)"


def test_what_fails_is_observed_again_before_it_is_raised() -> None:
    kind = Counting()
    (item,) = kind.given(ToyCase(5), (SMALL,))
    broken(kind, item)
    assert kind.observed == [5, 5]


def test_cases_that_are_listed_are_all_judged_and_the_first_is_raised() -> None:
    cases = tuple(map(ToyCase, (1, 4, 2, 9)))
    found = broken(Counting(), Item("some", "toy", (SMALL,), cases))
    assert found.case == "ToyCase(number=4)"
    assert str(found).endswith(
        "ALSO      on 1 more of the stratum's lives:\n          ToyCase(number=9)"
    )


def test_one_draw_serves_every_item_of_a_stream() -> None:
    kind = Counting()
    cache = Cache(kind)
    small = drawn(-100, own_minimiser=False)
    for _ in range(2):
        judge_item(kind, small, Known(), cache=cache)
    assert len(kind.observed) == len(set(kind.observed))


def test_one_bug_is_simplified_once() -> None:
    kind = Counting()
    cache = Cache(kind)
    told = []
    for least in (50, 30):
        with pytest.raises(Violation) as raised:
            judge_item(kind, drawn(least, own_minimiser=True), Known(), cache=cache)
        told.append(str(raised.value))
    assert "CASE      ToyCase(number=3)" in told[0]
    assert "SIMPLEST" not in told[0]
    assert "CASE      ToyCase(number=3)" not in told[1]
    assert told[1].endswith("\nSIMPLEST  ToyCase(number=3) breaks alike")
