"""A plain reader, as converters and servers are: it trusts config.json and the tensors alone.

It never asks transformers how to tie. Where the config says tied, the head is the embedding's
tensor and a head in the file is not looked at; where it says untied, the head comes from the
file (LLaMA-Factory #6749 and the converters of llama.cpp and vLLM behave so).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.observation import Saved, Trouble

if TYPE_CHECKING:
    from tiny_models.families.family import Family


def says_tied(saved: Saved) -> bool | None:
    """What the saved config says; None where it says nothing."""
    stated = [flag for flag in saved.flags.values() if flag is not None]
    return stated[0] if stated else None


def read_as_config_says(model: Any, saved: Saved, family: Family) -> Any | Trouble:
    """``model`` with the embedding and head such a reader would give it.

    Returns a Trouble where the file lacks the tensor the config points to.
    """
    import torch

    embedding_key, head_key = family.embedding_in_file, family.head_in_file
    tied = says_tied(saved)
    source = embedding_key if (family.tie_default if tied is None else tied) else head_key
    for key in (embedding_key, source):
        if key not in saved.tensors:
            message = f"config.json points to the tensor {key}, which is not in the file"
            return Trouble("read", "reader", "KeyError", message, "checkpoint", deliberate=False)
    for name, key in ((family.embedding, embedding_key), (model_head(model), source)):
        module = model.get_submodule(name)
        tensor = saved.tensors[key].to(module.weight.device, module.weight.dtype)
        module.weight = torch.nn.Parameter(tensor.clone(), requires_grad=False)
    return model


def model_head(model: Any) -> str:
    """The full name of the live model's output head."""
    head = model.get_output_embeddings()
    name: str = next(name for name, module in model.named_modules() if module is head)
    return name
