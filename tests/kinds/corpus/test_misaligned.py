"""The same verdicts wherever in memory what is loaded lies: MKL's float64 products depend on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from corpus_files import judged, saved
from misaligned import LINE, misaligned, moved

from conformance.core.case import Case
from conformance.core.invariant import Invariant
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.proof import first_difference
from conformance.kinds.loading.case import LoadingCase
from conformance.kinds.loading.checks import LOADING
from conformance.kinds.loading.observe import observe_loading
from conformance.kinds.pipeline.case import PipelineCase
from conformance.kinds.pipeline.checks import PIPELINE
from conformance.kinds.pipeline.observe import observe_pipeline
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.programs.observe import observe_program
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import tuner_case
from conformance.kinds.tuners.checks import TUNER_PROMISES
from conformance.kinds.tuners.subject import observe_tuner

OFFSETS = (8, 16, 32)
FINE = Case(placement="body", dtype="float64", base="loaded", training="adamw", hidden=32, layers=2)
PROGRAM = Program(
    dtype="float64",
    steps=(
        ("wrap", "default", "body", 2, 4),
        ("train", "adamw", 2),
        ("reopen", "peft"),
        ("train", "sgd", 2),
        ("merge_and_unload", ()),
        ("reload", "same"),
    ),
)
KINDS: Mapping[str, tuple[Callable[[Any], Any], Any, Mapping[str, Invariant]]] = {
    "lifecycle": (observe, FINE, INVARIANTS),
    "tuner": (
        observe_tuner,
        tuner_case(tied=False, placement="body", tuner="loha"),
        TUNER_PROMISES,
    ),
    "program": (observe_program, PROGRAM, PROGRAMS),
    "loading": (observe_loading, LoadingCase(family="t5"), LOADING),
    "pipeline": (observe_pipeline, PipelineCase(variant="merged-lora"), PIPELINE),
}


def verdicts(kind: str) -> dict[str, str]:
    """What every promise of a kind of test says of its case."""
    observed, case, promises = KINDS[kind]
    seen = observed(case)
    return {name: one.judge(seen).verdict for name, one in promises.items()}


@cache
def aligned(kind: str) -> dict[str, str]:
    """The same with everything where torch puts it."""
    return verdicts(kind)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("kind", KINDS)
def test_verdicts_do_not_depend_on_addresses(kind: str, offset: int) -> None:
    if kind == "pipeline" and not find_spec("diffusers"):
        pytest.skip("diffusers is not installed")
    with misaligned(offset) as met:
        found = verdicts(kind)
    assert met
    assert found == aligned(kind)
    assert "holds" in found.values()


def test_a_corpus_is_judged_alike(tmp_path: Path) -> None:
    corpus = saved(tmp_path / "corpus", FINE)
    expected = {name: one.verdict for name, one in judged(corpus, FINE).items()}
    for offset in OFFSETS:
        with misaligned(offset) as met:
            found = {name: one.verdict for name, one in judged(corpus, FINE).items()}
        assert met
        assert found == expected


def test_a_life_is_the_same_twice_wherever_it_lies() -> None:
    life = observe(FINE)
    with misaligned(8):
        assert first_difference(life, observe(FINE)) is None


def test_moving_keeps_values_ties_and_shapes() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model.register_buffer("turned", torch.arange(6.0).reshape(2, 3).T)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    moved(model, 8)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(tensor.data_ptr() % LINE == 8 for tensor in after.values())
    assert model[1].weight is model[0].weight
    assert model.turned.stride() == (1, 3)


def test_one_bit_of_a_loaded_weight_is_seen_at_any_address() -> None:
    with misaligned(8):
        seen = observe(FINE)
    reloaded = seen.stages["reloaded"]
    name, weight = next(iter(reloaded.weights.items()))
    other = weight.clone()
    other.view(torch.int64).view(-1)[0] += 1
    changed = replace(reloaded, weights={**reloaded.weights, name: other})
    judge = INVARIANTS["reload-keeps-logits"].judge
    assert judge(seen).verdict == "holds"
    found = judge(replace(seen, stages={**seen.stages, "reloaded": changed}))
    assert [finding.what for finding in found.findings] == [f"parameter {name} changed by reload"]
