"""What values from names are made with, without torch: for those who only write it down."""

from __future__ import annotations

import hashlib

BIAS = 0.3
"""Standard deviation of biases."""

NORM = 0.2
"""Standard deviation of norm weights and other vectors around 1."""


def seed_from(seed: int, name: str) -> int:
    """The seed of torch's generator for the values of this name."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
