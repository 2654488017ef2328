"""All families by name, in the order cases shrink towards; each in the module of its theme."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tiny_models.errors import SpecError
from tiny_models.families.bart_like import BART_LIKE
from tiny_models.families.family import Family, Sizes
from tiny_models.families.gemma import GEMMA
from tiny_models.families.gpt_like import GPT_LIKE
from tiny_models.families.llama_like import LLAMA_LIKE
from tiny_models.families.masked import MASKED
from tiny_models.families.multimodal import MULTIMODAL
from tiny_models.families.names import NAMES
from tiny_models.families.opt_like import OPT_LIKE
from tiny_models.families.others import OTHERS
from tiny_models.families.t5_like import T5_LIKE

__all__ = ["BEYOND", "DECODERS", "FAMILIES", "Family", "Sizes", "family"]

_DECODERS = (*LLAMA_LIKE, *GEMMA, *GPT_LIKE, *OPT_LIKE, *OTHERS, *NAMES)
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {entry.name: entry for entry in (*_DECODERS, *T5_LIKE, *BART_LIKE, *MASKED, *MULTIMODAL)}
)

DECODERS = tuple(entry.name for entry in _DECODERS)
"""The decoder-only families: a matrix in two places, embedding and head."""

BEYOND = tuple(name for name in FAMILIES if name not in DECODERS)
"""The others: more places than two, a bias beside the matrix, configs inside a config, no head."""


def family(name: str) -> Family:
    """The family of this name; raises SpecError that lists the accepted ones."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise SpecError(f"family must be one of {', '.join(FAMILIES)}, not {name!r}.") from None
