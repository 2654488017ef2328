"""Logits of every family are of moderate size and depend on every role."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tiny_models import FAMILIES, ModelSpec, compat
from tiny_models.build import build, inputs

SPECS = [ModelSpec(family=name, tied=tied, seed=3) for name in FAMILIES for tied in (True, False)]


def named(spec: ModelSpec) -> str:
    return f"{spec.family}-{'tied' if spec.tied else 'untied'}-{spec.base}"


def logits(model: nn.Module, spec: ModelSpec) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = model(**inputs(spec)).logits
    return out


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_logits_depend_on_embedding_and_head(spec: ModelSpec, tmp_path: Path) -> None:
    model = build(spec, tmp_path).model
    family = FAMILIES[spec.family]
    before = logits(model, spec)
    assert before.isfinite().all()
    assert 0.3 < before.std() < 5
    assert (before.std(dim=-1) > 0.1).all()
    for path in (family.embedding, compat.live_path(model, family.head)):
        weight = model.get_parameter(f"{path}.weight")
        kept = weight.detach().clone()
        with torch.no_grad():
            weight[5] *= 2  # a token of the inputs; layer norms would swallow an added constant
        assert not torch.allclose(logits(model, spec), before)
        with torch.no_grad():
            weight.copy_(kept)
    assert torch.equal(logits(model, spec), before)


@pytest.mark.parametrize("name", FAMILIES)
def test_logits_depend_on_every_body_role(name: str, tmp_path: Path) -> None:
    spec = ModelSpec(family=name)
    model = build(spec, tmp_path).model
    family = FAMILIES[name]
    before = logits(model, spec)
    for short in (*family.attention, *family.mlp):
        path = next(p for p, _ in model.named_modules() if p.split(".")[-1] == short)
        weight = model.get_parameter(f"{path}.weight")
        kept = weight.detach().clone()
        with torch.no_grad():
            weight.mul_(1.5)
        assert not torch.allclose(logits(model, spec), before), path
        with torch.no_grad():
            weight.copy_(kept)
