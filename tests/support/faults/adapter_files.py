"""Faults of saving an adapter and of loading it again."""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager
from typing import Any

from peft import peft_model
from peft.tuners.lora.model import LoraModel

from faults.fault import Wrapper, fault, passed_through, replaced, swap_first_two

BODY = ("cpu-untied-default-body",)
ENSURED = ("cpu-untied-ensure-body",)


def _written(change: Any) -> AbstractContextManager[None]:
    """Change the tensors of the adapter before they are written."""

    def make(original: Wrapper) -> Wrapper:
        def get(*args: Any, **kwargs: Any) -> dict[str, Any]:
            tensors: dict[str, Any] = original(*args, **kwargs)
            change(tensors)
            return tensors

        return get

    return replaced(peft_model, "get_peft_model_state_dict", make)


@fault(
    "adapter-file-lacks-embedding-b",
    "the adapter is saved without lora_embedding_B",
    caught_by=("adapter-keeps-logits",),
    strata=("cpu-untied-default-target:embedding",),
)
def adapter_file_lacks_embedding_b() -> AbstractContextManager[None]:
    def change(tensors: dict[str, Any]) -> None:
        for key in [key for key in tensors if "lora_embedding_B" in key]:
            del tensors[key]

    return _written(change)


@fault(
    "adapter-file-lacks-the-head",
    "the adapter is saved without what it holds for the output head",
    caught_by=("adapter-keeps-logits",),
    strata=("cpu-untied-default-target:head",),
)
def adapter_file_lacks_the_head() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def get(model: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            head = model.get_output_embeddings()
            (name,) = [name for name, module in model.named_modules() if module is head]
            tensors = original(model, *args, **kwargs)
            return {key: t for key, t in tensors.items() if not key.startswith(f"{name}.")}

        return get

    return replaced(peft_model, "get_peft_model_state_dict", make)


@fault(
    "adapter-file-lacks-biases",
    "the biases that trained with the adapter are left out of its file",
    caught_by=("adapter-keeps-logits",),
    strata=ENSURED,
)
def adapter_file_lacks_biases() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        return lambda *_args: {}

    return replaced(LoraModel, "_get_learnable_bias_state_dict", make)


@fault(
    "adapter-is-saved-crosswise",
    "two modules change places in the adapter file",
    caught_by=("adapter-keeps-logits",),
    strata=BODY,
)
def adapter_is_saved_crosswise() -> AbstractContextManager[None]:
    return _written(lambda tensors: swap_first_two(tensors, "lora_A"))


@fault(
    "adapter-is-loaded-crosswise",
    "loading puts the weights of two modules into each other",
    caught_by=("adapter-keeps-logits", "trouble-is-announced-early"),
    strata=BODY,
)
def adapter_is_loaded_crosswise() -> AbstractContextManager[None]:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        swap_first_two(tensors, "lora_B")
        return tensors

    return replaced(LoraModel, "_remap_adapter_state_dict_for_load", passed_through(change))


@fault(
    "adapter-file-is-ignored",
    "loading finds no key that fits and says nothing",
    caught_by=("adapter-keeps-logits",),
    strata=BODY,
)
def adapter_file_is_ignored() -> AbstractContextManager[None]:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        return {f"module.{key}": tensor for key, tensor in tensors.items()}

    return replaced(LoraModel, "_remap_adapter_state_dict_for_load", passed_through(change))


@fault(
    "adapter-files-are-numbered",
    "each adapter file carries a counter in its metadata",
    caught_by=("saving-is-repeatable",),
    strata=BODY,
    says="of the adapter",
)
def adapter_files_are_numbered() -> AbstractContextManager[None]:
    counter = itertools.count()

    def make(original: Wrapper) -> Wrapper:
        def save(tensors: Any, path: Any, metadata: Any = None) -> None:
            original(tensors, path, metadata={**(metadata or {}), "number": str(next(counter))})

        return save

    return replaced(peft_model, "safe_save_file", make)


@fault(
    "embeddings-are-never-saved",
    "save_embedding_layers is taken for False, whatever is asked or targeted",
    caught_by=("adapter-file-is-as-asked",),
    strata=("cpu-untied-default-target:embedding", "cpu-tied-default-body"),
    says="missing-key",
)
def embeddings_are_never_saved() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def get(*args: Any, **kwargs: Any) -> Any:
            return original(*args, **{**kwargs, "save_embedding_layers": False})

        return get

    return replaced(peft_model, "get_peft_model_state_dict", make)


@fault(
    "embeddings-are-always-saved",
    "save_embedding_layers=False is ignored",
    caught_by=("adapter-file-is-as-asked",),
    strata=("cpu-untied-default-target:embedding",),
    says="extra-key",
)
def embeddings_are_always_saved() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def get(*args: Any, save_embedding_layers: Any = "auto", **kwargs: Any) -> Any:
            return original(*args, save_embedding_layers=save_embedding_layers or "auto", **kwargs)

        return get

    return replaced(peft_model, "get_peft_model_state_dict", make)


@fault(
    "embeddings-are-saved-unasked",
    "save_embedding_layers='auto' is taken for True, though nothing of the kind is targeted",
    caught_by=("adapter-file-is-as-asked",),
    strata=("cpu-untied-default-body",),
    says="extra-key",
)
def embeddings_are_saved_unasked() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def get(*args: Any, save_embedding_layers: Any = "auto", **kwargs: Any) -> Any:
            return original(*args, save_embedding_layers=bool(save_embedding_layers), **kwargs)

        return get

    return replaced(peft_model, "get_peft_model_state_dict", make)
