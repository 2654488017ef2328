"""No stage of a tuner's life is looked at in vain: the logits of each are judged somewhere."""

from __future__ import annotations

import pytest
from planted_tuners import case

from conformance.kinds.lifecycle.further_stages import FROZEN, GENERATED, THAWED, foreseen
from conformance.kinds.tuners.checks import TUNER_PROMISES
from conformance.kinds.tuners.once_checks import JUDGED
from conformance.kinds.tuners.option_checks import DEFINED, pairs
from conformance.kinds.tuners.save_load_checks import KEEPING
from conformance.kinds.tuners.subject import observe_tuner

pytestmark = pytest.mark.usefixtures("placed")

OTHERWISE = (
    *GENERATED,
    *FROZEN,
    *THAWED,
    "generated-then",
    "prepared",
    "frozen-beside",
    "mixed-precision",
    "injected-uncast",
    "beside-base",
    "with-base",
    "with-mapped-base",
)
"""Stages of further uses, judged in ``use_checks``."""


def test_the_logits_of_every_way_are_judged() -> None:
    seen = observe_tuner(case("lora"))
    of_grid = {stage for one in TUNER_PROMISES.values() for stage in one.needs}
    taken = {stage for stage, found in seen.stages.items() if found.logits is not None}
    left = {one for one in taken - of_grid - {*KEEPING} if not one.startswith("nudged")}
    left -= {"added-merged"}  # judged with "added"
    left -= {"as-lora", *JUDGED, *OTHERWISE}  # judged by themselves
    left -= {one + end for one in pairs(seen) for end in ("", DEFINED)}  # judged with each other
    assert left <= {"filled", "merged-otherwise", "read"}, "stages of a life's main line"
    assert {*KEEPING} - taken == {"far", "older-names"}, "here is the CPU, and no vision tower"


def test_the_logits_of_every_further_use_are_judged() -> None:
    tied = observe_tuner(case("lora", tied=True))
    taken = {stage for stage, found in tied.stages.items() if found.logits is not None}
    judged = {*OTHERWISE, *(foreseen(stage) for stage in GENERATED)}
    assert {one for one in taken if one.startswith(("gener", "froz", "thaw", "with-"))} <= judged
    assert {*OTHERWISE} <= taken
