"""More members of a tie than two: each is judged, by hand-made lives of an encoder-decoder."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from observations import EMBEDDING, HEAD, NAMES, at, healthy

from conformance.core.observation import Observation, Snapshot
from conformance.kinds.lifecycle.checks import INVARIANTS

SIDE = "encoder.embed_tokens"


def with_a_side(seen: Observation, *, lora: bool = False) -> Observation:
    """The life with one more embedding, which holds the same matrix at every stage."""
    stages = {name: _with_a_side(found, lora=lora) for name, found in seen.stages.items()}
    return replace(seen, stages=stages, names={**NAMES, "encoder-embedding": SIDE})


def _with_a_side(found: Snapshot, *, lora: bool) -> Snapshot:
    tie = {f"{EMBEDDING}.weight", f"{HEAD}.weight"}
    weights = dict(found.weights)
    if f"{EMBEDDING}.weight" in weights:
        weights[f"{SIDE}.weight"] = weights[f"{EMBEDDING}.weight"]
    shares = {group | {f"{SIDE}.weight"} if tie <= group else group for group in found.shares}
    for part in ("lora_embedding_A", "lora_embedding_B") if lora else ():
        mine = f"{EMBEDDING} {part}"
        if mine in weights:
            weights[f"{SIDE} {part}"] = weights[mine]
            shares = {g | {f"{SIDE} {part}"} if mine in g else g for g in shares}
    return replace(found, weights=weights, shares=frozenset(map(frozenset, shares)))


def findings(invariant: str, seen: Observation) -> list[str]:
    return [str(finding) for finding in INVARIANTS[invariant].judge(seen).findings]


def test_a_life_that_keeps_all_members_tied() -> None:
    seen = with_a_side(healthy())
    assert seen.members == tuple(f"{name}.weight" for name in (EMBEDDING, SIDE, HEAD))
    assert seen.partner == f"{HEAD}.weight"
    assert not findings("tied-stay-tied", seen)


@pytest.mark.parametrize("stage", ["adapted", "merged", "reloaded"])
def test_a_member_that_leaves_the_tie(stage: str) -> None:
    seen = with_a_side(healthy())
    alone = at(seen, stage, shares=healthy().stages[stage].shares)
    (found,) = findings("tied-stay-tied", alone)
    assert found == f"lost-tie: at {stage}, {EMBEDDING}.weight and {SIDE}.weight are two"


def test_one_adapter_for_all_members() -> None:
    fields = {"ensure": True, "placement": "target:both"}
    assert not findings("tied-stay-tied", with_a_side(healthy(**fields), lora=True))
    seen = with_a_side(healthy(**fields))
    called = replace(seen, called=frozenset({EMBEDDING, SIDE, HEAD}))
    without = findings("tied-stay-tied", called)
    assert any(f"{EMBEDDING} and {SIDE} have no common adapter" in found for found in without)


def test_a_member_that_nobody_calls_needs_no_adapter() -> None:
    seen = with_a_side(healthy(ensure=True, placement="target:both"))
    assert SIDE not in seen.called
    assert not findings("tied-stay-tied", seen)


def test_a_delta_that_reaches_another_member() -> None:
    seen = with_a_side(healthy(placement="target:head"))
    assert not findings("untied-stay-untied", seen)
    merged = seen.stages["merged"].weights
    spilt = at(seen, "merged", weights={**merged, f"{SIDE}.weight": merged[f"{HEAD}.weight"]})
    (found,) = findings("untied-stay-untied", spilt)
    assert found.startswith(f"wrong-value: merged {SIDE}.weight is not what was trained")


def test_adapters_of_one_matrix_may_be_one_in_an_untied_model() -> None:
    seen = with_a_side(healthy(tied=False, placement="target:both"))
    both = frozenset({f"{EMBEDDING}.weight", f"{SIDE}.weight"})
    stages = {
        name: replace(found, shares=found.shares | {both}) for name, found in seen.stages.items()
    }
    seen = replace(seen, stages=stages)
    one = frozenset({f"{EMBEDDING} lora_embedding_A", f"{SIDE} lora_embedding_A"})
    allowed = at(seen, "adapted", shares=seen.stages["adapted"].shares | {one})
    assert not findings("untied-stay-untied", allowed)
    wrong = frozenset({f"{EMBEDDING} lora_embedding_A", f"{HEAD} lora_B"})
    assert findings(
        "untied-stay-untied", at(seen, "adapted", shares=seen.stages["adapted"].shares | {wrong})
    )


def test_without_a_head_the_flag_speaks_of_the_embeddings() -> None:
    names = {"embedding": EMBEDDING, "encoder-embedding": HEAD}
    seen = replace(healthy(), names=names)
    assert seen.partner == f"{HEAD}.weight"
    assert not findings("config-tells-the-truth", seen)
    apart = at(seen, "merged", shares=frozenset())
    assert findings("config-tells-the-truth", apart)
    assert torch.equal(  # the file is judged for models with a head alone
        seen.saved["merged"].tensors[f"{EMBEDDING}.weight"],
        healthy().saved["merged"].tensors[f"{EMBEDDING}.weight"],
    )


@pytest.mark.parametrize("shared", [True, False])
def test_a_bias_under_two_names_trains_under_both(shared: bool) -> None:
    names = {f"{HEAD}.bias", "predictions.bias"}
    seen = healthy(placement="target:head", bias="lora_only")
    bias = torch.ones(4)
    stages = {
        stage: replace(
            found,
            weights={**found.weights, **dict.fromkeys(names, bias)},
            trainable=found.trainable | names if found.trainable else found.trainable,
            shares=found.shares | {frozenset(names)} if shared else found.shares,
        )
        for stage, found in seen.stages.items()
        if found.weights
    }
    found = findings("only-the-adapter-trains", replace(seen, stages=seen.stages | stages))
    told = "wrong-trainable: predictions.bias trains but is the base's"
    assert (told in found) is not shared
