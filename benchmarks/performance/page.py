"""docs/performance.md and its plot, made of what was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.table import made_with

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PLOT = DOCS / "performance.md", DOCS / "performance.svg"
RESULTS = Path(__file__).with_name("results.json")
RATIO, GROWTH = 1.6, 1.1
"""The least that two workers must reach, and the most that a life may come to cost."""
HEAD = """# What a run costs

Measured by `python -m benchmarks.performance` with `lives`, `scaling` and `beside`.
What observing costs beside plain library calls, memory, and how to ask how many lives it takes to
find each declared bug, stand in [benchmarks](../benchmarks/README.md).

![CPU seconds by stage, family and layers](performance.svg)
"""
Kept = Mapping[str, Any]


def page(kept: Kept) -> str:
    """The page; a part that was not measured is not there."""
    parts = [HEAD]
    if "lives" in kept:
        parts += _lives(kept["lives"])
    if "scaling" in kept:
        parts += _scaling(kept["scaling"])
    if "beside" in kept:
        parts += _beside(kept["beside"])
    return "\n".join(parts)


def _lives(kept: Kept) -> list[str]:
    low, _, high = quantiles(kept["seconds"], n=4)
    before, after = kept["before"]
    growth = kept["before"][after]
    rows = [
        ("CPU seconds of a life, median", f"{median(kept['seconds']):.3f}"),
        ("half of the lives lie between", f"{low:.3f} and {high:.3f}"),
        (
            f"a life after {after} others, against the same after {before}",
            f"{growth:.2f}; at most {GROWTH}",
        ),
        *(
            (f"a life with {layers} layers, against one", f"{times:.2f}")
            for layers, times in kept["layers"].items()
            if layers != "1"
        ),
    ]
    stages = sorted(kept["stages"].items(), key=lambda row: -row[1])
    families = sorted(kept["families"].items(), key=lambda row: row[1])
    return [
        f"## Of {kept['lives']} lives, in one process",
        "",
        *_table(("figure", "measured"), rows),
        "",
        *_table(("stage", "share of a life"), [(name, f"{one:.1%}") for name, one in stages]),
        "",
        *_table(
            ("family", "CPU seconds of a plain life"),
            [(f"`{name}`", f"{seconds:.3f}") for name, seconds in families],
        ),
        "",
        made_with(kept["versions"]),
        "",
    ]


def _scaling(kept: Kept) -> list[str]:
    rows = [
        ("lives a second with `-n 1`, median", f"{median(kept['one']):.2f}"),
        ("lives a second with `-n 2`, median", f"{median(kept['two']):.2f}"),
        (f"ratio, median of {len(kept['one'])} pairs", f"{kept['ratio']:.2f}; at least {RATIO}"),
        ("lives of a run", str(kept["lives"])),
        ("cores", str(kept["cores"])),
        ("load of the machine before each run", ", ".join(f"{one:.1f}" for one in kept["load"])),
    ]
    title = "## With one worker and with two, after imports"
    return [title, "", *_table(("figure", "measured"), rows), "", made_with(kept["versions"]), ""]


def _beside(kept: Kept) -> list[str]:
    before, after = kept["before"], kept["after"]
    figures = {"wall": "seconds", "cpu": "CPU seconds", "items": "items", "met": "causes met"}
    rows = [(told, _each(before, name), _each(after, name)) for name, told in figures.items()]
    files = sorted({*before[0]["files"], *after[0]["files"]})
    shares = [(f"`{one}`", _of_file(before, one), _of_file(after, one)) for one in files]
    pairs = f"median of {len(before)} pairs in turn"
    return [
        f"## A default run at `-n 2`, beside commit {kept['commit']}",
        "",
        (
            f"It takes {kept['ratio of wall']:.2f} of its time and {kept['ratio of cpu']:.2f} of "
            f"its CPU seconds, {pairs}."
        ),
        "",
        "| of each run | before | now |",
        "| --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in (*rows, *shares)),
        "",
        (
            "A file's figure is the seconds of its items, in the median run. A commit from before "
            "there were causes met entries of its table of known failures, several for a cause."
        ),
        "",
        made_with(kept["versions"]),
        "",
    ]


def _each(runs: Sequence[Kept], name: str) -> str:
    return ", ".join(f"{one[name]:.0f}" for one in runs)


def _of_file(runs: Sequence[Kept], file: str) -> str:
    return f"{median(one['files'].get(file, 0.0) for one in runs):.0f}"


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", "| --- | --- |", *lines]


def plot(kept: Kept) -> str:
    """Bars, as an SVG of a few lines: no package draws it."""
    lives = kept.get("lives", {})
    groups = [
        ("Share of a life by stage", lives.get("stages", {}), "{:.1%}"),
        ("CPU seconds of a plain life by family", lives.get("families", {}), "{:.2f}"),
        ("CPU of a life by layers, against one", lives.get("layers", {}), "{:.2f}"),
    ]
    if "scaling" in kept:
        both = {"-n 1": median(kept["scaling"]["one"]), "-n 2": median(kept["scaling"]["two"])}
        groups.append(("Lives a second", both, "{:.2f}"))
    drawn, height = [], 10
    for title, values, form in groups:
        height += 26
        drawn.append(f'<text x="10" y="{height}" font-weight="bold">{escape(title)}</text>')
        longest = max(values.values(), default=1)
        for name, value in values.items():
            height += 18
            width = 320 * value / longest
            drawn.append(
                f'<text x="190" y="{height}" text-anchor="end">{escape(name)}</text>'
                f'<rect x="198" y="{height - 11}" width="{width:.1f}" height="13" fill="#4878a8"/>'
                f'<text x="{204 + width:.1f}" y="{height}">{form.format(value)}</text>'
            )
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="{height + 16}" '
        f'font-family="sans-serif" font-size="12" role="img">\n<title>What a life costs</title>\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
