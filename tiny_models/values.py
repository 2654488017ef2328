"""Values from names: each parameter is a function of a seed and of its own canonical name.

Nothing depends on the global generator, on the order of parameters or on the device. No two
tensors are equal and none is constant: that would hide swaps and transposes.
"""

from __future__ import annotations

from collections.abc import Container

import torch
from torch import nn

from tiny_models.compat import canonical_name
from tiny_models.magnitudes import BIAS, NORM, seed_from


def named_values(seed: int, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal float32 values on the CPU, of this shape, for this seed and name."""
    generator = torch.Generator().manual_seed(seed_from(seed, canonical_name(name)))
    return torch.randn(shape, generator=generator, dtype=torch.float32)


def refill(parameter: torch.Tensor, seed: int, name: str) -> None:
    """Fill one parameter in place from its name, with a size that suits its kind.

    Biases are small, other vectors (norm weights, Mamba's ``D``) lie around 1, and matrices keep
    the size of what they multiply, so logits vary by about 1. Larger matrices would sharpen the
    attention and make half precision several times less exact (measured on Gemma 3).
    """
    values = named_values(seed, name, tuple(parameter.shape))
    if name.endswith("bias"):
        values = values * BIAS
    elif values.ndim < 2:  # noqa: PLR2004 -- a vector
        values = 1 + values * NORM
    else:
        values = values / values.shape[-1] ** 0.5
    with torch.no_grad():
        parameter.copy_(values)


def fill(model: nn.Module, seed: int, *, only: Container[str] | None = None) -> None:
    """Fill every distinct parameter in place from its canonical name, or ``only`` those named.

    Buffers stay, but for the bias that Bart and its kind add to the logits, which a checkpoint
    holds. A parameter that shares its storage with an earlier one is left: a tied head keeps the
    values of its embedding. So is one that never trains: sinusoidal positions are computed, and
    Marian computes them anew whenever it is loaded.
    """
    seen: set[int] = set()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.data_ptr() not in seen:
            seen.add(parameter.data_ptr())
            if only is None or name in only:
                refill(parameter, seed, name)
    for name, buffer in model.named_buffers():
        if name == "final_logits_bias" and (only is None or name in only):
            refill(buffer, seed, name)
