"""Faults of taking the adapter off."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from peft.tuners.lora.layer import LoraLayer
from peft.tuners.tuners_utils import BaseTuner

from faults.fault import Wrapper, after_taking_off, fault, replaced

BODY = ("cpu-untied-default-body",)


@fault(
    "merge-leaves-peft-config",
    "the merged model keeps the attribute peft_config (PEFT #3025)",
    caught_by=("unload-leaves-no-trace",),
    strata=BODY,
    says="peft_config",
)
def merge_leaves_peft_config() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        model.peft_config = {}

    return after_taking_off(change, merging=True)


@fault(
    "unload-only-disables",
    "unload switches the adapter off and leaves its modules in place",
    caught_by=("unload-restores-base", "unload-leaves-no-trace"),
    strata=BODY,
)
def unload_only_disables() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def unload(self: Any) -> Any:
            for module in self.model.modules():
                if isinstance(module, LoraLayer):
                    module.enable_adapters(enabled=False)
            return self.model

        return unload

    return replaced(BaseTuner, "unload", make)


@fault(
    "unload-merges",
    "unload merges before it takes the adapter off",
    caught_by=("unload-restores-base",),
    strata=("cpu-untied-default-body", "cpu-untied-default-target:both"),
)
def unload_merges() -> AbstractContextManager[None]:
    return replaced(BaseTuner, "unload", lambda _: lambda self: self.merge_and_unload())


@fault(
    "merge-leaves-a-hook",
    "a forward hook of the adapter stays on the merged model",
    caught_by=("unload-leaves-no-trace",),
    strata=BODY,
    says="at merged: hook on",
)
def merge_leaves_a_hook() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        model.get_output_embeddings().register_forward_hook(lambda *_args: None)

    return after_taking_off(change, merging=True)


@fault(
    "merge-leaves-training-mode",
    "merge_and_unload hands the model back in training mode",
    caught_by=("unload-leaves-no-trace",),
    strata=BODY,
    says="at merged: the model is in training mode",
)
def merge_leaves_training_mode() -> AbstractContextManager[None]:
    return after_taking_off(lambda model: model.train(), merging=True)
