"""Putting together what the processes of many runs wrote down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]
KEY = ("dtype", "kind", "invariant")
EXTREMES = {"highest": max, "lowest": min}


def merged(folder: Path) -> dict[str, Any]:
    """All that lies in ``FOLDER/<setting>/<run>/<process>.json``: counts of runs, and rows.

    A case that is lived under several settings, or seeds, counts as a run each time; one that two
    processes lived in one run counts once.
    """
    rows: dict[tuple[str, ...], Row] = {}
    runs: dict[str, Counter[str]] = {}
    for run in sorted(path for path in folder.glob("*/*") if path.is_dir()):
        lived: dict[str, set[str]] = {}
        for file in sorted(run.glob("*.json")):
            told = json.loads(file.read_text(encoding="utf-8"))
            for kind, cases in told["runs"].items():
                lived.setdefault(kind, set()).update(cases)
            for row in told["rows"]:
                key = tuple(row[name] for name in KEY)
                rows[key] = _added(rows[key], row) if key in rows else _begun(row)
        counts = runs.setdefault(run.parent.name, Counter())
        counts.update({kind: len(cases) for kind, cases in lived.items()})
    return {
        "runs": {name: dict(sorted(one.items())) for name, one in runs.items()},
        "rows": [rows[key] for key in sorted(rows)],
    }


def _begun(row: Mapping[str, Any]) -> Row:
    ratios = {int(place): count for place, count in row["ratios"].items()}
    return {**row, "ratios": ratios}


def _added(one: Row, other: Mapping[str, Any]) -> Row:
    ratios: Counter[int] = Counter(one["ratios"])
    ratios.update({int(place): count for place, count in other["ratios"].items()})
    found = {**one, "ratios": dict(sorted(ratios.items()))}
    for name in ("compared", "doubtful"):
        found[name] = one[name] + other[name]
    for name, extreme in EXTREMES.items():
        both = [tuple(row[name]) for row in (one, other) if row[name]]
        found[name] = extreme(both) if both else None
    return found


def total(runs: Mapping[str, Mapping[str, int]]) -> int:
    """How many runs these are, of all kinds of test."""
    return sum(count for one in runs.values() for count in one.values())
