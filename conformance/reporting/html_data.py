"""What the page's script knows: every item of every cell, each text kept once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.causes.cause import Cause
from conformance.core.record import Record
from conformance.core.verdict import EVERY, MEANINGS, RESULT_MEANINGS, RESULT_SIGNS
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import deciding
from conformance.reporting.environments import Cell, since
from conformance.reporting.summary import label

PACKAGES = ("peft", "transformers", "torch", "python")
ABSENT = "."
"""What stands for an item of which there is no record."""


class Texts:
    """Texts by number, each once: cases, warnings and reasons repeat from cell to cell."""

    def __init__(self) -> None:
        self.every: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        if text not in self._numbers:
            self._numbers[text] = len(self.every)
            self.every.append(text)
        return self._numbers[text]


def payload(
    cells: Sequence[Cell], strata: Sequence[str], known: Mapping[str, Cause]
) -> dict[str, Any]:
    """Plain values for JSON, small: results are one letter an item, details lists of numbers."""
    texts = Texts()
    covered = {name for cell in cells for name in cell.run.header["invariants"]}
    names = [name for name in INVARIANTS if name in covered]
    letters = {name: chr(ord("a") + number) for number, name in enumerate(RESULT_SIGNS)}
    made = [_cell(cell, cells, strata, names=names, letters=letters, texts=texts) for cell in cells]
    met = {name for cell in cells for record in cell.run.records for name in record.known}
    return {
        "signs": EVERY,
        "meanings": {**RESULT_MEANINGS, **MEANINGS},
        "letters": {letter: name for name, letter in letters.items()},
        "strata": list(strata),
        "deciding": [names.index(name) for name in deciding() if name in names],
        "invariants": [[name, INVARIANTS[name].promise] for name in names],
        "known": {
            name: [known[name].severity, known[name].effect, known[name].link]
            for name in sorted(met & set(known))
        },
        "cells": made,
        "texts": texts.every,
    }


def _cell(
    cell: Cell,
    cells: Sequence[Cell],
    strata: Sequence[str],
    *,
    names: Sequence[str],
    letters: Mapping[str, str],
    texts: Texts,
) -> dict[str, Any]:
    squares, results, details = [], [], []
    for stratum in strata:
        square = cell.square(stratum)
        items = cell.items.get(stratum, {})
        squares.append(
            square
            and [
                square.verdict,
                square.share,
                since(cell, stratum, cells),
                texts.number(square.reason),
                square.lives or {},
            ]
        )
        results.append("".join(_letter(items.get(name), letters) for name in names))
        found = {
            number: _detail(items[name], texts)
            for number, name in enumerate(names)
            if name in items and label(items[name]) != "holds"
        }
        details.append(found)
    return {
        "name": cell.name,
        "versions": {name: cell.version(name) for name in PACKAGES},
        "problem": cell.run.import_problem or cell.run.interrupted,
        "squares": squares,
        "results": results,
        "details": details,
    }


def _letter(record: Record | None, letters: Mapping[str, str]) -> str:
    return letters[label(record)] if record else ABSENT


def _detail(record: Record, texts: Texts) -> list[Any]:
    """Why, case, worst, allowance, warnings, causes with counts; empty ends cut off."""
    # the ids of causes are told by themselves
    reason = "" if record.declared else record.reason
    found: list[Any] = [
        texts.number(record.finding or reason),
        texts.number(record.case) if record.case else None,
        _rounded(record.worst),
        _rounded(record.allowance),
        [texts.number(text) for text in record.heard] or None,
        {name: counts for name, counts in record.known.items() if counts[0]} or None,
    ]
    while found and found[-1] is None:
        found.pop()
    return found


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else float(f"{amount:.3g}")
