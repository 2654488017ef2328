"""Reading a results file: the cell it tells of, or one sentence on what is wrong with it."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from conformance.core.record import DECLARED, RESULTS, SELDOM, Record
from conformance.reporting.results import files
from conformance.reporting.results_file import FORMAT

GRID = ("seed", "examples", "families", "invariants", "strata")
"""Header fields that must agree before two cells can be compared."""
HEADER = {
    "versions": dict,
    "devices": list,
    "profile": str,
    "examples": int,
    "seed": int,
    "families": list,
    "invariants": list,
    "strata": list,
    "commit": (str, type(None)),
    "started": str,
}
_TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float | None": (int, float, type(None)),
    "list[str]": list,
    "list[dict[str, str]]": list,
}
RECORD = {field.name: _TYPES.get(str(field.type), dict) for field in fields(Record)}
PLAIN = {name: kinds for name, kinds in RECORD.items() if name not in SELDOM}
EXACT = {
    name: frozenset(kinds if isinstance(kinds, tuple) else (kinds,))
    for name, kinds in PLAIN.items()
}
LISTS = tuple(name for name, kinds in PLAIN.items() if kinds is list)
VIOLATION = {"invariant": str, "finding": str, "case": str}
REQUIRED = ("item", "kind", "result")


class ResultsError(ValueError):
    """A results file that cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Run:
    """What one results file holds.

    ``footer`` is None where the run was interrupted before it could write one.
    """

    path: Path
    header: Mapping[str, Any]
    records: tuple[Record, ...]
    footer: Mapping[str, Any] | None

    @property
    def interrupted(self) -> str:
        """What became of a run that did not come to its end, or nothing."""
        if self.footer is None:
            return "it was killed: the file has no footer"
        return "it was interrupted" if self.footer["exit"] == INTERRUPTED else ""

    @property
    def import_problem(self) -> str:
        """Why the versions of this cell could not be judged at all, or nothing."""
        return next((one.reason for one in self.records if one.kind == "import"), "")


INTERRUPTED = 2  # pytest's exit status after Ctrl-C


def read(path: Path) -> Run:
    """Read a results file; of a killed run, all lines that were finished."""
    header, *lines = _lines(path)
    number, head = header
    if head.get("type") != "header":
        raise ResultsError(f"{path} has no header: it is not a results file of this suite")
    if head.get("format") != FORMAT:
        told = head.get("format", "none")
        raise ResultsError(f"{path} has the format {told}, and this report reads {FORMAT}")
    _check(path, number, head, HEADER, HEADER)
    records: list[Record] = []
    footer: Mapping[str, Any] | None = None
    for number, line in lines:
        if footer is not None:
            raise ResultsError(f"{path}, line {number}: there is more after the footer")
        if line.get("type") == "footer":
            _check(path, number, line, {"exit": int, "items": int}, ("exit", "items"))
            footer = line
        elif line.get("type") == "item":
            records.append(_record(path, number, line))
        else:
            raise ResultsError(f"{path}, line {number} is neither an item nor the footer")
    if footer is not None and footer["items"] != len(records):
        told = f"its footer counts {footer['items']} items and it holds {len(records)}"
        raise ResultsError(f"{path} is not whole: {told}")
    return Run(path, head, tuple(records), footer)


@contextmanager
def many() -> Iterator[None]:
    """Read many files inside: Python's collector of cycles would look for none, again and again.

    Of a whole matrix's half a million records it takes a third of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        *found, rest = files.content(path).split(b"\n")
    except files.DamagedError as error:
        raise ResultsError(f"{path} {error}") from None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}") from None
    if not found and not rest:
        raise ResultsError(f"{path} is empty: the run ended before it began")
    # what a killed run was writing when it was killed has no line end, and is not read
    for number, line in enumerate(found or [rest], 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise ResultsError(f"{path}, line {number} is not JSON") from None
        if not isinstance(value, dict):
            raise ResultsError(f"{path}, line {number} is not a JSON object")
        yield number, value


def _record(path: Path, number: int, line: Mapping[str, Any]) -> Record:
    if not _plainly_well_typed(line):  # most lines are: there are hundreds of thousands
        _check(path, number, line, PLAIN, REQUIRED)
    if line["result"] not in RESULTS:
        raise ResultsError(f"{path}, line {number}: there is no result {line['result']!r}")
    for violation in _violations(path, number, line):
        _check(path, number, violation, VIOLATION, VIOLATION)
    counts = line.get("known", {}).values()
    if not all(isinstance(pair, list) and [type(n) for n in pair] == [int, int] for pair in counts):
        raise ResultsError(f"{path}, line {number}: 'known' must map ids to two counts")
    if not all(type(count) is int for count in line.get("verdicts", {}).values()):
        raise ResultsError(f"{path}, line {number}: 'verdicts' must map verdicts to counts")
    fields = {name: value for name, value in line.items() if name in RECORD}
    fields["declared"] = _declared(path, number, line)
    return Record(**fields)


def _declared(path: Path, number: int, line: Mapping[str, Any]) -> str:
    """What the line says is declared; files of before this was a field say it in the reason."""
    told = line.get("declared")
    if told is None:
        reason = line.get("reason", "") if line["result"] == "breaks" else ""
        return next((word for word in DECLARED if reason.startswith(f"{word}: ")), "")
    if told not in ("", *DECLARED):
        raise ResultsError(f"{path}, line {number}: nothing is declared {told!r}")
    return str(told)


def _violations(path: Path, number: int, line: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = line.get("violations", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ResultsError(f"{path}, line {number}: 'violations' must list objects")
    return found


def _plainly_well_typed(line: Mapping[str, Any]) -> bool:
    """Whether every field is there, of exactly its type: what ``_check`` finds more slowly."""
    return (
        line.keys() >= EXACT.keys()
        and all(type(line[name]) in kinds for name, kinds in EXACT.items())
        and all(type(part) is str for name in LISTS for part in line[name])
    )


def _check(
    path: Path, number: int, line: Mapping[str, Any], types: Mapping[str, Any], required: Any
) -> None:
    absent = [name for name in required if name not in line]
    if absent:
        raise ResultsError(f"{path}, line {number} lacks {', '.join(map(repr, absent))}")
    for name, kind in types.items():
        value = line.get(name)
        if name in line and (not isinstance(value, kind) or isinstance(value, bool)):
            raise ResultsError(f"{path}, line {number}: {name!r} has a value of the wrong type")
        if isinstance(value, list) and not all(isinstance(part, str) for part in value):
            raise ResultsError(f"{path}, line {number}: {name!r} must hold strings")
    versions = line.get("versions", {}) if "versions" in types else {}
    wanted = ("peft", "transformers") if "versions" in types else ()
    if not all(isinstance(versions.get(name), str) for name in (*wanted, *versions)):
        raise ResultsError(f"{path}, line {number}: 'versions' must give peft and transformers")


def same_grid(runs: list[Run]) -> None:
    """Raise ResultsError unless all cells covered the same grid with the same cases."""
    first = runs[0]
    for run in runs[1:]:
        differs = [name for name in GRID if run.header[name] != first.header[name]]
        if differs:
            told = f"they differ in {' and '.join(differs)}"
            raise ResultsError(f"{first.path} and {run.path} do not cover the same grid: {told}")
