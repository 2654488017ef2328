"""How often a life is lived: once for all promises, and again to prove that once is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

import pytest

from conformance.core.case import Case
from conformance.core.errors import SuiteError
from conformance.core.grid import Stratum
from conformance.core.observation import Observation, Trouble
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import FEW, LIFECYCLE, drawn_cases, item_of
from conformance.running.cache import Cache

HEAD, BOTH = Case(placement="target:head"), Case(placement="target:both")
OTHER_HEAD = Case(placement="target:head", tied=False)
Repeats = Callable[[Case], Hashable]


class Lives:
    """Lives that end at once, counted; the second of ``changing`` is not like the first."""

    def __init__(self, changing: Case | None = None) -> None:
        self.times: Counter[Case] = Counter()
        self.changing = changing

    def __call__(self, case: Case) -> Observation:
        self.times[case] += 1
        number = self.times[case] if case == self.changing else 1
        said = Trouble("base", "main", "ValueError", f"life {number}", "peft", deliberate=True)
        return Observation(case, names={}, troubles=(said,))


def repeats(examples: int) -> Repeats:
    """What an item of the grid repeats, of so many cases a stratum."""
    stratum = Stratum("cpu", tied=True, ensure=False, placement="target:head")
    drawn = drawn_cases(stratum, ("llama",), 0, examples)
    found = item_of("invariant", stratum, INVARIANTS["merge-keeps-logits"], drawn).repeats
    assert found is not None
    return found


USUAL, BRIEF = repeats(FEW + 1), repeats(FEW)


def seen(
    lives: Lives, cache: Cache[Case, Observation], *cases: Case, repeat: Repeats | None = USUAL
) -> list[int]:
    for case in cases:
        cache(case, repeats=repeat(case) if repeat else None)
    return [lives.times[case] for case in dict.fromkeys(cases)]


def of(lives: Lives) -> Cache[Case, Observation]:
    return Cache(LIFECYCLE, lives)


def test_the_first_life_of_a_stratum_is_lived_twice() -> None:
    lives = Lives()
    deeper = Case(placement="target:head", layers=2)
    assert seen(lives, of(lives), HEAD, deeper, HEAD, OTHER_HEAD, BOTH) == [2, 1, 2, 2]


def test_in_brief_the_first_life_of_a_placement_is_lived_twice() -> None:
    lives = Lives()
    assert seen(lives, of(lives), HEAD, HEAD, OTHER_HEAD, BOTH, repeat=BRIEF) == [2, 1, 2]


def test_a_witness_is_lived_once_and_repeats_nothing_for_others() -> None:
    lives = Lives()
    cache = of(lives)
    assert seen(lives, cache, HEAD, repeat=None) == [1]
    assert seen(lives, cache, Case(placement="target:head", layers=2)) == [2]


@pytest.mark.parametrize("repeat", [USUAL, BRIEF], ids=["usual", "brief"])
def test_a_second_life_unlike_the_first_is_an_error_of_the_suite(repeat: Repeats) -> None:
    cache = of(Lives(changing=HEAD))
    with pytest.raises(SuiteError, match=r"two observations of .* differ: troubles"):
        cache(HEAD, repeats=repeat(HEAD))
