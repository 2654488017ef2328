"""A plain reader, as converters and servers are: it trusts config.json and the tensors alone.

It never asks transformers how to tie. Where the config says tied, the head is the embedding's
tensor and a head in the file is not looked at; where it says untied, the head comes from the
file (LLaMA-Factory #6749 and the converters of llama.cpp and vLLM behave so).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Saved, Trouble

if TYPE_CHECKING:
    from tiny_models.families.family import Family


def says_tied(saved: Saved) -> bool | None:
    """What the saved config says; None where it says nothing."""
    stated = [flag for flag in saved.flags.values() if flag is not None]
    return stated[0] if stated else None


def read_as_config_says(
    model: Any, saved: Saved, family: Family, names: Mapping[str, str]
) -> Any | Trouble:
    """``model`` with the embeddings and head such a reader would give it.

    ``names`` are the modules that hold the matrix, by role. Where the config says untied, an
    encoder's and a decoder's embedding are their own where the file has them (Bart's, not T5's).
    Returns a Trouble where the file lacks the tensor the config points to.
    """
    import torch

    embedding_key, head_key = family.embedding_in_file, family.head_in_file
    tied = says_tied(saved)
    keys = dict.fromkeys(names, embedding_key)
    if not (family.tie_default if tied is None else tied):
        own = {role: f"{family.matrices[role]}.weight" for role in names}
        keys |= {role: key for role, key in own.items() if key in saved.tensors}
        keys |= {"head": head_key} if "head" in names else {}
    live = f"{names.get('head')}.weight"
    if family.shape == "image-text" and keys["head"] not in saved.tensors and live in saved.tensors:
        keys["head"] = live  # the head beside a vision tower has two names in files
    for key in keys.values():
        if key not in saved.tensors:
            message = f"config.json points to the tensor {key}, which is not in the file"
            return Trouble("read", "reader", "KeyError", message, "checkpoint", deliberate=False)
    for role, name in names.items():
        module = model.get_submodule(name)
        tensor = saved.tensors[keys[role]].to(module.weight.device, module.weight.dtype)
        module.weight = torch.nn.Parameter(tensor.clone(), requires_grad=False)
    return model
