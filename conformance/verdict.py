"""Verdicts for people: what happens to a user on this placement."""

from __future__ import annotations

from conformance.invariants.warning import (
    EARLY,
    LATE,
    Argues,
    announced,
    broken_promises,
    never,
    unjudged_promises,
)
from conformance.observation import Observation

# worst first; the sign is what a report shows beside the word
SIGNS = {
    "silent": "✗✗",
    "late": "✗",
    "announced": "!",
    "refused": "⊘",
    "holds": "✓",
    "not applicable": "–",
    "not run": "?",
    "error": "E",
}
VERDICTS = tuple(SIGNS)
MEANINGS = {
    "silent": "a promise of logits or config breaks, and nobody said so",
    "late": "one breaks, and the warning came only when merging, saving or loading, after training",
    "announced": "one breaks, and a warning about the tie was given when the adapter was put on",
    "refused": "PEFT refused with a clear error when the adapter was put on",
    "holds": "everything promised of logits and configs was kept",
    "not applicable": "the installed versions cannot do this",
    "not run": "the life ended early, or what differs may be rounding: nothing could be judged",
    "error": "the suite itself went wrong",
}


def verdict_of(seen: Observation, argues: Argues = never) -> str:
    """The verdict of one life, in which what is declared arguable does not count."""
    if seen.lacks:
        return "not applicable"
    ended = seen.ended_at()
    broken = broken_promises(seen, argues)
    if ended is not None and ended.stage == "adapted" and ended.deliberate:
        return "refused"
    if not broken:
        judged = ended is None and not unjudged_promises(seen)
        return "holds" if judged else "not run"
    if announced(seen, *EARLY):
        return "announced"
    return "late" if announced(seen, *LATE) else "silent"


def worst(verdicts: dict[str, int]) -> str:
    """The worst verdict that was met."""
    return next((name for name in VERDICTS if verdicts.get(name)), "not run")
