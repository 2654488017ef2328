"""A fault planted in a tuner of PEFT, and whether the promises see it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from faults.fault import Plant

from conformance.causes.known import Known
from conformance.core.observation import Observation
from conformance.kinds.tuners.case import TunerCase, tuner_case
from conformance.kinds.tuners.checks import TUNER_PROMISES
from conformance.kinds.tuners.subject import observe_tuner


@dataclass(frozen=True)
class Planted:
    """One small bug that a tuner could have, on one case, and the promises that break by it."""

    story: str
    case: TunerCase
    plant: Plant
    caught_by: tuple[str, ...]
    says: str = ""


def case(tuner: str, placement: str = "body", *, tied: bool = False) -> TunerCase:
    return tuner_case(tuner=tuner, placement=placement, tied=tied)


def undeclared(name: str, seen: Observation) -> list[str]:
    known = Known.load()
    found = TUNER_PROMISES[name].judge(seen).findings
    return [str(one) for one in found if not known.covering(name, one, seen)]


def is_caught(planted: Planted) -> None:
    """Fail unless every promise holds without the fault, and sees it."""
    healthy = observe_tuner(planted.case)
    with planted.plant():
        seen = observe_tuner(planted.case)
    for name in planted.caught_by:
        assert undeclared(name, healthy) == []
        found = undeclared(name, seen)
        assert found, f"{name} does not see that {planted.story}"
        assert any(re.search(planted.says, one) for one in found)
