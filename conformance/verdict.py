"""Verdicts for people: what happens to a user on this placement."""

from __future__ import annotations

from conformance.invariants.warning import EARLY, LATE, announced, broken_promises
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


def verdict_of(seen: Observation) -> str:
    """The verdict of one life."""
    if seen.lacks:
        return "not applicable"
    ended = seen.ended_at()
    broken = broken_promises(seen)
    if ended is not None and ended.stage == "adapted" and ended.deliberate:
        return "refused"
    if not broken:
        return "holds" if ended is None else "not run"
    if announced(seen, *EARLY):
        return "announced"
    return "late" if announced(seen, *LATE) else "silent"


def worst(verdicts: dict[str, int]) -> str:
    """The worst verdict that was met."""
    return next((name for name in VERDICTS if verdicts.get(name)), "not run")
