"""Known failures: the table is read, and cut to what applies here."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from conformance.core.finding import KINDS as KINDS_OF_FINDING
from conformance.core.finding import Finding
from conformance.core.kind import AnyCase, AnyObservation, parse
from conformance.core.literals import CaseError
from conformance.core.observation import Observation
from conformance.core.versions import installed
from conformance.kinds import KINDS, kind_of
from conformance.kinds.corpus.kind import CORPUS
from conformance.kinds.lifecycle.checks.warnings import losses
from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.regions import FACTS, conditions

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest itself needs it there
    import tomli as tomllib


OURS = Path(__file__).with_name("known_failures.toml")
FIELDS = (
    "id",
    "kind",
    "invariant",
    "finding",
    "peft",
    "transformers",
    "saver_peft",
    "saver_transformers",
    "where",
    "says",
    "witness",
    "link",
    "story",
    "documented",
    "other_side",
)
KINDS_OF_ENTRY = ("bug", "limitation", "arguable")
OF_KIND = {"documented": "limitation", "other_side": "arguable"}
"""Fields that entries of one kind alone have."""
SAVER = ("saver_peft", "saver_transformers")
"""Ranges of the versions that saved; an entry that has one is about loading what they saved."""
RANGES = ("peft", "transformers", *SAVER)
OPTIONAL = ("says", *SAVER, *OF_KIND)


class TableError(ValueError):
    """A table that cannot be used; the message is one sentence for the user."""


def read(path: Path) -> tuple[KnownFailure, ...]:
    """The entries of a table; raises TableError naming the file and what is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not TOML: {error}") from None
    entries = table.get("known", [])
    if set(table) - {"known"} or not isinstance(entries, list):
        raise TableError(f"{path} must hold [[known]] entries and nothing else")
    found = tuple(_entry(path, raw) for raw in entries)
    ids = [entry.id for entry in found]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise TableError(f"{path} declares {', '.join(sorted(twice))} more than once")
    return found


def _entry(path: Path, raw: Any) -> KnownFailure:
    name = raw.get("id", "an entry without id") if isinstance(raw, dict) else "an entry"
    where = f"{path}, {name}"
    required = set(FIELDS) - set(OPTIONAL)
    if not isinstance(raw, dict) or set(raw) - set(FIELDS) or required - set(raw):
        told = f"{', '.join(FIELDS)} ({', '.join(OPTIONAL)} may lack)"
        raise TableError(f"{where}: needs exactly the fields {told}")
    lists = ("invariant", "finding")
    wrong = [key for key in raw if key not in (*lists, "where") and not isinstance(raw[key], str)]
    wrong += [key for key in lists if not all(isinstance(v, str) for v in _strings(raw[key]))]
    if wrong or not isinstance(raw["where"], dict):
        raise TableError(f"{where}: {', '.join(wrong) or 'where'} has a value of the wrong type")
    _check_kind(where, raw)
    kinds = _strings(raw["finding"])
    if set(kinds) - set(KINDS_OF_FINDING):
        raise TableError(f"{where}: finding accepts {', '.join(KINDS_OF_FINDING)}")
    crossing = set(SAVER) & set(raw)
    named = set(_strings(raw["invariant"]))
    try:
        witness: Any = parse(raw["witness"], KINDS)
        promises = CORPUS.checks if crossing else kind_of(witness).checks
        if named - set(promises):
            of = f" with {' and '.join(sorted(crossing))}" if crossing else ""
            raise TableError(f"{where}: invariant{of} accepts {', '.join(promises)}")
        ranges = {name: SpecifierSet(raw[name]) for name in RANGES if name in raw}
        re.compile(raw.get("says", ""))
    except (CaseError, InvalidSpecifier, re.error) as error:
        raise TableError(f"{where}: {error}") from None
    fields = {*witness.__dataclass_fields__, *FACTS}
    denied = [value for value in raw["where"].values() if isinstance(value, dict)]
    if not all(
        len(one) == 1 and isinstance(one.get("not", one.get("has")), list) for one in denied
    ):
        told = '{"not" = [...]} and {"has" = [...]}'
        raise TableError(f"{where}: where accepts values, lists of them, {told}")
    region = conditions(raw["where"])
    if not region or set(region) - fields:
        raise TableError(f"{where}: where needs one or more fields of a case")
    entry = KnownFailure(
        id=raw["id"],
        kind=raw["kind"],
        invariant=_strings(raw["invariant"]),
        finding=kinds,
        **ranges,
        where=region,
        says=raw.get("says", ""),
        witness=witness,
        link=raw["link"],
        story=raw["story"],
        documented=raw.get("documented", ""),
        other_side=raw.get("other_side", ""),
    )
    if not entry.region_has(witness):
        raise TableError(f"{where}: the witness lies outside its own region")
    return entry


