"""How architectures are made, where that decides upstream and no field of a case says it.

Each is held against the built models of all families by ``tests/causes/test_facts.py``.
"""

from __future__ import annotations

from conformance.core.kind import AnyCase
from conformance.core.versions import installed, parsed
from tiny_models.families import FAMILIES

HEAD_BIAS = frozenset({"phi", "bert", "roberta", "albert"})
BODY_BIAS = frozenset(
    {
        *("qwen2", "gpt2", "gpt-neox", "opt", "opt-proj", "bloom", "phi"),
        *("bart", "mbart", "marian", "pegasus", "whisper", "bert", "roberta"),
        *("albert", "llava"),
    }
)
"""Families whose attention has biases."""
OTHER_BIAS = frozenset({"falcon", "mamba", "falcon-h1", "names", "gemma3", "paligemma"})
"""Families that have a bias elsewhere alone."""
SCALED = frozenset({"gemma", "gemma2", "gemma3-text", "gemma3", "paligemma"})
"""Families that scale what the embedding looks up."""
SCALED_BY_ITSELF = frozenset({"gemma3-text", "gemma3"})
"""Those of which the embedding has done so in every transformers; the others' since 5.10."""
ALWAYS_TIED = frozenset({"t5", "t5-gated", "umt5", "mt5", "longt5", "t5-encoder", "umt5-encoder"})
RENAMED_HEAD = frozenset({"gpt-neox", "gemma3", "paligemma", "llava"})
EXPERTS = frozenset({"mixtral", "qwen3-moe"})
TRANSPOSED = frozenset({"gpt2"})
INPUT_IS_A_SIDE = frozenset({"marian"})


def short(path: str) -> str:
    """The last part of a module's path."""
    return path.rpartition(".")[2]


def input_role(case: AnyCase) -> str:
    """The role of what get_input_embeddings() returns: of Marian's it is the encoder's."""
    return "encoder-embedding" if case.family in INPUT_IS_A_SIDE else "embedding"


def scaled_by_itself(case: AnyCase) -> bool:
    """Whether the embedding scales, and not what calls it."""
    since = parsed(installed("transformers")) >= parsed("5.10")
    return case.family in SCALED_BY_ITSELF or (case.family in SCALED and since)


def scaled_by_flag(case: AnyCase) -> bool:
    """Whether the head's input is scaled where the config says tied, which it always does.

    From 5.24 on UMT5 has a setting of its own for that.
    """
    if case.family != "umt5":
        return False
    from transformers import UMT5Config

    return not hasattr(UMT5Config(), "scale_decoder_outputs")


def path_of(case: AnyCase, role: str) -> str:
    """The full path of what holds the matrix in a role; empty where the family has none."""
    from tiny_models.compat import matrices_here  # imports transformers

    return matrices_here(FAMILIES[case.family]).get(role, "")
