"""Which keys of a file are the input embedding and the output head.

The installed transformers is asked, with a tiny model of the config; where it is not installed or
does not know the architecture, keys are known by their endings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.core.user_files import InputError
from conformance.inspecting.checkpoint import Checkpoint
from tiny_models.families import FAMILIES

EMBEDDINGS = tuple(
    dict.fromkeys(".".join(entry.embedding_in_file.split(".")[-2:]) for entry in FAMILIES.values())
)
HEADS = tuple(
    dict.fromkeys(
        ".".join(entry.head_in_file.split(".")[-2:])
        for entry in FAMILIES.values()
        if entry.head_in_file
    )
)


@dataclass(frozen=True)
class Names:
    """The two keys; ``default`` is what a silent config means, ``how`` says who told the keys."""

    embedding: str
    head: str
    default: bool
    how: str


def names_of(checkpoint: Checkpoint) -> Names:
    """The two keys of this checkpoint; raises InputError where they cannot be told."""
    try:
        return _asked(checkpoint)
    except (ImportError, InputError) as error:
        reason = str(error).partition(": ")[2] or str(error)
        return _guessed(checkpoint, reason)


def _asked(checkpoint: Checkpoint) -> Names:
    from conformance.kinds.user_config.model import read_model  # imports transformers
    from tiny_models.compat import quiet_logs, quiet_progress

    with quiet_logs(), quiet_progress():
        model = read_model(str(checkpoint.folder), layers=1)
        family = model.family
    return Names(
        _present(checkpoint, family.embedding_in_file, f"{family.embedding}.weight"),
        _present(checkpoint, family.head_in_file, f"{family.head}.weight"),
        default=family.tie_default,
        how=f"of {model.model_class}, by transformers",
    )


def _present(checkpoint: Checkpoint, *keys: str) -> str:
    """The first of the names for one thing that the file has; the first, where it has none."""
    return next((key for key in keys if key in checkpoint.tensors), keys[0])


def _guessed(checkpoint: Checkpoint, reason: str) -> Names:
    embedding = _ending(checkpoint.tensors, EMBEDDINGS)
    head = _ending(checkpoint.tensors, HEADS)
    if not embedding and not head:
        raise InputError(f"no embedding and no head can be told among its keys ({reason})")
    return Names(
        embedding or EMBEDDINGS[0],
        head or HEADS[0],
        default=True,
        how=f"by their names alone ({reason})",
    )


def _ending(keys: Iterable[str], endings: tuple[str, ...]) -> str:
    """The shortest key with one of the endings."""
    every = sorted(keys, key=lambda key: (len(key), key))
    return next(
        (key for end in endings for key in every if key == end or key.endswith(f".{end}")), ""
    )
