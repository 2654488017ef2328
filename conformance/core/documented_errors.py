"""Refusals that are right: an error that tells the user in time what to change.

Upstream documents them, or nothing else can be right: what is asked contradicts itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from conformance.core.case import Case
from conformance.core.observation import Trouble
from conformance.core.placements import ENDS, MATRICES, PLACEMENTS


@dataclass(frozen=True)
class Refusal:
    """Where upstream says it raises: cases, stage, wording, source, and which PEFT does so."""

    covers: Callable[[Case], bool]
    stage: str
    message: str
    source: str
    peft: str = ""

    def is_meant(self, case: Case, trouble: Trouble) -> bool:
        """Whether an error of a case is this one."""
        return (
            self.covers(case)
            and trouble.stage == self.stage
            and re.search(self.message, trouble.message) is not None
        )


STATE_SPACES = ("mamba", "falcon-h1")
"""Families whose out_proj is read by fused kernels, where there are any."""


def _contradicts_itself(case: Case) -> bool:
    """Whether layers of one weight are to be adapted in two ways, and have to stay one.

    They have to where the ties are asked for, and where tokens are trained: those of a tied
    embedding are the head's too.
    """
    placed = PLACEMENTS[case.placement]
    ways = ({*ENDS} & {*placed.target}, {*ENDS} & {*placed.save}, placed.tokens)
    return case.tied and (case.ensure or bool(placed.tokens)) and sum(map(bool, ways)) > 1


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
        lambda case: case.family in STATE_SPACES and case.writing == "all-linear",
        "adapted",
        r"incompatible with Mamba-based models",
        "PEFT's own check: out_proj is read by fused kernels that would pass the adapter by",
    ),
)
"""Those that upstream makes and documents."""

WOULD_BE_RIGHT = (
    Refusal(
        _contradicts_itself,
        "adapted",
        r"ensure_weight_tying|weights .* are tied",
        "no weight is adapted in two ways and still one; the words name the tie, as those for "
        "different token indices do",
    ),
    Refusal(
        lambda case: (
            case.ensure and case.dora and bool({*PLACEMENTS[case.placement].target} & {*MATRICES})
        ),
        "adapted",
        r"ensure_weight_tying",
        "DoRA has a magnitude for each token at one end and for each feature at the other: one "
        "weight cannot have both",
    ),
)
"""Those that no release is known to make: where one does it is no error; nothing counts on it."""


def documented(case: Case, trouble: Trouble) -> bool:
    """Whether this error is a refusal that upstream documents."""
    return any(refusal.is_meant(case, trouble) for refusal in REFUSALS)


def rightly_refused(case: Case, trouble: Trouble) -> bool:
    """Whether this error is a refusal that is right, documented or not."""
    return documented(case, trouble) or any(
        refusal.is_meant(case, trouble) for refusal in WOULD_BE_RIGHT
    )
