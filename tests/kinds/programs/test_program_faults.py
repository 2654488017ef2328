"""Promises about programs can break: each fault is found by a program of the default run."""

from __future__ import annotations

from collections import Counter
from functools import cache

import program_faults  # noqa: F401  adds its faults
import pytest
import whole_model_faults  # noqa: F401  the same
from program_fault import ENSURED, FAULTS, ProgramFault

from conformance.causes.known import Known
from conformance.core.case import Case
from conformance.core.finding import Finding
from conformance.core.options import PROFILES, RUN_SEED
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.programs.arguments import DORA
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.programs.hazards import situations
from conformance.kinds.programs.kind import (
    PROGRAMS_A_LIFE,
    drawn_programs,
    up_to_the_first_wrong_step,
)
from conformance.kinds.programs.meant import ELSEWHERE, meant
from conformance.kinds.programs.meant import ENSURED as STEPS
from conformance.kinds.programs.observe import observe_program
from conformance.kinds.programs.program import Program, program_strata
from conformance.running.drawn import distinct
from tiny_models.families import DECODERS

pytestmark = pytest.mark.usefixtures("placed")

STRATA = {stratum.id: stratum for stratum in program_strata(("cpu",))}
KNOWN = Known.load()
SEVERAL = 3
SINGLE = (
    Case(tied=False, placement="body", training="adamw"),
    Case(tied=False, placement="save:head"),
    Case(tied=True, ensure=True, placement="save:both", training="sgd"),
    Case(tied=True, placement="tokens:list", base="resized"),
)
"""Single lives of the placements that the faults are about."""


@cache
def drawn(stratum: str) -> tuple[Program, ...]:
    """The programs of the default run: those that are meant, and those that are drawn."""
    examples = PROGRAMS_A_LIFE * PROFILES["default"]["max_examples"]
    return tuple(distinct(drawn_programs(STRATA[stratum], DECODERS, RUN_SEED, examples)))


def undeclared(promise: str, program: Program) -> list[Finding]:
    """What the promise finds in this program that is no known failure."""
    seen = up_to_the_first_wrong_step(observe_program(program))
    found = PROGRAMS[promise].judge(seen).findings
    return [finding for finding in found if not KNOWN.covering(promise, finding, seen)]


def single_findings() -> dict[str, list[str]]:
    """What the invariants of single lives find, by kind: how much depends on the training."""
    seen = [observe(case) for case in SINGLE]
    return {
        name: [finding.kind for one in seen for finding in invariant.judge(one).findings]
        for name, invariant in INVARIANTS.items()
    }


@cache
def healthy_singles() -> dict[str, list[str]]:
    return single_findings()


@pytest.mark.parametrize("planted", FAULTS, ids=lambda one: one.id)
def test_fault_is_found_by_a_drawn_program_and_by_no_single_life(planted: ProgramFault) -> None:
    others = [name for name in STRATA if name != planted.stratum]
    every = [program for name in (planted.stratum, *others) for program in drawn(name)]
    candidates = [program for program in every if planted.needs <= set(program.operations)]
    with planted.plant():
        found = next((p for p in candidates if undeclared(planted.caught_by, p)), None)
        singles = single_findings()
    assert found is not None, f"none of {len(candidates)} programs shows it"
    assert not undeclared(planted.caught_by, found), "it breaks without the fault too"
    assert singles == healthy_singles(), "a single life shows it"


def test_there_are_faults_enough() -> None:
    assert len(FAULTS) >= 12


def test_drawn_programs_meet_every_operation() -> None:
    from conformance.kinds.programs.operations import OPERATIONS

    met = Counter(op for stratum in STRATA for p in drawn(stratum) for op in {*p.operations})
    assert set(met) == set(OPERATIONS)
    assert min(met.values()) >= SEVERAL, met


def test_drawn_programs_hold_dora_and_refusals() -> None:
    every = [program for stratum in STRATA for program in drawn(stratum)]
    assert sum(any(DORA in one for one in program.placements) for program in every) >= SEVERAL
    assert sum("mixes-what-is-refused" in situations(program) for program in every) >= SEVERAL


@pytest.mark.parametrize("seed", [RUN_SEED, 0, 1, 2])
@pytest.mark.parametrize("stratum", STRATA)
def test_every_run_comes_to_what_is_meant(stratum: str, seed: int) -> None:
    programs = tuple(meant(STRATA[stratum], DECODERS, seed))
    steps = STEPS if stratum == ENSURED else ELSEWHERE
    # a saved head cannot stand beside the embedding that it is tied to, if nothing ties it again
    tied = STRATA[stratum].tied
    left_out = [one for one in steps if tied and any("save:head" in step for step in one)]
    expected = steps if stratum == ENSURED else tuple(one for one in steps if one not in left_out)
    assert tuple(program.steps for program in programs) == expected


def test_what_is_known_of_ensured_adapters_is_met_in_every_run() -> None:
    programs = meant(STRATA[ENSURED], DECODERS, RUN_SEED)
    met = Counter(one for program in programs for one in situations(program))
    known = ("ties-another", "brings-another-tied", "merges-tied-lora")
    assert all(met[one] > 1 for one in known), met
