"""Computing the same bits each time: one thread, a seed, and on CUDA the kernels that do so.

``OMP_NUM_THREADS`` asks for more threads: the bits are then those of that many.

Left to itself, torch sums gradients on CUDA in whatever order its threads come, convolves float32
in TF32 and may sum half precision in half precision: a life would differ from itself, and by more
than its precision explains. Nothing else of how a model computes is chosen here: attention keeps
the kernel that torch picks. PyTorch documentation: Reproducibility, Numerical accuracy.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tiny_models.seeding import seeded


@contextmanager
def repeatable(device: str, seed: int) -> Iterator[None]:
    """Compute on ``device``, one of DEVICES, as if nothing had been computed before."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    with ExitStack() as stack:
        if device == "cuda":
            stack.enter_context(exact_kernels())
            torch.cuda.init()  # type: ignore[no-untyped-call]  # else its generator has no seed yet
        stack.enter_context(seeded(seed))
        yield


@contextmanager
def exact_kernels() -> Iterator[None]:
    """CUDA's kernels that give equal bits each time, in the precision of what they are given."""
    import torch

    # read when cuBLAS makes its first handle in this process
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    wanted: tuple[tuple[Any, str, bool], ...] = (
        (torch.backends.cudnn, "allow_tf32", False),
        (torch.backends.cudnn, "benchmark", False),
        (torch.backends.cudnn, "deterministic", True),
        (torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction", False),
        (torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction", False),
        # what upstream leaves uninitialised stays so, as it does for its users and on the CPU
        (torch.utils.deterministic, "fill_uninitialized_memory", False),
    )
    before = [(of, name, getattr(of, name)) for of, name, _ in wanted]
    strict = torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        _put(wanted)
        torch.use_deterministic_algorithms(mode=True)
        yield
    finally:
        torch.use_deterministic_algorithms(mode=strict, warn_only=lenient)
        _put(before)


def _put(values: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions have other names for TF32's setting too
        for of, name, value in values:
            setattr(of, name, value)
