"""Is the model what its specification says? If not, it is an error of the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tiny_models.errors import TinyModelError
from tiny_models.families import family
from tiny_models.roles import matrix_names

if TYPE_CHECKING:
    from torch import nn

    from tiny_models.spec import ModelSpec


def verify(model: nn.Module, spec: ModelSpec) -> None:
    """Raise TinyModelError if tie, vocabulary, dtype or mode differ from the specification."""
    entry = family(spec.family)
    names = matrix_names(model, entry)
    matrices = {role: model.get_parameter(name) for role, name in names.items()}
    embedding = matrices["embedding"]
    for role, matrix in matrices.items():
        if role == "embedding" or not (role == "head" or spec.tied):
            continue
        if (embedding.data_ptr() == matrix.data_ptr()) != spec.tied:
            found = "untied" if spec.tied else "tied"
            raise TinyModelError(f"{spec} came out {found}: {names['embedding']}, {names[role]}.")
    wanted = getattr(torch, spec.dtype)
    for name, parameter in model.named_parameters():
        # transformers 4 keeps A_log and D of Mamba in float32 whatever was asked for.
        of_matrix = any(parameter is matrix for matrix in matrices.values())
        accepted = (wanted,) if of_matrix else (wanted, torch.float32)
        if parameter.dtype not in accepted:
            raise TinyModelError(f"{spec} has {name} in {parameter.dtype}.")
    for role, matrix in matrices.items():
        if len(matrix) != spec.vocab:
            raise TinyModelError(f"{spec} has {len(matrix)} rows in its {role}.")
    if model.training:
        raise TinyModelError(f"{spec} is not in eval mode.")
