"""Comparing bits and distances of recorded tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def distance(one: Tensor, other: Tensor) -> float:
    """Largest absolute difference in float64; infinite for other shapes or for NaN."""
    if one.shape != other.shape:
        return math.inf
    if not one.numel():
        return 0.0
    found = float((one.double() - other.double()).abs().max())
    return math.inf if math.isnan(found) else found


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one dtype, one shape and equal bits, those of NaN and -0 too."""
    import torch

    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if not one.is_floating_point():
        return torch.equal(one, other)
    words = {2: torch.int16, 4: torch.int32, 8: torch.int64}[one.element_size()]
    return torch.equal(one.contiguous().view(words), other.contiguous().view(words))


def same_when_cast(before: Tensor, after: Tensor) -> bool:
    """Whether a tensor came through loading: equal bits in the dtype that it was loaded in."""
    return same_bits(before.to(after.dtype), after)


def worst(pairs: Iterable[tuple[str, Tensor, Tensor]]) -> tuple[str, float]:
    """The name and distance of the pair that differs most; ``("", 0.0)`` for no pairs."""
    return max(
        ((name, distance(one, other)) for name, one, other in pairs),
        key=lambda found: found[1],
        default=("", 0.0),
    )
