"""Refusals that upstream documents: an error at wrapping that tells the user what to change."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.core.case import Case
from conformance.core.observation import Trouble
from conformance.core.placements import PLACEMENTS


@dataclass(frozen=True)
class Refusal:
    """Where upstream says it raises: cases, stage, wording, source, and which PEFT does so."""

    covers: Callable[[Case], bool]
    stage: str
    message: str
    source: str
    peft: str = ""


REFUSALS = (
    Refusal(
        lambda case: case.tied and case.ensure and case.placement == "tokens:different",
        "adapted",
        r"Cannot ensure weight tying when different token indices",
        "PEFT documentation, Weight tying, trainable_token_indices, last row",
    ),
    Refusal(
        lambda case: case.dora and "embedding" in PLACEMENTS[case.placement].target,
        "adapted",
        r"Embedding does not support DoRA",
        "PEFT's own check in 0.9 to 0.12; DoRA on embeddings came with 0.13",
        peft="<0.13",
    ),
    Refusal(
        lambda case: case.family == "gpt2",
        "merged",
        r"GPT2 models are not supported for merging",
        "PEFT's own check in 0.3, lifted in 0.4",
        peft="<0.4",
    ),
    Refusal(
        lambda case: case.family == "mamba" and case.writing == "all-linear",
        "adapted",
        r"incompatible with Mamba-based models",
        "PEFT's own check: out_proj is read by fused kernels that would pass the adapter by",
    ),
)


def documented(case: Case, trouble: Trouble) -> Refusal | None:
    """The documented refusal this error is, if it is one."""
    for refusal in REFUSALS:
        meant = refusal.covers(case) and trouble.stage == refusal.stage
        if meant and re.search(refusal.message, trouble.message):
            return refusal
    return None
