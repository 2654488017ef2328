"""Reading a user's files: only those named, only JSON, and one sentence for what cannot be read."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MOST_BYTES = 16 * 2**20
"""Of one JSON file: the largest published config is some hundred kilobytes of labels."""
DEEPEST = 40  # levels of lists and mappings inside one another
MOST_VALUES = 2**20
LONGEST = 80  # characters of a user's text that a message repeats


class InputError(ValueError):
    """A user's file that cannot be used; the message is one sentence for them."""


def shown(value: object) -> str:
    """The repr of a user's value on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def named(path: Path) -> str:
    """A user's path on one line, whole: what is cut might be the file's name."""
    return " ".join(repr(str(path)).split())


def on_one_line(error: BaseException | str, longest: int = 200) -> str:
    """What somebody else's error says, on one line, cut where it is long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= longest else f"{text[:longest]}..."


def file_at(given: str, name: str) -> Path:
    """The file a user means by ``given``: itself, or the file ``name`` in that folder.

    A file in a folder may not be a link that leads out of it: only what was named is read.
    """
    path = Path(given)
    try:
        if path.is_dir():
            path = inside(path, name)
        mode = path.stat().st_mode
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{named(path)} cannot be read: {reason}") from None
    if not stat.S_ISREG(mode):
        raise InputError(f"{named(path)} is no regular file")
    return path


def inside(folder: Path, name: str) -> Path:
    """The file ``name`` of a folder; raises InputError where it is a link out of the folder."""
    path = folder / name
    home = folder.resolve()
    if home not in path.resolve().parents:
        raise InputError(
            f"{named(path)} leads out of its folder, and only the folder named is read"
        )
    return path


def read_json(path: Path) -> dict[str, Any]:
    """The mapping that a JSON file holds; raises InputError for everything else."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{named(path)} cannot be read: {error.strerror}") from None
    if len(raw) > MOST_BYTES:
        raise InputError(f"{named(path)} is larger than {MOST_BYTES >> 20} MiB")
    return parse(raw, named(path))


def parse(raw: bytes, what: str) -> dict[str, Any]:
    """A JSON mapping of text keys, moderately deep; ``what`` names it in the sentence."""
    try:
        found = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{what} is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else on_one_line(error)
        raise InputError(f"{what} is not JSON: {reason}") from None
    if not isinstance(found, dict):
        raise InputError(f"{what} holds {type(found).__name__}, not a mapping")
    for count, (path, value) in enumerate(walk(found)):
        if len(path) > DEEPEST or count > MOST_VALUES:
            raise InputError(f"{what} is nested too deeply or holds too many values")
        if isinstance(value, float) and value != value:  # noqa: PLR0124  NaN alone
            raise InputError(f"{what}: {shown('.'.join(path))} is no number")
    return found


def walk(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every value below ``value`` with the keys that lead to it, lists by their positions."""
    waiting = [(path, value)]
    while waiting:
        where, one = waiting.pop()
        yield where, one
        if len(where) > DEEPEST:
            continue
        if isinstance(one, Mapping):
            waiting += [((*where, str(key)), inner) for key, inner in one.items()]
        elif isinstance(one, list):
            waiting += [((*where, str(n)), inner) for n, inner in enumerate(one)]
