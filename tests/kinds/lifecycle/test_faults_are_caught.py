"""Every invariant can fail: a fault in PEFT or transformers breaks it in the default run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from faults import FAULTS, Fault
from hypothesis import Phase, settings

from conformance.causes.known import Known
from conformance.core import device_names
from conformance.core.case import Case, parse_case
from conformance.core.finding import Finding, Violation, invariant_class
from conformance.core.grid import Stratum, strata
from conformance.core.invariant import Invariant
from conformance.core.observation import Observation
from conformance.core.options import PROFILES, RUN_SEED
from conformance.engine import devices
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import LIFECYCLE, drawn_cases, item_of
from conformance.kinds.lifecycle.observe import observe
from conformance.running.cache import Cache
from conformance.running.judge import judge_item
from conformance.running.outcome import violations
from tiny_models.families import DECODERS

pytestmark = pytest.mark.usefixtures("placed")

STRATA = {stratum.id: stratum for stratum in strata(device_names.DEVICES)}
KNOWN = Known.load()


@pytest.fixture(autouse=True)
def found_is_enough() -> Iterator[None]:
    """The default profile's cases, without looking for a second bug or a simpler case."""
    before = settings.get_current_profile_name()
    parent = settings.get_profile("default")
    settings.register_profile(
        "faults", parent=parent, phases=(Phase.generate,), report_multiple_bugs=False
    )
    settings.load_profile("faults")
    yield
    settings.load_profile(before)


@cache
def healthy(case: Case) -> Observation:
    """The life of this case with the library as it is."""
    return observe(case)


def undeclared(invariant: Invariant, seen: Observation) -> list[Finding]:
    """What the invariant finds in this life that is no known failure."""
    found = invariant.judge(seen).findings
    return [finding for finding in found if not KNOWN.covering(invariant.id, finding, seen)]


def broken(
    stratum: Stratum, invariant: Invariant, cache: Cache[Case, Observation]
) -> list[Violation]:
    """What the default run of this item raises."""
    drawn = drawn_cases(stratum, DECODERS, RUN_SEED, PROFILES["default"]["max_examples"])
    item = item_of("invariant", stratum, invariant, drawn)
    try:
        judge_item(LIFECYCLE, item, KNOWN, cache=cache)
    except Violation as error:
        return violations(error)
    return []


def met_in_turn(first: Stratum) -> list[Stratum]:
    """A stratum, and the others of its device: those of its placement, and then the rest.

    A run chooses its cases over all strata together: what one of them has, others need not have.
    """
    others = [one for one in STRATA.values() if one.device == first.device and one != first]
    return [first, *sorted(others, key=lambda one: one.placement != first.placement)]


def caught_by(fault: Fault, first: Stratum) -> dict[str, list[Violation]]:
    """What the default run raises of each invariant that is to catch a fault, where it is met."""
    found: dict[str, list[Violation]] = {}
    with fault.plant():
        for stratum in met_in_turn(first):
            lives = Cache(LIFECYCLE)  # a shared one would know healthy lives
            for name in fault.caught_by:
                if name not in found:
                    some = broken(stratum, INVARIANTS[name], lives)
                    told = [one for one in some if re.search(fault.says, str(one))]
                    found |= {name: told} if told else {}
            if len(found) == len(fault.caught_by):
                break
    return found


def case_of(violation: Violation) -> Case:
    """The case a violation prints."""
    line = re.search(r"^CASE\s+(.*)$", str(violation), re.MULTILINE)
    assert line
    return parse_case(line[1])


@pytest.mark.parametrize(
    ("fault", "stratum"),
    [
        pytest.param(fault, STRATA[name], id=f"{fault.id}-{name}")
        for fault in FAULTS.values()
        for name in fault.strata
    ],
)
def test_fault_is_caught(fault: Fault, stratum: Stratum) -> None:
    absent = devices.unavailable(stratum.device)
    if absent:
        pytest.skip(absent)
    caught = caught_by(fault, stratum)
    missed = set(fault.caught_by) - set(caught)
    assert not missed, f"{fault.id} is not caught by {', '.join(missed)}: {fault.story}"
    for name, found in caught.items():
        for violation in found:
            assert isinstance(violation, invariant_class(name))
            case = case_of(violation)
            assert not undeclared(INVARIANTS[name], healthy(case)), (
                f"{case!r} breaks {name} without {fault.id} too"
            )


def test_every_invariant_is_broken_by_a_fault() -> None:
    caught = {name for fault in FAULTS.values() for name in fault.caught_by}
    assert caught == set(INVARIANTS)


def test_faults_are_many_and_told() -> None:
    assert len(FAULTS) >= 36
    stories = [fault.story for fault in FAULTS.values()]
    assert len(set(stories)) == len(stories)
    assert all(fault.caught_by and fault.strata for fault in FAULTS.values())
