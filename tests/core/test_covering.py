"""Covering: pairs are met early, and what is planned does not depend on how much is planned."""

from __future__ import annotations

import random
from itertools import combinations, product

import pytest

from conformance.core.covering import Pick, Planned, covering, together

SIZES = (2, 3, 4, 2, 3, 4, 2, 3)
SIZES = (2, 3, 4, 2, 3, 4, 2, 3)
FIELDS = {name: tuple(range(size)) for name, size in zip("abcdefgh", SIZES, strict=True)}
UNITS = tuple(f"unit {number}" for number in range(10))
PAIRS = sum(one * other for one, other in combinations(SIZES, 2))
Toy = tuple[int, ...]


def make(_: str, choose: Pick, /) -> Toy:
    return tuple(choose(choices) for choices in FIELDS.values())


def shown(case: Toy) -> set[object]:
    return {*together(dict(zip(FIELDS, case, strict=True)))}


def planned(rounds: int, seed: str = "seed") -> dict[str, tuple[Planned[Toy], ...]]:
    return covering(UNITS, make, shown, rounds=rounds, seed=seed)


def met(cases: list[Toy]) -> int:
    return len({part for case in cases for part in shown(case)})


def test_pairs_are_met_earlier_than_by_chance() -> None:
    chosen = [one.case for unit in planned(3).values() for one in unit]
    assert met(chosen) == PAIRS
    source = random.Random(7)  # noqa: S311  no secret
    chance = [tuple(source.choice(c) for c in FIELDS.values()) for _ in chosen]
    assert met(chance) < 0.99 * PAIRS


@pytest.mark.parametrize("fewer", [1, 2, 5])
def test_fewer_cases_are_the_first_of_more(fewer: int) -> None:
    more = planned(6)
    assert planned(fewer) == {unit: cases[:fewer] for unit, cases in more.items()}


def test_a_plan_is_that_of_its_seed() -> None:
    assert planned(2) == planned(2)
    assert planned(2) != planned(2, "another")


def test_places_are_those_of_what_was_chosen() -> None:
    for one in (one for unit in planned(2).values() for one in unit):
        choices = zip(FIELDS.values(), one.places, strict=True)
        assert tuple(among[place] for among, place in choices) == one.case


def test_where_there_is_no_choice_there_is_no_place() -> None:
    def make_one(_: str, choose: Pick, /) -> tuple[str, str]:
        return choose(("only",)), choose(("one", "two"))

    (unit,) = covering(("unit",), make_one, lambda case: [case], rounds=2, seed="").values()
    assert {one.case for one in unit} == {*product(("only",), ("one", "two"))}
    assert all(len(one.places) == 1 for one in unit)


def test_three_are_met_together_where_they_are_named() -> None:
    values = {"a": 1, "b": 2, "c": 3, "d": 4}
    found = {*together(values, [("a", "b", "d")])}
    assert (("a", "b", "d"), 1, 2, 4) in found
    assert len(found) == 6 + 1
