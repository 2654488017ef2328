"""Causes are read: ours, one folder each, and those of a file that a user names."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.causes.cause import PACKAGES, SEVERITIES, STANDS, Cause, Explained
from conformance.causes.facts import expression
from conformance.causes.when import WhenError
from conformance.core.finding import KINDS as KINDS_OF_FINDING
from conformance.kinds import KINDS

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest itself needs it there
    import tomli as tomllib

OURS = Path(__file__).parent
CAUSE, SCRIPT, REMEDY = "cause.toml", "script.py", "remedy.patch"
WORDS = (
    "title",
    "effect",
    "severity",
    "stands",
    "package",
    "function",
    "at",
    "link",
    "searched",
    "quote",
    "other_side",
    "wide",
    "when",
)
OPTIONAL = ("searched", "quote", "other_side", "wide", "at")
OF_STANDING = {"documented": "quote", "arguable": "other_side"}
"""The field that a cause needs which is not simply confirmed."""
NARROWED = ("kind", "stage", "subject", "when", "behind")
OLD_FORM = (
    "is a table of the form before causes: write each [[known]] as a [[cause]], its where as a "
    "when, its invariant and finding under explains (docs/other-projects.md shows both)"
)


class CauseError(ValueError):
    """A cause that cannot be used; the message is one sentence that names file and field."""


def ours() -> tuple[Cause, ...]:
    """Our own causes, by id; raises CauseError."""
    return tuple(one(path.parent) for path in sorted(OURS.glob(f"*/{CAUSE}")))


def check_what_hides(causes: Sequence[Cause], files: Mapping[str, Path]) -> None:
    """Raise CauseError where a ``behind`` names no cause of these.

    ``files`` are those of a user's causes, by id.
    """
    ids = {"", *(cause.id for cause in causes)}
    for cause in causes:
        where = f"{files.get(cause.id, OURS / cause.id / CAUSE)}, {cause.id}"
        for name, each in cause.explains.items():
            for one in each:
                if one.behind not in ids:
                    raise CauseError(
                        f"{where}: explains.{name}.behind names no cause: {one.behind!r}"
                    )


def one(folder: Path) -> Cause:
    """The cause of one folder; raises CauseError."""
    path = folder / CAUSE
    script, remedy = folder / SCRIPT, folder / REMEDY
    return _cause(
        path,
        folder.name,
        _toml(path),
        script if script.exists() else None,
        remedy if remedy.exists() else None,
    )


def read(path: Path) -> tuple[Cause, ...]:
    """The causes of a user's file of ``[[cause]]`` tables; raises CauseError."""
    table = _toml(path)
    if "known" in table:
        raise CauseError(f"{path} {OLD_FORM}")
    rows = table.get("cause", [])
    if set(table) - {"cause"} or not isinstance(rows, list):
        raise CauseError(f"{path} must hold [[cause]] tables and nothing else")
    found = []
    for raw in rows:
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
            raise CauseError(f"{path}: each cause needs an id, a word in quotes")
        name, script = raw.pop("id"), raw.pop("script", None)
        if script is not None and not isinstance(script, str):
            raise CauseError(f"{path}, {name}: script accepts the name of a file beside it")
        beside = path.parent / script if script else None
        if beside and not beside.is_file():
            raise CauseError(f"{path}, {name}: script names {script}, which is not there")
        found.append(_cause(path, name, raw, beside, None))
    ids = [cause.id for cause in found]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise CauseError(f"{path} has {', '.join(twice)} more than once")
    return tuple(found)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CauseError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CauseError(f"{path} is not TOML: {error}") from None


def _cause(
    path: Path, name: str, raw: Mapping[str, Any], script: Path | None, remedy: Path | None
) -> Cause:
    where = f"{path}, {name}" if path.name != CAUSE else f"{path}"
    fields = {*WORDS, "explains"}
    unknown = sorted(set(raw) - fields)
    if unknown:
        raise CauseError(f"{where}: unknown field {unknown[0]}; accepted are {_listed(fields)}")
    missing = [field for field in (*WORDS, "explains") if field not in {*raw, *OPTIONAL}]
    if missing:
        raise CauseError(f"{where}: the field {missing[0]} is missing")
    for field in WORDS:
        if not isinstance(raw.get(field, ""), str):
            raise CauseError(f"{where}: {field} accepts a text in quotes")
    # a user's may be of a package of theirs
    packages = PACKAGES if path.name == CAUSE else (raw["package"],)
    for field, accepted in (("severity", SEVERITIES), ("stands", STANDS), ("package", packages)):
        if raw[field] not in accepted:
            raise CauseError(f"{where}: {field} accepts {_listed(accepted)}, not {raw[field]!r}")
    for standing, field in OF_STANDING.items():
        if bool(raw.get(field, "").strip()) != (raw["stands"] == standing):
            raise CauseError(f"{where}: stands = {standing!r} and the field {field} go together")
    if (raw["link"] == "unreported") != bool(raw.get("searched", "").strip()):
        raise CauseError(f"{where}: searched goes with link = 'unreported', and with it alone")
    return Cause(
        id=name,
        script=script,
        remedy=remedy,
        when=_when(f"{where}: when", raw["when"]),
        explains=_explains(where, raw["explains"]),
        **{field: " ".join(raw.get(field, "").split()) for field in WORDS if field != "when"},
    )


def _when(where: str, text: Any) -> Any:
    if not isinstance(text, str):
        raise CauseError(f"{where} accepts an expression in quotes")
    try:
        return expression(text)
    except WhenError as error:
        raise CauseError(f"{where}: {error}") from None


def _explains(where: str, raw: Any) -> Mapping[str, tuple[Explained, ...]]:
    if not isinstance(raw, dict) or not raw:
        raise CauseError(f"{where}: explains accepts a table of invariants and kinds of finding")
    accepted = [name for kind in KINDS for name in kind.checks]
    found = {}
    for name, written in raw.items():
        if name not in accepted:
            raise CauseError(
                f"{where}: explains has no invariant {name!r}; accepted are "
                f"{_listed(dict.fromkeys(accepted))}"
            )
        each = written if isinstance(written, list) else [written]
        found[name] = tuple(_explained(f"{where}: explains.{name}", item) for item in each)
    return found


def _explained(where: str, raw: Any) -> Explained:
    narrowed = {"kind": raw} if isinstance(raw, str) else raw
    if not isinstance(narrowed, dict) or set(narrowed) - set(NARROWED) or "kind" not in narrowed:
        raise CauseError(f"{where} accepts a kind of finding, or a table of {_listed(NARROWED)}")
    if not all(isinstance(value, str) for value in narrowed.values()):
        raise CauseError(f"{where} accepts texts in quotes")
    if narrowed["kind"] not in KINDS_OF_FINDING:
        told = _listed(KINDS_OF_FINDING)
        raise CauseError(
            f"{where} has no kind of finding {narrowed['kind']!r}; accepted are {told}"
        )
    when = narrowed.get("when")
    return Explained(
        narrowed["kind"],
        narrowed.get("stage", "*"),
        narrowed.get("subject", "*"),
        None if when is None else _when(f"{where}.when", when),
        narrowed.get("behind", ""),
    )


def _listed(words: Sequence[str] | set[str] | Mapping[str, Any]) -> str:
    return ", ".join(sorted(words) if isinstance(words, set) else words)
