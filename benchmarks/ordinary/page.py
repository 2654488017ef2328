"""docs/ordinary.md, made of what ``python -m benchmarks.ordinary`` found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.ordinary.judging import BREAKS, UNABLE
from benchmarks.ordinary.sizes import LAYERS, RANK, WIDTH
from benchmarks.table import Row, made_with
from conformance.core.versions import versions

PAGE = Path(__file__).parents[2] / "docs" / "ordinary.md"
RESULTS = Path(__file__).with_name("results.jsonl")
HEAD = f"""# Is each declared bug one in ordinary use?

Cases are tiny, and the values of their adapters are put there. So each bug that is declared of the
newest versions has its witness lived once more as people would: {LAYERS} layers of width {WIDTH},
and adapters of rank {RANK} that AdamW trained from PEFT's own first values. What does not break
there is no bug, or an arguable one.

Made by `python -m benchmarks.ordinary --write`. A line for each promise that the bug breaks: first
those that do not break in ordinary use, last those that have none.
"""


def kept_with(kept: Iterable[Row], found: Sequence[Row], declared: Iterable[str]) -> list[Row]:
    """The rows of declared bugs, those of the last call in place of earlier ones of theirs."""
    names = {row["entry"] for row in found}
    order = list(declared)
    now = versions()
    every = [row for row in kept if row["entry"] not in names]
    every += [{**row, "versions": now} for row in found]
    return sorted((r for r in every if r["entry"] in order), key=lambda r: order.index(r["entry"]))


def write(file: Path, every: Sequence[Row]) -> None:
    """Write rows as JSON lines."""
    file.write_text("".join(f"{json.dumps(row)}\n" for row in every), encoding="utf-8")


def page(kept: Sequence[Row]) -> str:
    """The page."""
    order = {BREAKS: 1, UNABLE: 2}
    shown = sorted(kept, key=lambda row: order.get(row["verdict"], 0))
    unable = {row["entry"] for row in kept if row["verdict"] == UNABLE}
    whole = {row["entry"] for row in kept} - unable
    partly = {row["entry"] for row in kept if row["verdict"] not in order}
    return "\n".join(
        [
            HEAD,
            f"- Break there all that they break: {len(whole - partly)} of {len(whole)} bugs.",
            f"- Cannot be made ordinary: {len(unable)}.",
            "",
            made_with(kept[0]["versions"]),
            "",
            "| bug | promise | in ordinary use | what was seen |",
            "| --- | --- | --- | --- |",
            *map(_row, shown),
            "",
        ]
    )


def _row(row: Row) -> str:
    told = " ".join(row["told"].split()).replace("|", "\\|")
    return f"| `{row['entry']}` | {row['promise']} | {row['verdict']} | {told} |"
