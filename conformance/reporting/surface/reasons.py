"""Why a row is not exercised, or does not count: typed, in ``reasons.toml``, and held by tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from conformance.reporting.surface.record import Row, SurfaceError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True)
class Reason:
    """Rows, as shell-style patterns; one without brackets has the options of what it names too.

    ``outside`` says that they touch no adapter on a model, and do not count.
    """

    why: str
    rows: tuple[str, ...]
    outside: bool = False

    def has(self, name: str) -> bool:
        """Whether it is about a row."""
        return any(fits(pattern, name) for pattern in self.rows)


def fits(pattern: str, name: str) -> bool:
    """Whether a pattern has a row."""
    return fnmatchcase(name if "(" in pattern else name.partition("(")[0], pattern)


@cache
def reasons() -> tuple[Reason, ...]:
    """All of them, in the order of the file; raises SurfaceError."""
    try:
        return tuple(
            Reason(one["why"], tuple(one["rows"]), one.get("outside", False))
            for one in tomllib.loads(FILE.read_text(encoding="utf-8"))["reason"]
        )
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise SurfaceError(f"{FILE} cannot be read: {error}") from None


@dataclass(frozen=True)
class Judged:
    """Rows by what is said of them; ``unsaid`` are those that neither a case nor a reason has."""

    exercised: tuple[Row, ...]
    reasoned: dict[Reason, tuple[Row, ...]]
    unsaid: tuple[Row, ...]

    @property
    def counted(self) -> int:
        """How many rows touch adapters on a model."""
        others = (len(rows) for one, rows in self.reasoned.items() if not one.outside)
        return len(self.exercised) + len(self.unsaid) + sum(others)

    @property
    def share(self) -> float:
        """How much of it is exercised."""
        return len(self.exercised) / self.counted


def judged(rows: Iterable[Row], given: tuple[Reason, ...] | None = None) -> Judged:
    """Each row by what is said of it; what touches no adapter does not count, used or not."""
    given = reasons() if given is None else given
    outside = tuple(one for one in given if one.outside)
    exercised: list[Row] = []
    unsaid: list[Row] = []
    met: dict[Reason, list[Row]] = {}
    for row in rows:
        among = given if row.place is None else outside
        reason = next((one for one in among if one.has(row.name)), None)
        if reason is not None:
            met.setdefault(reason, []).append(row)
        else:
            (unsaid if row.place is None else exercised).append(row)
    ordered = {one: tuple(met[one]) for one in given if one in met}
    return Judged(tuple(exercised), ordered, tuple(unsaid))


def wrong(rows: Iterable[Row], given: tuple[Reason, ...] | None = None) -> list[str]:
    """What of the reasons is not so, a sentence each."""
    rows, found = list(rows), list[str]()
    for one in reasons() if given is None else given:
        for pattern in one.rows:
            mine = [row for row in rows if fits(pattern, row.name)]
            used = [row.name for row in mine if row.place and not one.outside]
            if not mine:
                found.append(f"{pattern} of reasons.toml is nothing that PEFT has")
            elif used:
                found.append(f"{used[0]} is exercised: take {pattern} out of reasons.toml")
    return found
