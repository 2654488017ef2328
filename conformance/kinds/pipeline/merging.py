"""A LoRA on a text encoder, given values from names and merged, by PEFT's own API."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.core.observation import FEW, adapted_modules
from conformance.core.versions import installed
from conformance.engine.oracle import nudged
from conformance.engine.snapshot import calls, logits, reached, snapshot
from conformance.kinds.pipeline.case import PipelineCase, Variant
from conformance.upstream import calls as upstream_calls
from tiny_models.values import fill

if TYPE_CHECKING:
    import torch

    from conformance.core.observation import Snapshot

RANK = 2


def unnamed(model: Any, variant: Variant) -> str:
    """Says that a target is no module of its own here, or ``""``.

    Up to transformers 4 the encoder's embedding is ``shared`` itself, known by that name alone.
    """
    names = [name for name, _ in model.named_modules()]
    for target in variant.targets:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            here = f"transformers {installed('transformers')}"
            return f"{here} gives {target} no module of its own, so PEFT finds none"
    return ""


def merged(
    model: Any,
    case: PipelineCase,
    inputs: Mapping[str, torch.Tensor],
    stages: dict[str, Snapshot],
    called: set[str],
) -> Any:
    """The model with the LoRA of the case's variant merged into it.

    What it was before goes to ``stages``, the modules of the LoRA that a forward pass calls to
    ``called``. Rank and alpha are one, so a delta is about as large as the matrix it is added to.
    """
    stages["base"] = snapshot(model, inputs)
    config = upstream_calls.lora_config(
        r=RANK,
        lora_alpha=RANK,
        lora_dropout=0.0,
        bias="none",
        target_modules=list(case.what.targets),
    )
    adapted = upstream_calls.wrap(model, config, autocast=True).eval()
    # the base is frozen, and stays as it is
    fill(adapted, case.spec.seed, only=reached(adapted, inputs))
    with calls(adapted) as met:
        stages["adapted"] = snapshot(adapted, inputs)
    called |= met & adapted_modules(stages["adapted"].weights)
    return upstream_calls.merge_and_unload(adapted, safe=False).eval()


def moved_by_eps(model: Any, inputs: Mapping[str, torch.Tensor]) -> Iterator[torch.Tensor]:
    """Outputs with every weight moved by one eps, a few times, each time otherwise."""
    import torch

    for stage in FEW:
        other = copy.deepcopy(model)
        with torch.no_grad():
            for name, parameter in other.named_parameters():
                parameter.copy_(nudged(parameter, name, stage))
        yield logits(other, inputs)
