"""The report in a terminal, by rich; tables wider than it are told in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from conformance.core.grid import ORDINARY, strata
from conformance.core.verdict import MEANINGS, SIGNS
from conformance.reporting.environments import Cell, Square, devices, newest, since
from conformance.reporting.markdown import state, word
from conformance.reporting.summary import COLUMNS, HEADS, LABELS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# beside the sign and the word, never instead of them
STYLES = {
    "silent": "bold red",
    "late": "red",
    "announced": "yellow",
    "refused": "magenta",
    "holds": "cyan",
    "not applicable": "dim",
    "not run": "italic",
    "error": "bold reverse",
}
COLUMN = 22  # characters of a pair of versions and of the widest verdict, with padding
FIRST = 31  # those of the longest placement


def render(cells: Sequence[Cell], to: TextIO | None = None) -> None:
    """Print the report."""
    from rich.console import Console

    console = Console(file=to, highlight=False)
    console.print(_overview(cells))
    for cell in cells:
        problem = cell.run.import_problem or cell.run.interrupted
        if problem:
            console.print(f"{cell.name}: {problem}", markup=False)
    for device in devices(cells):
        on = f", on {device}" if len(devices(cells)) > 1 else ""
        _first_page(console, cells, device, on)
        if len(cells) > 1:
            _matrices(console, cells, device, on)
    for name, sign in SIGNS.items():
        console.print(f"[{STYLES[name]}]{sign} {name}[/]: {MEANINGS[name]}")


def _table(title: str, heads: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column(Text(heads[0]), no_wrap=True, overflow="fold")
    for head in heads[1:]:
        made.add_column(Text(head))
    return made


def _overview(cells: Sequence[Cell]) -> Table:
    names = [name for name in LABELS if any(cell.counts[name] for cell in cells)]
    made = _table("PEFT conformance", ("cell", *names, "state"))
    for cell in cells:
        made.add_row(
            cell.name.replace(", ", "\n"), *(str(cell.counts[name]) for name in names), state(cell)
        )
    return made


def _first_page(console: Console, cells: Sequence[Cell], device: str, on: str) -> None:
    cell = newest(cells)
    made = _table(f"Which placements are safe with {cell.name}{on}", ("placement", *HEADS))
    ids = {(s.placement, s.tied, s.ensure): s.id for s in strata((device,))}
    for placement in ORDINARY:
        found = [ids[(placement, *column)] for column in COLUMNS]
        if any(stratum in cell.squares for stratum in found):
            words = [_styled(cell.squares.get(one), since(cell, one, cells)) for one in found]
            made.add_row(placement, *words)
    console.print(made)


def _matrices(console: Console, cells: Sequence[Cell], device: str, on: str) -> None:
    many = max(1, (console.width - FIRST) // COLUMN)
    for (tied, ensure), head in zip(COLUMNS, HEADS, strict=True):
        rows = [s for s in strata((device,)) if (s.tied, s.ensure) == (tied, ensure)]
        for start in range(0, len(cells), many):
            shown = cells[start : start + many]
            names = [cell.name.replace(", ", "\n") for cell in shown]
            made = _table(f"{head[0].upper()}{head[1:]} base{on}", ("placement", *names))
            for row in rows:
                if any(row.id in cell.squares for cell in cells):
                    squares = [_styled(cell.squares.get(row.id)) for cell in shown]
                    made.add_row(row.placement, *squares)
            if made.row_count:
                console.print(made)


def _styled(square: Square | None, more: str = "") -> str:
    if square is None:
        return ""
    return f"[{STYLES[square.verdict]}]{word(square, more)}[/]"
