"""What a step may be given: each kind of argument by name, with what it accepts, plainest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any

from conformance.core.placements import CARRIER, PLACEMENTS, Placement

WORDS = ("default", "other", "fault", "default_0", "another", "weight", "lora_", "lora_A")
"""Names of adapters, simplest first: some contain one another, the last are PEFT's own words."""
RESERVED = ("weight", "lora_", "lora_A")
DORA = "+dora"
"""What follows the name of a placement where the adapter is DoRA."""
_LORA: Mapping[str, Placement] = MappingProxyType(
    {
        "body": PLACEMENTS["body"],
        "mlp": Placement("mlp", target=("mlp",)),
        "both-bodies": Placement("both-bodies", target=(*CARRIER, "mlp")),
        **{
            name: PLACEMENTS[name]
            for name in (
                "target:embedding",
                "target:head",
                "target:both",
                "save:embedding",
                "save:head",
                "save:both",
                "tokens:list",
                "tokens:same",
            )
        },
    }
)
PLACED: Mapping[str, Placement] = MappingProxyType(
    {
        **_LORA,
        **{
            f"{name}{DORA}": replace(one, name=f"{name}{DORA}")
            for name, one in _LORA.items()
            if not one.save and not one.tokens
        },
    }
)
"""Where an adapter of a program may stand, and whether it is DoRA."""
TOKENS = ((0, 5), (2,), (3, 23))
"""The tokens that an adapter trains, by the place of its name in ``WORDS``: all in the input."""
RANKS, ALPHAS = (2, 1, 4), (2, 4, 1)
OPTIMIZERS = ("sgd", "adamw")
COUNTS = (1, 2, 3, 4)
SUMS = ("cat", "linear", "svd")
WAYS = ("peft", "auto")
DTYPES = ("same", "float32", "bfloat16", "float16")
CASTS = ("float64", "float32", "bfloat16", "float16")
ROWS = ("forward", "generate")
BASE_ROW = "__base__"
"""What PEFT calls no adapter at all, for a row of a batch."""
WEIGHTS = (0.5, 2.0, 1.0)
"""Of the adapters in a weighted sum, in order."""


@dataclass(frozen=True)
class Argument:
    """A kind of argument: what it is called, and the values that it accepts.

    ``names`` says that they name adapters, ``several`` that there may be any number of them, and
    ``new`` that the step makes an adapter of that name.
    """

    called: str
    accepted: tuple[Any, ...]
    names: bool = False
    several: bool = False
    new: bool = False


Name = Annotated[str, Argument("name", WORDS, names=True)]
NewName = Annotated[str, Argument("name", WORDS, names=True, new=True)]
Names = Annotated[tuple[str, ...], Argument("names", WORDS, names=True, several=True)]
Where = Annotated[str, Argument("placement", tuple(PLACED))]
Rank = Annotated[int, Argument("rank", RANKS)]
Alpha = Annotated[int, Argument("alpha", ALPHAS)]
Optimizer = Annotated[str, Argument("optimizer", OPTIMIZERS)]
Count = Annotated[int, Argument("count", COUNTS)]
Sum = Annotated[str, Argument("kind", SUMS)]
Way = Annotated[str, Argument("way", WAYS)]
RowNames = Annotated[
    tuple[str, ...], Argument("names", (*WORDS, BASE_ROW), names=True, several=True)
]
Rows = Annotated[str, Argument("way", ROWS)]
CastTo = Annotated[str, Argument("dtype", CASTS)]
Dtype = Annotated[str, Argument("dtype", DTYPES)]
