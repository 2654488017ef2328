"""Which strata each group of families has."""

from __future__ import annotations

from dataclasses import replace

from conformance.core.grid import ORDINARY, strata
from conformance.core.options import RUN_SEED, Options
from conformance.core.placements import PLACEMENTS
from conformance.kinds.lifecycle.kind import BEYOND_EXAMPLES, covered
from conformance.running.drawn import drawn
from tiny_models.families import BEYOND, DECODERS, FAMILIES

EVERY = tuple(strata(("cpu",), placements=tuple(PLACEMENTS)))


def asked(*families: str) -> Options:
    absent = ("examples", "case", "results", "corpus", "user_config", "issue", "merger")
    nothing = dict.fromkeys(absent)
    rest = {
        "use_known": True,
        "strict_known": False,
        "seed": 0,
        "tables": (),
        "checkpoints": (),
        "left_out": (),
        "beyond_step": 1,
    }
    return Options(
        devices=("cpu",), families=families, invariants=(), strata=EVERY, profile="default",
        **nothing, **rest,
    )  # fmt: skip


def test_decoders_have_the_ordinary_grid() -> None:
    assert covered("invariant", asked(*FAMILIES)) == strata(("cpu",))
    assert {one.placement for one in covered("invariant", asked("llama"))} == set(ORDINARY)
    assert not covered("invariant", asked(*BEYOND))


def test_other_families_have_what_they_fit() -> None:
    assert not covered("architecture", asked(*DECODERS))
    assert covered("architecture", asked(*BEYOND)) == list(EVERY)
    encoder = covered("architecture", asked("t5-encoder"))
    assert all(one.tied for one in encoder)  # untied would need a head
    assert {one.placement for one in encoder} == {
        "target:embedding",
        "save:embedding",
        "tokens:list",
        "tokens:embedding",
        "body",
        "target:encoder-embedding",
        "save:encoder-embedding",
    }


def test_one_life_a_stratum_meets_every_family() -> None:
    strata_ = covered("architecture", asked(*BEYOND))
    met = {case.family for one in strata_ for case in drawn(one, 1, RUN_SEED, BEYOND, "a group")}
    assert met == set(BEYOND)


def test_default_run_meets_every_other_family_with_and_without_a_tie() -> None:
    examples = BEYOND_EXAMPLES["default"]
    met = {
        (case.family, case.tied)
        for stratum in EVERY
        for case in drawn(stratum, examples, families=BEYOND, group="architecture")
    }
    heads = [name for name in BEYOND if FAMILIES[name].head]
    assert met == {(name, True) for name in BEYOND} | {(name, False) for name in heads}


def test_a_brief_run_lives_in_every_other_stratum_and_meets_every_placement() -> None:
    every = covered("architecture", asked(*BEYOND))
    some = covered("architecture", replace(asked(*BEYOND), beyond_step=2))
    assert set(some) < set(every)
    assert {one.placement for one in some} == {one.placement for one in every}
    kinds = {(one.tied, one.ensure) for one in some}
    assert len(kinds) == 4
    assert covered("invariant", replace(asked("llama"), beyond_step=2)) == strata(("cpu",))
