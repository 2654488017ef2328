"""Remedies: small diffs against PEFT's source, in force together on a copy of the package.

All are written against one release. Every hunk is found by its own lines, near to where it says, so
that those of several causes meet in one file and other releases take those that still fit.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from conformance.causes.cause import Cause

PACKAGE = "peft"
NEEDS = "unidiff"
EXTRA = "pip install 'peft-conformance[remedies]'"


class RemedyError(ValueError):
    """A remedy that cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Hunk:
    """Lines that become others, with those around them; ``at`` is the first one's number.

    ``lines`` are ``(sign, text)`` as the diff has them: `` ``, ``-`` or ``+``.
    """

    file: str
    at: int
    lines: tuple[tuple[str, str], ...]

    @property
    def before(self) -> list[str]:
        """The lines that it expects."""
        return [text for sign, text in self.lines if sign != "+"]


@dataclass(frozen=True)
class Edit:
    """Lines of a file that are replaced: from ``start`` on, ``gone`` many, by ``new``."""

    start: int
    gone: int
    new: tuple[str, ...]
    cause: str


@dataclass(frozen=True)
class Remedied:
    """What became of remedies: ids of those in force, and why others are not."""

    applied: tuple[str, ...]
    left_out: Mapping[str, str]


def installed() -> Path | None:
    """The folder of the installed package, not imported; None where there is none."""
    found = find_spec(PACKAGE)
    return Path(found.origin).parent if found and found.origin else None


def hunks(patch: Path) -> tuple[Hunk, ...]:
    """The hunks of a diff; raises RemedyError where it cannot be read."""
    if find_spec(NEEDS) is None:
        raise RemedyError(f"remedies need {NEEDS}: {EXTRA} brings it")
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        files = PatchSet(patch.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, UnidiffParseError) as error:
        raise RemedyError(f"{patch} cannot be read as a diff: {error}") from None
    return tuple(
        Hunk(file.path, part.source_start, tuple((one.line_type, one.value) for one in part))
        for file in files
        for part in file
    )


def remedied(causes: Iterable[Cause], package: Path, copy: Path) -> Remedied:
    """Copy a package, and put all remedies on the copy that fit it; raises RemedyError."""
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    fitted = _fitted(causes, package)
    for name, every in fitted.edits.items():
        text = "".join(_edited(fitted.files[name], every))
        (copy.parent / name).write_text(text, encoding="utf-8")
    return Remedied(tuple(fitted.applied), fitted.left_out)


def as_one_patch(causes: Iterable[Cause], package: Path) -> tuple[str, Remedied]:
    """All remedies that fit a package as one diff, one after the other, each under its cause."""
    chosen = {cause.id: cause for cause in causes}
    fitted = _fitted(chosen.values(), package)
    now = {name: list(lines) for name, lines in fitted.files.items()}
    parts = []
    for number, name in enumerate(fitted.applied):
        among = set(fitted.applied[: number + 1])
        part = [f"{name}: {chosen[name].title}\n"]
        for file, every in fitted.edits.items():
            after = _edited(fitted.files[file], [one for one in every if one.cause in among])
            part += difflib.unified_diff(now[file], after, f"a/{file}", f"b/{file}")
            now[file] = after
        parts.append("".join(part))
    return "\n".join(parts), Remedied(tuple(fitted.applied), fitted.left_out)


@dataclass
class _Fitted:
    """Remedies against a package: its files as they are, and the edits of what fits."""

    files: dict[str, list[str]] = field(default_factory=dict)
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    applied: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def _fitted(causes: Iterable[Cause], package: Path) -> _Fitted:
    """The edits of all remedies that fit a package, and why others do not."""
    fitted = _Fitted()
    for cause in causes:
        if cause.remedy is None:
            continue
        found = _edits(cause, cause.remedy, package, fitted.files)
        why = found if isinstance(found, str) else _clash(found, fitted.edits)
        if why or isinstance(found, str):
            fitted.left_out[cause.id] = why
            continue
        fitted.applied.append(cause.id)
        for name, own in found.items():
            fitted.edits.setdefault(name, []).extend(own)
    return fitted


def _edits(
    cause: Cause, patch: Path, package: Path, files: dict[str, list[str]]
) -> dict[str, list[Edit]] | str:
    """The edits of a remedy by file, or why it does not fit."""
    found: dict[str, list[Edit]] = {}
    for hunk in hunks(patch):
        path = package.parent / hunk.file
        if not path.is_file():
            return f"{hunk.file} is not there"
        if hunk.file not in files:
            files[hunk.file] = path.read_text(encoding="utf-8").splitlines(keepends=True)
        start = _place(hunk, files[hunk.file])
        if start is None:
            return f"the lines around {hunk.file}:{hunk.at} are others"
        found.setdefault(hunk.file, []).extend(_within(hunk, start, cause.id))
    return found


def _place(hunk: Hunk, lines: Sequence[str]) -> int | None:
    """Where a hunk's lines stand, the place that is nearest to where it says."""
    before = hunk.before
    places = (
        at
        for at in range(len(lines) - len(before) + 1)
        if list(lines[at : at + len(before)]) == before
    )
    return min(places, key=lambda at: abs(at - (hunk.at - 1)), default=None)


def _within(hunk: Hunk, start: int, cause: str) -> Iterator[Edit]:
    """The changes of a hunk without the lines around them."""
    at, gone, new = start, 0, list[str]()
    for sign, text in (*hunk.lines, (" ", "")):
        if sign == "-":
            gone += 1
        elif sign == "+":
            new.append(text)
        else:
            if gone or new:
                yield Edit(at, gone, tuple(new), cause)
            at, gone, new = at + gone + 1, 0, []


def _clash(found: Mapping[str, Sequence[Edit]], edits: Mapping[str, Sequence[Edit]]) -> str:
    """What of these edits another remedy changes too, in words, or ``""``."""
    for name, own in found.items():
        for one in own:
            for other in edits.get(name, ()):
                if one.start < other.start + other.gone and other.start < one.start + one.gone:
                    return f"{name}:{one.start + 1} is changed by the remedy of {other.cause} too"
    return ""


def _edited(lines: Sequence[str], edits: Iterable[Edit]) -> list[str]:
    """The lines with all edits, from the last to the first, so that no number moves."""
    after = list(lines)
    for edit in sorted(edits, key=lambda one: (one.start, one.cause), reverse=True):
        after[edit.start : edit.start + edit.gone] = edit.new
    return after
