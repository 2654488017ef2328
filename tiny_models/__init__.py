"""Tiny transformers models with values from names: every family built the same way, in one place.

Knows nothing of PEFT. Importing this package, its ``spec`` and its ``families`` imports neither
torch nor transformers; ``build``, ``values`` and ``compat`` do.
"""

from tiny_models.families import FAMILIES, Family
from tiny_models.spec import BASES, DTYPES, ModelSpec, SpecError

__all__ = ["BASES", "DTYPES", "FAMILIES", "Family", "ModelSpec", "SpecError"]
