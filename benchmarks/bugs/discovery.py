"""Would a default run have found a bug: its drawn lives, until one breaks the bug's promise.

A life counts if its case lies in the bug's region (``regions.toml``), if it breaks the promise
where the bug is, or ends in an error before that can be judged, and if the fixed release keeps the
promise on the very same case: ``discover`` asks the broken release, ``confirm`` the fixed one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.bugs.corpus import Bug
from conformance.core.case import Case, parse_case
from conformance.core.documented_errors import rightly_refused
from conformance.core.grid import strata
from conformance.core.observation import Observation
from conformance.core.options import PROFILES
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.loading.case import KINDS, LoadingCase, loading_cases
from conformance.running.drawn import drawn
from tiny_models.families import FAMILIES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEPT = 8  # lives with the finding that are kept for the fixed release
REGIONS: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_name("regions.toml").read_text(encoding="utf-8")
)["regions"]


@cache
def run() -> tuple[Case, ...]:
    """The lives of a default run on the CPU, in its order."""
    examples = PROFILES["default"]["max_examples"]
    return tuple(case for stratum in strata(("cpu",)) for case in drawn(stratum, examples))


def lies_in(case: Case, region: Mapping[str, Any]) -> bool:
    """Whether a case has what the region asks."""
    return all(
        getattr(case, name) in (wanted if isinstance(wanted, list) else [wanted])
        for name, wanted in region.items()
    )


def refused(seen: Observation) -> bool:
    """Whether the life ended in a refusal that upstream documents."""
    ended = seen.ended_at()
    return ended is not None and rightly_refused(seen.case, ended)


def breaks(promise: str, seen: Observation) -> bool:
    """Whether the promise is broken, or its stage was never reached since an error came first."""
    verdict = INVARIANTS[promise].judge(seen).verdict
    early = verdict == "not run" and seen.ended_at() is not None and not refused(seen)
    return verdict == "breaks" or early


def broken(bug: Bug) -> Iterator[tuple[int, Case]]:
    """The lives of the run that break the bug's promise in its region, with their numbers."""
    (promise, *_) = bug.regression.invariants
    for number, case in enumerate(run(), start=1):
        if lies_in(case, REGIONS[bug.id]) and breaks(promise, observe(case)):
            yield number, case


def discover(bug: Bug) -> dict[str, Any]:
    """What a run finds on the release that has the bug, as plain values."""
    case = bug.regression.case
    if isinstance(case, LoadingCase):  # every loading is in every run
        loads = loading_cases(("cpu",), tuple(FAMILIES), tuple(KINDS))
        return {"loads": len(loads), "found": loads.index(case) + 1}
    kept = [[number, repr(found)] for number, found in islice(broken(bug), KEPT)]
    first = kept[0][0] if kept and not bug.green else None
    return {"lives": len(run()), "kept": kept, "found": first}


def confirm(bug: Bug, kept: list[list[Any]]) -> int | None:
    """The number of the first kept life that the fixed release makes well, or refuses."""
    (promise, *_) = bug.regression.invariants
    for number, text in kept:
        seen = observe(parse_case(text))
        if refused(seen) or INVARIANTS[promise].judge(seen).verdict == "holds":
            return int(number)
    return None


def update(file: Path, found: Mapping[str, Any]) -> None:
    """Add to what was kept of other cells."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    text = json.dumps({**before, **found}, indent=1, sort_keys=True)
    file.write_text(f"{text}\n", encoding="utf-8")
