"""A family: what a transformers architecture is called, and how it is made tiny."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Plain = bool | int | float | str | tuple[str, ...] | None
"""What a config argument may be; a tuple is handed over as a list."""


@dataclass(frozen=True)
class Sizes:
    """How ``layers``, ``hidden`` and ``vocab`` reach a config, and what else makes it tiny.

    Args:
        layers: the config's argument for the number of body layers.
        hidden: its argument for the width of the body.
        vocab: its argument for the rows of embedding and head.
        scaled: arguments that follow the width, as multiples of it.
        fixed: arguments with one value at every size.
    """

    layers: str = "num_hidden_layers"
    hidden: str = "hidden_size"
    vocab: str = "vocab_size"
    scaled: Mapping[str, float] = field(default_factory=dict)
    fixed: Mapping[str, Plain] = field(default_factory=dict)

    def arguments(self, layers: int, hidden: int, vocab: int) -> dict[str, object]:
        """Keyword arguments of the config for these sizes."""
        return {
            self.layers: layers,
            self.hidden: hidden,
            self.vocab: vocab,
            **{name: int(factor * hidden) for name, factor in self.scaled.items()},
            **{name: list(v) if isinstance(v, tuple) else v for name, v in self.fixed.items()},
        }


@dataclass(frozen=True)
class Family:
    """One architecture, by the names that transformers 5 gives its parts.

    Args:
        name: what cases and reports call it.
        config: class name in transformers.
        model: class name in transformers, with a language-modelling head.
        embedding: full path of the input embedding.
        head: full path of the head.
        attention: short names of the attention's linear modules; may be empty.
        mlp: short names of the feed-forward's (or mixer's) linear modules; may be empty.
        sizes: how it is made tiny.
        tie_default: what its config says on tying when it is not asked.
        head_in_file: key of the head's weight in a saved checkpoint, if written.
        without_dtypes: dtypes its forward pass cannot run.
    """

    name: str
    config: str
    model: str
    embedding: str
    head: str
    attention: tuple[str, ...]
    mlp: tuple[str, ...]
    sizes: Sizes
    tie_default: bool
    head_in_file: str = ""
    without_dtypes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.head_in_file:
            object.__setattr__(self, "head_in_file", f"{self.head}.weight")

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Module names by role: full paths of embedding and head, short names of the others."""
        return MappingProxyType(
            {
                "embedding": (self.embedding,),
                "head": (self.head,),
                "attention": self.attention,
                "mlp": self.mlp,
            }
        )
