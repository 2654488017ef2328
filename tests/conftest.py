"""Fixtures of more than one test module."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from stubbed_suite import ROOT, Suite

from conformance.core.invariant import Invariant, Judgement, Observed

if TYPE_CHECKING:
    import torch


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """The suite on stub lives, run as if from a plain shell."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_AUTO_NUM_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester)


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test in which an invariant finds something and does not say at which stage."""
    judge = Invariant.judge

    def checked(self: Invariant, observation: Observed) -> Judgement:
        judgement = judge(self, observation)
        for finding in judgement.findings:
            assert finding.stage, f"{self.id} does not say where it found {finding}"
        return judgement

    monkeypatch.setattr(Invariant, "judge", checked)


@pytest.fixture(scope="session", autouse=True)
def _emulated_device_first() -> None:
    """Autograd counts the devices at its first backward pass: none may come after it.

    Tests that have not imported torch when they are collected run no model.
    """
    if "torch" in sys.modules:
        from conformance.engine import devices

        devices.unavailable("emulated")


@pytest.fixture(scope="module")
def device() -> torch.device:
    """The emulated device; skips with the reason where it cannot be built."""
    from conformance.engine import devices

    reason = devices.unavailable("emulated")
    if reason is not None:
        pytest.skip(reason)
    return devices.torch_device("emulated")
