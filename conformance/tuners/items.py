"""The items of the tuners: one a life, and one for each tuner that no life is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from conformance import compat
from conformance.options import PROFILES
from conformance.tuners.case import TunerCase, tuner_cases
from conformance.tuners.table import TUNERS, uncovered

if TYPE_CHECKING:
    from conformance.session import Session

BRIEF = PROFILES["ci"]["max_examples"]
"""Lives a stratum of a run for which some of the tuners' lives are enough."""


def parametrize_tuners(metafunc: pytest.Metafunc, suite: Session) -> None:
    """Make the items of either test; none where a run judges another case, a corpus or a merger."""
    options = suite.options
    narrowed = (options.case, options.program, options.own, options.merger, suite.corpus)
    judged = all(one is None for one in narrowed)
    chosen = judged and suite.promises_of_tuners
    if "tuner" in metafunc.fixturenames:
        examples = options.examples or settings.default.max_examples  # type: ignore[union-attr]
        brief = examples <= BRIEF
        cases = tuner_cases(options.devices, options.families, brief=brief) if chosen else []
        if isinstance(options.case, TunerCase) and suite.promises_of_tuners:
            cases = [options.case]
        metafunc.parametrize("tuner", [pytest.param(case, id=case.id) for case in cases])
        return
    rows = without_life() if chosen else ()
    metafunc.parametrize(("kind", "why"), [pytest.param(*row, id=row[0]) for row in rows])


def without_life() -> Iterator[tuple[str, str]]:
    """The tuners of the installed PEFT that no life is made of, and why."""
    registered = compat.tuners()
    for name, tuner in TUNERS.items():
        if tuner.skipped and tuner.kind in registered:
            yield name, registered[tuner.kind] or tuner.skipped
    kinds = {tuner.kind for tuner in TUNERS.values()}
    for kind, reason in registered.items():
        if reason and kind not in kinds:
            yield tuner_name(kind), reason
    for kind in uncovered(registered):
        yield tuner_name(kind), "not covered: no smallest config known"


def tuner_name(kind: str) -> str:
    """What a tuner is called here: PEFT's own word in small letters."""
    return kind.lower().replace("_", "-")
