"""All families, simplest first. To add one, add an entry to the module of its theme."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tiny_models.errors import SpecError
from tiny_models.families.family import Family, Sizes
from tiny_models.families.gemma import GEMMA
from tiny_models.families.gpt_like import GPT_LIKE
from tiny_models.families.llama_like import LLAMA_LIKE
from tiny_models.families.opt_like import OPT_LIKE
from tiny_models.families.others import OTHERS

__all__ = ["FAMILIES", "Family", "Sizes", "family"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {entry.name: entry for entry in (*LLAMA_LIKE, *GEMMA, *GPT_LIKE, *OPT_LIKE, *OTHERS)}
)


def family(name: str) -> Family:
    """The family of this name; raises SpecError that lists the accepted ones."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise SpecError(f"family must be one of {', '.join(FAMILIES)}, not {name!r}.") from None
