"""What heads and embeddings give is what the published architectures compute, in our own lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conformance.engine.snapshot import logits
from tiny_models import FAMILIES, ModelSpec, compat
from tiny_models.build import build, config, inputs
from tiny_models.families import Family

HERE = {name: family for name, family in FAMILIES.items() if compat.has_family(family)}
SPECS = [
    ModelSpec(family=name, tied=tied, seed=5, base=base)
    for name, family in HERE.items()
    for tied in (True, False)
    for base in ("built", "loaded")
    if family.head
]

# The last module of the body, whose output the head reads: by family, or else by its kind.
LAST = {
    "gpt2": "transformer.ln_f",
    "gpt-neox": "gpt_neox.final_layer_norm",
    "bloom": "transformer.ln_f",
    "falcon": "transformer.ln_f",
    "opt": "model.decoder.final_layer_norm",
    "opt-proj": "model.decoder.project_out",
    "phi": "model.final_layernorm",
    "mamba": "backbone.norm_f",
    "falcon-h1": "model.final_layernorm",
    "names": "norm",
    "bart": "model.decoder.layers.0.final_layer_norm",
    "marian": "model.decoder.layers.0.final_layer_norm",
    "mbart": "model.decoder.layer_norm",
    "pegasus": "model.decoder.layer_norm",
    "whisper": "model.decoder.layer_norm",
    "bert": "cls.predictions.transform",
    "roberta": "lm_head.layer_norm",
    "albert": "predictions.LayerNorm",
}
OF_T5 = {name for name, family in FAMILIES.items() if family.name.startswith(("t5", "umt5", "mt5"))}
OF_T5.add("longt5")
UNSCALED = {"mt5"}
"""Those of T5's kind whose class scales nothing in transformers 5."""


def named(spec: ModelSpec) -> str:
    return f"{spec.family}-{'tied' if spec.tied else 'untied'}-{spec.base}"


def last(model: nn.Module, family: Family) -> str:
    """The path of the last module of a body."""
    if family.name in OF_T5:
        return "decoder.final_layer_norm"
    inside = "model.language_model.norm" if family.shape == "image-text" else "model.norm"
    return compat.live_path(model, LAST.get(family.name, inside))


def published(family: Family, spec: ModelSpec, hidden: Tensor, matrix: Tensor) -> Tensor:
    """The head without its bias.

    T5: Mesh TensorFlow divides by the root of the width where the matrix is shared, and T5 1.1,
    which shares none, does not (mesh_tensorflow/transformer/transformer.py, line 586). Gemma 2: the
    report, section 2, caps logits at 30. Falcon H1: the report, section 2.5, multiplies them.
    """
    if family.name in OF_T5 and spec.tied:
        hidden = hidden / math.sqrt(matrix.shape[1])
    found = hidden @ matrix.T
    if family.name == "gemma2":
        return 30 * torch.tanh(found / 30)
    if family.name == "falcon-h1":
        return found * float(str(family.sizes.fixed["lm_head_multiplier"]))
    return found


def bias(model: nn.Module, family: Family) -> Tensor | float:
    """What the head adds: its own, or the buffer of Bart's kind."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    known: dict[str, Tensor] = {**parameters, **dict(model.named_buffers())}
    names = (f"{family.head}.bias", "final_logits_bias")
    return next((known[name] for name in names if name in known), 0.0)


def seen_at(model: nn.Module, path: str, run: Callable[[], Tensor]) -> tuple[Tensor, Tensor]:
    """What a module gave, and what the model gave."""
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: Any, given: Any) -> None:
        kept.append(given if isinstance(given, Tensor) else given[0])

    handle = model.get_submodule(path).register_forward_hook(keep)
    try:
        found = run()
    finally:
        handle.remove()
    return kept[-1], found


def says_tied_always(spec: ModelSpec) -> bool:
    """Whether the config says that it is tied when it is asked not to be, as in transformers 5."""
    return bool(config(replace(spec, tied=False, base="built")).tie_word_embeddings)


def measured(spec: ModelSpec, folder: Path) -> tuple[Tensor, Tensor]:
    """What a model gives, and what the published head makes of what its body gives."""
    model: Any = build(spec, folder).model
    family = HERE[spec.family]
    hidden, found = seen_at(model, last(model, family), lambda: logits(model, inputs(spec)))
    head = model.get_submodule(compat.live_path(model, family.head))
    with torch.no_grad():
        return found, published(family, spec, hidden, head.weight) + bias(model, family)


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_the_head_is_the_published_one(spec: ModelSpec, tmp_path: Path) -> None:
    found, wanted = measured(spec, tmp_path)
    if spec.family in UNSCALED and spec.tied and says_tied_always(spec):
        wanted = wanted * math.sqrt(spec.hidden)  # as T5 1.1, although the matrix is shared
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
