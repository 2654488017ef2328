"""docs/bugs.md, made of the scope, the regression files and what runs have found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.bugs.corpus import Bug, bugs

PAGE = Path(__file__).parents[2] / "docs" / "bugs.md"
FOUND = Path(__file__).with_name("found.json")
HEAD = """# Documented bugs, and whether a run finds them

Bugs that people reported of PEFT, transformers and trainers: tied weights, embeddings, heads,
merging, saving and loading adapters. [The list](../benchmarks/bugs/scope.toml) was fixed before any
of them was run. Each that a case can be is a [regression](../conformance/regressions), broken in
one cell and kept in another: `tox run -m bugs` shows both.

Without the regressions and without declared failures, would a run of the default profile have
found it on the broken release? *Found* is the first life of the run, or loading (they are counted
apart), in which the bug's promise breaks on the broken release, and holds on the fixed one or is
refused there. What is open has no fixed release to ask.

Read the second share with care: many of these bugs were declared failures of this suite before the
list was made, and what it draws had been widened until it met them. The first share is of all.
"""


def _link(bug: Bug) -> str:
    parts = bug.link.split("/")
    return f"[{parts[-3]} #{parts[-1]}]({bug.link})"


def _row(bug: Bug, found: Mapping[str, Any]) -> str:
    recorded = bug.regression
    number, kind = found.get("found"), "loading" if "loads" in found else "life"
    of = found.get("loads", found.get("lives"))
    what = f"{kind} {number} of {of}" if number else f"no, in {of} lives"
    promise = f"`{recorded.invariants[0]}`"
    return (
        f"| {_link(bug)} | {bug.story} | {promise} | {bug.red} | {bug.green or 'open'} | {what} |"
    )


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The page, of what ``--measure`` kept."""
    every = bugs()
    inside = [bug for bug in every if not bug.outside]
    hits = sum(bool(found[bug.id].get("found")) for bug in inside)
    shares = [
        f"Of all {len(every)}: {hits} found, {hits / len(every):.0%}.",
        f"Of the {len(inside)} that a case can be: {hits} found, {hits / len(inside):.0%}.",
    ]
    rows = [_row(bug, found[bug.id]) for bug in inside]
    outside = [f"| {_link(b)} | {b.story} | {b.outside} |" for b in every if b.outside]
    return "\n".join(
        [
            HEAD,
            *shares,
            "",
            "| bug | what goes wrong | promise | broken in | kept in | found |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "Those that no case can be:",
            "",
            "| bug | what goes wrong | why no case |",
            "| --- | --- | --- |",
            *outside,
            "",
        ]
    )
