"""A model specification: everything that decides one base model, as a record of plain values."""

from __future__ import annotations

from dataclasses import dataclass

from tiny_models.errors import SpecError
from tiny_models.families import family as find_family

__all__ = [
    "BASES",
    "DTYPES",
    "NEW_ROWS",
    "ModelSpec",
    "SpecError",
    "bases",
    "of_a_checkpoint",
    "ties_more",
]

BASES = ("built", "loaded", "resized", "loaded-untied")
"""How a base came to be, simplest first: see :func:`tiny_models.build.build`."""

DTYPES = ("float32", "bfloat16", "float16", "float64")

NEW_ROWS = 4
"""Rows that the base ``resized`` adds to its vocabulary."""

SMALLEST_VOCAB = 16  # the special tokens, the new rows and some ordinary tokens between them
HIDDEN_STEP = 8  # two heads whose halves still rotate in pairs


@dataclass(frozen=True)
class ModelSpec:
    """One base model; raises SpecError for a combination that cannot exist.

    Args:
        family: a name in ``FAMILIES``.
        tied: whether head and embedding share storage when the model enters the life.
        layers: body layers.
        hidden: width of the body, a multiple of 8.
        vocab: rows of the embedding and of the head.
        dtype: one of ``DTYPES`` that the family runs.
        base: one of ``BASES``.
        seed: decides every value together with the parameters' names.
    """

    family: str = "llama"
    tied: bool = True
    layers: int = 1
    hidden: int = 16
    vocab: int = 24
    dtype: str = "float32"
    base: str = "built"
    seed: int = 0

    def __post_init__(self) -> None:
        entry = find_family(self.family)
        impossible = entry.without_dtypes
        _one_of("dtype", self.dtype, tuple(dtype for dtype in DTYPES if dtype not in impossible))
        _one_of("base", self.base, BASES)
        _at_least("layers", self.layers, 1)
        _at_least("vocab", self.vocab, SMALLEST_VOCAB)
        _at_least("hidden", self.hidden, HIDDEN_STEP)
        _at_least("seed", self.seed, 0)
        if self.hidden % HIDDEN_STEP:
            raise SpecError(f"hidden must be a multiple of {HIDDEN_STEP}, not {self.hidden}.")
        if self.base == "loaded-untied" and self.tied:
            raise SpecError("base 'loaded-untied' needs tied=False: it unties a tied checkpoint.")
        if not self.tied and not entry.head:
            raise SpecError(f"tied must be True for {self.family}: it has no head.")
        possible = bases(self.family, tied=self.tied)
        if self.base not in possible:
            raise SpecError(
                f"base must be one of {', '.join(possible)} for an untied {self.family}, not "
                f"{self.base!r}: what else it ties would depend on transformers."
            )


def of_a_checkpoint(base: str, dtype: str) -> bool:
    """Whether a base is saved and loaded, and so has a folder, and not only made from a config."""
    return base != "built" or dtype != "float32"


def ties_more(family: str) -> bool:
    """Whether a family ties more than embedding and head: other embeddings, or a bias.

    Resizing ties T5's head and Bert's second bias again, and untying a loaded Bart or T5 unties
    encoder and decoder on transformers 5: what an untied one is after that depends on it.
    """
    entry = find_family(family)
    return bool(entry.copies or entry.biases)


def bases(family: str, *, tied: bool) -> tuple[str, ...]:
    """How a base of this family can come to be, simplest first."""
    if tied:
        return BASES[:3]
    return BASES[:2] if ties_more(family) else BASES


def _one_of(field: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise SpecError(f"{field} must be one of {', '.join(accepted)}, not {value!r}.")


def _at_least(field: str, value: int, least: int) -> None:
    if value < least:
        raise SpecError(f"{field} must be at least {least}, not {value}.")
