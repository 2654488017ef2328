"""Reading regression files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.core.kind import AnyCase, parse
from conformance.core.literals import CaseError
from conformance.kinds import KINDS, kind_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "regressions"
FIELDS = ("id", "case", "invariants", "link", "story")


class RegressionError(ValueError):
    """A regression file that cannot be used; one sentence for its author."""


@dataclass(frozen=True)
class Regression:
    """One recorded case, of any kind of test, and the invariants it must keep."""

    id: str
    case: AnyCase
    invariants: tuple[str, ...]
    link: str
    story: str


def read(path: Path) -> Regression:
    """One file; raises RegressionError."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        if set(raw) != set(FIELDS):
            raise RegressionError(f"{path.name}: needs exactly the fields {', '.join(FIELDS)}")
        case: Any = parse(raw["case"], KINDS)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, CaseError) as error:
        raise RegressionError(f"{path.name}: {error}") from None
    unknown = sorted(set(raw["invariants"]) - set(kind_of(case).checks))
    if unknown or not raw["invariants"]:
        raise RegressionError(f"{path.name}: no invariant {', '.join(unknown) or 'named'}")
    if raw["id"] != path.stem:
        raise RegressionError(f"{path.name}: its id is {raw['id']!r}, not the file's name")
    if not raw["link"] or not raw["story"]:
        raise RegressionError(f"{path.name}: link and story must say something")
    return Regression(raw["id"], case, tuple(raw["invariants"]), raw["link"], raw["story"])


def read_all(folder: Path = FOLDER) -> tuple[Regression, ...]:
    """All files of the folder, by name."""
    return tuple(read(path) for path in sorted(folder.glob("*.toml")))
