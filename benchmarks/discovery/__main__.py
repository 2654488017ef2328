"""``python -m benchmarks.discovery``: each declared bug from an empty database, seed after seed.

The first rows are of runs, one a seed: the life in which each bug shows, and for those that a
default run missed, the life of a run of their own families alone. The others are of what is
printed: for each bug, the case that Hypothesis shrinks to, and what of it could be simpler. A
second call goes on where the first ended.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import settings

from benchmarks.discovery.lives import declared, first_lives, first_of_many, run
from benchmarks.discovery.page import PAGE, RESULTS, page
from benchmarks.discovery.simplest import Undeclared
from benchmarks.table import rows
from conformance.core.versions import versions
from conformance.running.profiles import register_profiles

SEEDS = range(1, 21)


def of_a_run(seed: int) -> dict[str, Any]:
    """What a run of one seed finds."""
    bugs = declared()
    found = first_lives(bugs, run(seed))
    missed = (bug for bug in bugs if bug.id not in found)
    many = {bug.id: number for bug in missed if (number := first_of_many(bug, seed))}
    return {"seed": seed, "found": found, "many": many, "versions": versions()}


def of_a_bug(name: str, seed: int) -> dict[str, Any]:
    """What is printed of one bug, and the fields of it that could be simpler."""
    (bug,) = (one for one in declared() if one.id == name)
    alone = Undeclared(bug)
    case = alone.printed(seed)
    simpler = [] if case is None else [list(one) for one in alone.simpler(case)]
    return {"bug": name, "case": repr(case) if case else None, "simpler": simpler}


def new_rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The rows that the file does not have yet."""
    kept = rows(given.results)
    for seed in SEEDS[: given.seeds]:
        if not any(row.get("seed") == seed for row in kept):
            yield of_a_run(seed)
    for bug in declared()[: given.printed]:
        if not any(row.get("bug") == bug.id for row in kept):
            yield of_a_bug(bug.id, SEEDS[0])


def main() -> int:
    """Add rows, or write the page of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.discovery", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="JSON lines")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), metavar="N", help="of runs")
    parser.add_argument("--printed", type=int, metavar="N", help="bugs to print, all unless said")
    parser.add_argument("--page", action="store_true", help="write docs/discovery.md of the rows")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page(rows(given.results)), encoding="utf-8")
        return 0
    register_profiles()
    settings.load_profile("default")
    warnings.simplefilter("ignore")
    for row in new_rows(given):
        with given.results.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(row)}\n")
        named = row.get("bug") or f"seed {row['seed']}: {len(row['found'])} and {len(row['many'])}"
        print(named, row.get("case", ""), row.get("simpler", ""), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
