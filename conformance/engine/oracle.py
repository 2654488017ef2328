"""The definition of an adapter in our own few lines of torch: the weights it stands for.

LoRA: W + s B A with s = alpha / r (rsLoRA: alpha / sqrt(r)), arXiv:2106.09685 and 2312.03732.
DoRA: rows of W + s B A rescaled to the magnitude m, arXiv:2402.09353. Trainable tokens replace
rows, ``modules_to_save`` the whole module: PEFT's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from conformance.core.placements import PLACEMENTS
from tiny_models.values import named_values

if TYPE_CHECKING:
    from torch import Tensor

    from conformance.core.case import Case
    from conformance.core.observation import Snapshot


class Defined(Protocol):
    """What the definition of an adapter needs to know of it."""

    def scaling(self, module: str) -> float:
        """What B A is multiplied with on a module."""

    def rows(self, names: Mapping[str, str], module: str) -> list[int]:
        """The rows trained on a module."""


def effective_weights(
    adapter: Defined, names: Mapping[str, str], base: Snapshot, trained: Snapshot
) -> dict[str, Tensor]:
    """What a plain, untied model must hold to compute what the adapted one should, by name.

    ``base`` tells how each module stores its weight; ``trained`` holds base and adapter values.
    Computed in float64, returned in the dtype of the base's parameter.
    """
    import torch

    found = {name: trained.weights[name].double() for name in base.weights}
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in trained.weights.items():
        module, _, piece = name.partition(" ")
        if piece:
            parts.setdefault(module, {})[piece] = tensor.double()
    for module, part in parts.items():
        weight = f"{module}.weight"
        for key, tensor in part.items():
            if key.startswith("saved "):
                found[f"{module}.{key.removeprefix('saved ')}"] = tensor
        if "trainable_tokens_delta" in part:
            rows = torch.tensor(adapter.rows(names, module))
            found[weight] = found[weight].index_copy(0, rows, part["trainable_tokens_delta"])
        if "lora_A" in part or "lora_embedding_A" in part:
            kind = "lora_embedding" if "lora_embedding_A" in part else "lora"
            # (out, in), whatever way the module keeps it
            turned = kind == "lora_embedding" or base.modules[module].endswith(".Conv1D")
            matrix = found[weight].T if turned else found[weight]
            matrix = matrix + adapter.scaling(module) * part[f"{kind}_B"] @ part[f"{kind}_A"]
            if "lora_magnitude_vector" in part:
                norms = matrix.norm(dim=1)
                matrix = matrix * (part["lora_magnitude_vector"].flatten() / norms)[:, None]
            found[weight] = matrix.T if turned else matrix
    return {
        name: tensor.to(base.weights[name].dtype).contiguous() for name, tensor in found.items()
    }


def nudged(parameter: Tensor, name: str, stage: str) -> Tensor:
    """The parameter with every entry moved by one eps of itself, up or down by name and stage.

    How far this moves the logits is how much one rounding of all weights can matter here.
    """
    import torch

    up = named_values(0, f"{stage} {name}", tuple(parameter.shape)).sign().to(parameter.device)
    step = torch.finfo(parameter.dtype).eps
    return (parameter.double() * (1 + step * up.double())).to(parameter.dtype)


def token_rows(case: Case, names: Mapping[str, str], module: str) -> list[int]:
    """The rows the case trains on ``module``."""
    different = PLACEMENTS[case.placement].tokens == "different" and module == names["head"]
    return list(case.other_rows if different else case.token_rows)
