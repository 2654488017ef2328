"""The promise about warnings: trouble is told while it can still be avoided."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.core.finding import Finding
from conformance.core.kind import Argues
from conformance.core.observation import Heard, Observation, adapted_modules
from conformance.kinds.lifecycle.checks.registry import INVARIANTS

NOTHING_TIED = re.compile(r"no tied modules", re.IGNORECASE)
"""Words by which PEFT says that it ties no adapters."""

EARLY = ("adapted",)
LATE = ("adapter-saved", "merged", "saved", "reloaded", "adapter-reloaded")


def deciding() -> tuple[str, ...]:
    """What a user loses something with when it breaks: the logits and config promises."""
    return INVARIANTS.having("decides", "logits", "config")


def announced(seen: Observation, *stages: str) -> bool:
    """Whether the user of a base with a tie was told about it at one of the stages."""
    heard = seen.heard_at(*stages)
    return has_tie(seen) and any(one.about_tying and not contrary(seen, one) for one in heard)


def contrary(seen: Observation, heard: Heard) -> bool:
    """Whether it says that nothing is tied, where members of the tie have one adapter."""
    adapted = seen.stages.get("adapted")
    if adapted is None or not NOTHING_TIED.search(heard.text):
        return False
    members = {name.removesuffix(".weight") for name in seen.members}
    return any(len(members & adapted_modules(group)) > 1 for group in adapted.shares)


def has_tie(seen: Observation) -> bool:
    """Whether the base has a tie to be told about.

    The sides of a T5 with a head of its own are one matrix all the same.
    """
    base = seen.stages.get("base")
    groups = base.shares if base else ()
    return seen.case.tied or any(len(group & {*seen.members}) > 1 for group in groups)


def never(_invariant: str, _finding: Finding, _seen: Observation) -> bool:
    """Where nothing is declared, nothing is arguable."""
    return False


def losses(seen: Observation) -> Iterator[tuple[str, Finding]]:
    """What this life breaks of the logits and config promises: each promise with a finding."""
    for name in deciding():
        for finding in INVARIANTS[name].judge(seen).findings:
            yield name, finding


def broken_promises(seen: Observation, argues: Argues = never) -> list[str]:
    """The logits and config promises this life breaks, but for what is arguable."""
    return list(dict.fromkeys(name for name, one in losses(seen) if not argues(name, one, seen)))


def unjudged_promises(seen: Observation) -> list[str]:
    """The logits and config promises of which nobody can tell, in half precision."""
    found = {name: INVARIANTS[name].judge(seen).verdict for name in deciding()}
    return [name for name, verdict in found.items() if verdict == "not judged"]


@INVARIANTS.check(
    "tie-warnings-are-true",
    "Wrapping does not warn that nothing is tied where members of the tie have one adapter.",
    source="PEFT #2864; documentation, Weight tying",
    needs=("base", "adapted"),
)
def tie_warnings_are_true(seen: Observation) -> Iterator[Finding]:
    for heard in seen.heard_at("adapted"):
        if contrary(seen, heard):
            what = f"adapters are tied, and what is said is: {heard.brief}"
            yield Finding("false-report", what, stage="adapted")


@INVARIANTS.check(
    "trouble-is-announced-early",
    "A life that breaks a logits or config promise was refused or warned about when wrapped.",
    source="maintainers' view in PEFT #2972",
    needs=("adapted", "trained", "merged"),
    decides="warning",
    of_merge=True,
)
def trouble_is_announced_early(seen: Observation) -> Iterator[Finding]:
    broken = broken_promises(seen)
    if not broken or announced(seen, *EARLY):
        return
    listed = ", ".join(broken)
    if announced(seen, *LATE):
        kind, what = "late-warning", f"warned of only after training: {listed}"
    else:
        kind, what = "not-announced", f"nobody warned of: {listed}"
    yield Finding(kind, what, stage="adapted", subject=listed)
