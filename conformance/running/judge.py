"""The one judging loop: every item of every kind is judged, counted and reported here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import Phase, settings

from conformance.causes.known import Known
from conformance.core.errors import SuiteError
from conformance.core.finding import Finding, Violation, alike, violation_class
from conformance.core.invariant import Invariant, Judgement
from conformance.core.kind import AnyCase, Drawn, Item, Kind
from conformance.running.cache import Cache
from conformance.running.drawn import draw
from conformance.running.failure_text import failure_text
from conformance.running.tally import Tally

WORST = ("breaks", "holds", "not run", "not judged", "not applicable")


class SeveralViolations(AssertionError):  # noqa: N818  what they are, not that they are errors
    """Broken invariants of one case: each its own violation, none hidden behind another."""

    def __init__(self, exceptions: Sequence[Violation]) -> None:
        super().__init__("\n\n".join(str(one) for one in exceptions))
        self.exceptions = tuple(exceptions)


@dataclass(frozen=True)
class Found:
    """What one invariant says of a case; ``hit`` are the entries that declare what is declared."""

    check: Invariant
    judgement: Judgement
    undeclared: tuple[Finding, ...]
    hit: set[str]


def judge_item(
    kind: Kind[Any, Any],
    item: Item[Any],
    known: Known,
    *,
    cache: Cache[Any, Any] | None = None,
    tally: Tally | None = None,
) -> Tally:
    """Judge every case of an item; raises a Violation for what nobody declared."""
    __tracebackhide__ = True
    met = Tally() if tally is None else tally
    Judge(kind, item, Cache(kind) if cache is None else cache, known, met).run()
    return met


@dataclass(frozen=True)
class Judge:
    """Judges the cases of one item."""

    kind: Kind[Any, Any]
    item: Item[Any]
    cache: Cache[Any, Any]
    known: Known
    tally: Tally

    def run(self) -> None:
        """Judge every case; raises a Violation for what nobody declared."""
        __tracebackhide__ = True
        if isinstance(self.item.cases, Drawn):
            # asked here: inside of a drawn test Hypothesis has that test's settings
            minimises = self.item.cases.own_minimiser and Phase.shrink in settings().phases
            judge_case = partial(self._judge_drawn, minimises=minimises)
            try:
                _draw(self.item.cases, self.cache, judge_case, self._is_new)
            except Violation as broken:
                self._tell_of_simpler(broken)
                raise
        else:
            self._judge_listed(self.item.cases)

    def _judge_listed(self, cases: Sequence[AnyCase]) -> None:
        __tracebackhide__ = True
        failed = [(case, broken) for case in cases for broken in [self.judge(case)] if broken]
        if failed:
            (case, broken), *others = failed
            self.cache.confirm(case)
            self._raise(case, broken, also=[other for other, _ in others])

    def _judge_drawn(self, case: AnyCase, *, minimises: bool) -> None:
        __tracebackhide__ = True
        broken = self.judge(case)
        if not broken:
            return
        self.cache.confirm(case)
        check, first = broken[0].check, broken[0].undeclared[0]
        if minimises and alike(check.id, first) not in self.cache.simplest:
            of_kind = first.kind
            case = self.kind.minimise(case, partial(self._fails, of_kind))
            broken = self._broken(self.cache(case))
            self.tally.keep(self.kind, case, self.cache(case), undeclared=True)
        self._raise(case, broken)

    def _is_new(self, broken: Violation) -> bool:
        """Whether no item before broke alike, so that a simpler case is worth looking for."""
        assert broken.finding
        return alike(broken.invariant, broken.finding) not in self.cache.simplest

    def _tell_of_simpler(self, broken: Violation) -> None:
        """Keep the case of what broke; where another item broke alike, name that one's."""
        assert broken.finding
        key = alike(broken.invariant, broken.finding)
        simplest = self.cache.simplest.setdefault(key, broken.case)
        if simplest != broken.case:
            broken.args = (f"{broken}\nSIMPLEST  {simplest} breaks alike",)

    def judge(self, case: AnyCase) -> list[Found]:
        """Judge one case and count it; returns what nobody declared."""
        repeats = self.item.repeats(case) if self.item.repeats else None
        seen = self.cache(case, repeats=repeats)
        first = case not in self.tally.judged and not self.tally.failed
        found = [self._found(check, seen) for check in self.item.checks]
        broken = [one for one in found if one.undeclared]
        if first:
            judged = [one for one in found if one.judgement.verdict in {"holds", "breaks"}]
            self.tally.count(self._regions(judged, seen), _hit(judged))
            verdict = self.cache.verdict(case, self.known.argues)
            self.tally.add(case, _together([one.judgement for one in found]), verdict)
        if any(one.judgement.findings for one in found):
            self.tally.keep(self.kind, case, seen, undeclared=bool(broken))
        return broken

    def _regions(self, judged: Sequence[Found], seen: Any) -> set[str]:
        """The causes that the case has; of one that ends where it breaks, those that it shows."""
        if not self.kind.counts_regions:
            return set()
        has = {name for one in judged for name in self.known.regions_of(one.check.id, seen.case)}
        if has - _hit(judged) and self.kind.ends_at_first:
            every = [self._found(check, seen) for check in self.kind.checks.values()]
            if any(one.judgement.findings for one in every):
                return has & _hit(judged)
        return has

    def _found(self, check: Invariant, seen: Any) -> Found:
        def excuses(finding: Finding) -> bool:
            return self.kind.excuses(check, finding, self.known, seen)

        judgement = self.kind.judge(check, seen)
        undeclared, hit = self.known.undeclared(check.id, judgement.findings, seen, excuses)
        return Found(check, judgement, undeclared, hit)

    def _broken(self, seen: Any) -> list[Found]:
        """What nobody declared of a case that is not counted."""
        found = (self._found(check, seen) for check in self.item.checks)
        return [one for one in found if one.undeclared]

    def _fails(self, of_kind: str, case: AnyCase) -> bool:
        """Whether a case breaks in the same way; one that proves nothing does not."""
        try:
            seen = self.cache(case)
        except SuiteError:
            return False
        broken = self._broken(seen)
        return any(finding.kind == of_kind for one in broken for finding in one.undeclared)

    def _raise(self, case: AnyCase, broken: Sequence[Found], also: Sequence[AnyCase] = ()) -> None:
        """Raise each kind of finding as its own exception class, with the full text."""
        __tracebackhide__ = True
        found = [self._violation(case, one, kind) for one in broken for kind in self._kinds(one)]
        if not self.item.every:
            del found[1:]
        if also:
            listed = "\n".join(f"          {other!r}" for other in also)
            told = f"\nALSO      on {len(also)} more of the stratum's lives:\n{listed}"
            found[0].args = (f"{found[0]}{told}",)
        raise found[0] if len(found) == 1 else SeveralViolations(found)

    def _kinds(self, broken: Found) -> Sequence[str]:
        """The kinds of finding that are reported one by one."""
        kinds = list(dict.fromkeys(finding.kind for finding in broken.undeclared))
        return kinds if self.item.every else kinds[:1]

    def _violation(self, case: AnyCase, broken: Found, of_kind: str) -> Violation:
        undeclared = broken.undeclared
        if self.item.every:
            undeclared = tuple(one for one in undeclared if one.kind == of_kind)
        shown = broken.judgement.findings if self.kind.shows_declared else undeclared
        seen = self.cache(case)
        text = failure_text(self.kind, broken.check, shown, seen, self.known)
        violation = violation_class(broken.check.id, of_kind)(text)
        violation.invariant, violation.finding = broken.check.id, shown[0]
        violation.case = self.kind.written(seen.case)
        near = self.known.nearest(broken.check.id, shown[0], seen)
        violation.nearest = "; or ".join(map(str, near))
        return violation


def _draw(
    drawn: Drawn[Any],
    cache: Cache[Any, Any],
    judge_case: Callable[[AnyCase], None],
    is_new: Callable[[Violation], bool],
) -> None:
    """Have Hypothesis draw the cases, or judge those that it drew for another invariant."""
    __tracebackhide__ = True
    # a kind that minimises itself has Hypothesis only generate
    limits: dict[str, Any] = {"phases": [Phase.generate]} if drawn.own_minimiser else {}
    cache.draws.run(drawn, judge_case, partial(draw, drawn, is_new=is_new, **limits))


def _hit(found: Sequence[Found]) -> set[str]:
    """The causes that explain something of what was found."""
    return {name for one in found for name in one.hit}


def _together(judgements: Sequence[Judgement]) -> Judgement:
    """What all checks say of one case together: the worst, with all findings."""
    if len(judgements) == 1:
        return judgements[0]
    verdicts = {judgement.verdict for judgement in judgements}
    worst = next((name for name in WORST if name in verdicts), "not applicable")
    found = tuple(finding for judgement in judgements for finding in judgement.findings)
    reasons = [one.reason for one in judgements if one.verdict == worst and one.reason]
    return Judgement(worst, found, reasons[0] if reasons else "")
