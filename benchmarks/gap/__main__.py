"""How wide the gap is between what rounding does and what faults do.

    python -m benchmarks.gap --to FOLDER [--settings A B ...] [--seeds A B ...] [--corpus] [-- ...]
    python -m benchmarks.gap --from FOLDER --page

The first runs the suite under each setting with each seed, and with ``--corpus`` what it saves
once more, and keeps every comparison of numbers in FOLDER; what stands after ``--`` is given to
pytest. The second makes docs/gap.md and its plot of it. Exit 1 where a float32 or float64
comparison that holds lies above a tenth of its allowance, or one that breaks below ten of it, and
docs/gap.md does not name it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arguments import for_pytest
from benchmarks.gap.measuring import measure, measure_corpus
from benchmarks.gap.merging import merged
from benchmarks.gap.page import kept, outside, write
from benchmarks.gap.settings import SETTINGS
from conformance.core.options import RUN_SEED

USAGE = 4  # as pytest's


def arguments(given: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, checked, and what pytest gets; a wrong one is one sentence and exit 4."""
    ours, more = for_pytest(given)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gap", description=__doc__)
    parser.add_argument("--to", type=Path, metavar="FOLDER")
    parser.add_argument("--from", type=Path, metavar="FOLDER", dest="source")
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", default=[str(RUN_SEED)], metavar="N")
    parser.add_argument("--corpus", action="store_true")
    parser.add_argument("--page", action="store_true")
    found = parser.parse_args(ours)
    for name in found.settings:
        if name not in SETTINGS:
            refuse(f"--settings accepts {', '.join(map(repr, SETTINGS))}, not {name!r}")
    for seed in found.seeds:
        if not seed.isdecimal():
            refuse(f"--seeds accepts whole numbers from 0 on, not {seed!r}")
    if not found.to and not found.page:
        refuse("--to names the folder that comparisons are kept in, or --page makes the page")
    return found, more


def refuse(sentence: str) -> None:
    """End with one sentence."""
    print(sentence, file=sys.stderr)
    raise SystemExit(USAGE)


def main(given: Sequence[str] | None = None) -> int:
    """Measure, or make the page."""
    found, more = arguments(sys.argv[1:] if given is None else given)
    if found.to:
        for setting in found.settings:
            for seed in found.seeds:
                status = measure(setting, seed, found.to, more)
                print(f"{setting}, seed {seed}: pytest ended with {status}", flush=True)
            if found.corpus:
                status = measure_corpus(setting, found.to, more)
                print(f"{setting}, a corpus: pytest ended with {status}", flush=True)
    if found.source:
        write(merged(found.source))
    left = outside(kept())
    for one in left:
        print(one)
    return int(bool(left))


if __name__ == "__main__":
    raise SystemExit(main())
