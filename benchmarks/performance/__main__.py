"""``python -m benchmarks.performance PART``: measure one part, keep it, write page and plot.

``lives`` is CPU seconds in one process: by stage, family and layers, and after many other lives.
``scaling`` is lives a second with one worker and with two, ``beside`` a default run of this commit
and of another; both need a machine that does nothing else, for five minutes and for twenty.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from hypothesis import settings

from benchmarks.overhead import quiet
from benchmarks.performance.beside import PAIRS, beside
from benchmarks.performance.lives import (
    by_family,
    by_layers,
    by_lives_before,
    by_stage,
    cpu,
    ordinary,
)
from benchmarks.performance.page import PAGE, PLOT, RESULTS, page, plot
from benchmarks.performance.scaling import RUNS, scaling
from conformance.core.versions import versions
from conformance.running.profiles import register_profiles


def lives(count: int, between: int) -> dict[str, Any]:
    """CPU seconds of so many lives, and of them again after others."""
    register_profiles()
    settings.load_profile("default")
    torch.set_num_threads(1)
    with quiet():
        cases = ordinary(count)
        seconds = cpu(cases)
        return {
            "lives": len(cases),
            "seconds": sorted(seconds),
            "stages": by_stage(cases),
            "families": by_family(),
            "layers": by_layers(cases[: count // 4]),
            "before": by_lives_before(cases[: count // 2], between),
        }


def main() -> int:
    """Measure what is asked for, and write page and plot of all that is kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance", description=__doc__)
    parser.add_argument("part", choices=("lives", "scaling", "beside", "page"))
    parser.add_argument("--count", type=int, default=48, metavar="N", help="lives to measure")
    parser.add_argument("--between", type=int, default=1000, metavar="N", help="other lives")
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help="of each of -n 1, -n 2")
    parser.add_argument("--commit", default="HEAD~1", help="the other commit of beside")
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, metavar="N", help="runs of each of both"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    given = parser.parse_args()
    kept = json.loads(given.results.read_text("utf-8")) if given.results.exists() else {}
    if given.part == "lives":
        kept["lives"] = {**lives(given.count, given.between), "versions": versions()}
    elif given.part == "scaling":
        kept["scaling"] = {**scaling(given.runs), "versions": versions()}
    elif given.part == "beside":
        kept["beside"] = {**beside(given.commit, given.pairs), "versions": versions()}
    text = json.dumps(kept, indent=1)
    given.results.write_text(f"{text}\n", encoding="utf-8")
    if given.results == RESULTS:
        PAGE.write_text(page(kept), encoding="utf-8")
        PLOT.write_text(plot(kept), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
