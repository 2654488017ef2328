"""Reading regression files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from conformance.case import Case, CaseError, parse_case
from conformance.loading.case import LoadingCase, parse_loading_case
from conformance.loading.invariants import LOADING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent
FIELDS = ("id", "case", "invariants", "link", "story")


class RegressionError(ValueError):
    """A regression file that cannot be used; one sentence for its author."""


@dataclass(frozen=True)
class Regression:
    """One recorded case, a life or a loading, and the promises it must keep."""

    id: str
    case: Case | LoadingCase
    invariants: tuple[str, ...]
    link: str
    story: str


def read(path: Path, known: frozenset[str]) -> Regression:
    """One file; ``known`` are the ids of all invariants of lives."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        if set(raw) != set(FIELDS):
            raise RegressionError(f"{path.name}: needs exactly the fields {', '.join(FIELDS)}")
        loads = raw["case"].startswith(LoadingCase.__name__)
        case: Case | LoadingCase = (parse_loading_case if loads else parse_case)(raw["case"])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, CaseError) as error:
        raise RegressionError(f"{path.name}: {error}") from None
    unknown = sorted(set(raw["invariants"]) - (frozenset(LOADING) if loads else known))
    if unknown or not raw["invariants"]:
        raise RegressionError(f"{path.name}: no invariant {', '.join(unknown) or 'named'}")
    if raw["id"] != path.stem:
        raise RegressionError(f"{path.name}: its id is {raw['id']!r}, not the file's name")
    if not raw["link"] or not raw["story"]:
        raise RegressionError(f"{path.name}: link and story must say something")
    return Regression(raw["id"], case, tuple(raw["invariants"]), raw["link"], raw["story"])


def read_all(known: frozenset[str], folder: Path = FOLDER) -> tuple[Regression, ...]:
    """All files of the folder, by name."""
    return tuple(read(path, known) for path in sorted(folder.glob("*.toml")))
