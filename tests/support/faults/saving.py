"""Faults of saving the merged model."""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager
from typing import Any

import torch
from transformers import modeling_utils

from faults.fault import Wrapper, fault, replaced, saving_merged, swap_first_two

BODY = ("cpu-untied-default-body",)
TIED_BODY = ("cpu-tied-default-body",)


def _head(state_dict: dict[str, Any], model: Any) -> list[str]:
    """The keys of the head's weight, found by its values' place in memory."""
    where = model.get_output_embeddings().weight.data_ptr()
    return [key for key, tensor in state_dict.items() if tensor.data_ptr() == where]


@fault(
    "saving-drops-the-head",
    "the merged model is saved without its head, as if it were tied",
    caught_by=(
        "load-report-is-clean",
        "reload-keeps-logits",
        "checkpoint-is-plain",
        "config-driven-loader-agrees",
    ),
    strata=BODY,
)
def saving_drops_the_head() -> AbstractContextManager[None]:
    def change(state_dict: dict[str, Any], model: Any) -> None:
        for key in _head(state_dict, model):
            del state_dict[key]

    return saving_merged(change)


@fault(
    "saving-adds-an-adapter-key",
    "one of PEFT's tensors is left in the merged checkpoint",
    caught_by=("checkpoint-is-plain", "load-report-is-clean"),
    strata=BODY,
)
def saving_adds_an_adapter_key() -> AbstractContextManager[None]:
    def change(state_dict: dict[str, Any], _model: Any) -> None:
        state_dict["lm_head.lora_A.default.weight"] = torch.zeros(2, 2)

    return saving_merged(change)


@fault(
    "saving-writes-the-tied-weight-twice",
    "the tied head is written beside the embedding, under a config that says tied",
    caught_by=("checkpoint-is-plain",),
    strata=TIED_BODY,
    says="extra-key",
)
def saving_writes_the_tied_weight_twice() -> AbstractContextManager[None]:
    def change(state_dict: dict[str, Any], model: Any) -> None:
        (name,) = [n for n, m in model.named_modules() if m is model.get_output_embeddings()]
        state_dict[f"{name}.weight"] = model.get_output_embeddings().weight.detach().clone()

    return saving_merged(change)


@fault(
    "saving-downcasts",
    "the merged checkpoint is written in bfloat16 whatever the model is in",
    caught_by=("dtype-is-kept", "reload-keeps-logits"),
    strata=BODY,
)
def saving_downcasts() -> AbstractContextManager[None]:
    def change(state_dict: dict[str, Any], _model: Any) -> None:
        for key, tensor in state_dict.items():
            if tensor.is_floating_point():
                state_dict[key] = tensor.to(torch.bfloat16)

    return saving_merged(change)


@fault(
    "saving-exchanges-two-tensors",
    "two tensors of one shape change places in the merged checkpoint",
    caught_by=("reload-keeps-logits", "trouble-is-announced-early"),
    strata=BODY,
)
def saving_exchanges_two_tensors() -> AbstractContextManager[None]:
    return saving_merged(lambda state_dict, _model: swap_first_two(state_dict, "weight"))


@fault(
    "merged-files-are-numbered",
    "each checkpoint carries a counter in its metadata",
    caught_by=("saving-is-repeatable",),
    strata=BODY,
    says="of the merged",
)
def merged_files_are_numbered() -> AbstractContextManager[None]:
    counter = itertools.count()

    def make(original: Wrapper) -> Wrapper:
        def save(tensors: Any, path: Any, metadata: Any = None) -> None:
            original(tensors, path, metadata={**(metadata or {}), "number": str(next(counter))})

        return save

    return replaced(modeling_utils, "safe_save_file", make)
