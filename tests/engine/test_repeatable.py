"""Repeatable: a seed and exact kernels while it lasts, and everything as it was afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conformance.engine import devices
from conformance.engine.devices.deterministic import exact_kernels, repeatable


def test_same_numbers_each_time_and_the_caller_s_generator_untouched() -> None:
    before = torch.get_rng_state()
    with repeatable("cpu", 7):
        first = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    with repeatable("cpu", 7):
        assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize(("asked", "given"), [("2", 2), ("1", 1), ("", 1)])
def test_one_thread_unless_more_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str, given: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    with repeatable("cpu", 0):
        assert torch.get_num_threads() == given
    torch.set_num_threads(1)


def test_cpu_keeps_its_kernels() -> None:
    with repeatable("cpu", 0):
        assert not torch.are_deterministic_algorithms_enabled()


def test_exact_kernels_while_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul

    def settings() -> tuple[object, ...]:
        return (
            cudnn.allow_tf32,
            cudnn.deterministic,
            matmul.allow_fp16_reduced_precision_reduction,
            matmul.allow_bf16_reduced_precision_reduction,
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        )

    before = settings()
    with exact_kernels():
        assert settings() == (False, True, False, False, True, False)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert torch.utils.deterministic.fill_uninitialized_memory is False
    assert settings() == before
    assert torch.utils.deterministic.fill_uninitialized_memory is True


def test_cuda_gives_equal_bits_each_time() -> None:
    reason = devices.unavailable("cuda")
    if reason:
        pytest.skip(reason)
    # in a process of its own: where the emulated device is loaded, torch has no gradients on CUDA
    run = [sys.executable, "-c", ON_CUDA]
    assert subprocess.run(run, cwd=Path(__file__).parents[2], check=False).returncode == 0


ON_CUDA = """
import sys, torch
from conformance.engine.devices.deterministic import repeatable

def gradient():
    with repeatable("cuda", 3):
        table = torch.randn(50, 64, device="cuda", requires_grad=True)
        ids = torch.randint(0, 4, (1, 4, 500), device="cuda")
        states = torch.nn.functional.embedding(ids, table)
        out = torch.nn.functional.scaled_dot_product_attention(states, states, states)
        out.sin().sum().backward()
        return table.grad.cpu()

sys.exit(not torch.equal(gradient(), gradient()))
"""
