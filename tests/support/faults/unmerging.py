"""Faults of unmerging."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from peft.tuners.lora.variants import DoraLinearVariant
from peft.tuners.trainable_tokens.layer import TrainableTokensLayer

from faults.fault import Wrapper, fault, replaced

BODY = ("cpu-untied-default-body",)
ENSURED = ("cpu-untied-ensure-body",)


@fault(
    "unmerge-subtracts-nothing",
    "unmerge marks the layer as unmerged and leaves the weight",
    caught_by=("unmerge-restores",),
    strata=BODY,
)
def unmerge_subtracts_nothing() -> AbstractContextManager[None]:
    return replaced(Linear, "unmerge", lambda _: lambda self: self.merged_adapters.clear())


@fault(
    "unmerge-forgets-scaling",
    "unmerge subtracts B A without lora_alpha / r",
    caught_by=("unmerge-restores",),
    strata=BODY,
)
def unmerge_forgets_scaling() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def unmerge(self: Any) -> None:
            kept = dict(self.scaling)
            self.scaling.update(dict.fromkeys(kept, 1.0))
            original(self)
            self.scaling.update(kept)

        return unmerge

    return replaced(Linear, "unmerge", make)


@fault(
    "unmerge-tires",
    "from the second time on, unmerge takes off a hundredth less than was merged",
    caught_by=("drift-is-bounded",),
    strata=BODY,
)
def unmerge_tires() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def unmerge(self: Any) -> None:
            kept = dict(self.scaling)
            self.times = getattr(self, "times", 0) + 1
            for name in kept if self.times > 1 else ():
                self.scaling[name] *= 0.99
            original(self)
            self.scaling.update(kept)

        return unmerge

    return replaced(Linear, "unmerge", make)


@fault(
    "dora-unmerge-ignores-magnitude",
    "unmerge subtracts B A and leaves DoRA's magnitude in the weight",
    caught_by=("unmerge-restores",),
    strata=ENSURED,
)
def dora_unmerge_ignores_magnitude() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def unmerge(module: Any, active_adapter: str, orig_weight: Any) -> Any:
            module._cache_pop(f"{active_adapter}-weight_norm")
            delta = module.get_delta_weight(active_adapter)
            return (orig_weight.data - delta).to(orig_weight.dtype)

        return unmerge

    return replaced(DoraLinearVariant, "unmerge", make)


@fault(
    "unmerge-keeps-token-rows",
    "unmerge writes the trained rows back where the original ones belong",
    caught_by=("unmerge-restores",),
    strata=("cpu-untied-default-tokens:embedding",),
)
def unmerge_keeps_token_rows() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def unmerge(self: Any) -> None:
            for name in self.merged_adapters:
                rows = torch.tensor(self.token_indices[name])
                trained = self.trainable_tokens_delta[name].detach().to(self.base_layer.weight)
                self.base_layer.weight.data.index_copy_(0, rows, trained)
            self.merged_adapters.clear()

        return unmerge

    return replaced(TrainableTokensLayer, "unmerge", make)
