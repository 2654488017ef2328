"""Faults of batches of several adapters, of copies and casts, and of transformers' own calls."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from faults.fault import Wrapper, replaced, then, untie
from peft import PeftModel, functional
from peft.tuners.lora.layer import Linear, LoraLayer
from peft.utils.other import ModulesToSaveWrapper
from program_fault import TIED, fault, lora_layers


@fault("program-follows-reference", "mixed")
def rows_of_a_batch_are_mixed_up() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def forward(self: Any, x: Any, *args: Any, adapter_names: Any, **kwargs: Any) -> Any:
            turned = [*adapter_names[1:], adapter_names[0]]
            return original(self, x, *args, adapter_names=turned, **kwargs)

        return forward

    return replaced(Linear, "_mixed_batch_forward", make)


@fault("program-follows-reference", "mixed")
def a_row_of_the_base_goes_through_the_saved_module() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def forward(self: Any, x: Any, *args: Any, adapter_names: Any, **kwargs: Any) -> Any:
            first = next(one for one in adapter_names if one in self._adapters)
            named = [first if one == "__base__" else one for one in adapter_names]
            return original(self, x, *args, adapter_names=named, **kwargs)

        return forward

    return replaced(ModulesToSaveWrapper, "_mixed_batch_forward", make)


@fault("program-completes", "mixed", "merge")
def a_batch_of_adapters_is_not_refused_while_one_is_merged() -> AbstractContextManager[None]:
    return replaced(LoraLayer, "_check_forward_args", lambda _: lambda *_, **__: None)


@contextmanager
def copying(change: Callable[[Any, Any], None]) -> Iterator[None]:
    """Do something to a wrapped model and its copy, after it was made."""

    def made(self: Any, memo: dict[int, Any]) -> Any:
        del PeftModel.__deepcopy__
        try:
            other = copy.deepcopy(self, memo)
        finally:
            PeftModel.__deepcopy__ = made
        change(self, other)
        return other

    PeftModel.__deepcopy__ = made
    try:
        yield
    finally:
        del PeftModel.__deepcopy__


@fault("program-copies-apart", "copy")
def a_copy_shares_a_factor_with_its_original() -> AbstractContextManager[None]:
    def change(model: Any, other: Any) -> None:
        for mine, theirs in zip(lora_layers(model), lora_layers(other), strict=True):
            theirs.lora_B = mine.lora_B

    return copying(change)


@fault("program-copies-apart", "copy")
def making_a_copy_freezes_the_original() -> AbstractContextManager[None]:
    return copying(lambda model, _: model.requires_grad_(requires_grad=False))


@fault("program-follows-reference", "copy")
def making_a_copy_disables_the_original() -> AbstractContextManager[None]:
    return copying(lambda model, _: model.base_model.disable_adapter_layers())


@fault("program-keeps-ties", "copy", "wrap", stratum=TIED)
def a_copy_is_untied() -> AbstractContextManager[None]:
    return copying(lambda _, other: untie(other.get_base_model()))


def casting(change: Callable[[Any], None]) -> AbstractContextManager[None]:
    """Do something to a wrapped model after it was cast."""
    return replaced(PeftModel, "to", then(change))


@fault("program-casts-everything", "cast", "wrap")
def a_cast_leaves_one_factor() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for layer in lora_layers(model):
            layer.lora_B.float()

    return casting(change)


@fault("program-keeps-ties", "cast", "wrap", stratum=TIED)
def a_cast_unties() -> AbstractContextManager[None]:
    return casting(lambda model: untie(model.get_base_model()))


@fault("program-keeps-values", "cast", "wrap")
def a_cast_starts_a_factor_anew() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        for layer in lora_layers(model):
            for factor in layer.lora_A.values():
                factor.weight.data.zero_()

    return casting(change)


@fault("program-follows-reference", "native_add", "add")
def putting_on_another_adapter_keeps_the_first_one_on() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def switch(model: Any, name: Any, *args: Any, **kwargs: Any) -> None:
            before = [layer.active_adapters for layer in lora_layers(model)]
            original(model, name, *args, **kwargs)
            for layer, names in zip(lora_layers(model), before, strict=True):
                layer.set_adapter([*names, *(() if name in names else (name,))])

        return switch

    # transformers 5.24 refuses this PEFT, so it is not its method that is called
    return replaced(functional, "set_adapter", make)
