"""CPU seconds of lives in this process, each as the suite observes and judges it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from statistics import median
from unittest import mock

from benchmarks.overhead import IN_A_STRATUM, STRIDE, observed
from conformance.core.case import Case
from conformance.core.grid import strata
from conformance.core.options import RUN_SEED
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.run import Life
from conformance.running.drawn import drawn
from tiny_models.families import BEYOND, DECODERS

Costs = dict[str, float]


def ordinary(count: int) -> list[Case]:
    """Lives of the default run, of strata of every kind in turn, that no error ends early."""
    each = [drawn(stratum, IN_A_STRATUM) for stratum in strata(("cpu",))[::STRIDE]]
    every = chain.from_iterable(zip(*each, strict=False))
    return list(islice((case for case in every if not observe(case).troubles), count))


def cpu(cases: Iterable[Case]) -> list[float]:
    """CPU seconds of each life."""
    return [_seconds(case) for case in cases]


def _seconds(case: Case) -> float:
    before = time.process_time()
    observed(case)
    return time.process_time() - before


def by_stage(cases: list[Case]) -> Costs:
    """The share of the CPU seconds of all lives that each stage has, and what is between them."""
    spent: defaultdict[str, float] = defaultdict(float)
    at = Life.at

    @contextmanager
    def timed(life: Life, stage: str) -> Iterator[None]:
        before = time.process_time()
        with at(life, stage):
            yield
        spent[stage] += time.process_time() - before  # stages are not nested

    with mock.patch.object(Life, "at", timed):
        whole = sum(cpu(cases))
    shares = {stage: seconds / whole for stage, seconds in spent.items()}
    return {**shares, "judging, and between stages": 1 - sum(shares.values())}


def by_family() -> Costs:
    """CPU seconds of one plain life of each family, the lower of two."""
    found = {}
    for family in (*DECODERS, *BEYOND):
        tied = family != "opt-proj"  # its embedding and head have different widths
        case = Case(tied=tied, placement="body", family=family)
        found[family] = min(cpu([case, case, case])[1:])
    return found


def by_layers(cases: list[Case]) -> Costs:
    """CPU seconds of the same lives with more layers, as multiples of those with one."""
    sums = {
        layers: sum(cpu(replace(case, layers=layers) for case in cases)) for layers in (1, 2, 4, 8)
    }
    return {str(layers): seconds / sums[1] for layers, seconds in sums.items()}


def by_lives_before(cases: list[Case], between: int) -> Costs:
    """The same lives, early in a process and after so many others: the later over the earlier."""
    cpu(cases)
    early = cpu(cases)
    grid = strata(("cpu",))
    drawn_ = (case for stratum in grid for case in drawn(stratum, IN_A_STRATUM, RUN_SEED + 1))
    cpu(islice(drawn_, between))
    late = cpu(cases)
    ratios = [after / before for before, after in zip(early, late, strict=True)]
    return {str(len(cases) * 2): 1.0, str(len(cases) * 2 + between): median(ratios)}
