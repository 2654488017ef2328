"""What a failure prints: the promise, the case, what was found, and what to paste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conformance.case import Case
from conformance.invariants import Invariant
from conformance.observation import Observation
from conformance.versions import installed, one_line
from conformance.violation import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 6
LONGEST = 110


def failure_text(invariant: Invariant, findings: Sequence[Finding], seen: Observation) -> str:
    """INVARIANT, CASE, FOUND, SOURCE, WITH, RERUN, KEEP and KNOWN, in that order."""
    case = seen.case
    return "\n".join(
        [
            f"INVARIANT {invariant.id}: {invariant.promise}",
            f"CASE      {case!r}",
            *found_lines(findings, seen),
            f"SOURCE    {invariant.source}",
            f"WITH      {one_line()}",
            f"RERUN     {rerun(case, invariant.id, seen.merger)}",
            "KEEP      a regression file, conformance/regressions/<id>.toml:",
            *indented(keep(case, invariant.id).splitlines()),
            "KNOWN     an entry for known_failures.toml:",
            *indented(known(case, invariant.id, findings[0]).splitlines()),
        ]
    )


def found_lines(findings: Sequence[Finding], seen: Observation) -> list[str]:
    """FOUND: what differs, who shares storage, and what was heard of the tie."""
    lines: list[str] = []
    for stage in ("base", "trained", "merged", "reloaded"):
        if stage in seen.stages:
            groups = [", ".join(sorted(group)) for group in seen.stages[stage].shares]
            lines.append(f"sharing storage at {stage}: {'; '.join(sorted(groups)) or 'nothing'}")
    told = [heard for heard in seen.heard if heard.about_tying]
    for heard in {(h.stage, h.text): h for h in told}.values():
        text = " ".join(heard.text.split())
        more = "..." if len(text) > LONGEST else ""
        lines.append(f"heard at {heard.stage}: {text[:LONGEST]}{more}")
    if not told:
        lines.append("heard of the tie: nothing")
    return under_found(findings, lines)


def under_found(findings: Sequence[Finding], facts: Iterable[str]) -> list[str]:
    """The findings, as many as are shown, and what else is known, under the heading FOUND."""
    lines = [str(finding) for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"and {len(findings) - SHOWN} more findings")
    return [f"{'FOUND' if n == 0 else '':9} {line}" for n, line in enumerate([*lines, *facts])]


def indented(lines: Iterable[str]) -> list[str]:
    """Lines under a heading of nine letters."""
    return [f"          {line}" for line in lines]


def rerun(case: Case, invariant: str, merger: str = "") -> str:
    """A command that judges this case alone; declared failures fail too."""
    whose = f" --merger {merger}" if merger else ""
    options = f"--no-known-failures{whose} --invariant {invariant}"
    return f'pytest conformance {options} --case "{case!r}"'


def keep(case: Case, invariant: str) -> str:
    """The text of a regression file."""
    return (
        f'id = "my-regression"\ncase = """{case!r}"""\ninvariants = ["{invariant}"]\n'
        'link = "unreported"\nstory = "One sentence: what goes wrong for whom."'
    )


def known(case: Case, invariant: str, finding: Finding) -> str:
    """The text of a known-failure entry, its region as narrow as the stratum and the family."""
    region = ", ".join(
        [
            f"tied = {str(case.tied).lower()}",
            f"ensure = {str(case.ensure).lower()}",
            f'placement = "{case.placement}"',
            f'family = "{case.family}"',
        ]
    )
    return entry_text(case, invariant, finding, region)


def entry_text(case: object, invariant: str, finding: Finding, region: str) -> str:
    """The text of a known-failure entry for any region, with any kind of case as its witness."""
    return (
        '[[known]]\nid = "my-known-failure"\nkind = "bug"\n'
        f'invariant = "{invariant}"\nfinding = "{finding.kind}"\n'
        f'peft = "=={installed("peft")}"\ntransformers = "=={installed("transformers")}"\n'
        f'where = {{ {region} }}\nwitness = """{case!r}"""\n'
        'link = "unreported"\nstory = "One sentence: what goes wrong; what was searched for."'
    )
