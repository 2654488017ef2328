"""What `torch.emulated` is: the functions PyTorch expects of a device's module.

PyTorch looks them up by name, as it does with `torch.cuda`: the list is in the docstring of
`torch.utils.rename_privateuse1_backend`, to which autocast (`get_amp_supported_dtype`), activation
checkpointing (`device`, the random states) and `torch.load` (`device_count`, `current_device`) add
theirs. There is one device, it runs nothing in the background, and it draws its random numbers
from the CPU's generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from types import TracebackType


class _Device:
    """Context manager that selects a device: with only one there is nothing to select."""

    def __init__(self, index: object = None) -> None:
        self.index = index

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


device = _Device  # the name under which torch looks for it


def is_available() -> bool:
    return True


def is_initialized() -> bool:
    return True


def device_count() -> int:
    return 1


def current_device() -> int:
    return 0


def set_device(index: object) -> None:
    """Select a device: there is only one."""


def synchronize(index: object = None) -> None:
    """Wait for the device: every operation has ended when its call returns."""


def empty_cache() -> None:
    """Give cached memory back: the allocator caches none."""


def get_amp_supported_dtype() -> list[torch.dtype]:
    return [torch.bfloat16, torch.float16]


def _is_in_bad_fork() -> bool:
    return False


def manual_seed(seed: int) -> None:
    """Seed the device: `torch.manual_seed` seeds the CPU's generator, which it draws from."""


def manual_seed_all(seed: int) -> None:
    """Seed all devices: see `manual_seed`."""


def get_rng_state(index: object = None) -> torch.Tensor:
    return torch.get_rng_state()


def set_rng_state(state: torch.Tensor, index: object = None) -> None:
    torch.set_rng_state(state)
