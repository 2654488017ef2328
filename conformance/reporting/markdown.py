"""The report as Markdown: the summary first, and small enough for the summary of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.causes.cause import Cause
from conformance.core.grid import ORDINARY, strata
from conformance.core.placements import PLACEMENTS
from conformance.core.verdict import MEANINGS, SIGNS
from conformance.reporting.environments import Cell, Square, devices, newest, since
from conformance.reporting.summary import COLUMNS, HEADS, LABELS, label

MOST = 1_000_000  # bytes: job summaries are cut at 1 MiB
LISTED = 200  # undeclared findings of a cell that are written out


def render(cells: Sequence[Cell], known: Mapping[str, Cause]) -> str:
    """The whole report; what makes it too large is left out from the end, and that is said."""
    parts: list[str] = []
    size = 0
    for part in _parts(cells, known):
        size += len(part.encode()) + 2
        if size > MOST:
            parts.append("The rest is left out here: it would make this longer than 1 MiB.")
            break
        parts.append(part)
    return "\n\n".join(parts) + "\n"


def _parts(cells: Sequence[Cell], known: Mapping[str, Cause]) -> Iterator[str]:
    yield "# PEFT conformance"
    yield overview(cells)
    yield from _problems(cells)
    shown = newest(cells)
    for device in devices(cells):
        yield f"## Which placements are safe with {shown.name}{_on(device, cells)}"
        yield _first_page(shown, device, cells)
        if shown.beyond:
            yield f"## The same on other architectures{_on(device, cells)}"
            yield _beyond(shown, device)
    yield legend()
    if len(cells) > 1:
        for device in devices(cells):
            yield from _matrices(cells, device)
    yield from _undeclared(cells)
    yield from _known(cells, known)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; nothing that a cell holds can end it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def overview(cells: Sequence[Cell]) -> str:
    """One row a cell: how its items ended, and whether it came to its end."""
    names = [name for name in LABELS if any(cell.counts[name] for cell in cells)]
    rows = []
    for cell in cells:
        counts = [str(cell.counts[name]) for name in names]
        rows.append((cell.name, cell.version("torch"), *counts, state(cell)))
    return table(("cell", "torch", *names, "state"), rows)


def state(cell: Cell) -> str:
    """Whether the cell is whole, in a few words."""
    if cell.run.import_problem:
        return "not judged"
    if cell.run.interrupted:
        return "interrupted"
    return "undeclared failures" if cell.undeclared else "as declared"


def _problems(cells: Sequence[Cell]) -> Iterator[str]:
    told = [
        f"- {cell.name}: {_escaped(cell.run.import_problem or cell.run.interrupted)}"
        for cell in cells
        if cell.run.import_problem or cell.run.interrupted
    ]
    if told:
        yield "\n".join(told)


def _on(device: str, cells: Sequence[Cell]) -> str:
    return f", on {device}" if len(devices(cells)) > 1 else ""


def _first_page(cell: Cell, device: str, cells: Sequence[Cell]) -> str:
    ids = {(s.placement, s.tied, s.ensure): s.id for s in strata((device,))}
    rows = []
    for placement in ORDINARY:
        found = [ids[(placement, *column)] for column in COLUMNS]
        if any(stratum in cell.squares for stratum in found):
            words = [word(cell.squares.get(one), since(cell, one, cells)) for one in found]
            rows.append((placement, *words))
    return table(("placement", *HEADS), rows)


def _beyond(cell: Cell, device: str) -> str:
    every = strata((device,), placements=tuple(PLACEMENTS))
    ids = {(s.placement, s.tied, s.ensure): s.id for s in every}
    rows = []
    for placement in PLACEMENTS:
        found = [cell.beyond.get(ids[(placement, *column)]) for column in COLUMNS]
        if any(found):
            rows.append((placement, *map(word, found)))
    told = (
        "Encoder-decoder, encoder-only, masked, speech and multimodal families together: the "
        "worst that any of their lives met."
    )
    return f"{told}\n\n{table(('placement', *HEADS), rows)}"


def word(square: Square | None, more: str = "") -> str:
    """Sign and word of a square, with its share of lives."""
    if square is None:
        return ""
    told = " ".join(filter(None, (SIGNS[square.verdict], square.verdict, square.share)))
    return f"{told}, {more}" if more else told


def legend() -> str:
    """What the verdicts mean, and what ``since`` says."""
    told = (
        "A share such as 1/9 is that of the lives that met the worst, of those that these versions "
        "can live. *Since* names the oldest "
        "PEFT from which on it has held with this transformers; *or before* says that no older "
        "one was run."
    )
    return f"{meanings()}\n\n{told}"


def meanings() -> str:
    """Every verdict, worst first, and what it means for a user."""
    rows = [(f"{sign} {name}", MEANINGS[name]) for name, sign in SIGNS.items()]
    return table(("verdict", "what happens to a user of this placement"), rows)


def _matrices(cells: Sequence[Cell], device: str) -> Iterator[str]:
    for base, head in zip(COLUMNS, HEADS, strict=True):
        rows = matrix(cells, device, base)
        if rows:
            yield f"## {head[0].upper()}{head[1:]} base in every version{_on(device, cells)}"
            yield table(["placement", *(cell.name for cell in cells)], rows)


def matrix(cells: Sequence[Cell], device: str, base: tuple[bool, bool]) -> list[list[str]]:
    """Placements down, cells across, for bases ``(tied, ensure)``; empty where none was run."""
    return [
        [stratum.placement, *(word(cell.squares.get(stratum.id)) for cell in cells)]
        for stratum in strata((device,))
        if (stratum.tied, stratum.ensure) == base
        if any(stratum.id in cell.squares for cell in cells)
    ]


def _undeclared(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        found = [one for one in cell.undeclared if one.kind != "import"]
        if not found:
            continue
        yield f"## Undeclared in {cell.name}"
        rows = [
            (
                one.stratum or one.kind,
                one.invariant,
                label(one),
                one.finding or one.reason,
                f"`{one.case}`" if one.case else "",
            )
            for one in found[:LISTED]
        ]
        yield table(("where", "invariant", "result", "what", "simplest case"), rows)
        if len(found) > LISTED:
            yield f"And {len(found) - LISTED} more."


def _known(cells: Sequence[Cell], known: Mapping[str, Cause]) -> Iterator[str]:
    met = sorted({name for cell in cells for name in cell.hits})
    if met:
        yield "## Known causes that were met"
        rows = [(name, *_told(known.get(name)), _where(name, cells)) for name in met]
        yield table(("cause", "effect", "link", "met with"), rows)


def _told(cause: Cause | None) -> tuple[str, str]:
    return (cause.effect, cause.link) if cause else ("", "")


def _where(name: str, cells: Sequence[Cell]) -> str:
    found = [cell.name for cell in cells if name in cell.hits]
    return "every cell" if len(found) == len(cells) > 1 else "; ".join(found)
