"""Faults that lose a tie or make one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from peft.tuners.lora.model import LoraModel
from peft.tuners.trainable_tokens.layer import TrainableTokensLayer
from peft.tuners.tuners_utils import BaseTuner
from peft.utils.other import ModulesToSaveWrapper

from faults.fault import (
    Wrapper,
    after_loading_adapter,
    after_taking_off,
    after_wrapping,
    fault,
    replaced,
    then,
    untie,
)

TIED_BODY = ("cpu-tied-default-body",)
ENSURED = ("cpu-tied-ensure-save:both",)


@fault(
    "wrapping-copies-the-tied-head",
    "get_peft_model gives the head a copy of the weight it shares with the embedding",
    caught_by=("tied-stay-tied", "config-tells-the-truth"),
    strata=TIED_BODY,
)
def wrapping_copies_the_tied_head() -> AbstractContextManager[None]:
    return after_wrapping(untie)


@fault(
    "merge-copies-the-tied-head",
    "merge_and_unload gives the head a copy of the weight and leaves the config saying tied",
    caught_by=("tied-stay-tied", "config-tells-the-truth"),
    strata=TIED_BODY,
    says="at merged",
)
def merge_copies_the_tied_head() -> AbstractContextManager[None]:
    return after_taking_off(untie, merging=True)


@fault(
    "unload-copies-the-tied-head",
    "unload gives the head a copy of the weight",
    caught_by=("unload-restores-base",),
    strata=TIED_BODY,
    says="lost-tie",
)
def unload_copies_the_tied_head() -> AbstractContextManager[None]:
    return after_taking_off(untie, merging=False)


@fault(
    "loading-an-adapter-unties-the-base",
    "PeftModel.from_pretrained gives the base's head a copy of the weight",
    caught_by=("tied-stay-tied",),
    strata=TIED_BODY,
    says="at adapter-reloaded",
)
def loading_an_adapter_unties_the_base() -> AbstractContextManager[None]:
    return after_loading_adapter(lambda model: untie(model.get_base_model()))


@fault(
    "merging-in-place-unties-the-base",
    "merge_adapter gives the head a copy of the weight",
    caught_by=("tied-stay-tied",),
    strata=TIED_BODY,
    says="at merged-in-place",
)
def merging_in_place_unties_the_base() -> AbstractContextManager[None]:
    return replaced(BaseTuner, "merge_adapter", then(lambda tuner: untie(tuner.model)))


@fault(
    "ensure-weight-tying-is-ignored",
    "ensure_weight_tying does nothing for modules_to_save",
    caught_by=("tied-stay-tied", "documented-contract"),
    strata=ENSURED,
)
def ensure_weight_tying_is_ignored() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        return lambda _self, _config, _keys: None

    return replaced(LoraModel, "_add_modules_to_save_to_tie", make)


@fault(
    "saved-modules-are-copied-not-shared",
    "the tied modules_to_save start equal and are two tensors (PEFT #2803)",
    caught_by=("tied-stay-tied", "documented-contract"),
    strata=ENSURED,
    says="lost-tie",
)
def saved_modules_are_copied_not_shared() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def update(self: Any, adapter_name: str, tied_module: Any = None, **kwargs: Any) -> None:
            original(self, adapter_name, tied_module=tied_module, **kwargs)
            if tied_module is not None:
                module = self.modules_to_save[adapter_name]
                module.weight = torch.nn.Parameter(module.weight.detach().clone())

        return update

    return replaced(ModulesToSaveWrapper, "update", make)


@fault(
    "tied-tokens-are-not-synced",
    "the head's token adapter keeps rows of its own instead of the embedding's",
    caught_by=("tied-stay-tied", "documented-contract"),
    strata=("cpu-tied-default-tokens:list",),
)
def tied_tokens_are_not_synced() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def update_layer(self: Any, adapter_name: str, *args: Any, **kwargs: Any) -> None:
            original(self, adapter_name, *args, **kwargs)
            if kwargs.get("tied_adapter") is not None:
                rows = self.trainable_tokens_delta[adapter_name].detach().clone()
                own = torch.nn.ParameterDict({adapter_name: torch.nn.Parameter(rows)})
                self.trainable_tokens_delta = own

        return update_layer

    return replaced(TrainableTokensLayer, "update_layer", make)


@fault(
    "wrapping-ties-what-was-untied",
    "get_peft_model ties head and embedding of a model that says it is untied (PEFT #2944)",
    caught_by=("untied-stay-untied", "config-tells-the-truth", "wrapping-keeps-logits"),
    strata=("cpu-untied-default-body",),
)
def wrapping_ties_what_was_untied() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        base = model.get_base_model()
        base.get_output_embeddings().weight = base.get_input_embeddings().weight

    return after_wrapping(change)


@fault(
    "separate-adapters-share-a-matrix",
    "the head's lora_A is made a view of the embedding's lora_embedding_B though nobody asked",
    caught_by=("untied-stay-untied", "documented-contract"),
    strata=("cpu-untied-default-target:both",),
)
def separate_adapters_share_a_matrix() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        base = model.get_base_model()
        embedding, head = base.get_input_embeddings(), base.get_output_embeddings()
        for name in head.lora_A:
            shared = embedding.lora_embedding_B[name].T
            if shared.shape == head.lora_A[name].weight.shape:
                head.lora_A[name].weight = torch.nn.Parameter(shared)

    return after_wrapping(change)
