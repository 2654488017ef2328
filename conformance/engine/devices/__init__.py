"""The devices a life can be lived on: which there are, whether one is usable here, and why not.

`cpu` and `cuda` are PyTorch's own. `emulated` is a device with CPU kernels that is not the CPU
(see `conformance.engine.devices.emulated`): it shows operands left on the wrong device on machines
without a GPU, and says nothing about CUDA's numerics.

Nothing here imports torch before it is called.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from conformance.core.device_names import _require_known

if TYPE_CHECKING:
    import torch


@functools.cache
def unavailable(name: str) -> str | None:
    """Say in one sentence why a device cannot be used here; None if it can.

    Asking for `emulated` builds its library the first time (about twenty seconds), and loads it.
    """
    _require_known(name)
    if name == "cuda":
        import torch

        return None if torch.cuda.is_available() else "torch sees no CUDA device"
    if name == "emulated":
        from conformance.engine.devices import emulated

        try:
            emulated.load()
        except emulated.EmulatedDeviceError as error:
            return str(error)
    return None


def torch_device(name: str) -> torch.device:
    """Return the device as torch names it, equal to the `device` of a tensor that lies on it."""
    _require_known(name)
    import torch

    if name == "cpu":
        return torch.device("cpu")
    if name == "emulated":
        from conformance.engine.devices import emulated

        emulated.load()
    return torch.device(name, 0)
