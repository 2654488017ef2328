"""``python -m benchmarks.bugs``: each bug of the installed versions shows, or does not any more."""

from __future__ import annotations

import sys

from benchmarks.bugs.corpus import Bug, bugs
from conformance.case import Case
from conformance.invariants import INVARIANTS, Judgement
from conformance.life import observe
from conformance.loading.invariants import LOADING
from conformance.loading.observe import observe_loading
from conformance.observation import Observation
from conformance.observer import check_not_vacuous
from conformance.refusals import documented
from conformance.versions import cell_name, versions


def judged(bug: Bug) -> dict[str, tuple[Judgement, str]]:
    """What each promise says of the bug's case here, and whether its life was rightly refused."""
    recorded = bug.regression
    if not isinstance(recorded.case, Case):
        loaded = observe_loading(recorded.case)
        return {name: (LOADING[name].judge(loaded), "") for name in recorded.invariants}
    seen = observe(recorded.case)
    check_not_vacuous(seen)
    refused = _refused(seen)
    return {name: (INVARIANTS[name].judge(seen), refused) for name in recorded.invariants}


def _refused(seen: Observation) -> str:
    ended = seen.ended_at()
    refusal = documented(seen.case, ended) if ended is not None else None
    return refusal.source if refusal is not None else ""


def shows(bug: Bug, colour: str) -> str:
    """What is wrong where the bug must be red, or green; empty if nothing is."""
    for name, (found, refused) in judged(bug).items():
        if colour == "red" and found.verdict != "breaks":
            return f"{name} {found.verdict}, and should break {found.reason}".strip()
        if colour == "green" and found.verdict != "holds" and not refused:
            told = "; ".join(str(finding) for finding in found.findings) or found.reason
            return f"{name} {found.verdict}, and should hold: {told}"
    return ""


def main() -> int:
    """Check every bug that must be red or green with the installed versions."""
    here, wrong = cell_name(versions()), 0
    for bug in bugs():
        for colour in ("red", "green"):
            if getattr(bug, colour) == here:
                said = shows(bug, colour)
                print(f"{here}  {colour:5}  {bug.id}  {said or 'as it should be'}")
                wrong += bool(said)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
