"""Placements: which roles an adapter touches, and how.

LoRA cannot be built without a target, so placements that only save modules or train tokens carry
LoRA on the attention projections, as users do.
"""

from __future__ import annotations

from dataclasses import dataclass

CARRIER = ("attention",)
ENDS = ("embedding", "head")
"""The roles that every family with a tie has: what looks tokens up, and what scores them."""
LOOKED_FOR = ("embed_tokens", "lm_head")
"""The last names by which PEFT knows such a layer in a config: its ``EMBEDDING_LAYER_NAMES``."""
MATRICES = ("embedding", "encoder-embedding", "decoder-embedding", "head")
"""Roles whose matrices are one in a tied model, the source first; a family may lack the others."""


@dataclass(frozen=True)
class Placement:
    """One row of the grid.

    ``target`` and ``save`` hold roles for ``target_modules`` and ``modules_to_save``; ``tokens``
    says how ``trainable_token_indices`` is given: ``""`` (not), ``"list"``, or a mapping on
    ``"embedding"``, ``"head"``, ``"same"`` (both, equal indices), ``"different"``.
    """

    name: str
    target: tuple[str, ...] = ()
    save: tuple[str, ...] = ()
    tokens: str = ""

    @property
    def touches(self) -> frozenset[str]:
        """Roles among ``MATRICES`` that the adapter names itself."""
        by_tokens = {
            "": (),
            "list": ("embedding",),
            "embedding": ("embedding",),
            "head": ("head",),
            "same": ENDS,
            "different": ENDS,
        }[self.tokens]
        named = (*self.target, *self.save, *by_tokens)
        return frozenset(named) & set(MATRICES)

    @property
    def body_only(self) -> bool:
        """Whether ``target_modules`` names body modules alone."""
        return not set(self.target) & set(MATRICES)

    @property
    def sides(self) -> bool:
        """Whether it names an embedding that only an encoder or a decoder has for itself."""
        return bool(self.touches - {*ENDS})


_ROWS = (
    Placement("target:embedding", target=("embedding",)),
    Placement("target:head", target=("head",)),
    Placement("target:both", target=("embedding", "head")),
    Placement("save:embedding", target=CARRIER, save=("embedding",)),
    Placement("save:head", target=CARRIER, save=("head",)),
    Placement("save:both", target=CARRIER, save=("embedding", "head")),
    Placement("target:embedding+save:head", target=("embedding",), save=("head",)),
    Placement("target:head+save:embedding", target=("head",), save=("embedding",)),
    Placement("tokens:list", target=CARRIER, tokens="list"),
    Placement("tokens:embedding", target=CARRIER, tokens="embedding"),
    Placement("tokens:head", target=CARRIER, tokens="head"),
    Placement("tokens:same", target=CARRIER, tokens="same"),
    Placement("tokens:different", target=CARRIER, tokens="different"),
    Placement("tokens:embedding+target:head", target=("head",), tokens="embedding"),
    Placement("body", target=CARRIER),
    Placement("target:encoder-embedding", target=("encoder-embedding",)),
    Placement("target:decoder-embedding", target=("decoder-embedding",)),
    Placement("save:encoder-embedding", target=CARRIER, save=("encoder-embedding",)),
    Placement("save:decoder-embedding", target=CARRIER, save=("decoder-embedding",)),
)

PLACEMENTS: dict[str, Placement] = {row.name: row for row in _ROWS}
