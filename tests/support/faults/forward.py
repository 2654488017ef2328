"""Faults of what the wrapped model computes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from peft.tuners.lora.layer import Embedding, Linear, LoraLayer
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer

from faults.fault import Wrapper, after_wrapping, fault, replaced

BODY = ("cpu-untied-default-body",)
ENSURED = ("cpu-untied-ensure-body",)


@fault(
    "rslora-is-ignored-everywhere",
    "use_rslora is dropped while wrapping, so that forward and merge agree on the wrong scaling",
    caught_by=("forward-follows-definition",),
    strata=ENSURED,
)
def rslora_is_ignored_everywhere() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for module in model.modules():
            if isinstance(module, LoraLayer):
                for name in module.scaling:
                    module.scaling[name] = module.lora_alpha[name] / module.r[name]

    return after_wrapping(change)


@fault(
    "embedding-scale-is-ignored",
    "LoRA on a scaled embedding forgets the scale (Gemma 3's embeddings are multiplied)",
    caught_by=("forward-follows-definition", "merge-keeps-logits"),
    strata=("cpu-untied-default-target:embedding",),
)
def embedding_scale_is_ignored() -> AbstractContextManager[None]:
    return replaced(BaseTunerLayer, "_get_embed_scale", lambda _: lambda _self: None)


@fault(
    "wrapping-rounds-the-base",
    "get_peft_model passes the targeted weights through bfloat16",
    caught_by=("wrapping-keeps-logits", "unload-restores-base"),
    strata=BODY,
)
def wrapping_rounds_the_base() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for module in model.modules():
            if isinstance(module, Linear):
                weight: Any = module.get_base_layer().weight
                weight.data = weight.data.bfloat16().to(weight.data.dtype)

    return after_wrapping(change)


@fault(
    "lora-b-does-not-start-at-zero",
    "lora_B gets random initial values like lora_A",
    caught_by=("wrapping-keeps-logits",),
    strata=BODY,
)
def lora_b_does_not_start_at_zero() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def reset(self: Any, adapter_name: str, init_lora_weights: Any) -> None:
            original(self, adapter_name, init_lora_weights)
            if adapter_name in self.lora_B:
                torch.nn.init.normal_(self.lora_B[adapter_name].weight)

        return reset

    return replaced(LoraLayer, "reset_lora_parameters", make)


@fault(
    "disabling-forgets-embeddings",
    "disable_adapter switches linear layers off and embeddings not",
    caught_by=("disabled-is-base",),
    strata=("cpu-untied-default-target:embedding",),
)
def disabling_forgets_embeddings() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def enable(self: Any, *, enabled: bool = True) -> None:
            original(self, enabled=enabled)
            for module in self.model.modules():
                if isinstance(module, Embedding):
                    module.enable_adapters(enabled=True)

        return enable

    return replaced(BaseTuner, "_enable_adapter_layers", make)


@fault(
    "an-adapted-module-is-passed-by",
    "the first LoRA layer stands among the modules, and its parent goes on calling what it wraps",
    caught_by=("adapter-takes-part",),
    strata=BODY,
)
def an_adapted_module_is_passed_by() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        name, layer = next((n, m) for n, m in model.named_modules() if isinstance(m, Linear))
        parent, _, own = name.rpartition(".")
        # what an instance has itself is found before its submodules
        vars(model.get_submodule(parent))[own] = layer.get_base_layer()

    return after_wrapping(change)
