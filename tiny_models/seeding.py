"""Seeding what upstream draws from, and leaving the caller's generators as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def reseed(seed: int) -> None:
    """Seed torch's generators: the CPU's, and those of CUDA where it is in use.

    ``torch.manual_seed`` formats the whole stack for a CUDA that is not in use yet, in case it
    comes to be: one part in forty of a life (torch 2.13).
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed for as long as the context lasts."""
    in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if in_use else []):
        reseed(seed)
        yield
