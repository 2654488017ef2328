"""What a checkpoint's config says against its tensors: who is misled, and what to change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.inspecting.checkpoint import Checkpoint
from conformance.inspecting.embedding_keys import Names
from conformance.inspecting.safetensors_header import same

PEFTS = re.compile(
    r"(^|\.)(base_model\.model|base_layer|original_module|modules_to_save|token_adapter)\."
    r"|\.lora_|trainable_tokens"
)
SHOWN = 3


@dataclass(frozen=True)
class Disagreement:
    """One thing that is wrong: what, who loses what by it, and what to change."""

    what: str
    effect: str
    change: str


@dataclass(frozen=True)
class Inspection:
    """What was found: the state of the two tensors, what the config says, what disagrees."""

    state: str
    says: str
    wrong: tuple[Disagreement, ...]


def inspect(checkpoint: Checkpoint, names: Names) -> Inspection:
    """Compare config and tensors; of these only the two are read, and only where both are there."""
    tensors = checkpoint.tensors
    embedding, head = tensors.get(names.embedding), tensors.get(names.head)
    equal = embedding is not None and head is not None and same(embedding, head)
    stated = {path: flag for path, flag in checkpoint.flags.items() if flag is not None}
    tied = next(iter(stated.values()), names.default)
    if embedding is None or head is None:
        there = [key for key in (names.embedding, names.head) if key in tensors]
        state = f"{there[0] if there else 'neither'} alone is in the file"
        state = state if there else f"neither {names.embedding} nor {names.head} is in the file"
    else:
        state = f"both are in the file, {'with equal' if equal else 'and differ in'} bytes"
    says = ", ".join(f"{path}={str(flag).lower()}" for path, flag in stated.items())
    wrong = [*_ties(checkpoint, names, tied=tied, equal=equal), *_leftovers(checkpoint)]
    if len(set(stated.values())) > 1:
        wrong.append(_torn(stated))
    default = str(names.default).lower()
    return Inspection(
        state, says or f"nothing, which means tie_word_embeddings={default}", tuple(wrong)
    )


def _ties(
    checkpoint: Checkpoint, names: Names, *, tied: bool, equal: bool
) -> Iterator[Disagreement]:
    tensors = checkpoint.tensors
    has_embedding, has_head = names.embedding in tensors, names.head in tensors
    flag = f"the config says tie_word_embeddings={str(tied).lower()}"
    if has_embedding and has_head and tied and not equal:
        yield Disagreement(
            f"{flag}, and {names.embedding} and {names.head} are two different tensors",
            f"a loader that trusts the config (converters, servers, transformers 4) drops "
            f"{names.head} and computes logits with the embedding",
            "set tie_word_embeddings to false, at every place where the config has it",
        )
    if has_embedding and not has_head and not tied:
        yield Disagreement(
            f"{flag}, and {names.head} is not in the file",
            f"a loader makes {names.head} up at random (re-initialised), or fails",
            "set tie_word_embeddings to true if embedding and head were one when it was saved; "
            "else the head was lost, and the model must be merged and saved again",
        )
    if has_head and not has_embedding:
        made_up = "takes the head for it or makes it up at random, by its own rules"
        yield Disagreement(
            f"{names.embedding} is not in the file",
            f"a loader {made_up if tied else 'makes it up at random (re-initialised), or fails'}",
            f"save {names.embedding} too"
            + (", or copy the head under that name: they are one" if tied else ""),
        )
    if not has_head and not has_embedding:
        yield Disagreement(
            f"neither {names.embedding} nor {names.head} is in the file",
            "a loader makes both up at random (re-initialised), or fails",
            "merge and save again: the two were lost",
        )
    if checkpoint.misplaced:
        listed = ", ".join(checkpoint.misplaced[:SHOWN])
        yield Disagreement(
            f"the index and the files do not agree on {listed}",
            "a loader misses these keys, or fails",
            "save again, or mend the index",
        )


def _leftovers(checkpoint: Checkpoint) -> Iterator[Disagreement]:
    left = [key for key in checkpoint.tensors if PEFTS.search(key)]
    if left:
        yield Disagreement(
            f"{len(left)} keys are PEFT's own, such as {left[0]}",
            "a loader of plain models does not know them and leaves their values out",
            "merge with merge_and_unload and save what it returns",
        )


def _torn(stated: dict[str, bool]) -> Disagreement:
    listed = " and ".join(f"{path}={str(flag).lower()}" for path, flag in stated.items())
    return Disagreement(
        f"the config says {listed}",
        "which of the two counts differs from loader to loader and from version to version",
        "make them agree with the tensors",
    )
