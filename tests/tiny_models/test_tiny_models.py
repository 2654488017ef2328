"""Every family, tied and untied: bases, configs, and an untouched save and reload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from conformance.engine.snapshot import logits
from tiny_models import BASES, FAMILIES, ModelSpec, compat
from tiny_models.build import Loading, build, config, inputs, load, model_class

CLEAN = Loading((), (), (), ())
SPECS = [
    ModelSpec(family=name, tied=tied, seed=3)
    for name, family in FAMILIES.items()
    for tied in (True, False)
    if tied or family.head
]


def rebased(spec: ModelSpec) -> list[ModelSpec]:
    """The same model on every base that it has; the others are refused (see the tests of specs)."""
    family = FAMILIES[spec.family]
    bases = BASES[:3] if spec.tied else BASES
    if not spec.tied and (family.copies or family.biases):
        bases = BASES[:2]
    return [replace(spec, base=base) for base in bases]


def named(spec: ModelSpec) -> str:
    return f"{spec.family}-{'tied' if spec.tied else 'untied'}-{spec.base}"


def text_config(made: Any) -> Any:
    """What describes the language model: the config itself, but beside a vision tower."""
    return getattr(made, "text_config", made)


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
    assert torch.equal(logits(again, inputs(spec)), logits(model, inputs(spec)))


@pytest.mark.parametrize("spec", [one for spec in SPECS for one in rebased(spec)], ids=named)
def test_every_base_is_the_same_model(spec: ModelSpec, tmp_path: Path) -> None:
    """Values come from names, so the way a base came to be must not show in its logits."""
    made = build(spec, tmp_path)
    plain = build(replace(spec, base="built"), tmp_path)
    assert torch.equal(logits(made.model, inputs(spec)), logits(plain.model, inputs(spec)))
    assert text_config(made.model.config).vocab_size == spec.vocab
    # T5 says that it is tied whatever it is asked, on transformers 5
    assert made.model.config.tie_word_embeddings is config(spec).tie_word_embeddings
    assert not made.model.training
    if spec.base in {"loaded", "resized"}:
        assert made.loading == CLEAN
    elif spec.base == "loaded-untied":
        head = f"{compat.live_path(made.model, FAMILIES[spec.family].head)}.weight"
        assert made.loading == Loading((head,), (), (), ())
        assert made.reinitialised == (head,)
    else:
        assert made.loading is None


@pytest.mark.parametrize("name", FAMILIES)
def test_config_says_what_the_family_declares(name: str) -> None:
    family = FAMILIES[name]
    spec = ModelSpec(family=name, layers=2, hidden=32, vocab=40)
    made = config(spec)
    text = text_config(made)
    assert (text.num_hidden_layers, text.hidden_size, text.vocab_size) == (2, 32, 40)
    assert (text.pad_token_id, text.bos_token_id, text.eos_token_id) == (1, 2, 3)
    assert all(getattr(made, layers) == 2 for layers in family.sizes.layers)
    assert getattr(type(made)(), "tie_word_embeddings", None) is family.tie_default


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_config_says_the_tie_wherever_transformers_looks(spec: ModelSpec) -> None:
    """Beside a vision tower 4 reads the text config and 5 the outer one."""
    made: Any = config(spec)
    # these may say that they are tied all the same
    forced = {"t5", "t5-gated", "umt5", "mt5", "longt5", "marian"}
    assert made.tie_word_embeddings is spec.tied or spec.family in forced
    assert text_config(made).tie_word_embeddings is made.tie_word_embeddings
