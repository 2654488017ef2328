"""Roles: which modules of a live model are its embedding, head, attention and mlp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiny_models import compat

if TYPE_CHECKING:
    from torch import nn

    from tiny_models.families.family import Family


def _is_linear(module: nn.Module) -> bool:
    """A linear module or a subclass of one (Falcon has its own); Conv1D is transformers' own."""
    return any(kind.__name__ in {"Linear", "Conv1D"} for kind in type(module).__mro__)


def linear_modules(model: nn.Module, *, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Full names of every linear module, transposed ones too, but for those named."""
    return tuple(
        name for name, module in model.named_modules() if _is_linear(module) and name not in but
    )


def matrix_names(model: nn.Module, entry: Family) -> dict[str, str]:
    """Names of the parameters that are one matrix in a tied model, by role, source first."""
    return {
        role: f"{compat.live_path(model, path)}.weight" for role, path in entry.matrices.items()
    }


def module_names(model: nn.Module, entry: Family) -> dict[str, tuple[str, ...]]:
    """Full module names by role, in the model's own order.

    A role that the family lacks (attention in a state-space model, the head of an encoder) is
    absent. A vision tower has no role of its own.
    """
    embedding = compat.live_path(model, entry.embedding)
    found: dict[str, tuple[str, ...]] = {
        role: (compat.live_path(model, path),) for role, path in entry.matrices.items()
    }
    within = f"{embedding.rpartition('.')[0]}." if entry.shape == "image-text" else ""
    for role in ("attention", "mlp"):
        short = entry.roles[role]
        names = tuple(
            name
            for name, _ in model.named_modules()
            if name.rpartition(".")[2] in short and name.startswith(within)
        )
        if names:
            found[role] = names
    return found
