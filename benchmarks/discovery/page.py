"""docs/discovery.md, made of what ``python -m benchmarks.discovery`` found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.discovery.lives import FEW, FEW_BEYOND, MANY
from benchmarks.table import Row, made_with

PAGE = Path(__file__).parents[2] / "docs" / "discovery.md"
RESULTS = Path(__file__).with_name("results.jsonl")
HEAD = """# Is what is declared found again, and printed as simply as can be?

Known failures are met by their witnesses in every run. Would a run find them without: from an
empty database, no witness, no regression? Asked of {seeds} seeds, of each bug that is declared of
lives on these versions. *Found* counts the seeds whose default run ({few} lives a stratum, {beyond}
of the other architectures) meets it; *life* is the median number of the life that shows it. What a
default run misses is asked again of a run of its own families and placements alone, with up to
{many} lives a stratum: *then found*.

*Printed* is the case that Hypothesis shrinks to when the bug is declared no longer. Every field of
it was then given every simpler value: what still shows the bug stands under *could be simpler*.
"""


def page(kept: Sequence[Row]) -> str:
    """The page."""
    runs = [row for row in kept if "seed" in row]
    printed = {row["bug"]: row for row in kept if "bug" in row}
    parts = [row[part] for row in runs for part in ("found", "many")]
    names = list(dict.fromkeys(name for part in parts for name in part))
    names += [name for name in printed if name not in names]
    always = sum(all(name in row["found"] for row in runs) for name in names)
    either = sum(all(name in row["found"] or name in row["many"] for row in runs) for name in names)
    plain = sum(row["case"] is not None and not row["simpler"] for row in printed.values())
    return "\n".join(
        [
            HEAD.format(seeds=len(runs), few=FEW, beyond=FEW_BEYOND, many=MANY),
            f"- Found by the default run in every seed: {always} of {len(names)} bugs.",
            f"- Found by it or within {MANY} lives of its own families in all seeds: {either}.",
            f"- Printed as simply as can be: {plain} of {len(printed)}.",
            "",
            made_with(runs[0]["versions"]),
            "",
            "| bug | found | life | then found | printed | could be simpler |",
            "| --- | --- | --- | --- | --- | --- |",
            *(_row(name, runs, printed.get(name)) for name in sorted(names)),
            "",
        ]
    )


def _row(name: str, runs: Sequence[Row], printed: Row | None) -> str:
    lives = [row["found"][name] for row in runs if name in row["found"]]
    late = sum(name in row["many"] for row in runs)
    missed = len(runs) - len(lives)
    then = f"{late} of {missed}" if missed else "-"
    case, simpler = "not asked", ""
    if printed is not None:
        case = f"`{printed['case']}`" if printed["case"] else f"not in {MANY} lives"
        told = ", ".join(f"`{field}={value!r}`" for field, value in printed["simpler"])
        simpler = (told or "no") if printed["case"] else ""
    life = f"{median(lives):.0f}" if lives else "-"
    return f"| `{name}` | {len(lives)} of {len(runs)} | {life} | {then} | {case} | {simpler} |"