def _check_kind(where: str, raw: Mapping[str, Any]) -> None:
    """Raise TableError unless it is a kind, with the fields of that kind."""
    kind = raw["kind"]
    if kind not in KINDS_OF_ENTRY:
        raise TableError(f"{where}: kind accepts {', '.join(KINDS_OF_ENTRY)}, not {kind!r}")
    for name, own in OF_KIND.items():
        if name in raw and kind != own:
            raise TableError(f"{where}: {name} goes with kind {own!r} alone, not with {kind!r}")
    if kind == "arguable" and not raw.get("other_side", "").strip():
        told = "why upstream may call it right"
        raise TableError(f"{where}: an arguable entry needs the field other_side, {told}")


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


@dataclass(frozen=True)
class KnownFailures:
    """The entries in force for the installed versions."""

    entries: tuple[KnownFailure, ...] = ()

    @classmethod
    def load(
        cls,
        extra: tuple[Path, ...] = (),
        saver: Mapping[str, str] | None = None,
        *,
        ours: bool = True,
    ) -> KnownFailures:
        """Ours and the user's own tables, cut to what applies here, or to a saver's files here."""
        every = [entry for path in ((OURS,) * ours + extra) for entry in read(path)]
        return cls(tuple(entry for entry in every if entry.applies_here(saver)))

    @property
    def by_witness(self) -> tuple[KnownFailure, ...]:
        """The entries, those that have a witness in common one after another."""
        order: dict[AnyCase, int] = {}
        for entry in self.entries:
            order.setdefault(entry.witness, len(order))
        return tuple(sorted(self.entries, key=lambda entry: order[entry.witness]))

    def covering(
        self, invariant: str, finding: Finding, seen: AnyObservation
    ) -> tuple[KnownFailure, ...]:
        """The entries that declare this finding; a user's own may repeat one of ours.

        That nobody warned in time follows from what breaks: where all of that is declared, the
        entries that say so declare the missing warning too.
        """
        found = [e for e in self.entries if e.covers(invariant, finding, seen)]
        if isinstance(seen, Observation) and invariant == "trouble-is-announced-early":
            found += self._that_lose(seen)
        return tuple(found)

    def _that_lose(self, seen: Observation) -> list[KnownFailure]:
        """The entries that declare all that a user loses; none where something is undeclared."""
        every = [self.covering(name, finding, seen) for name, finding in losses(seen)]
        return [entry for entries in every for entry in entries] if all(every) else []

    def undeclared(
        self,
        invariant: str,
        findings: Iterable[Finding],
        seen: AnyObservation,
        excuses: Callable[[Finding], bool] = lambda _: True,
    ) -> tuple[tuple[Finding, ...], set[str]]:
        """The findings that nobody declared, and the ids of the entries that declare the others.

        ``excuses`` says of a declared finding whether it is expected where it was found.
        """
        left: list[Finding] = []
        hit: set[str] = set()
        for finding in findings:
            entries = self.covering(invariant, finding, seen)
            hit.update(entry.id for entry in entries)
            if not entries or not excuses(finding):
                left.append(finding)
        return tuple(left), hit

    def argues(self, invariant: str, finding: Finding, seen: AnyObservation) -> bool:
        """Whether this finding is declared arguable, and by nobody as more than that."""
        entries = self.covering(invariant, finding, seen)
        return bool(entries) and all(entry.arguable for entry in entries)

    @property
    def arguable(self) -> KnownFailures:
        """Those that are not agreed to be wrong, which stay declared whatever else fails."""
        return KnownFailures(tuple(entry for entry in self.entries if entry.arguable))

    @cached_property
    def arguable_ids(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(entry.id for entry in self.arguable.entries)

    def regions_of(self, invariant: str, case: AnyCase) -> tuple[str, ...]:
        """Ids of the entries on this invariant whose region has the case."""
        return tuple(e.id for e in self.entries if invariant in e.invariant and e.region_has(case))


def is_development(package: str) -> bool:
    """Whether the installed version is a maintainer's branch and not a release."""
    version = Version(installed(package))
    return version.is_devrelease or version.local is not None
