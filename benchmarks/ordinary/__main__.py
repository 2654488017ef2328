"""``python -m benchmarks.ordinary``: what each declared bug does in ordinary use.

The witness of each entry of kind ``bug`` that applies to the installed versions is lived at an
ordinary size: two layers of width 64, adapters of rank 8 that AdamW trained from PEFT's own first
values. A line for each promise; exits 1 where one is not broken there that the witness breaks.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from benchmarks.ordinary.judging import BREAKS, UNABLE, bugs, found
from benchmarks.ordinary.page import PAGE, RESULTS, kept_with, page, write
from benchmarks.table import rows


def main() -> int:
    """Live, print, and say by the exit status whether any bug is one of the tiny models alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ordinary", description=__doc__)
    parser.add_argument("--entries", nargs="+", metavar="ID", help="these alone")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FILE", help="JSON lines of the last call"
    )
    parser.add_argument("--write", action="store_true", help="write docs/ordinary.md")
    given = parser.parse_args()
    declared = {entry.id: entry for entry in bugs()}
    for name in given.entries or ():
        if name not in declared:
            parser.error(f"--entries accepts ids of declared bugs of these versions, not {name!r}")
    if given.workers < 1:
        parser.error(f"--workers accepts a number from 1 on, not {given.workers}")
    warnings.simplefilter("ignore")
    wrong, told = 0, []
    for row in found([declared[name] for name in given.entries or declared], given.workers):
        told.append(row)
        wrong += row["verdict"] not in (BREAKS, UNABLE)
        print(f"{row['entry']}, {row['promise']}: {row['verdict']}: {row['told']}", flush=True)
    if given.write:
        write(given.results, kept_with(rows(given.results), told, declared))
        PAGE.write_text(page(rows(given.results)), encoding="utf-8")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
