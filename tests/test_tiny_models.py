"""Every family, tied and untied: roles, ties, bases, and an untouched save and reload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from tiny_models import BASES, FAMILIES, ModelSpec, compat
from tiny_models.build import Loading, build, config, inputs, load, model_class

CLEAN = Loading((), (), (), ())
SPECS = [ModelSpec(family=name, tied=tied, seed=3) for name in FAMILIES for tied in (True, False)]


def named(spec: ModelSpec) -> str:
    return f"{spec.family}-{'tied' if spec.tied else 'untied'}-{spec.base}"


def logits(model: nn.Module, spec: ModelSpec) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = model(**inputs(spec)).logits
    return out


def shared(model: nn.Module) -> set[frozenset[str]]:
    """Names of parameters by storage, where it has more than one."""
    groups: dict[int, set[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        groups.setdefault(parameter.data_ptr(), set()).add(name)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_untouched_model_survives_save_and_reload(spec: ModelSpec, tmp_path: Path) -> None:
    model = build(spec, tmp_path / "work").model
    model.save_pretrained(tmp_path)
    again, loading = load(model_class(spec), tmp_path, dtype=spec.dtype)
    assert loading == CLEAN
    assert shared(again) == shared(model)
    before, after = model.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    buffers = dict(again.named_buffers())
    assert all(torch.equal(buffers[name], value) for name, value in model.named_buffers())
    assert torch.equal(logits(again, spec), logits(model, spec))


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_shared_storage_is_exactly_the_tie(spec: ModelSpec, tmp_path: Path) -> None:
    model = build(spec, tmp_path).model
    family = FAMILIES[spec.family]
    head = compat.live_path(model, family.head)
    tie = {frozenset({f"{family.embedding}.weight", f"{head}.weight"})}
    assert shared(model) == (tie if spec.tied else set())


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_every_base_is_the_same_model(spec: ModelSpec, base: str, tmp_path: Path) -> None:
    """Values come from names, so the way a base came to be must not show in its logits."""
    if base == "loaded-untied" and spec.tied:
        return
    other = ModelSpec(family=spec.family, tied=spec.tied, base=base, seed=spec.seed)
    made = build(other, tmp_path)
    assert torch.equal(logits(made.model, spec), logits(build(spec, tmp_path).model, spec))
    assert made.model.config.vocab_size == spec.vocab
    assert made.model.config.tie_word_embeddings is spec.tied
    assert not made.model.training
    if base in {"loaded", "resized"}:
        assert made.loading == CLEAN
    elif base == "loaded-untied":
        head = f"{compat.live_path(made.model, FAMILIES[spec.family].head)}.weight"
        assert made.loading == Loading((head,), (), (), ())
        assert made.reinitialised == (head,)
    else:
        assert made.loading is None


@pytest.mark.parametrize("name", FAMILIES)
def test_roles_resolve_to_modules(name: str, tmp_path: Path) -> None:
    spec = ModelSpec(family=name, layers=2)
    model: Any = build(spec, tmp_path).model
    family = FAMILIES[name]
    head = model.get_submodule(compat.live_path(model, family.head))
    assert isinstance(model.get_submodule(family.embedding), nn.Embedding)
    assert isinstance(head, nn.Linear)
    assert model.get_input_embeddings() is model.get_submodule(family.embedding)
    assert model.get_output_embeddings() is head
    for short in (*family.roles["attention"], *family.roles["mlp"]):
        found = [m for path, m in model.named_modules() if path.split(".")[-1] == short]
        assert len(found) % 2 == 0  # as many in each of the two layers
        assert found
        assert all(isinstance(module, (nn.Linear, Conv1D)) for module in found)


@pytest.mark.parametrize("name", FAMILIES)
def test_config_says_what_the_family_declares(name: str) -> None:
    spec = ModelSpec(family=name, layers=2, hidden=32, vocab=40)
    made = config(spec)
    assert (made.num_hidden_layers, made.hidden_size, made.vocab_size) == (2, 32, 40)
    assert (made.pad_token_id, made.bos_token_id, made.eos_token_id) == (1, 2, 3)
    assert getattr(type(made)(), "tie_word_embeddings", None) is FAMILIES[name].tie_default
