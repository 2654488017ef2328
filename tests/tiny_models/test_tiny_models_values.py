"""Values depend on the seed and on names: not on order, tie or any global generator."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tiny_models import BASES, FAMILIES, ModelSpec
from tiny_models.build import build
from tiny_models.roles import matrix_names
from tiny_models.values import fill, named_values, refill

PINNED = [-1.771022, 0.835235, 1.426576]


def weights(spec: ModelSpec, workdir: Path) -> dict[str, torch.Tensor]:
    return dict(build(spec, workdir).model.state_dict())


def generators() -> tuple[object, ...]:
    """The states of the global generators, comparable."""
    legacy = np.random.get_state()  # noqa: NPY002 -- the global one is the point
    return torch.random.get_rng_state().tolist(), random.getstate(), str(legacy)


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.mark.parametrize("base", BASES)
def test_build_neither_reads_nor_moves_global_generators(base: str, tmp_path: Path) -> None:
    spec = ModelSpec(tied=False, base=base)
    torch.manual_seed(1)
    first = weights(spec, tmp_path)
    torch.manual_seed(2)
    before = generators()
    second = weights(spec, tmp_path)
    assert equal(first, second)
    assert generators() == before


@pytest.mark.parametrize("name", FAMILIES)
def test_no_parameter_is_constant_or_equal_to_another(name: str, tmp_path: Path) -> None:
    spec = ModelSpec(family=name, tied=not FAMILIES[name].head, layers=2)
    seen: list[torch.Tensor] = []
    for key, parameter in build(spec, tmp_path).model.named_parameters():
        if not parameter.requires_grad:  # the same sines for encoder and decoder
            assert key.endswith(".embed_positions.weight")
            continue
        assert parameter.isfinite().all(), key
        assert len(torch.unique(parameter)) > parameter.numel() // 2, key
        same = [other for other in seen if other.shape == parameter.shape]
        assert not any(torch.allclose(other, parameter) for other in same), key
        seen.append(parameter)


@pytest.mark.parametrize("name", FAMILIES)
def test_layers_leave_the_other_values_alone(name: str, tmp_path: Path) -> None:
    plain = weights(ModelSpec(family=name), tmp_path)
    deeper = weights(ModelSpec(family=name, layers=2), tmp_path)
    assert all(torch.equal(plain[key], deeper[key]) for key in plain)


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.head])
def test_the_tie_leaves_the_other_values_alone(name: str, tmp_path: Path) -> None:
    tied = weights(ModelSpec(family=name), tmp_path)
    model = build(ModelSpec(family=name, tied=False), tmp_path).model
    untied = dict(model.state_dict())
    differing = {key for key in tied if not torch.equal(tied[key], untied[key])}
    matrices, biases = matrix_names(model, FAMILIES[name]), FAMILIES[name].biases
    # what is no longer one with the first of its group: the head, and on transformers 5 also
    # Bart's encoder and decoder and Bert's second bias
    own = {
        key
        for group in ((*matrices.values(),), biases)
        for key in group[1:]
        if untied[key].data_ptr() != untied[group[0]].data_ptr()
    }
    assert matrices["head"] in own
    assert differing == own


def test_seeds_differ(tmp_path: Path) -> None:
    one, two = (weights(ModelSpec(seed=seed), tmp_path) for seed in (1, 2))
    assert not any(torch.equal(one[key], two[key]) for key in one)


def test_fill_gives_a_shared_parameter_its_first_name() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(4, 4, bias=False)
            self.second = nn.Linear(4, 4, bias=False)
            self.second.weight = nn.Parameter(self.first.weight.data)  # storage, not object

    pair, alone = Pair(), torch.empty(4, 4)
    fill(pair, 7)
    refill(alone, 7, "first.weight")
    assert torch.equal(pair.first.weight, alone)
    assert torch.equal(pair.second.weight, alone)


def test_fill_leaves_buffers() -> None:
    norm = nn.BatchNorm1d(3)
    fill(norm, 0)
    assert norm.running_mean is not None
    assert torch.equal(norm.running_mean, torch.zeros(3))


def test_refill_casts_float32_values() -> None:
    half, full = torch.empty(5, 3, dtype=torch.bfloat16), torch.empty(5, 3)
    refill(half, 0, "x")
    refill(full, 0, "x")
    assert torch.equal(half, full.to(torch.bfloat16))


def test_named_values_are_pinned() -> None:
    """A change here changes every case and every recorded regression."""
    found = named_values(0, "lm_head.weight", (3,))
    assert found.dtype == torch.float32
    assert torch.equal(found, named_values(0, "embed_out.weight", (3,)))  # its old name
    assert found.tolist() == pytest.approx(PINNED, abs=1e-6)
