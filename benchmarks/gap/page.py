"""docs/gap.md and its plot, made of what was kept."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.gap.merging import Row, total
from benchmarks.gap.recording import BINS, NOTHING, bin_of
from benchmarks.gap.settings import SETTINGS
from benchmarks.table import made_with
from conformance.core.tolerances import DOUBT, MARGIN, SUMMED_IN_THEMSELVES
from conformance.core.versions import versions

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PLOT = DOCS / "gap.md", DOCS / "gap.svg"
RESULTS = Path(__file__).with_name("results.json")
HIGHEST, LOWEST = 0.1, 10.0
"""What nothing that holds is to be above, and nothing that breaks below, over its allowance."""
NAMED: Mapping[tuple[str, str, str], str] = {}
"""Why a promise cannot meet this, by precision, kind of test and id; it is not judged there."""
LEAST, MOST = -5, 15  # powers of ten that the plot shows
HEAD = f"""# The gap between rounding and faults

In float32 and float64 a fault moves what is compared by a thousandfold of what rounding does, so
an allowance stands in the middle: {MARGIN:g} times what rounding is expected to do
(`conformance/core/tolerances.py` derives that). This page shows that there is a gap, and where
in it the allowances lie. In half precision there is none to speak of: up to 1/{DOUBT:g} of what
rounding is expected to do holds, from {DOUBT:g} times on breaks, and in between a life is
not judged.

Every comparison of numbers that the default profile makes is written down, in all kinds of test
that make any, under each of these kernel settings, the settings of MKL's vector code with other
seeds. On a processor that is not Intel's, as here, MKL has no branch but COMPATIBLE and its own
choice. Measured by `python -m benchmarks.gap --to FOLDER`, and this page made by `python -m
benchmarks.gap --from FOLDER --page`.

![How many comparisons lie at which difference / allowance](gap.svg)
"""
Kept = Mapping[str, Any]


def kept() -> Kept:
    """What was measured last; empty where nothing was."""
    if not RESULTS.exists():
        return {"runs": {}, "rows": [], "versions": {}}
    found: Kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def write(found: Kept) -> None:
    """Keep what was measured, and make the page and its plot of it."""
    told = {"versions": versions(), **found}
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    again = kept()
    PAGE.write_text(page(again), encoding="utf-8")
    PLOT.write_text(plot(again["rows"]), encoding="utf-8")


def outside(found: Kept) -> list[str]:
    """One line for each promise in full precision that lies too near its allowance."""
    return [
        f"{dtype}, {kind}, {name}: {told}"
        for dtype, kind, name, told in _outside(found["rows"])
        if (dtype, kind, name) not in NAMED
    ]


def _outside(rows: Iterable[Row]) -> Iterator[tuple[str, str, str, str]]:
    for row in rows:
        if row["dtype"] not in SUMMED_IN_THEMSELVES:
            continue
        where = row["dtype"], row["kind"], row["invariant"]
        if row["highest"] and row["highest"][0] > HIGHEST:
            yield *where, f"holds at {row['highest'][0]:.2g} of its allowance: {row['highest'][1]}"
        if row["lowest"] and row["lowest"][0] < LOWEST:
            yield *where, f"breaks at {row['lowest'][0]:.2g} of its allowance: {row['lowest'][1]}"


def page(found: Kept) -> str:
    """The page."""
    rows = found["rows"]
    full = [row for row in rows if row["dtype"] in SUMMED_IN_THEMSELVES]
    half = [row for row in rows if row["dtype"] not in SUMMED_IN_THEMSELVES]
    left = list(_outside(rows))
    told = (
        f"Of {total(found['runs'])} runs nothing that holds in float32 or float64 lies above "
        f"{HIGHEST:g} of its allowance, and nothing that breaks below {LOWEST:g} of it"
    )
    parts = [HEAD, f"{told}{', but:' if left else '.'}", ""]
    parts += [
        f"- `{name}` of {kind} in {dtype} {what}. {NAMED.get((dtype, kind, name), 'Not settled.')}"
        for dtype, kind, name, what in left
    ]
    parts += [*([""] if left else []), "## Runs", "", *_runs(found["runs"]), ""]
    parts += ["## In float32 and float64", "", *_table(full), ""]
    parts += ["## In half precision", "", *_table(half), "", made_with(found["versions"]), ""]
    return "\n".join(parts)


def _runs(runs: Mapping[str, Mapping[str, int]]) -> list[str]:
    kinds = sorted({kind for one in runs.values() for kind in one})
    lines = [f"| setting | environment | {' | '.join(kinds)} |"]
    lines += ["| --- | --- |" + " --- |" * len(kinds)]
    for name, one in runs.items():
        told = ", ".join(f"`{key}={value}`" for key, value in SETTINGS[name].items()) or "none"
        lines += [f"| {name} | {told} | {' | '.join(str(one.get(kind, 0)) for kind in kinds)} |"]
    return lines


def _table(rows: Iterable[Row]) -> list[str]:
    lines = ["| precision | kind of test | promise | compared | largest that holds | not judged "]
    lines[0] += "| smallest that breaks |"
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row['dtype']} | {row['kind']} | `{row['invariant']}` | {row['compared']} "
        f"| {_extreme(row['highest'])} | {row['doubtful']} | {_extreme(row['lowest'])} |"
        for row in rows
    ]
    return lines


def _color(dtype: str, place: int) -> str:
    if place >= 0:
        return "#c04040"
    doubtful = dtype not in SUMMED_IN_THEMSELVES and place >= bin_of(DOUBT**-2)
    return "#a0a0a0" if doubtful else "#4878a8"


def _extreme(found: Any) -> str:
    if not found:
        return ""
    return "infinite" if math.isinf(found[0]) else f"{found[0]:.2g}"


def plot(rows: Iterable[Row]) -> str:
    """Histograms of difference / allowance, one for each precision, as SVG."""
    found: dict[str, Counter[int]] = {}
    for row in rows:
        places = {int(place): count for place, count in row["ratios"].items()}
        found.setdefault(row["dtype"], Counter()).update(places)
    drawn, top, step = [], 14, 560 / ((MOST - LEAST) * BINS)
    for dtype, counts in sorted(found.items()):
        drawn.append(f'<text x="20" y="{top + 10}" font-weight="bold">{escape(dtype)}</text>')
        for place, count in sorted(counts.items()):
            if place == NOTHING:
                continue
            x = 20 + (min(max(place, LEAST * BINS), MOST * BINS - 1) - LEAST * BINS) * step
            height = 14 * math.log10(1 + count)
            color = _color(dtype, place)
            drawn.append(
                f'<rect x="{x:.1f}" y="{top + 90 - height:.1f}" width="{step - 0.8:.1f}" '
                f'height="{height:.1f}" fill="{color}"/>'
            )
        line = 20 - LEAST * BINS * step
        drawn.append(
            f'<path d="M20 {top + 90}H580M{line:.1f} {top + 14}V{top + 96}" stroke="black"/>'
        )
        top += 106
    for power in range(LEAST, MOST + 1, 5):
        x = 20 + (power - LEAST) * BINS * step
        drawn.append(f'<text x="{x:.1f}" y="{top + 8}" text-anchor="middle">1e{power}</text>')
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="{top + 40}" '
        f'font-family="sans-serif" font-size="12" role="img">\n'
        f"<title>Comparisons by difference / allowance</title>\n"
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n'
        f'<text x="20" y="{top + 30}">difference / allowance, each height the logarithm of a '
        f"count; blue holds, red breaks, grey is not judged; equal bits are left out</text>\n"
        "</svg>\n"
    )
