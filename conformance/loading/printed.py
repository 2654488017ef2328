"""What a failure of a loading prints."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.invariants import Invariant
from conformance.loading.observation import LoadingObservation
from conformance.printed import SHOWN, entry_text, indented, under_found
from conformance.versions import one_line
from conformance.violation import Finding


def failure_text(promise: Invariant, findings: Sequence[Finding], seen: LoadingObservation) -> str:
    """INVARIANT, CASE, FOUND, SOURCE, WITH, RERUN and KNOWN, in that order."""
    entry = known(seen, promise.id, findings[0])
    return laid_out(promise, findings, seen, again=rerun(seen, promise.id), entry=entry)


def laid_out(
    promise: Invariant,
    findings: Sequence[Finding],
    seen: LoadingObservation,
    *,
    again: str,
    entry: str,
    versions: str = "",
) -> str:
    """The text of a failure; ``again`` is RERUN, ``entry`` KNOWN, ``versions`` more of WITH."""
    return "\n".join(
        [
            f"INVARIANT {promise.id}: {promise.promise}",
            f"CASE      {seen.case!r}",
            *_found_lines(findings, seen),
            f"SOURCE    {promise.source}",
            f"WITH      {one_line()}{versions}",
            f"RERUN     {again}",
            "KNOWN     an entry for known_failures.toml:",
            *indented(entry.splitlines()),
        ]
    )


def told(seen: LoadingObservation) -> list[str]:
    """What the user is told when loading: the report by kind of key, then what was logged."""
    report = seen.report
    lines = [
        f"{kind}: {', '.join(names)}"
        for kind in ("missing", "unexpected", "mismatched", "errors")
        for names in [getattr(report, kind)]
        if names
    ]
    return lines or ["the load report names no key"]


def _found_lines(findings: Sequence[Finding], seen: LoadingObservation) -> list[str]:
    held = ", ".join(sorted(seen.in_file)) or "nothing"
    lines = [f"of the tied matrix the file holds: {held}"]
    for stage, found in seen.stages.items():
        groups = [", ".join(sorted(group)) for group in found.shares]
        lines.append(f"sharing storage in {stage}: {'; '.join(sorted(groups)) or 'nothing'}")
    lines += [f"loading reported {line}" for line in told(seen)]
    lines += [f"logged: {line}" for heard in seen.heard for line in heard.text.splitlines()[:SHOWN]]
    return under_found(findings, lines)


def rerun(seen: LoadingObservation, promise: str) -> str:
    """A command that judges this loading alone; declared failures fail too."""
    case = seen.case
    return (
        f"pytest conformance --no-known-failures --device {case.device} --family {case.family} "
        f"--checkpoint {case.checkpoint} --invariant {promise}"
    )


def known(seen: LoadingObservation, promise: str, finding: Finding) -> str:
    """The text of a known-failure entry for this family and kind of checkpoint."""
    case = seen.case
    where = f'family = "{case.family}", checkpoint = "{case.checkpoint}"'
    return entry_text(case, promise, finding, where)
