"""What scripts said in each environment: recorded there, never typed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.causes.outcomes import BROKEN, KEPT, UNKNOWN, Outcome
from conformance.core.versions import parsed

NOT_LOOKED_AT = "not looked at"
PACKAGES = ("peft", "transformers")


class RecordedError(ValueError):
    """A file of outcomes that cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Environment:
    """A pair of versions, and the outcome of each script there."""

    versions: Mapping[str, str]
    outcomes: Mapping[str, Outcome]

    def result(self, cause: str) -> str:
        """What was recorded of a cause."""
        return self.outcomes[cause].result if cause in self.outcomes else NOT_LOOKED_AT


def write(path: Path, versions: Mapping[str, str], outcomes: Mapping[str, Outcome]) -> None:
    """Record an environment."""
    rows = {name: [one.result, one.output] for name, one in sorted(outcomes.items())}
    of = {name: versions[name] for name in PACKAGES}
    text = json.dumps({"versions": of, "causes": rows}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def add(path: Path, versions: Mapping[str, str], outcomes: Mapping[str, Outcome]) -> None:
    """Record some causes beside those that a file has; raises RecordedError for another's file."""
    before = dict[str, Outcome]()
    if path.exists():
        found = _environment(path)
        if any(found.versions[name] != versions[name] for name in PACKAGES):
            told = " and ".join(f"{name} {found.versions[name]}" for name in PACKAGES)
            raise RecordedError(f"{path} is about {told}, which are not what is installed")
        before.update(found.outcomes)
    write(path, versions, {**before, **outcomes})


def read(folder: Path) -> tuple[Environment, ...]:
    """All recorded environments, oldest PEFT first; raises RecordedError."""
    found = [_environment(path) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(found, key=lambda one: [parsed(one.versions[name]) for name in PACKAGES]))


def _environment(path: Path) -> Environment:
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
        versions = {name: str(raw["versions"][name]) for name in PACKAGES}
        outcomes = {name: Outcome(*row) for name, row in raw["causes"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise RecordedError(f"{path} is no file of recorded causes") from None
    return Environment(versions, outcomes)


@dataclass(frozen=True)
class Span:
    """Versions in a row that have a cause.

    ``since`` is the first of them and ``known`` whether the one before it is free of it; ``until``
    is the last, or empty where that is the newest that was looked at.
    """

    since: str
    known: bool
    until: str

    def __str__(self) -> str:
        start = self.since if self.known else f"{self.since} or before"
        return f"{start} to {self.until}" if self.until else f"since {start}"


def spans(cause: str, package: str, recorded: Sequence[Environment]) -> tuple[Span, ...]:
    """In which versions of a package a script breaks, with any version of the other."""
    by_version: dict[str, set[str]] = {}
    for one in recorded:
        by_version.setdefault(one.versions[package], set()).add(one.result(cause))
    told = {
        version: BROKEN if BROKEN in seen else KEPT if KEPT in seen else UNKNOWN
        for version, seen in by_version.items()
    }
    order = sorted(told, key=parsed)
    looked = [version for version in order if told[version] != UNKNOWN]
    return tuple(_runs(looked, told))


def _runs(looked: Sequence[str], told: Mapping[str, str]) -> Iterable[Span]:
    start: int | None = None
    for at, version in enumerate((*looked, "")):
        broken = bool(version) and told[version] == BROKEN
        if broken and start is None:
            start = at
        if not broken and start is not None:
            yield Span(looked[start], start > 0, "" if not version else looked[at - 1])
            start = None
