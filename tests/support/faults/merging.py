"""Faults of merging LoRA into the base weight."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from peft.tuners.lora import layer
from peft.tuners.lora.dora import DoraLinearLayer
from peft.tuners.lora.layer import Embedding, Linear
from peft.tuners.lora.variants import DoraLinearVariant
from peft.tuners.tuners_utils import BaseTuner

from faults.fault import Wrapper, after_taking_off, all_of, fault, is_half, replaced

BODY = ("cpu-untied-default-body",)
ENSURED = ("cpu-untied-ensure-body",)


def _delta(change: Any, kind: type = Linear) -> AbstractContextManager[None]:
    """Merge (and unmerge) another delta: ``change(layer, adapter, delta)``."""

    def make(original: Wrapper) -> Wrapper:
        def get_delta_weight(self: Any, adapter: str) -> Any:
            return change(self, adapter, original(self, adapter))

        return get_delta_weight

    return replaced(kind, "get_delta_weight", make)


@fault(
    "merge-adds-twice",
    "merge adds the delta twice, as for a module that is visited under two names",
    caught_by=("merge-keeps-logits", "unmerge-restores", "trouble-is-announced-early"),
    strata=BODY,
)
def merge_adds_twice() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def merge(self: Any, *args: Any, **kwargs: Any) -> None:
            before = self.get_base_layer().weight.detach().clone()
            original(self, *args, **kwargs)
            weight = self.get_base_layer().weight
            weight.data += weight.data - before

        return merge

    return replaced(Linear, "merge", make)


@fault(
    "merge-forgets-scaling",
    "merge adds B A without lora_alpha / r",
    caught_by=("merge-keeps-logits",),
    strata=BODY,
)
def merge_forgets_scaling() -> AbstractContextManager[None]:
    return _delta(lambda self, adapter, delta: delta / self.scaling[adapter])


@fault(
    "merge-in-place-forgets-scaling",
    "merge_adapter and unmerge_adapter have their own copy of the formula, without the scaling",
    caught_by=("merge-in-place-keeps-logits",),
    strata=BODY,
)
def merge_in_place_forgets_scaling() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def in_place(self: Any, *args: Any, **kwargs: Any) -> None:
            layers = [one for one in self.model.modules() if isinstance(one, Linear)]
            kept = [dict(one.scaling) for one in layers]
            for one in layers:
                one.scaling.update(dict.fromkeys(one.scaling, 1.0))
            original(self, *args, **kwargs)
            for one, scaling in zip(layers, kept, strict=True):
                one.scaling.update(scaling)

        return in_place

    return all_of(
        *(replaced(BaseTuner, name, make) for name in ("merge_adapter", "unmerge_adapter"))
    )


@fault(
    "merge-forgets-embedding-scaling",
    "merge of an embedding adds B A without lora_alpha / r",
    caught_by=("merge-keeps-logits",),
    strata=("cpu-untied-default-target:embedding",),
)
def merge_forgets_embedding_scaling() -> AbstractContextManager[None]:
    return _delta(lambda self, adapter, delta: delta / self.scaling[adapter], Embedding)


@fault(
    "merge-ignores-rslora",
    "merge scales by alpha / r where rsLoRA was asked for",
    caught_by=("merge-keeps-logits",),
    strata=ENSURED,
)
def merge_ignores_rslora() -> AbstractContextManager[None]:
    def change(self: Any, adapter: str, delta: Any) -> Any:
        return delta * (self.lora_alpha[adapter] / self.r[adapter]) / self.scaling[adapter]

    return _delta(change)


@fault(
    "merge-transposes-square-weights",
    "merge looks at shapes to see whether a weight is kept transposed, and takes a square one so",
    caught_by=("merge-keeps-logits",),
    strata=BODY,
)
def merge_transposes_square_weights() -> AbstractContextManager[None]:
    def change(_self: Any, _adapter: str, delta: Any) -> Any:
        return delta.T if delta.shape[0] == delta.shape[1] else delta

    return _delta(change)


@fault(
    "merge-rounds-delta",
    "merge computes the delta in bfloat16 whatever the weights are",
    caught_by=("merge-keeps-logits",),
    strata=BODY,
)
def merge_rounds_delta() -> AbstractContextManager[None]:
    return _delta(lambda _self, _adapter, delta: delta.to(torch.bfloat16).to(delta.dtype))


@fault(
    "dora-merge-ignores-magnitude",
    "merge adds B A alone where DoRA was asked for; only the safe way knows the magnitude",
    caught_by=("merge-keeps-logits", "safe-merge-agrees"),
    strata=ENSURED,
)
def dora_merge_ignores_magnitude() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def merge_unsafe(module: Any, active_adapter: str, orig_weight: Any) -> None:
            module._cache_store(f"{active_adapter}-weight_norm", 1.0)
            orig_weight.data += module.get_delta_weight(active_adapter)

        return merge_unsafe

    return replaced(DoraLinearVariant, "merge_unsafe", make)


@fault(
    "dora-magnitude-starts-at-one",
    "DoRA's magnitude starts at one instead of the norm of each row",
    caught_by=("wrapping-keeps-logits",),
    strata=ENSURED,
)
def dora_magnitude_starts_at_one() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def update_layer(self: Any, **kwargs: Any) -> None:
            original(self, **kwargs)
            self.weight.data.fill_(1.0)

        return update_layer

    return replaced(DoraLinearLayer, "update_layer", make)


@fault(
    "merge-upcasts-the-model",
    "merge hands a half precision model back in float32",
    caught_by=("dtype-is-kept",),
    strata=BODY,
)
def merge_upcasts_the_model() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        if is_half(model.get_output_embeddings().weight):
            model.float()

    return after_taking_off(change, merging=True)


@fault(
    "merge-fails-in-half-precision",
    "merge has no kernel for half precision weights",
    caught_by=("life-completes",),
    strata=BODY,
)
def merge_fails_in_half_precision() -> AbstractContextManager[None]:
    def change(self: Any, _adapter: str, delta: Any) -> Any:
        if is_half(self.get_base_layer().weight):
            raise RuntimeError('"addmm_impl_cpu_" not implemented for this type')
        return delta

    return _delta(change)


@fault(
    "safe-merge-skips-scaling",
    "the safe way of merging has its own copy of the formula, without the scaling",
    caught_by=("safe-merge-agrees",),
    strata=BODY,
)
def safe_merge_skips_scaling() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def merge(self: Any, safe_merge: bool = False, adapter_names: Any = None) -> None:
            kept = dict(self.scaling)
            if safe_merge:
                self.scaling.update(dict.fromkeys(kept, 1.0))
            original(self, safe_merge=safe_merge, adapter_names=adapter_names)
            self.scaling.update(kept)

        return merge

    return replaced(Linear, "merge", make)


@fault(
    "safe-merge-writes-before-checking",
    "a safe merge finds the NaN only after it has written the weight",
    caught_by=("safe-merge-agrees",),
    strata=BODY,
    says="before-refusal",
)
def safe_merge_writes_before_checking() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def merge(self: Any, safe_merge: bool = False, adapter_names: Any = None) -> None:
            original(self, safe_merge=False, adapter_names=adapter_names)
            if safe_merge and not self.get_base_layer().weight.isfinite().all():
                raise ValueError("NaNs detected in the merged weights.")

        return merge

    return replaced(Linear, "merge", make)


@fault(
    "safe-merge-does-not-check",
    "safe_merge is lost on its way down to the layers",
    caught_by=("safe-merge-agrees",),
    strata=BODY,
    says="wrote infinities",
)
def safe_merge_does_not_check() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def merge(self: Any, safe_merge: bool = False, adapter_names: Any = None) -> None:
            original(self, safe_merge=False, adapter_names=adapter_names)

        return merge

    return replaced(Linear, "merge", make)


@fault(
    "second-merge-adds-again",
    "merging forgets what is merged already (PEFT #1355)",
    caught_by=("merging-twice-changes-nothing",),
    strata=("cpu-untied-default-body", "cpu-untied-default-target:both"),
)
def second_merge_adds_again() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        return lambda module, _names=None: list(module.active_adapters)

    return replaced(layer, "check_adapters_to_merge", make)


@fault(
    "merge-lands-on-the-cpu",
    "merging on an accelerator hands the model back on the CPU, where all still works",
    caught_by=("device-is-kept",),
    strata=("emulated-untied-default-body",),
)
def merge_lands_on_the_cpu() -> AbstractContextManager[None]:
    return after_taking_off(lambda model: model.to("cpu"), merging=True)
