"""Generating: a few tokens, greedily, beside one forward pass after another of the same weights.

The passes are those of a model that has not generated anything, and remember nothing.
"""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.engine.snapshot import logits
from conformance.kinds.lifecycle.further_stages import BASE_ROW, foreseen
from conformance.upstream import calls, further_calls
from conformance.upstream.names import ADAPTER

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

NEW_TOKENS = 3
"""The second and third are made with what is remembered of those before."""


def generate(life: Life) -> None:
    """With the adapter, with rows that name it, once it is saved and loaded, and merged."""
    import torch

    before, model = life.adapted(), life.adapted()
    with life.at("generated"):
        _generate(life, "generated", model, before)
        life.stages["generated-then"] = Snapshot(logits=logits(model, life.inputs))
    with life.at("prepared"), torch.no_grad():
        # generate calls the base's own, for all that PEFT puts this in its place
        given = further_calls.prepared(model, life.inputs)
        life.stages["prepared"] = Snapshot(logits=model(**given).logits.cpu())
    with life.at("generated-by-names"):
        _generate(life, "generated-by-names", model, before, adapter_names=[ADAPTER, BASE_ROW])
    with life.at("generated-reloaded"):
        folder = os.fspath(life.folder / "adapter")
        loaded = calls.load_adapter(
            life.fresh_base(), folder, low_cpu_mem_usage=False, is_trainable=False
        )
        _generate(life, "generated-reloaded", loaded, before)
    if "merged" in life.stages:
        with life.at("generated-merged"):
            merged = calls.merge_and_unload(model, safe=life.case.safe_merge)
            # what merging makes of the logits is judged elsewhere
            _generate(life, "generated-merged", merged, copy.deepcopy(merged))


def _generate(life: Life, stage: str, model: Any, before: Any, **more: Any) -> None:
    import torch

    made = further_calls.generate(model, life.inputs, NEW_TOKENS, **more)
    ids = made.sequences.cpu()
    said = "decoder_input_ids" if "decoder_input_ids" in life.inputs else "input_ids"
    found = torch.stack(made.logits, dim=1).cpu()
    tokens = {"tokens": ids, "prompt": life.inputs[said]}
    life.stages[stage] = Snapshot(logits=found, buffers=tokens)
    steps = [
        _next(life, before, ids[:, : ids.shape[1] - NEW_TOKENS + step], **more)
        for step in range(NEW_TOKENS)
    ]
    life.stages[foreseen(stage)] = Snapshot(logits=torch.stack(steps, dim=1).to(found.dtype))


def _next(life: Life, model: Any, ids: Any, *, adapter_names: Any = None) -> Any:
    """The logits of the token after these; a row of the base has the adapter disabled."""
    import torch

    if "decoder_input_ids" in life.inputs:
        given = {**life.inputs, "decoder_input_ids": ids}
    else:
        given = {**life.inputs, "input_ids": ids, "attention_mask": torch.ones_like(ids)}
    found = logits(model, given)[:, -1].clone()
    for row, name in enumerate(adapter_names or ()):
        if name == BASE_ROW:
            with model.disable_adapter():
                found[row] = logits(model, given)[row, -1]
    return found
