"""Badges: one file a cell, in the form that shields.io reads from an address."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from conformance.core.verdict import SIGNS, worst
from conformance.reporting.environments import Cell

# the colour repeats what the message says
COLOURS = {
    "silent": "critical",
    "late": "orange",
    "announced": "yellow",
    "refused": "blueviolet",
    "holds": "success",
}
OTHER = "inactive"


def write(cells: Sequence[Cell], folder: Path) -> list[Path]:
    """Write the badges into ``folder``, made where it is not there; returns their files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for cell in cells:
        path = folder / f"{_slug(cell.name)}.json"
        path.write_text(json.dumps(badge(cell), ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def badge(cell: Cell) -> dict[str, object]:
    """What shields shows of a cell: its strata by verdict, and the worst as a colour."""
    counts = Counter(square.verdict for square in cell.squares.values())
    told = ", ".join(f"{counts[name]} {name}" for name in SIGNS if counts[name])
    return {
        "schemaVersion": 1,
        "label": cell.name,
        "message": "cannot be imported" if cell.run.import_problem else told or "nothing ran",
        "color": COLOURS.get(worst(dict(counts)), OTHER),
    }


def _slug(name: str) -> str:
    return re.sub(r"[^\w.+]+", "-", name).strip("-")
