"""A pytest plugin that writes down every comparison of numbers that a run makes.

    GAP=FOLDER python -m pytest -p benchmarks.gap.recording conformance

Each process leaves one file in FOLDER. A comparison that several items make of one life counts
once for each promise.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from conformance.core.comparison import Comparison
from conformance.core.invariant import Invariant, Judgement, Observed

FOLDER = "GAP"
"""The environment variable that names the folder."""
BINS = 4  # of a factor of ten
NOTHING = -100  # the bin of no difference at all
KINDS = {
    "Case": "lifecycle",
    "TunerCase": "tuners",
    "Program": "programs",
    "LoadingCase": "loading",
    "PipelineCase": "pipeline",
}


@dataclass
class Figures:
    """The comparisons of one promise in one precision, in one kind of test.

    ``ratios`` counts those that hold or break by the logarithm of difference / allowance, in bins;
    ``highest`` is the largest ratio of what holds, ``lowest`` the smallest of what breaks, each
    with its case and what was compared; ``doubtful`` counts what was not judged.
    """

    compared: int = 0
    doubtful: int = 0
    ratios: dict[int, int] = field(default_factory=dict)
    highest: tuple[float, str, str] | None = None
    lowest: tuple[float, str, str] | None = None

    def add(self, one: Comparison, case: str) -> None:
        """Count a comparison."""
        self.compared += 1
        where = bin_of(ratio(one))
        self.ratios[where] = self.ratios.get(where, 0) + 1
        told = ratio(one), case, one.what
        if one.broken:
            self.lowest = min(self.lowest or told, told)
        elif one.doubtful:
            self.doubtful += 1
        else:
            self.highest = max(self.highest or told, told)


def ratio(one: Comparison) -> float:
    """The difference over that from which on it is broken."""
    allowed = one.allowance.breaks
    return one.amount / allowed if allowed else (math.inf if one.amount else 0.0)


def bin_of(found: float) -> int:
    """The bin of a ratio; of one without end, that of a factor of a million million."""
    return math.floor(BINS * math.log10(min(found, 1e12))) if found else NOTHING


class Recorder:
    """What one process met."""

    def __init__(self) -> None:
        self.figures: dict[tuple[str, str, str], Figures] = {}
        self.runs: dict[str, set[str]] = {}
        self._judged: set[tuple[str, str, str]] = set()

    def add(self, promise: str, seen: Any, judgement: Judgement) -> None:
        """Count the comparisons of one judgement, once for each life."""
        kind = "corpus" if type(seen).__name__ == "Arrival" else KINDS[type(seen.case).__name__]
        case = repr(seen.case)
        if judgement.verdict in {"not applicable", "not run"}:
            return
        self.runs.setdefault(kind, set()).add(case)
        if (kind, promise, case) in self._judged:
            return
        self._judged.add((kind, promise, case))
        for one in judgement.comparisons:
            key = kind, promise, one.allowance.dtype
            self.figures.setdefault(key, Figures()).add(one, case)

    def rows(self) -> Iterator[dict[str, Any]]:
        """What is written."""
        for (kind, promise, dtype), figures in self.figures.items():
            yield {"kind": kind, "invariant": promise, "dtype": dtype, **asdict(figures)}


RECORDER = Recorder()


def pytest_configure() -> None:
    """Listen to every judgement."""
    judge = Invariant.judge

    @wraps(judge)
    def listened(promise: Invariant, observation: Observed) -> Judgement:
        judgement = judge(promise, observation)
        RECORDER.add(promise.id, observation, judgement)
        return judgement

    Invariant.judge = listened  # type: ignore[method-assign, assignment]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this process met."""
    told = {
        "runs": {kind: sorted(cases) for kind, cases in RECORDER.runs.items()},
        "rows": list(RECORDER.rows()),
    }
    name = getattr(session.config, "workerinput", {}).get("workerid", "main")
    (Path(os.environ[FOLDER]) / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
