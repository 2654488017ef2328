"""Other tuners as a kind of test: every promise on one run of a tuner, and what has no run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from conformance.core.invariant import Invariant
from conformance.core.kind import Argues, Item, Unjudged
from conformance.core.observation import Observation
from conformance.core.options import PROFILES, Options
from conformance.kinds.lifecycle.kind import Runs
from conformance.kinds.lifecycle.verdict import verdict_of
from conformance.kinds.tuners.case import TunerCase, parse_tuner_case, tuner_cases
from conformance.kinds.tuners.checks import ONLY_TUNERS, TUNER_PROMISES, WRAPS, idle
from conformance.kinds.tuners.documented_errors import refused
from conformance.kinds.tuners.table import TUNERS as TABLE
from conformance.kinds.tuners.table import uncovered

BRIEF = PROFILES["ci"]["max_examples"]
"""Cases a stratum of a run for which some of the tuners' runs are enough."""


class Tuners(Runs[TunerCase]):
    """One run of one tuner on one placement."""

    name = "tuners"
    case_type = TunerCase
    form = "TunerCase"
    tests = ("test_tuner", "test_without_life")
    single = "test_tuner"

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised of every tuner: of LoRA, where it applies, and a little more."""
        return TUNER_PROMISES

    @property
    def own_checks(self) -> Mapping[str, Invariant]:
        """What is promised of tuners alone."""
        return ONLY_TUNERS

    def parse(self, text: str) -> TunerCase:
        """Read ``TunerCase(...)``."""
        return parse_tuner_case(text)

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[TunerCase]]:
        """Each run of the table with all chosen promises, and a row for what has none."""
        if not checks:
            return
        if test == "test_tuner":
            brief, turn = options.lives <= BRIEF, options.turn
            again = twice(turn)
            for case in tuner_cases(options.devices, options.families, brief=brief, turn=turn):
                for item in self.given(case, checks):
                    yield item if case.tuner in again else replace(item, repeats=None)
            return
        for name, why in without_run():
            unjudged = partial(Unjudged, "not applicable", why)
            yield Item(name, "tuner", (), (), stratum=name, unjudged=unjudged)

    def given(self, case: TunerCase, checks: tuple[Invariant, ...]) -> Iterator[Item[TunerCase]]:
        """All chosen promises on one run: each finding is told, none hides another."""
        yield Item(
            id=case.id,
            group="tuner",
            checks=checks,
            cases=(case,),
            stratum=case.id,
            device=case.device,
            repeats=self.together,
            every=True,
        )

    def observe(self, case: TunerCase) -> Observation:
        """Run the whole lifecycle with the tuner."""
        from conformance.kinds.tuners.subject import (
            observe_tuner,  # imports torch: not before an item runs
        )

        return observe_tuner(case)

    def together(self, case: TunerCase) -> str:
        """The tuner: each has its own random numbers."""
        return case.tuner

    def require_informative(self, seen: Observation) -> None:
        """Raise SuiteError where a run proves nothing; an adapter on no module is a finding."""
        if not idle(seen):
            super().require_informative(seen)

    def of_an_extra(self, case: TunerCase) -> bool:
        """Whether the tuner needs a package of its own."""
        return bool(case.what.needs)

    def verdict(self, seen: Observation, argues: Argues) -> str:
        """What happens to a user with this tuner on this placement."""
        return tuner_verdict(seen, argues)

    def afterwards(self, seen: Observation) -> list[str]:
        """The error that ended the run."""
        ended = seen.ended_at()
        return [f"{ended.stage}: {ended.message}"] if ended else []

    def when(self, case: TunerCase) -> str:
        """The placement, the tuner, and the precision where it is not float32."""
        precision = "" if case.dtype == "float32" else f" and dtype == {case.dtype!r}"
        return f"{super().when(case)} and tuner == {case.tuner!r}{precision}"


TUNERS = Tuners()


def tuner_verdict(seen: Observation, argues: Argues) -> str:
    """The verdict of one run.

    A tuner that stands on nothing without a word is silent, and only what says clearly what it
    cannot do is refused.
    """
    nowhere = TUNER_PROMISES[WRAPS].judge(seen).findings if idle(seen) else ()
    if any(not argues(WRAPS, finding, seen) for finding in nowhere):
        return "silent"
    verdict, ended = verdict_of(seen, argues), seen.ended_at()
    unclear = ended is not None and not refused(ended)
    return "not run" if verdict == "refused" and unclear else verdict


def twice(turn: int | None) -> frozenset[str]:
    """The tuners of which a run is made twice, each in every third turn, or all without one."""
    return frozenset(name for n, name in enumerate(TABLE) if turn is None or (n + turn) % 3 == 0)


def without_run() -> Iterator[tuple[str, str]]:
    """The tuners of the installed PEFT that no run is made of, and why."""
    from conformance.upstream import tuner_types  # asks PEFT

    registered = tuner_types.tuners()
    for name, tuner in TABLE.items():
        if tuner.skipped and tuner.kind in registered:
            yield name, registered[tuner.kind] or tuner.skipped
    kinds = {tuner.kind for tuner in TABLE.values()}
    for kind, reason in registered.items():
        if reason and kind not in kinds:
            yield tuner_name(kind), reason
    for kind in uncovered(registered):
        yield tuner_name(kind), "not covered: no smallest config known"


def tuner_name(kind: str) -> str:
    """What a tuner is called here: PEFT's own word in small letters."""
    return kind.lower().replace("_", "-")
