"""CPU of observing and judging a life, against a plain script of the same library calls."""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from hypothesis import settings

from benchmarks.plain_life import PlainLife
from benchmarks.table import show
from conformance.causes.known import Known
from conformance.core.case import Case
from conformance.core.comparison import Evidence
from conformance.core.grid import Stratum, strata
from conformance.core.invariant import Invariant
from conformance.core.observation import Observation
from conformance.core.options import RUN_SEED
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import LIFECYCLE, drawn_cases, item_of
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.proof import require_informative
from conformance.kinds.lifecycle.verdict import verdict_of
from conformance.running.cache import Cache
from conformance.running.drawn import drawn
from conformance.running.judge import judge_item
from conformance.running.profiles import register_profiles
from conformance.upstream import calls
from tiny_models.checkpoints import plain_keys
from tiny_models.compat import quiet_logs, quiet_progress
from tiny_models.families import DECODERS
from tiny_models.seeding import seeded

ALLOWED = 1.3
STRIDE = 7  # every seventh stratum: tied and untied, with and without ensure, nine placements
IN_A_STRATUM = 16


def observed(case: Case) -> Observation:
    """What the suite does with a distinct life."""
    seen = observe(case)
    require_informative(seen)
    verdict_of(seen)
    for invariant in INVARIANTS.values():
        invariant.judge(seen)
    return seen


def plain(case: Case) -> None:
    """The same stages in a plain script."""
    with (
        TemporaryDirectory(prefix="plain-") as folder,
        seeded(case.seed),
        calls.without_model_card(),
    ):
        PlainLife(case, Path(folder)).live()


def cpu(work: Callable[[Case], object], case: Case) -> float:
    """CPU seconds of one call."""
    before = time.process_time()
    work(case)
    return time.process_time() - before


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing on the terminal, and nothing captured either; levels stay as pytest has them."""
    with warnings.catch_warnings(), quiet_progress(), quiet_logs():
        warnings.simplefilter("ignore")
        yield


def compare(cases: list[Case]) -> tuple[list[float], list[float]]:
    """CPU seconds of each life, observed and plain, taking turns and turns at being first."""
    ours, theirs = [], []
    for number, case in enumerate(cases):
        if number % 2:
            theirs.append(cpu(plain, case))
            ours.append(cpu(observed, case))
        else:
            ours.append(cpu(observed, case))
            theirs.append(cpu(plain, case))
    return ours, theirs


def hypothesis_share(grid: list[Stratum]) -> tuple[float, float]:
    """CPU seconds a distinct life of all items, less judging, and of judging alone."""
    seen: dict[Case, Observation] = {}
    for stratum in grid:
        seen |= {case: observe(case) for case in drawn(stratum, IN_A_STRATUM)}
    judging = 0.0

    def timed(invariant: Invariant) -> Invariant:
        def check(observation: Observation) -> Iterator[Evidence]:
            nonlocal judging
            before = time.process_time()
            found = list(invariant.check(observation))
            judging += time.process_time() - before
            return iter(found)

        return replace(invariant, check=check)

    known = Known.load()
    cache = Cache(LIFECYCLE, seen.__getitem__)
    spent = 0.0
    for stratum in grid:
        for case in drawn(stratum, IN_A_STRATUM):  # verdicts are part of what was measured above
            cache(case)
            cache.verdict(case, known.argues)
        cases = drawn_cases(stratum, DECODERS, RUN_SEED, IN_A_STRATUM)
        before = time.process_time()
        for invariant in map(timed, INVARIANTS.values()):
            judge_item(
                LIFECYCLE, item_of("invariant", stratum, invariant, cases), known, cache=cache
            )
        spent += time.process_time() - before
    return (spent - judging) / len(seen), judging / len(seen)


def main() -> int:
    """Measure, print, and say by the exit status whether the overhead is small enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    arguments = parser.parse_args()
    register_profiles()
    settings.load_profile("default")
    torch.set_num_threads(1)
    grid = strata(("cpu",))[::STRIDE]
    each = [drawn(stratum, IN_A_STRATUM) for stratum in grid]
    wanted = [case for cases in zip(*each, strict=False) for case in cases]

    before = time.process_time()
    for case in wanted:  # imports of the families as well
        plain_keys(case.family, case.layers, tied=True)
        plain_keys(case.family, case.layers, tied=False)
    once = time.process_time() - before

    with quiet():
        whole: list[Case] = []
        for case in wanted:
            if len(whole) < arguments.cases and not observe(case).troubles:
                whole.append(case)
        ours, theirs = compare(whole)
        around, judging = hypothesis_share(grid[::4])
    typical = median(ours)
    ratio, total = median(o / t for o, t in zip(ours, theirs, strict=True)), sum(ours) / sum(theirs)
    rows = {
        f"observing and judging / plain, median of {len(whole)} lives": f"{ratio:.2f}",
        f"observing and judging / plain, sum of {len(whole)} lives": (
            f"{total:.2f}; at most {ALLOWED}"
        ),
        "judging alone / observing and judging, per life": f"{judging / typical:.2f}",
        "Hypothesis and the runner / observing and judging, per life": f"{around / typical:.2f}",
        "keys of plain models, once a process / one life": f"{once / typical:.0f}",
    }
    show("overhead", rows, write=arguments.write)
    print(f"median CPU seconds of a life: {typical:.3f} observed, {median(theirs):.3f} plain")
    return 0 if max(ratio, total) <= ALLOWED else 1


if __name__ == "__main__":
    raise SystemExit(main())
