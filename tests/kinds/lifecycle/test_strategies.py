"""Strategies: valid by construction, one stream a stratum, everything met, simplest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.causes.known import Known
from conformance.core.case import CHOICES, STRATUM_FIELDS, Case, check, parse_case
from conformance.core.device_names import DEVICES
from conformance.core.finding import Finding, Violation
from conformance.core.grid import Stratum, strata
from conformance.core.invariant import Invariant, always
from conformance.core.observation import Observation
from conformance.core.options import PROFILES, RUN_SEED
from conformance.core.tying_tables import ROWS, Row
from conformance.kinds.lifecycle import covering
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.covering import planned, shown
from conformance.kinds.lifecycle.kind import LIFECYCLE, drawn_cases, item_of
from conformance.kinds.lifecycle.making import make
from conformance.running import judge
from conformance.running.cache import Cache
from conformance.running.drawn import distinct
from conformance.running.judge import judge_item
from conformance.running.strategies import made
from tiny_models.families import DECODERS

GRID = strata(("cpu",))

Bug = Callable[[Case], bool]


def judged_where(bug: Bug) -> Invariant:
    """A stub invariant that breaks on the cases with the bug."""

    def check_(seen: Observation) -> Iterator[Finding]:
        if bug(seen.case):
            yield Finding("wrong-value", "the stub bug")

    return Invariant("stub", "There is no stub bug.", "this test", check_, always, ())


def run(
    stratum: Stratum, seed: int, invariant: Invariant, examples: int | None = None
) -> list[Case]:
    """Run an item as the suite does, without lives; the cases in the order they were drawn."""
    drawn: list[Case] = []

    def observe(case: Case) -> Observation:
        drawn.append(case)
        return Observation(case, names={})

    number = examples or PROFILES["default"]["max_examples"]
    cases_ = drawn_cases(stratum, DECODERS, seed, number)
    item = item_of("invariant", stratum, invariant, cases_)
    judge_item(LIFECYCLE, item, Known(), cache=Cache(LIFECYCLE, observe))
    return [drawn[0], *drawn[2:]]  # a cache observes the first case of a stratum twice


@cache
def default_run(stratum: Stratum) -> tuple[Case, ...]:
    """The distinct cases of a stratum in the default run."""
    return tuple(run(stratum, RUN_SEED, judged_where(lambda _: False)))


def everything() -> list[Case]:
    return [case for stratum in GRID for case in default_run(stratum)]


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=500, derandomize=True)
@given(data=st.data())
def test_draws_are_valid_by_construction(device: str, data: st.DataObject) -> None:
    stratum = data.draw(st.sampled_from(strata((device,))))
    case = data.draw(made(partial(make, stratum, DECODERS)))
    check(case)
    assert Stratum(case.device, case.tied, case.ensure, case.placement) == stratum


def test_families_can_be_chosen() -> None:
    @settings(max_examples=50, derandomize=True)
    @given(case=made(partial(make, GRID[0], ("gpt2", "mamba"))))
    def chosen(case: Case) -> None:
        assert case.family in {"gpt2", "mamba"}

    chosen()


def test_cases_of_each_stratum_are_distinct() -> None:
    number = PROFILES["default"]["max_examples"]
    counts = {stratum.id: len(set(default_run(stratum))) for stratum in GRID}
    assert {name: n for name, n in counts.items() if n < number} == {}


@pytest.mark.parametrize("field", CHOICES)
def test_default_run_meets_every_choice(field: str) -> None:
    met = {getattr(case, field) for case in everything()}
    expected = set(DECODERS if field == "family" else CHOICES[field])
    if field == "crossing":  # a cpu has nothing to cross to
        expected = {"none"}
    assert met == expected


def test_default_run_meets_every_family_with_and_without_a_tie() -> None:
    met = {(case.family, case.tied) for case in everything()}
    assert len(met) == len(DECODERS) * 2


def test_default_run_brings_most_values_together_and_chance_fewer() -> None:
    number = PROFILES["default"]["max_examples"]
    plans = [planned(stratum, DECODERS, RUN_SEED, "", 2 * number) for stratum in GRID]
    every = {part for plan in plans for one in plan for part in shown(one.case)}
    early = {part for plan in plans for one in plan[:number] for part in shown(one.case)}
    assert len(early) > 0.85 * len(every)
    drawn = (replace(drawn_cases(s, DECODERS, RUN_SEED, number), plan=tuple) for s in GRID)
    chance = {part for of in drawn for case in distinct(of) for part in shown(case)}
    assert len(chance) < 0.95 * len(early)


def test_devices_cross_where_there_are_two() -> None:
    met = {c.crossing for s in strata(("cuda",)) for c in default_run(s)}
    assert met == set(CHOICES["crossing"])


def test_streams_of_two_strata_differ() -> None:
    """Beyond the first, all-default case and apart from the stratum's own fields."""

    def stream(stratum: Stratum) -> tuple[tuple[object, ...], ...]:
        names = [f.name for f in fields(Case) if f.name not in STRATUM_FIELDS]
        return tuple(tuple(getattr(case, n) for n in names) for case in default_run(stratum)[1:])

    assert len({stream(stratum) for stratum in GRID}) == len(GRID)


