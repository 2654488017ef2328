"""What one item met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from conformance.core.finding import Finding
from conformance.core.invariant import Judgement
from conformance.core.kind import AnyCase, Kind


@dataclass
class Tally:
    """What one item met: distinct cases by how they were judged, and causes by id.

    Cases are counted up to the first with an undeclared finding: what is tried after it, to find
    a simpler one, is no part of the grid. ``example`` is the simplest failing case, one with an
    undeclared finding before one without, and what its user was told.
    """

    judged: dict[AnyCase, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    known: dict[str, list[int]] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    worst: Finding | None = None
    example: tuple[AnyCase, tuple[str, ...]] | None = None
    failed: bool = False

    def add(self, case: AnyCase, judgement: Judgement, verdict: str) -> None:
        """Count one case."""
        self.judged[case] = judgement.verdict
        if verdict:
            self.verdicts[verdict] += 1
        if judgement.reason:
            self.reasons[judgement.reason] += 1
        for finding in judgement.findings:
            if self.worst is None or (finding.amount or 0.0) > (self.worst.amount or 0.0):
                self.worst = finding

    def keep(self, kind: Kind[Any, Any], case: AnyCase, seen: Any, *, undeclared: bool) -> None:
        """Remember a failing case where it is the simplest so far."""
        if undeclared and not self.failed:
            self.failed, self.example = True, None
        if undeclared is not self.failed:
            return
        before = self.example[0] if self.example else None
        if before is None or kind.simplicity(case) < kind.simplicity(before):
            self.example = case, tuple(kind.told(seen))

    def count(self, regions: Iterable[str], hit: set[str]) -> None:
        """Count a judged case for the causes that have it, and for those it met."""
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
