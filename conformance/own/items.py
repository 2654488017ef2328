"""Judging one promise on a user's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.invariants import Invariant
from conformance.own.answer import CORRUPTS, judged
from conformance.violation import violation_class

if TYPE_CHECKING:
    from conformance.own.session import OwnLife
    from conformance.runner import Tally

ANSWER = "conformance-own"
"""The name under which the answer travels in a report's user properties."""


def report(life: OwnLife) -> dict[str, object]:
    """What is told on the controller: the lines of the answer, an issue and its script."""
    from conformance.own.issue import issue
    from conformance.own.printed import answer_lines

    found = None if life.vacuous else issue(life)
    return {
        "lines": answer_lines(life),
        "issue": found.text if found else "",
        "script": found.script if found else "",
    }


def answered(told: Mapping[str, Any], file: Path | None) -> list[str]:
    """The lines to print; the issue is written where a file is named for it."""
    lines: list[str] = list(told["lines"])
    if file is None:
        return lines
    if not told["issue"]:
        return [*lines, "ISSUE     nothing is lost, so there is no issue to write"]
    script = file.with_suffix(".py")
    try:
        file.write_text(told["issue"], encoding="utf-8")
        if told["script"]:
            script.write_text(told["script"], encoding="utf-8")
    except OSError as error:
        return [*lines, f"ISSUE     could not be written: {error.strerror}"]
    beside = f", its script to {script}" if told["script"] else ""
    return [*lines, f"ISSUE     written to {file}{beside}"]


def judge_own(invariant: Invariant, life: OwnLife, tally: Tally) -> None:
    """Count the life, and raise a Violation for what breaks.

    A declared failure is one here too where the user loses nothing with it, or where it is not
    agreed to be wrong; else it is their loss, whoever knows of it.
    """
    __tracebackhide__ = True
    from conformance.own.printed import failure_text

    seen, found = life.seen, life.found
    judgement = judged(seen, mixed=found.case.mixed)[invariant.id]
    tally.add(found.case, judgement, life.answer.verdict)
    hit: set[str] = set()
    open_findings = []
    for finding in judgement.findings:
        entries = life.known.covering(invariant.id, finding, seen)
        hit.update(entry.id for entry in entries)
        argued = life.known.argues(invariant.id, finding, seen)
        if not entries or (invariant.id in CORRUPTS and not argued):
            open_findings.append(finding)
    tally.count((), hit)
    if open_findings:
        kind = open_findings[0].kind
        raise violation_class(invariant.id, kind)(
            failure_text(invariant, judgement.findings, seen, life)
        )
