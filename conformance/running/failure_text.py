"""What a failure prints: the invariant, the case, what was found, and what to paste."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from conformance.core.finding import Finding
from conformance.core.invariant import Invariant
from conformance.core.kind import Kind

SHOWN = 6
BEFORE = ("CASE", "MODEL", "ADAPTER")
AFTER = ("SAVER", "WITH", "SAVE", "RERUN", "KEEP", "KNOWN", "NEAREST", "CAUSE")
"""The headings that kinds fill, before what was found and after it, in the order of print."""


def failure_text(
    kind: Kind[Any, Any], check: Invariant, findings: Sequence[Finding], seen: Any, known: Any
) -> str:
    """INVARIANT, what was judged, FOUND, SOURCE, and the other headings of the kind."""
    told = list(kind.headings(check, findings, seen, known))
    return "\n".join(
        [
            f"INVARIANT {check.id}: {check.promise}",
            *_under(BEFORE, told),
            *_found(findings, kind.evidence(seen)),
            f"SOURCE    {check.source}",
            *_under(AFTER, told),
        ]
    )


def _under(order: Sequence[str], told: Sequence[tuple[str, str]]) -> Iterator[str]:
    for heading in order:
        for name, text in told:
            if name == heading:
                first, *more = text.splitlines()
                yield f"{heading:9} {first}"
                yield from (f"          {line}" for line in more)


def _found(findings: Sequence[Finding], facts: Iterable[str]) -> Iterator[str]:
    """The findings, as many as are shown, and what else is known."""
    lines = [str(finding) for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"and {len(findings) - SHOWN} more findings")
    for number, line in enumerate([*lines, *facts]):
        yield f"{'FOUND' if number == 0 else '':9} {line}"
