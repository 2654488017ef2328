"""``python -m benchmarks.mutation`` asks whether a suite notices a change of PEFT's own code.

Each mutant is a copy of the installed package with one change, put first on sys.path; the
environment stays as it is. One run of the suite on the package as it is says which items meet the
change: only they can tell a difference, and only they run, the cheapest first, until the first
failure or the time limit. A mutant that no item meets survives without a run.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.mutation.copies import SCOPE, package, sample
from benchmarks.mutation.forking import preload
from benchmarks.mutation.judging import control, judge
from benchmarks.mutation.page import PAGE, RESULTS, page, reasons
from benchmarks.mutation.recorded import recorded
from benchmarks.mutation.sites import Site
from benchmarks.mutation.suites import OURS, of_peft
from benchmarks.table import rows
from conformance.core.versions import versions


def main() -> int:
    """Run the mutants that the file does not have yet, as many as are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="JSON lines")
    parser.add_argument(
        "--records", type=Path, metavar="FOLDER", help="where to keep which items meet which mutant"
    )
    parser.add_argument("--first", type=int, default=SCOPE["sample"], metavar="N")
    parser.add_argument(
        "--at-most",
        type=float,
        default=SCOPE["seconds"],
        metavar="SECONDS",
        help="of CPU for a mutant; what this stops before the scope's limit is left for later",
    )
    parser.add_argument(
        "--peft-tests",
        type=Path,
        metavar="FOLDER",
        help="of PEFT's source distribution: asked instead of the suite",
    )
    parser.add_argument(
        "--control", action="store_true", help="run all items as for a mutant, with none"
    )
    parser.add_argument("--list", action="store_true", help="name the mutants and run none")
    parser.add_argument("--page", action="store_true", help="write docs/mutants.md of the results")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page(rows(given.results), reasons()), encoding="utf-8")
        return 0
    source = package()
    chosen = sample(source)
    if given.list:
        print("\n".join(map(str, chosen[: given.first])))
        return 0
    if given.records is None:
        parser.error("--records FOLDER is needed to run mutants")
    results = given.results.resolve()
    imports = preload()
    with ExitStack() as stack:
        suite = stack.enter_context(of_peft(given.peft_tests)) if given.peft_tests else OURS
        record = recorded(suite, source, chosen, given.records.resolve())
        if given.control:
            failed = control(suite, record, source)
            print(failed or f"{len(record.sound)} items of {suite.name} pass without a mutant")
            return int(bool(failed))
        done = {row["mutant"] for row in rows(results) if row["suite"] == suite.name}
        if "" not in done:
            whole = {
                "items": len(record.sound),
                "left out": len(record.items) - len(record.sound),
                "cpu": round(record.cpu + imports, 1),
                "versions": versions(),
            }
            _add(results, {"suite": suite.name, "mutant": "", **whole})
        waiting = {n: one for n, one in enumerate(chosen[: given.first]) if str(one) not in done}

        def tell(site: Site, row: dict[str, Any]) -> None:
            _add(results, {"suite": suite.name, "mutant": str(site), **row})

        judge(suite, record, source, waiting, imports=imports, tell=tell, at_most=given.at_most)
    every = [row for row in rows(results) if row["suite"] == suite.name and row["mutant"]]
    print(suite.name, dict(Counter(row["result"] for row in every)))
    return 0


def _add(file: Path, row: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"{json.dumps(row)}\n")
    print(*row.values(), sep="  ", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
