"""Running one item: Hypothesis draws the cases of a stratum, one invariant judges each life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from conformance.case import CHOICES, Case
from conformance.grid import Stratum
from conformance.invariants import Invariant, Judgement
from conformance.invariants.warning import EARLY
from conformance.known_failures import KnownFailures, undeclared
from conformance.observation import Heard, Observation
from conformance.observer import Observer
from conformance.options import PROFILES
from conformance.printed import failure_text
from conformance.regions import AnyCase
from conformance.strategies import cases
from conformance.violation import Finding, violation_class


@dataclass
class Tally:
    """What one item met: distinct cases by how they were judged, and known failures by id.

    Lives are counted up to the first with an undeclared finding: what Hypothesis tries after it,
    to find a simpler one, is no part of the grid. ``example`` is the simplest failing life, one
    with an undeclared finding before one without.
    """

    judged: dict[AnyCase, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    known: dict[str, list[int]] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    worst: Finding | None = None
    example: tuple[AnyCase, tuple[Heard, ...]] | None = None
    failed: bool = False

    def add(self, case: AnyCase, judgement: Judgement, verdict: str) -> None:
        """Count one life."""
        self.judged[case] = judgement.verdict
        if verdict:
            self.verdicts[verdict] += 1
        if judgement.reason:
            self.reasons[judgement.reason] += 1
        for finding in judgement.findings:
            if self.worst is None or (finding.amount or 0.0) > (self.worst.amount or 0.0):
                self.worst = finding

    def keep(self, seen: Observation, *, undeclared: bool) -> None:
        """Remember a failing life where it is the simplest so far."""
        if undeclared and not self.failed:
            self.failed, self.example = True, None
        if undeclared is not self.failed:
            return
        before = self.example[0] if self.example else None
        if not isinstance(before, Case) or simplicity(seen.case) < simplicity(before):
            told = tuple(heard for heard in seen.heard_at(*EARLY) if heard.about_tying)
            self.example = seen.case, told

    def count(self, regions: Iterable[str], hit: set[str]) -> None:
        """Count a judged life for the known failures of its regions, and for those it met."""
        for name in {*regions, *hit}:
            count = self.known.setdefault(name, [0, 0])
            count[0] += name in hit
            count[1] += 1

    def declared(self, arguable: Collection[str]) -> str:
        """What is declared of what breaks: ``arguable`` where nothing of it is more than that."""
        failed = {name for name, (hits, _) in self.known.items() if hits}
        return ("known" if failed - set(arguable) else "arguable") if failed else ""

    def outcome(self, arguable: Collection[str] = ()) -> tuple[str, str]:
        """The item's verdict and the reason for it, if nothing undeclared was found.

        ``arguable`` are the ids of what is not agreed to be wrong, told after all else.
        """
        verdicts = set(self.judged.values())
        failed = sorted(name for name, (hits, _) in self.known.items() if hits)
        if failed:
            parts = {
                "known": [name for name in failed if name not in arguable],
                "arguable": [name for name in failed if name in arguable],
            }
            told = [f"{word}: {', '.join(names)}" for word, names in parts.items() if names]
            return "breaks", "; ".join(told)
        if "holds" in verdicts:
            return "holds", ""
        reason = self.reasons.most_common(1)[0][0] if self.reasons else "no case was judged"
        unjudged = ("not run", "not judged", "not applicable")
        return next((name for name in unjudged if name in verdicts), unjudged[-1]), reason


def simplicity(case: Case) -> tuple[int, str]:
    """Smaller for a case that differs from the plain one in fewer fields."""
    changed = sum(getattr(case, name) != choices[0] for name, choices in CHOICES.items())
    return changed, repr(case)


def judge(
    invariant: Invariant, case: Case, observer: Observer, known: KnownFailures, tally: Tally
) -> tuple[Observation, list[Finding]]:
    """Judge one life and count it; returns it with the findings that nobody declared."""
    seen = observer(case)
    judgement = invariant.judge(seen)
    first = case not in tally.judged and not tally.failed
    if first:
        tally.add(case, judgement, observer.verdict(case, known.argues))
    open_findings, hit = undeclared(invariant, judgement, seen, known)
    if first and judgement.verdict in {"holds", "breaks"}:
        tally.count(known.regions_of(invariant.id, case), hit)
    if judgement.findings:
        tally.keep(seen, undeclared=bool(open_findings))
    return seen, open_findings


def raise_violation(invariant: Invariant, findings: list[Finding], seen: Observation) -> None:
    """Raise the first kind of finding as its own exception class, with the full text."""
    __tracebackhide__ = True
    kind = findings[0].kind
    raise violation_class(invariant.id, kind)(failure_text(invariant, findings, seen))


def run_item(
    stratum: Stratum,
    invariant: Invariant,
    *,
    observer: Observer,
    known: KnownFailures,
    families: tuple[str, ...],
    stream: int,
    examples: int | None,
    tally: Tally | None = None,
) -> Tally:
    """Judge the cases of a stratum; raises a Violation for what nobody declared."""
    __tracebackhide__ = True
    met = Tally() if tally is None else tally
    limits: dict[str, Any] = {} if examples is None else {"max_examples": examples}

    def judge_life(case: Case) -> None:
        __tracebackhide__ = True
        seen, findings = judge(invariant, case, observer, known, met)
        if findings:
            observer.confirm(case)
            raise_violation(invariant, findings, seen)

    def draw(judge_drawn: Callable[[Case], None]) -> None:
        __tracebackhide__ = True

        # A life takes a tenth of a second: what Hypothesis calls slow is the work itself.
        @seed(stream)
        @settings(suppress_health_check=[HealthCheck.too_slow], **limits)
        @given(case=cases(stratum, families))
        def lives(case: Case) -> None:
            __tracebackhide__ = True
            judge_drawn(case)

        run: Callable[[], None] = lives
        run()

    observer.draws.run((stream, stratum, families, examples), judge_life, draw)
    return met


def judge_one(
    case: Case,
    invariant: Invariant,
    observer: Observer,
    known: KnownFailures,
    tally: Tally | None = None,
) -> Tally:
    """Judge a single case; raises a Violation for what nobody declared."""
    __tracebackhide__ = True
    met = Tally() if tally is None else tally
    seen, findings = judge(invariant, case, observer, known, met)
    if findings:
        raise_violation(invariant, findings, seen)
    return met


def register_profiles() -> None:
    """Register our profiles: deterministic but for ``explore``, none with a database or clock."""
    parent = settings(
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=True,
        phases=(Phase.generate, Phase.shrink),
    )
    for name, values in PROFILES.items():
        settings.register_profile(name, parent=parent, **values)
