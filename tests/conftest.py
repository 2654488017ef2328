"""Fixtures of more than one test module."""

from __future__ import annotations

import pytest
import torch

from conformance import devices


@pytest.fixture(scope="module")
def device() -> torch.device:
    """The emulated device; skips with the reason where it cannot be built."""
    reason = devices.unavailable("emulated")
    if reason is not None:
        pytest.skip(reason)
    return devices.torch_device("emulated")
