"""``python -m benchmarks.bugs``: each bug that must show here, or must not any more."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.bugs.corpus import Bug, bugs
from benchmarks.bugs.discovery import confirm, discover, update
from benchmarks.bugs.page import PAGE, page
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


def check(here: str) -> int:
    """Whether every bug that must be red or green here is."""
    wrong = 0
    for bug in bugs():
        for colour in ("red", "green"):
            if getattr(bug, colour) == here:
                said = shows(bug, colour)
                print(f"{here}  {colour:5}  {bug.id}  {said or 'as it should be'}", flush=True)
                wrong += bool(said)
    return min(wrong, 1)


def measure(here: str, file: Path) -> int:
    """What a default run finds here of the bugs that are here, and no more where they are fixed."""
    for bug in bugs():
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if bug.red == here and bug.id not in kept:
            update(file, {bug.id: discover(bug)})
        elif bug.green == here and "kept" in kept.get(bug.id, ()):
            found = confirm(bug, kept[bug.id]["kept"])
            update(file, {bug.id: {**kept[bug.id], "found": found}})
    return 0


def main() -> int:
    """Check; or measure, in the broken cells before the fixed ones; or write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bugs", description=__doc__)
    parser.add_argument("--measure", type=Path, metavar="FILE", help="keep what a run finds here")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write docs/bugs.md of FILE")
    given = parser.parse_args()
    if given.table:
        PAGE.write_text(page(json.loads(given.table.read_text(encoding="utf-8"))), encoding="utf-8")
        return 0
    here = cell_name(versions())
    return measure(here, given.measure) if given.measure else check(here)


if __name__ == "__main__":
    sys.exit(main())
