"""The verdict for people on one observation."""

from __future__ import annotations

from conformance.core.kind import Argues
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks.warnings import (
    EARLY,
    LATE,
    announced,
    broken_promises,
    never,
    unjudged_promises,
)


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
