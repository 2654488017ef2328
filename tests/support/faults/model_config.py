"""Faults of the model's config: what it says of the tie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from transformers import GenerationConfig, PreTrainedConfig

from faults.fault import Wrapper, after_loading_adapter, after_taking_off, fault, replaced

READERS = (
    "config-tells-the-truth",
    "config-driven-loader-agrees",
    "checkpoint-is-plain",
)


def _say(*, tied: bool) -> Any:
    def change(model: Any) -> None:
        model.config.tie_word_embeddings = tied

    return change


@fault(
    "merge-says-untied",
    "merge_and_unload sets tie_word_embeddings=False on a model that is still tied",
    caught_by=READERS,
    strata=("cpu-tied-default-body",),
)
def merge_says_untied() -> AbstractContextManager[None]:
    return after_taking_off(_say(tied=False), merging=True)


@fault(
    "merge-says-tied",
    "merge_and_unload sets tie_word_embeddings=True on a model of two tensors (PEFT #2972)",
    caught_by=(*READERS, "trouble-is-announced-early"),
    strata=("cpu-untied-default-body",),
)
def merge_says_tied() -> AbstractContextManager[None]:
    return after_taking_off(_say(tied=True), merging=True)


@fault(
    "saved-config-says-tied",
    "the flag is right in memory and left out of config.json where it equals false",
    caught_by=("config-tells-the-truth", "config-driven-loader-agrees"),
    strata=("cpu-untied-default-body",),
    says="saved|logits of read",
)
@contextmanager
def saved_config_says_tied() -> Iterator[None]:
    merged: list[Any] = []

    def make(original: Wrapper) -> Wrapper:
        def save_pretrained(self: Any, *args: Any, **kwargs: Any) -> None:
            stale = any(self is config for config in merged)
            if stale:
                self.tie_word_embeddings = True
            original(self, *args, **kwargs)
            if stale:
                self.tie_word_embeddings = False

        return save_pretrained

    with (
        after_taking_off(lambda model: merged.append(model.config), merging=True),
        replaced(PreTrainedConfig, "save_pretrained", make),
    ):
        yield


@fault(
    "unload-says-untied",
    "unload sets tie_word_embeddings=False on a model that is still tied",
    caught_by=("unload-restores-base",),
    strata=("cpu-tied-default-body",),
    says="the tie flags were",
)
def unload_says_untied() -> AbstractContextManager[None]:
    return after_taking_off(_say(tied=False), merging=False)


@fault(
    "loading-an-adapter-says-tied",
    "PeftModel.from_pretrained sets tie_word_embeddings=True in the base's config",
    caught_by=("config-tells-the-truth",),
    strata=("cpu-untied-default-body",),
    says="loading the adapter changed",
)
def loading_an_adapter_says_tied() -> AbstractContextManager[None]:
    return after_loading_adapter(_say(tied=True))


@fault(
    "merge-pads-with-the-end",
    "merge_and_unload sets pad_token_id to eos_token_id in the config",
    caught_by=("unload-leaves-no-trace",),
    strata=("cpu-untied-default-body",),
    says=r"config\.pad_token_id was",
)
def merge_pads_with_the_end() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        model.config.pad_token_id = model.config.eos_token_id

    return after_taking_off(change, merging=True)


@fault(
    "merge-resets-generation-config",
    "the merged model gets a fresh generation_config",
    caught_by=("unload-leaves-no-trace",),
    strata=("cpu-untied-default-body",),
    says=r"generation_config\.",
)
def merge_resets_generation_config() -> AbstractContextManager[None]:
    def change(model: Any) -> None:
        model.generation_config = GenerationConfig()

    return after_taking_off(change, merging=True)
