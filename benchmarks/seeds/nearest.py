"""The declared failure that is nearest to a finding that nobody declared.

Of the entries in force here, those of the same invariant and the same kind of finding; of these the
one of whose region the case misses the fewest conditions, the first in the table where several do.
A condition is each of ``where``; that the entry is about such cases at all, LoRA's, a tuner's or
those of a shape; and that the text matches its ``says``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.core.kind import AnyCase, parse
from conformance.core.literals import CaseError
from conformance.kinds import KINDS
from conformance.known_failures.entry import KnownFailure

KIND = "the kind of case"
SAYS = "says"


@dataclass(frozen=True)
class Near:
    """An entry, and the conditions of it that a case does not meet."""

    entry: KnownFailure
    unmet: tuple[str, ...]

    def __str__(self) -> str:
        # a limitation is declared of lives whose user was warned when wrapping
        of = ", ".join(self.unmet) or "nothing but the warning it declares"
        return f"{self.entry.id}, but for {of}"


def case_of(text: str) -> AnyCase | None:
    """The case that a record writes, or None where it has none."""
    try:
        case: AnyCase = parse(text, KINDS)
    except CaseError:
        return None
    return case


def unmet(entry: KnownFailure, case: AnyCase, what: str) -> tuple[str, ...]:
    """The conditions of an entry that a case, and the text of what was found in it, do not meet."""
    found = [] if entry.speaks_of(case) else [KIND]
    found += entry.unmet(case)
    found += [] if re.search(entry.says, what) else [SAYS]
    return tuple(found)


def nearest(
    invariant: str, finding: str, case: AnyCase, entries: Iterable[KnownFailure]
) -> Near | None:
    """The nearest entry to a finding, written as kind and text, or None where none is like it."""
    kind, _, what = finding.partition(": ")
    like = [
        Near(entry, unmet(entry, case, what))
        for entry in entries
        if invariant in entry.invariant and kind in entry.finding
    ]
    return min(like, key=lambda near: len(near.unmet), default=None)
