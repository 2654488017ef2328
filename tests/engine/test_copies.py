"""Copies of a kept model: like those of ``deepcopy``, and what shares storage still shares it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from conformance.core.case import Case
from conformance.core.errors import SuiteError
from conformance.core.sharing import anew, shares
from conformance.engine.copies import Kept, copier, kept
from conformance.engine.snapshot import logits, snapshot
from conformance.kinds.lifecycle.kind import LIFECYCLE
from conformance.running.cache import Cache
from tiny_models.build import build, inputs
from tiny_models.spec import ModelSpec

SPEC = ModelSpec(family="llama")


def wrapped(folder: Path, **more: Any) -> Any:
    """A tied model with LoRA on both ends that have one adapter."""
    base = build(SPEC, folder).model
    config = LoraConfig(
        target_modules=["embed_tokens", "lm_head", "q_proj"], init_lora_weights=False, **more
    )
    return get_peft_model(base, config)


def storages(model: nn.Module) -> dict[str, list[str]]:
    """Names of tensors by where they lie, those that share alone."""
    found: dict[int, list[str]] = {}
    for name, one in model.named_parameters(remove_duplicate=False):
        found.setdefault(one.untyped_storage().data_ptr(), []).append(name)
    return {names[0]: names for names in found.values() if len(names) > 1}


@pytest.mark.parametrize("more", [{}, {"ensure_weight_tying": True}, {"use_dora": True}])
def test_a_copy_is_the_model_once_more(tmp_path: Path, more: dict[str, Any]) -> None:
    model = wrapped(tmp_path, **more).eval()
    made = Kept(model).copy()
    assert type(made) is type(model)
    assert [name for name, _ in made.named_modules()] == [n for n, _ in model.named_modules()]
    assert [m.training for m in made.modules()] == [m.training for m in model.modules()]
    assert storages(made) == storages(model)
    for (name, mine), (other, its) in zip(
        made.named_parameters(), model.named_parameters(), strict=True
    ):
        assert (name, mine.dtype, mine.requires_grad) == (other, its.dtype, its.requires_grad)
        assert torch.equal(mine, its)
        assert mine.untyped_storage().data_ptr() != its.untyped_storage().data_ptr()
    given = inputs(SPEC)
    assert torch.equal(logits(made, given), logits(model, given))


def test_deepcopy_parts_what_a_kept_model_does_not() -> None:
    model = nn.Module()
    values = torch.arange(6.0).view(2, 3)
    model.register_parameter("there", nn.Parameter(values))
    model.register_parameter("turned", nn.Parameter(values.T))
    assert not storages(copy.deepcopy(model))
    made: Any = Kept(model).copy()
    assert storages(made) == {"there": ["there", "turned"]}
    assert torch.equal(made.turned, values.T)


def test_what_is_kept_stays_as_it_was(tmp_path: Path) -> None:
    model = wrapped(tmp_path)
    before = snapshot(model, None)
    held = Kept(model)
    first = held.copy()
    for one in (model, first):
        with torch.no_grad():
            for parameter in one.parameters():
                parameter.zero_()
        one.base_model.model.config.tie_word_embeddings = False
    after = snapshot(held.copy(), None)
    assert all(torch.equal(after.weights[name], one) for name, one in before.weights.items())
    assert held.copy().base_model.model.config.tie_word_embeddings is True


def test_sparse_meta_and_empty_tensors_are_copied() -> None:
    model = nn.Module()
    model.register_buffer("sparse", torch.eye(3).to_sparse())
    model.register_buffer("empty", torch.empty(0))
    model.register_parameter("away", nn.Parameter(torch.empty(2, device="meta")))
    made: Any = Kept(model).copy()
    assert torch.equal(made.sparse.to_dense(), torch.eye(3))
    assert made.empty.shape == (0,)
    assert made.away.is_meta


def test_what_cannot_be_pickled_is_made_otherwise() -> None:
    model = nn.Linear(2, 2)
    model.register_forward_hook(lambda *_: None)
    assert kept(model) is None
    assert torch.equal(copier(model)().weight, model.weight)


def test_nothing_is_kept_where_all_is_made_anew() -> None:
    with anew():
        assert not shares()
        assert kept(nn.Linear(2, 2)) is None
    assert shares()


def lost(original: Callable[[Kept], Any]) -> Callable[[Kept], Any]:
    """A copy whose last parameter is another."""

    def made(held: Kept) -> Any:
        model = original(held)
        with torch.no_grad():
            list(model.parameters())[-1].add_(1)
        return model

    return made


def test_a_life_that_sharing_changes_is_an_error_of_the_suite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case("cpu", tied=True, ensure=False, placement="body")
    kind = LIFECYCLE
    Cache(kind)(case, repeats="stratum")  # the same twice
    monkeypatch.setattr(Kept, "copy", lost(Kept.copy))
    with pytest.raises(SuiteError, match="two observations"):
        Cache(kind)(case, repeats="stratum")


def test_a_life_with_branches_is_the_same_with_and_without_sharing() -> None:
    kind = LIFECYCLE
    case = Case("cpu", tied=True, ensure=True, placement="target:both", dora=True)
    seen = kind.observe(case)
    with anew():
        assert kind.difference(seen, kind.observe(case)) is None
