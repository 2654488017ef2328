"""The report as one HTML page that needs nothing but itself, by jinja2."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.causes.cause import Cause
from conformance.core.grid import strata
from conformance.core.placements import PLACEMENTS
from conformance.core.verdict import MEANINGS, RESULT_MEANINGS, RESULT_SIGNS, SIGNS
from conformance.reporting.environments import OTHERS, Cell, devices, newest, since
from conformance.reporting.html_data import payload
from conformance.reporting.markdown import state
from conformance.reporting.summary import COLUMNS, HEADS, LABELS

HERE = Path(__file__).parent


def render(cells: Sequence[Cell], known: Mapping[str, Cause]) -> str:
    """The whole page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = devices(cells)
    shown = [
        stratum
        for stratum in strata(tuple(found))
        if any(stratum.id in cell.squares for cell in cells)
    ]
    others = [
        stratum.id + OTHERS
        for stratum in strata(tuple(found), placements=tuple(PLACEMENTS))
        if any(stratum.id in cell.beyond for cell in cells)
    ]
    ids = [*(stratum.id for stratum in shown), *others]
    return environment.get_template("page.html.j2").render(
        cells=cells,
        newest=newest(cells),
        devices=found,
        first_page={device: _first_page(cells, device, ids) for device in found},
        others={device: _first_page(cells, device, ids, OTHERS) for device in found},
        matrices=_matrices(cells, found, ids),
        heads=HEADS,
        labels=[name for name in LABELS if any(cell.counts[name] for cell in cells)],
        state=state,
        signs=SIGNS,
        meanings=MEANINGS,
        result_signs={name: RESULT_SIGNS[name] for name in RESULT_SIGNS if name not in SIGNS},
        result_meanings=RESULT_MEANINGS,
        data=_for_script(payload(cells, ids, known)),
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        js=(HERE / "page.js").read_text(encoding="utf-8"),
    )


def _for_script(data: Mapping[str, Any]) -> str:
    """JSON in which no text can end the script element that holds it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _first_page(
    cells: Sequence[Cell], device: str, ids: Sequence[str], others: str = ""
) -> list[dict[str, Any]]:
    """The newest cell: placements down, kinds of base across; of ``OTHERS`` where it is given."""
    cell = newest(cells)
    rows: dict[str, dict[tuple[bool, bool], dict[str, Any]]] = {}
    for stratum in strata((device,), placements=tuple(PLACEMENTS)):
        name = stratum.id + others
        if name in ids:
            rows.setdefault(stratum.placement, {})[stratum.tied, stratum.ensure] = {
                "number": ids.index(name),
                "square": cell.square(name),
                "since": since(cell, name, cells),
            }
    return [
        {"placement": placement, "squares": [found.get(column) for column in COLUMNS]}
        for placement, found in rows.items()
    ]


def _matrices(
    cells: Sequence[Cell], found: Sequence[str], ids: Sequence[str]
) -> list[dict[str, Any]]:
    """One table for each device and kind of base: placements down, cells across."""
    made = []
    for device in found:
        for (tied, ensure), head in zip(COLUMNS, HEADS, strict=True):
            rows = [
                {
                    "placement": stratum.placement,
                    "number": ids.index(stratum.id),
                    "squares": [cell.squares.get(stratum.id) for cell in cells],
                }
                for stratum in strata((device,))
                if (stratum.tied, stratum.ensure) == (tied, ensure) and stratum.id in ids
            ]
            if rows:
                kind = {"device": device, "tied": tied, "ensure": ensure}
                made.append({**kind, "head": head, "rows": rows})
    return made
