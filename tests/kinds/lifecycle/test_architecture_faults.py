"""Faults that only models with more members of a tie can show, each planted and caught."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import pytest
import torch
from faults.fault import after_taking_off, after_wrapping
from peft.tuners.trainable_tokens import TrainableTokensLayer

from conformance.causes.known import Known
from conformance.core.case import Case
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe

pytestmark = pytest.mark.usefixtures("placed")

KNOWN = Known.load()
TOKENS = Case(placement="tokens:list", family="umt5")
BODY = Case(placement="body", family="bart")
ENCODER = Case(placement="body", family="t5-encoder")


def alone(name: str) -> Callable[[Any], None]:
    """Give one member of the tie a tensor of its own, of the same values."""

    def change(model: Any) -> None:
        module = model.get_submodule(name)
        module.weight = torch.nn.Parameter(module.weight.detach().clone())

    return change


def tokens_alone(model: Any) -> None:
    """Cut the decoder's trained tokens loose from those of shared."""
    layers = [
        layer
        for name, layer in model.named_modules()
        if isinstance(layer, TrainableTokensLayer) and "decoder.embed_tokens" in name
    ]
    (layer,) = layers
    own = torch.nn.ParameterDict(
        {key: delta.detach().clone() for key, delta in layer.trainable_tokens_delta.items()}
    )
    layer.trainable_tokens_delta = own
    layer._tied_adapter = []


FAULTS: dict[str, tuple[Case, Callable[[], AbstractContextManager[None]], tuple[str, ...]]] = {
    "the-decoders-tokens-are-cut-loose": (
        TOKENS,
        lambda: after_wrapping(tokens_alone),
        ("tied-stay-tied",),
    ),
    "merging-unties-the-decoder": (
        BODY,
        lambda: after_taking_off(alone("model.decoder.embed_tokens"), merging=True),
        ("tied-stay-tied",),
    ),
    "merging-unties-an-encoder-and-keeps-its-config": (
        ENCODER,
        lambda: after_taking_off(alone("encoder.embed_tokens"), merging=True),
        ("tied-stay-tied", "config-tells-the-truth"),
    ),
    "merging-unties-the-head-and-keeps-the-config": (
        BODY,
        lambda: after_taking_off(alone("lm_head"), merging=True),
        ("tied-stay-tied", "config-tells-the-truth"),
    ),
}


@cache
def healthy(case: Case) -> Observation:
    return observe(case)


def undeclared(invariant: str, seen: Observation) -> list[str]:
    found = INVARIANTS[invariant].judge(seen).findings
    return [str(one) for one in found if not KNOWN.covering(invariant, one, seen)]


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught(name: str) -> None:
    case, plant, invariants = FAULTS[name]
    with plant():
        sick = observe(case)
    for invariant in invariants:
        assert undeclared(invariant, sick), f"{invariant} does not catch {name}"
        assert not undeclared(invariant, healthy(case))
