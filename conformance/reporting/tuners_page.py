"""What each tuner of PEFT does to a tied and to an untied model, as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from conformance.causes.cause import Cause
from conformance.core.record import Record
from conformance.core.verdict import MEANINGS, SIGNS, worst
from conformance.kinds.tuners.case import TunerCase, tuner_cases
from conformance.kinds.tuners.documented_errors import MERGING
from conformance.kinds.tuners.table import TUNERS
from conformance.reporting.environments import Cell
from conformance.reporting.markdown import table
from tiny_models.families import FAMILIES

COLUMNS = {
    "body": "body",
    "target:embedding": "embedding",
    "target:head": "head",
    "target:both": "both",
    "save:embedding": "saved embedding",
    "save:head": "saved head",
}
TABLES = (
    ("Tied models", True, False),
    ("Tied models, with ensure_weight_tying", True, True),
    ("Untied models", False, False),
    ("Untied models, with ensure_weight_tying", False, True),
)
SHOWN = ("silent", "late", "announced", "refused", "holds", "not applicable")
UNUSUAL = {"refused", "not run", "not applicable"}
CANNOT_MERGE = "– no merge"
FAILS = "✗✗ error"
NO_LIFE = ""
MANY = 8  # tuners that one cell of a table names
INTRODUCTION = """\
# What each tuner does to a tied model

Every tuner that PEFT registers, with its smallest config, on attention alone (`body`), on the
embedding, on the head and on both, and beside `modules_to_save`; then the variants of LoRA. Each
was merged, saved and loaded again, its adapter saved and loaded, unmerged and unloaded."""


class TunersError(ValueError):
    """Results that no page can be made of; one sentence says why."""


def render(cells: Sequence[Cell], known: Mapping[str, Cause]) -> str:
    """The page, of the newest cell that has them; raises TunersError where none has."""
    for cell in reversed(cells):
        records = {one.stratum: one for one in cell.run.records if one.kind == "tuner"}
        if records:
            return "\n\n".join(_parts(cell, records, known)) + "\n"
    raise TunersError("none of these results files holds an item of a tuner")


def _parts(cell: Cell, records: Mapping[str, Record], known: Mapping[str, Cause]) -> Iterator[str]:
    yield INTRODUCTION
    versions = cell.run.header["versions"]
    yield f"Made with {', '.join(f'{name} {version}' for name, version in versions.items())}."
    meanings = [(f"{SIGNS[name]} {name}", MEANINGS[name]) for name in SHOWN]
    meanings += [
        (CANNOT_MERGE, "nothing broke, and the tuner says itself that it cannot merge"),
        (FAILS, "an error that says nothing of what is not supported"),
    ]
    yield table(("sign", "meaning"), meanings)
    cases = {case.id: case for case in tuner_cases(("cpu",), tuple(FAMILIES), brief=False)}
    # workers end when they do: the page has the order of the table, whatever that of the file is
    order = {name: number for number, name in enumerate(cases)}
    records = dict(sorted(records.items(), key=lambda one: (order.get(one[0], len(order)), one[0])))
    first = [one for one in cases.values() if one.usual]
    for title, tied, ensure in TABLES:
        yield f"## {title}"
        of_table = [case for case in first if (case.tied, case.ensure) == (tied, ensure)]
        yield table(("tuner", *COLUMNS.values()), _rows(of_table, records))
    yield "## Without a life"
    rows = [
        (name, one.reason) for name, one in records.items() if "::test_without_life[" in one.item
    ]
    yield table(("tuner", "why"), rows)
    yield "## Refused, or without a merge"
    yield table(("tuner", "on", "what PEFT says"), _said(cases, records))
    yield "## Declared failures that were met"
    yield table(("id", "tuners", "story"), _declared(cases, records, known))


def _rows(cases: Sequence[TunerCase], records: Mapping[str, Record]) -> Iterator[list[str]]:
    by_tuner: dict[str, dict[str, str]] = defaultdict(dict)
    for case in cases:
        by_tuner[case.tuner][case.placement] = sign(records.get(case.id))
    for name, signs in by_tuner.items():
        yield [name, *(signs.get(placement, NO_LIFE) for placement in COLUMNS)]


def sign(record: Record | None) -> str:
    """What became of one life."""
    if record is None or not record.verdicts:
        return f"{SIGNS['not run']} not run"
    verdict = worst(dict(record.verdicts))
    if verdict == "not run":
        stage = record.heard[0].partition(":")[0] if record.heard else ""
        return CANNOT_MERGE if stage in MERGING else FAILS
    return f"{SIGNS[verdict]} {verdict}"


def _said(
    cases: Mapping[str, TunerCase], records: Mapping[str, Record]
) -> Iterator[tuple[str, str, str]]:
    """One row for each tuner and reason, with the placements that have it."""
    places: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for name, record in records.items():
        case = cases.get(name)
        if case is None or not UNUSUAL & {*record.verdicts}:
            continue
        reason = record.heard[0] if record.heard else record.reason
        other = "" if case.family == case.first_family else f" of {case.family}"
        other += "" if case.dtype == "float32" else f" in {case.dtype}"
        places[case.tuner, reason.partition(": ")[2] or reason][COLUMNS[case.placement] + other] = (
            None
        )
    for (tuner, reason), where in places.items():
        yield tuner, ", ".join(where), reason


def _declared(
    cases: Mapping[str, TunerCase],
    records: Mapping[str, Record],
    known: Mapping[str, Cause],
) -> Iterator[tuple[str, str, str]]:
    met: dict[str, dict[str, None]] = defaultdict(dict)
    for name, record in records.items():
        for entry, (hits, _) in record.known.items():
            if hits and name in cases:
                met[entry][cases[name].tuner] = None
    for entry, tuners in sorted(met.items()):
        story = known[entry].effect if entry in known else ""
        listed = f"{len(tuners)} of {len(TUNERS)}" if len(tuners) > MANY else ", ".join(tuners)
        yield entry, listed, story
