"""What loading leaves without values, made visible: the same every time, and nothing's value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def marked_memory() -> Iterator[None]:
    """Let torch fill with NaN what it allocates without writing to it.

    transformers 5.0 leaves a tied parameter such memory (#43992): what another tensor left there
    may be the very matrix that is missing, so that one loading looks right and the next one wrong.
    """
    import torch

    was = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module that is its own settings
    fills = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    memory.fill_uninitialized_memory = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=was, warn_only=only_warns)
        memory.fill_uninitialized_memory = fills


def show_unfilled(model: Any) -> None:
    """Give NaN to what loading left on torch's meta device, so that it is seen."""
    import torch

    shown: dict[int, torch.nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.device.type == "meta":
                empty = torch.full(parameter.shape, math.nan, dtype=parameter.dtype)
                # what is one parameter there stays one
                setattr(module, name, shown.setdefault(id(parameter), torch.nn.Parameter(empty)))
