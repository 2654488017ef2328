"""What a failure of a program prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.compare import distance
from conformance.invariants import Invariant
from conformance.printed import LONGEST, entry_text, indented, under_found
from conformance.programs.invariants import allowance
from conformance.programs.observation import ProgramObservation, StepSeen
from conformance.programs.situations import situations
from conformance.versions import one_line
from conformance.violation import Finding


def failure_text(promise: Invariant, findings: Sequence[Finding], seen: ProgramObservation) -> str:
    """INVARIANT, CASE, FOUND, SOURCE, WITH, RERUN and KNOWN, in that order."""
    return "\n".join(
        [
            f"INVARIANT {promise.id}: {promise.promise}",
            f"CASE      {seen.case!r}",
            *under_found(findings, _facts(seen)),
            f"SOURCE    {promise.source}",
            f"WITH      {one_line()}",
            f"RERUN     {rerun(seen, promise.id)}",
            "KNOWN     an entry for known_failures.toml:",
            *indented(known(seen, promise.id, findings[0]).splitlines()),
        ]
    )


def _facts(seen: ProgramObservation) -> Iterator[str]:
    """Step by step: how far the logits are from the reference's, what is active, what was said."""
    for step in seen.steps:
        yield _line(seen, step)
        for heard in seen.heard_at(f"{step.number} {step.step[0]}"):
            text = " ".join(heard.text.split())
            yield f"   heard: {text[:LONGEST]}{'...' if len(text) > LONGEST else ''}"
    for error in seen.troubles:
        yield f"{error.stage}: {error.type}: {error.message}"


def _line(seen: ProgramObservation, step: StepSeen) -> str:
    amount = distance(step.logits.found, step.logits.expected)
    allowed = allowance(seen, step, step.logits).breaks
    told = f"active {', '.join(step.active) or 'none'}" if step.state.wrapped else "plain"
    return f"{step.number} {step.step!r}: off by {amount:.3g}, allowed {allowed:.3g}; {told}"


def rerun(seen: ProgramObservation, promise: str) -> str:
    """A command that judges this program alone; declared failures fail too."""
    return f'pytest conformance --no-known-failures --invariant {promise} --program "{seen.case!r}"'


def known(seen: ProgramObservation, promise: str, finding: Finding) -> str:
    """The text of a known-failure entry, its region the situation that the program meets."""
    met = situations(seen.case)
    region = f'situations = {{ has = ["{met[-1]}"] }}' if met else f'family = "{seen.case.family}"'
    return entry_text(seen.case, promise, finding, region)
