"""What a run prints of a declared bug, and what of that could be simpler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.discovery.lives import MANY, its_families, its_strata, lived, shows
from conformance.core.case import CHOICES, Case, check, parse_case
from conformance.core.errors import SuiteError
from conformance.core.literals import CaseError
from conformance.core.options import stratum_seed
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import LIFECYCLE, drawn_cases, item_of
from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.read import KnownFailures
from conformance.running.judge import judge_item
from conformance.running.outcome import violations

Simpler = Iterator[tuple[str, Any]]


class Undeclared:
    """One declared bug as if nobody had declared it: its promise, and what is left of the table."""

    def __init__(self, entry: KnownFailure) -> None:
        assert isinstance(entry.witness, Case)
        table, seen = KnownFailures.load(), lived(entry.witness)
        self.entry = entry
        self.promise = INVARIANTS[shows(entry, seen)[0]]
        declared = {
            other.id
            for found in self.promise.judge(seen).findings
            if entry.covers(self.promise.id, found, seen)
            for other in table.covering(self.promise.id, found, seen)
        }
        self.known = KnownFailures(tuple(e for e in table.entries if e.id not in declared))

    def kinds(self, case: Case) -> set[str]:
        """The kinds of what nobody declared; none for a life that proves nothing."""
        try:
            seen = lived(case)
        except SuiteError:
            return set()
        findings = self.promise.judge(seen).findings
        found, _ = self.known.undeclared(self.promise.id, findings, seen)
        return {finding.kind for finding in found}

    def printed(self, seed: int) -> Case | None:
        """The case that the witness's stratum prints, or None where it finds nothing."""
        stratum = its_strata(self.entry)[0]
        try:
            drawn = drawn_cases(
                stratum, its_families(self.entry, stratum), stratum_seed(seed, stratum), MANY
            )
            item = item_of("invariant", stratum, self.promise, drawn)
            judge_item(LIFECYCLE, item, self.known)
        except Exception as error:  # Hypothesis groups violations of more than one kind
            if not violations(error):
                raise
            cases = [parse_case(violation.case) for violation in violations(error)]
            return next((c for c in cases if set(self.entry.finding) & self.kinds(c)), None)
        return None

    def simpler(self, case: Case) -> Simpler:
        """Each field with a simpler value that shows the same bug; none for the simplest case."""
        wanted = set(self.entry.finding) & self.kinds(case)
        for name, value in candidates(case):
            one = replace(case, **{name: value})
            try:
                check(one)
            except CaseError:
                continue
            if wanted & self.kinds(one):
                yield name, value


def candidates(case: Case) -> Simpler:
    """Each field with each value that stands before its own: choices go from the simplest on."""
    for name, choices in {**CHOICES, "seed": range(100)}.items():
        value = getattr(case, name)
        if name == "seed":
            yield from [(name, 0)] * bool(value)
        else:
            yield from ((name, before) for before in choices[: choices.index(value)])
