"""How often a life is lived: once for all promises, and again to prove that once is enough."""

from __future__ import annotations

from collections import Counter

import pytest

from conformance.case import Case
from conformance.observation import Observation, Trouble
from conformance.observer import Observer
from conformance.trouble import SuiteError

HEAD, BOTH = Case(placement="target:head"), Case(placement="target:both")
OTHER_HEAD = Case(placement="target:head", tied=False)


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


def seen(lives: Lives, observer: Observer, *cases: Case, repeat: bool = True) -> list[int]:
    for case in cases:
        observer(case, repeat=repeat)
    return [lives.times[case] for case in dict.fromkeys(cases)]


def test_the_first_life_of_a_stratum_is_lived_twice() -> None:
    lives = Lives()
    deeper = Case(placement="target:head", layers=2)
    assert seen(lives, Observer(lives), HEAD, deeper, HEAD, OTHER_HEAD, BOTH) == [2, 1, 2, 2]


def test_in_brief_the_first_life_of_a_placement_is_lived_twice() -> None:
    lives = Lives()
    assert seen(lives, Observer(lives).brief, HEAD, HEAD, OTHER_HEAD, BOTH) == [2, 1, 2]


def test_a_witness_is_lived_once_and_repeats_nothing_for_others() -> None:
    lives = Lives()
    observer = Observer(lives)
    assert seen(lives, observer, HEAD, repeat=False) == [1]
    assert seen(lives, observer, Case(placement="target:head", layers=2)) == [2]


@pytest.mark.parametrize("brief", [False, True])
def test_a_second_life_unlike_the_first_is_an_error_of_the_suite(brief: bool) -> None:
    observer = Observer(Lives(changing=HEAD))
    observer = observer.brief if brief else observer
    with pytest.raises(SuiteError, match=r"two observations of .* differ: troubles"):
        observer(HEAD)
