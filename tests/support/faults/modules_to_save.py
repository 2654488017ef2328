"""Faults of modules_to_save."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from peft.utils.other import ModulesToSaveWrapper

from faults.fault import Wrapper, all_of, fault, replaced

SAVED = ("cpu-untied-default-save:both",)


@fault(
    "disabling-forgets-saved-modules",
    "disable_adapter leaves the trained copy of the module in use",
    caught_by=("disabled-is-base",),
    strata=SAVED,
)
def disabling_forgets_saved_modules() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        return lambda _self, _enabled: None

    return replaced(ModulesToSaveWrapper, "enable_adapters", make)


@fault(
    "merge-drops-saved-modules",
    "merge_and_unload puts the original module back instead of the trained one",
    caught_by=("merge-keeps-logits", "untied-stay-untied"),
    strata=SAVED,
)
def merge_drops_saved_modules() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        return lambda self, *_args, **_kwargs: self.original_module

    return replaced(ModulesToSaveWrapper, "unload_and_optionally_merge_module", make)


@fault(
    "saved-modules-are-not-in-the-file",
    "the adapter file holds no modules_to_save, and loading does not miss them",
    caught_by=("adapter-keeps-logits",),
    strata=SAVED,
)
def saved_modules_are_not_in_the_file() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        return lambda _self, *_args: {}

    return all_of(
        replaced(ModulesToSaveWrapper, "adapter_state_dict", make),
        replaced(ModulesToSaveWrapper, "adapter_state_dict_load_map", make),
    )


@fault(
    "saved-modules-cannot-be-loaded",
    "the adapter file holds no modules_to_save, and loading ends in a KeyError",
    caught_by=("life-completes",),
    strata=SAVED,
    says="KeyError",
)
def saved_modules_cannot_be_loaded() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        return lambda _self, *_args: {}

    return replaced(ModulesToSaveWrapper, "adapter_state_dict", make)


@fault(
    "saved-modules-are-the-originals",
    "modules_to_save trains the module itself instead of a copy",
    caught_by=("only-the-adapter-trains", "disabled-is-base"),
    strata=SAVED,
)
def saved_modules_are_the_originals() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def update(self: Any, adapter_name: str, **kwargs: Any) -> None:
            original(self, adapter_name, **kwargs)
            self.modules_to_save[adapter_name].weight.data = self.original_module.weight.data

        return update

    return replaced(ModulesToSaveWrapper, "update", make)