def test_all_invariants_of_a_stratum_share_its_stream() -> None:
    """Even one that breaks meets the same cases until then."""
    stratum = GRID[5]
    for invariant in INVARIANTS.values():
        assert tuple(run(stratum, RUN_SEED, invariant)) == default_run(stratum)


def test_another_run_seed_is_another_stream() -> None:
    stratum = GRID[5]
    other = tuple(run(stratum, RUN_SEED + 1, judged_where(lambda _: False)))
    assert other != default_run(stratum)


def test_a_stream_does_not_depend_on_what_ran_before() -> None:
    stratum = GRID[7]
    first = run(stratum, 3, judged_where(lambda _: False))
    run(GRID[8], 4, judged_where(lambda _: False))
    assert run(stratum, 3, judged_where(lambda _: False)) == first


def test_there_are_28_documented_rows() -> None:
    assert len(ROWS) == 28


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.table}-{ROWS.index(row)}")
def test_every_documented_row_is_reached(row: Row) -> None:
    for placement in row.placements:
        stratum = Stratum("cpu", row.base_tied, row.ensure, placement)
        assert stratum in GRID
        assert row.covers(default_run(stratum)[0])


# Bugs bound to drawn values, how many seeds to try, and the fields a shrunk case may show beyond
# its stratum.
BUGS: dict[str, tuple[Bug, int, dict[str, Any]]] = {
    "family": (lambda c: c.family == "gpt2", 10, {"family": "gpt2"}),
    "two": (lambda c: c.writing == "regex" and c.dora, 10, {"writing": "regex", "dora": True}),
    "training": (lambda c: c.training != "values", 8, {"training": "sgd"}),
    "half": (lambda c: c.dtype in {"bfloat16", "float16"}, 8, {"dtype": "bfloat16"}),
    "also": (lambda c: "attention" in c.also, 8, {"also": ("attention",)}),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_shrinks_to_exactly_what_it_needs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # the full text looks up versions, which takes longer than everything else here
    monkeypatch.setattr(judge, "failure_text", lambda *seen: repr(seen[3].case))
    monkeypatch.setattr(covering, "LONGEST", 3)  # planned and drawn cases shrink alike
    bug, seeds, expected = BUGS[name]
    stratum = Stratum("cpu", tied=True, ensure=False, placement="target:head")
    shrunk = []
    for seed in range(seeds):
        with pytest.raises(Violation) as caught:
            run(stratum, seed, judged_where(bug), examples=300)
        shrunk.append(parse_case(str(caught.value)))
    assert shrunk == [Case("cpu", True, False, "target:head", **expected)] * seeds
