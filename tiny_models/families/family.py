"""A family: what a transformers architecture is called, and how it is made tiny."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Plain = bool | int | float | str | tuple[str, ...] | None
"""What a config argument may be; a tuple is handed over as a list."""

SHAPES = ("decoder-only", "encoder-decoder", "speech", "masked", "encoder", "image-text")
"""What goes in and comes out. ``speech`` reads features, ``masked`` fills gaps, ``encoder`` has no
head, ``image-text`` is a decoder beside a vision tower."""

AUTO_CLASSES = {
    "decoder-only": "AutoModelForCausalLM",
    "encoder-decoder": "AutoModelForSeq2SeqLM",
    "speech": "AutoModelForSpeechSeq2Seq",
    "masked": "AutoModelForMaskedLM",
    "image-text": "AutoModelForImageTextToText",  # came with transformers 4.46
}
"""The Auto class that loads models of a shape; none loads an encoder."""


@dataclass(frozen=True)
class Sizes:
    """How ``layers``, ``hidden`` and ``vocab`` reach a config, and what else makes it tiny.

    Args:
        layers: the config's arguments for the number of body layers.
        hidden: its argument for the width of the body.
        vocab: its arguments for the rows of embedding and head.
        scaled: arguments that follow the width, as multiples of it.
        fixed: arguments with one value at every size.
        nested: sizes of the configs inside this one.
    """

    layers: tuple[str, ...] = ("num_hidden_layers",)
    hidden: str = "hidden_size"
    vocab: tuple[str, ...] = ("vocab_size",)
    scaled: Mapping[str, float] = field(default_factory=dict)
    fixed: Mapping[str, Plain] = field(default_factory=dict)
    nested: Mapping[str, Sizes] = field(default_factory=dict)

    def arguments(self, layers: int, hidden: int, vocab: int) -> dict[str, object]:
        """Keyword arguments of the config for these sizes."""
        return {
            **dict.fromkeys(self.layers, layers),
            **({self.hidden: hidden} if self.hidden else {}),
            **dict.fromkeys(self.vocab, vocab),
            **{name: int(factor * hidden) for name, factor in self.scaled.items()},
            **{name: list(v) if isinstance(v, tuple) else v for name, v in self.fixed.items()},
            **{name: part.arguments(layers, hidden, vocab) for name, part in self.nested.items()},
        }


@dataclass(frozen=True)
class Family:
    """One architecture, by the names that transformers 5 gives its parts.

    Args:
        name: what cases and reports call it.
        config: class name in transformers.
        model: class name in transformers.
        embedding: full path of the input embedding.
        head: full path of the head; empty where there is none.
        attention: short names of the attention's linear modules; may be empty.
        mlp: short names of the feed-forward's (or mixer's) linear modules; may be empty.
        sizes: how it is made tiny.
        tie_default: what its config says on tying when it is not asked.
        tie_in: the config inside its config that alone says whether it is tied; mostly none.
        embedding_in_file: key of the embedding's weight in a saved checkpoint.
        head_in_file: key of the head's weight there, if written.
        without_dtypes: dtypes its forward pass cannot run.
        shape: one of ``SHAPES``.
        copies: full paths of the other embeddings that hold the same matrix in a tied model.
        biases: parameters that are one bias.
        encoder_of: the family whose encoder alone this is.
        own: whether its classes are those of ``tiny_models.own``.
        told_of_pictures: whether ``token_type_ids`` say which tokens stand for a picture.
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
    embedding_in_file: str = ""
    head_in_file: str = ""
    without_dtypes: tuple[str, ...] = ()
    shape: str = "decoder-only"
    copies: tuple[str, ...] = ()
    biases: tuple[str, ...] = ()
    encoder_of: str = ""
    tie_in: str = ""
    own: bool = False
    told_of_pictures: bool = False

    def __post_init__(self) -> None:
        if not self.embedding_in_file:
            object.__setattr__(self, "embedding_in_file", f"{self.embedding}.weight")
        if self.head and not self.head_in_file:
            object.__setattr__(self, "head_in_file", f"{self.head}.weight")

    @property
    def matrices(self) -> Mapping[str, str]:
        """Full paths of the modules that hold one matrix in a tied model, by role, source first."""
        sides = ("encoder-embedding", "decoder-embedding")
        named = {side: path for side in sides for path in self.copies if side.split("-")[0] in path}
        head = {"head": self.head} if self.head else {}
        return MappingProxyType({"embedding": self.embedding, **named, **head})

    @property
    def in_file(self) -> dict[str, str]:
        """Keys of embedding and head in a checkpoint, by what observations call them."""
        return {"embedding-in-file": self.embedding_in_file, "head-in-file": self.head_in_file}

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Module names by role: full paths of what holds the matrix, short names of the others."""
        matrices = {role: (path,) for role, path in self.matrices.items()}
        body = {"attention": self.attention, "mlp": self.mlp}
        return MappingProxyType({"head": (), **matrices, **body})
