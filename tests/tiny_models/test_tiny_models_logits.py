"""Logits of every family are of moderate size and depend on every role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from conformance.engine.snapshot import logits
from tiny_models import FAMILIES, ModelSpec
from tiny_models.build import build, inputs
from tiny_models.roles import matrix_names, module_names

SPECS = [
    ModelSpec(family=name, tied=tied, seed=3)
    for name, family in FAMILIES.items()
    for tied in (True, False)
    if tied or family.head
]
# A tied T5 multiplies what its head reads by the root of 1 / width: here by 1 / 4.
DAMPED = {"t5", "t5-gated", "umt5", "longt5"}


def named(spec: ModelSpec) -> str:
    return f"{spec.family}-{'tied' if spec.tied else 'untied'}-{spec.base}"


@contextmanager
def scaled(weight: torch.Tensor, rows: slice, by: float) -> Iterator[None]:
    """Some rows of a matrix multiplied for a while; layer norms would swallow a constant."""
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[rows] *= by
    yield
    with torch.no_grad():
        weight.copy_(kept)


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_logits_depend_on_every_matrix(spec: ModelSpec, tmp_path: Path) -> None:
    model = build(spec, tmp_path).model
    family = FAMILIES[spec.family]
    before = logits(model, inputs(spec))
    assert before.isfinite().all()
    assert (0.2 if spec.family in DAMPED else 0.3) < before.std() < 5
    assert (before.std(dim=-1) > 0.1).all()
    names = matrix_names(model, family)
    weights = {role: model.get_parameter(name) for role, name in names.items()}
    source = weights["embedding"]
    for role, weight in weights.items():
        with scaled(weight, slice(5, 6), 2.0):  # a token of the inputs
            changed = not torch.allclose(logits(model, inputs(spec)), before)
        # on transformers 5 encoder and decoder of an untied Bart have matrices of their own
        sides = [one for other, one in weights.items() if other not in {"embedding", "head"}]
        unread = role == "embedding" and sides and all(source is not one for one in sides)
        assert changed is not unread, role
    assert torch.equal(logits(model, inputs(spec)), before)


@pytest.mark.parametrize("name", FAMILIES)
def test_logits_depend_on_every_body_role(name: str, tmp_path: Path) -> None:
    spec = ModelSpec(family=name)
    model = build(spec, tmp_path).model
    found = module_names(model, FAMILIES[name])
    before = logits(model, inputs(spec))
    for path in (*found.get("attention", ()), *found.get("mlp", ())):
        with scaled(model.get_parameter(f"{path}.weight"), slice(None), 1.5):
            assert not torch.allclose(logits(model, inputs(spec)), before), path
    assert torch.equal(logits(model, inputs(spec)), before)
