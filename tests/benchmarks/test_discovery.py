"""Discovery: declared bugs are met from any seed, and what is printed of them is simplest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import settings

from benchmarks.discovery.__main__ import SEEDS
from benchmarks.discovery.lives import (
    FEW,
    declared,
    first_lives,
    its_families,
    its_strata,
    lived,
    run,
    shows,
)
from benchmarks.discovery.page import PAGE, RESULTS, page
from benchmarks.discovery.simplest import Undeclared, candidates
from benchmarks.table import rows
from conformance.core.case import CHOICES, Case
from conformance.known_failures.entry import KnownFailure
from conformance.running.drawn import drawn
from conformance.running.profiles import register_profiles

# All of them are asked by `python -m benchmarks.discovery`; these take few lives, of small models.
SAMPLE = (
    "ensured-lora-is-merged-twice",
    "trained-tokens-merge-into-the-tied-tensor",
    "ensured-saved-embedding-under-lora",
)
BUGS = {bug.id: bug for bug in declared()}


@pytest.fixture(autouse=True)
def _default_profile() -> Iterator[None]:
    before = settings.get_current_profile_name()
    register_profiles()
    settings.load_profile("default")
    yield
    settings.load_profile(before)


@pytest.fixture(params=SAMPLE)
def bug(request: pytest.FixtureRequest) -> KnownFailure:
    """A declared bug; skipped with the reason where the installed versions do not have it."""
    if request.param not in BUGS:
        pytest.skip(f"{request.param} is declared of other versions")
    return BUGS[request.param]


def test_a_default_run_of_any_seed_meets_it(bug: KnownFailure) -> None:
    (first, *_) = its_strata(bug)
    for seed in SEEDS:
        assert bug.id in first_lives([bug], drawn(first, FEW, seed)), seed


def test_what_is_printed_could_not_be_simpler(bug: KnownFailure) -> None:
    alone = Undeclared(bug)
    case = alone.printed(SEEDS[0])
    assert case is not None
    assert shows(bug, lived(case))
    assert list(alone.simpler(case)) == []


def test_a_field_that_could_be_simpler_is_told() -> None:
    if SAMPLE[0] not in BUGS:
        pytest.skip(f"{SAMPLE[0]} is declared of other versions")
    bug = BUGS[SAMPLE[0]]
    assert isinstance(bug.witness, Case)
    case = replace(bug.witness, hidden=32, rslora=True, vocab=24)
    assert list(Undeclared(bug).simpler(case)) == [("hidden", 16), ("rslora", False)]


def test_every_simpler_value_is_a_candidate_and_no_other() -> None:
    assert list(candidates(Case())) == []
    case = Case(rank=4, tokens=(1,), seed=7, family=CHOICES["family"][2])
    told = [("rank", 2), ("rank", 1), ("tokens", (0,)), ("tokens", (-1,)), ("seed", 0)]
    assert list(candidates(case)) == [
        *(("family", name) for name in CHOICES["family"][:2]),
        *told,
    ]


def test_runs_cover_the_grid_and_differ_by_seed() -> None:
    one, other = run(1), run(2)
    assert one != other
    strata = {(case.tied, case.ensure, case.placement) for case in one}
    assert strata == {(case.tied, case.ensure, case.placement) for case in other}


def test_each_bug_has_a_stratum_and_a_family_and_its_witness_is_among_them() -> None:
    for bug in list(BUGS.values())[::6]:
        (first, *_) = its_strata(bug)
        assert isinstance(bug.witness, Case)
        assert first.placement == bug.witness.placement
        assert bug.witness.family in its_families(bug, first)


def test_the_page_counts_what_was_found_and_what_could_be_simpler() -> None:
    versions = {"peft": "1"}
    kept = [
        {"seed": 1, "found": {"a": 3, "b": 9}, "many": {"c": 30}, "versions": versions},
        {"seed": 2, "found": {"a": 5}, "many": {"b": 2}, "versions": versions},
        {"bug": "a", "case": "Case()", "simpler": []},
        {"bug": "b", "case": "Case(rank=4)", "simpler": [["rank", 2]]},
        {"bug": "c", "case": None, "simpler": []},
    ]
    text = page(kept)
    assert "Found by the default run in every seed: 1 of 3 bugs." in text
    assert "in all seeds: 2." in text
    assert "Printed as simply as can be: 1 of 3." in text
    assert "| `a` | 2 of 2 | 4 | - | `Case()` | no |" in text
    assert "| `b` | 1 of 2 | 9 | 1 of 1 | `Case(rank=4)` | `rank=2` |" in text
    assert "| `c` | 0 of 2 | - | 1 of 2 | not in 32 lives |  |" in text


def test_the_page_is_that_of_the_results() -> None:
    kept = rows(RESULTS)
    if not kept:
        pytest.skip("nothing was measured yet")
    assert PAGE.read_text(encoding="utf-8") == page(kept)
