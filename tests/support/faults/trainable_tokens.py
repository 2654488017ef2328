"""Faults of trainable tokens."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from peft.tuners.trainable_tokens.layer import TrainableTokensLayer
from peft.utils.other import TrainableTokensWrapper

from faults.fault import Wrapper, fault, passed_through, replaced

TOKENS = ("cpu-untied-default-tokens:embedding",)


@fault(
    "tokens-merge-into-the-next-row",
    "merge writes each trained row one too far",
    caught_by=("merge-keeps-logits", "untied-stay-untied"),
    strata=TOKENS,
)
def tokens_merge_into_the_next_row() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def merge(self: Any, *args: Any, **kwargs: Any) -> None:
            kept = dict(self.token_indices)
            last = len(self.base_layer.weight)
            for name, rows in kept.items():
                self.token_indices[name] = [(row + 1) % last for row in rows]
            original(self, *args, **kwargs)
            self.token_indices.update(kept)

        return merge

    return replaced(TrainableTokensLayer, "merge", make)


@fault(
    "token-rows-are-added",
    "trained rows are added to the base's instead of standing in their place",
    caught_by=("forward-follows-definition", "wrapping-keeps-logits"),
    strata=TOKENS,
)
def token_rows_are_added() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def get_merged_weights(self: Any, active_adapters: Any) -> Any:
            weight = self.base_layer.weight
            for name in active_adapters:
                rows = torch.tensor(self.token_indices[name])
                trained = self.trainable_tokens_delta[name].to(weight)
                weight = weight.index_add(0, rows, trained)
            return weight

        return get_merged_weights

    return replaced(TrainableTokensLayer, "get_merged_weights", make)


@fault(
    "token-rows-are-saved-rounded",
    "the trained rows go to the adapter file through bfloat16",
    caught_by=("adapter-keeps-logits",),
    strata=TOKENS,
)
def token_rows_are_saved_rounded() -> AbstractContextManager[None]:
    def change(saved: dict[str, Any]) -> dict[str, Any]:
        return {key: rows.to(torch.bfloat16).to(rows.dtype) for key, rows in saved.items()}

    return replaced(TrainableTokensWrapper, "adapter_state_dict", passed_through(change))


@fault(
    "tokens-of-the-head-are-dropped",
    "of two token adapters only the embedding's is merged",
    caught_by=("merge-keeps-logits", "untied-stay-untied"),
    strata=("cpu-untied-default-tokens:different",),
)
def tokens_of_the_head_are_dropped() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def off(self: Any, merge: bool, safe_merge: bool, adapter_names: Any) -> Any:
            linear = isinstance(self.token_adapter.base_layer, torch.nn.Linear)
            return original(self, merge and not linear, safe_merge, adapter_names)

        return off

    return replaced(TrainableTokensWrapper, "unload_and_optionally_merge_module", make)
