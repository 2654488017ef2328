"""The record: the rows of PEFT's surface, and for each the case of the suite that uses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parents[3] / "docs" / "results" / "surface" / "newest.json"
PACKAGES = ("peft", "transformers")


class SurfaceError(ValueError):
    """A record or a reason that cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Place:
    """Where a row is exercised.

    ``file`` and ``function`` are of the suite; ``through`` is what they call to get there, ``""``
    where they call the thing itself.
    """

    case: str
    file: str
    function: str
    through: str


@dataclass(frozen=True)
class Row:
    """A public function, method, property or option of PEFT."""

    name: str
    group: str
    place: Place | None


@dataclass(frozen=True)
class Record:
    """All rows, with the versions that they are of."""

    versions: Mapping[str, str]
    rows: tuple[Row, ...]

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases that something is shown by, in the order of the rows."""
        return tuple(dict.fromkeys(row.place.case for row in self.rows if row.place))


def read(path: Path = RECORD) -> Record:
    """The record that is kept; raises SurfaceError."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
        cases = raw["cases"]
        rows = [
            Row(name, group, Place(cases[at[0]], *at[1:]) if at else None)
            for group, name, *at in raw["rows"]
        ]
        return Record({name: raw["versions"][name] for name in PACKAGES}, tuple(rows))
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        raise SurfaceError(f"{path} is no record of PEFT's surface") from None


def write(record: Record, path: Path = RECORD) -> None:
    """Keep a record, a line for each case and row."""
    cases = record.cases
    rows = [
        [row.group, row.name, *_placed(row.place, cases)] if row.place else [row.group, row.name]
        for row in record.rows
    ]
    parts = {
        "versions": json.dumps({name: record.versions[name] for name in PACKAGES}),
        "cases": _lines(cases),
        "rows": _lines(rows),
    }
    text = ",\n".join(f'"{name}": {part}' for name, part in parts.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def _placed(place: Place, cases: tuple[str, ...]) -> list[Any]:
    return [cases.index(place.case), place.file, place.function, place.through]


def _lines(values: Any) -> str:
    return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in values) + "\n]"
