"""Errors by which a tuner says clearly, and by itself, what it cannot do."""

from __future__ import annotations

import re

from conformance.core.observation import Observation, Trouble

WRAPPING = ("adapted",)
MERGING = ("merged", "merged-in-place", "merged-otherwise", "unmerged", "unloaded", "added-merged")
LOADING = ("injected", "second", "added", "handed", "as-lora")
STAGES: dict[tuple[str, ...], str] = {
    WRAPPING: r"not support|unsupported|not a plain torch\.nn\.Linear|No layers? types? compatible"
    r"|only supports a single dimension|requires float32/|under float32|Unsupported data type",
    LOADING: r"do(es)? not support|supports only 1|not supported (right now|--)",
    MERGING: r"not support|cannot merge|has no attribute '(un)?(merge_adapter|load)'",
}
"""Where a tuner says that it cannot wrap a layer, merge, or be loaded so, and the words for it.

Some of older releases had neither ``merge_adapter`` nor ``unload``.
"""


def refused(trouble: Trouble) -> bool:
    """Whether PEFT raised this on purpose, to say that the tuner cannot do what was asked."""
    return (
        trouble.deliberate
        and trouble.origin == "peft"
        and any(
            trouble.stage in stages and re.search(words, trouble.message)
            for stages, words in STAGES.items()
        )
    )


def cannot_merge(seen: Observation) -> str | None:
    """What a tuner said that cannot merge, or None."""
    ended = seen.ended_at()
    if ended is not None and ended.stage in MERGING and refused(ended):
        return ended.message
    return None
