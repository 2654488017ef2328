"""Is the model what its specification says? If not, it is an error of the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tiny_models import compat
from tiny_models.errors import TinyModelError
from tiny_models.families import family

if TYPE_CHECKING:
    from torch import nn

    from tiny_models.spec import ModelSpec


def verify(model: nn.Module, spec: ModelSpec) -> None:
    """Raise TinyModelError if tie, vocabulary, dtype or mode differ from the specification."""
    entry = family(spec.family)
    embedding = model.get_parameter(f"{entry.embedding}.weight")
    head = model.get_parameter(f"{compat.live_path(model, entry.head)}.weight")
    if (embedding.data_ptr() == head.data_ptr()) != spec.tied:
        found = "untied" if spec.tied else "tied"
        raise TinyModelError(f"{spec} came out {found}: {entry.embedding} and {entry.head}.")
    wanted = getattr(torch, spec.dtype)
    for name, parameter in model.named_parameters():
        # transformers 4 keeps A_log and D of Mamba in float32 whatever was asked for.
        accepted = (
            (wanted,) if parameter is embedding or parameter is head else (wanted, torch.float32)
        )
        if parameter.dtype not in accepted:
            raise TinyModelError(f"{spec} has {name} in {parameter.dtype}.")
    if (len(embedding), len(head)) != (spec.vocab, spec.vocab):
        raise TinyModelError(f"{spec} has {len(embedding)} embedding and {len(head)} head rows.")
    if model.training:
        raise TinyModelError(f"{spec} is not in eval mode.")
