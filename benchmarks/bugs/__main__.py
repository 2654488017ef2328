"""``python -m benchmarks.bugs``: each bug that must show here, or must not any more."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bugs.corpus import Bug, bugs
from benchmarks.bugs.discovery import breaks, confirm, discover, refused, update
from benchmarks.bugs.page import FOUND, PAGE, page
from conformance.core.invariant import Judgement
from conformance.core.kind import AnyCase
from conformance.core.observation import Observation
from conformance.core.versions import cell_name, versions
from conformance.kinds import kind_of


def shows(bug: Bug, colour: str) -> str:
    """What is wrong where the bug must be red, or green; empty if nothing is."""
    recorded = bug.regression
    for name, judgement, red, green in _judged(recorded.case, recorded.invariants):
        if not (red if colour == "red" else green):
            told = "; ".join(str(finding) for finding in judgement.findings) or judgement.reason
            return f"{name} must be {colour}, and {judgement.verdict}: {told}"
    return ""


def _judged(
    case: AnyCase, promises: tuple[str, ...]
) -> Iterator[tuple[str, Judgement, bool, bool]]:
    """Each promise, what is said of it, whether that shows the bug, and whether its absence."""
    kind = kind_of(case)
    seen = kind.observe(case)
    kind.require_informative(seen)
    for name in promises:
        said = kind.checks[name].judge(seen)
        if isinstance(seen, Observation):
            yield name, said, breaks(name, seen), said.verdict == "holds" or refused(seen)
        else:
            yield name, said, said.verdict == "breaks", said.verdict == "holds"


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
    parser.add_argument("--page", action="store_true", help="write docs/bugs.md of found.json")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page(json.loads(FOUND.read_text(encoding="utf-8"))), encoding="utf-8")
        return 0
    here = cell_name(versions())
    return measure(here, given.measure) if given.measure else check(here)


if __name__ == "__main__":
    sys.exit(main())
