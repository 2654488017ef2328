"""The page of known failures: bugs, documented limitations, and what is arguable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from conformance.docs_build.tables import table
from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.read import OURS, read

PAGE = """# Known failures

What is declared of PEFT and transformers, with the versions that have it: {counts}.
Made from [known_failures.toml](../conformance/known_failures/known_failures.toml), which also holds
the region of each and a witness.

{parts}
"""

COLUMNS: Mapping[str, Callable[[KnownFailure], str]] = MappingProxyType(
    {
        "known failure": lambda entry: f"`{entry.id}`",
        "story": lambda entry: entry.story,
        "documented": lambda entry: entry.documented,
        "why it may be right": lambda entry: entry.other_side,
        "PEFT": lambda entry: _range(entry.peft, entry.saver_peft),
        "transformers": lambda entry: _range(entry.transformers, entry.saver_transformers),
        "link": lambda entry: entry.link,
    }
)
"""Every column of the three tables, by its head."""
ALL = tuple(name for name in COLUMNS if name not in ("documented", "why it may be right"))

PARTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "bug": ("Bugs", "What is wrong by any reading.", ALL),
        "limitation": (
            "Limitations",
            (
                "What upstream says itself: by a warning when the adapter is put on, or in its "
                "documentation, which is quoted. It is a loss all the same."
            ),
            (*ALL[:2], "documented", *ALL[2:]),
        ),
        "arguable": (
            "Arguable",
            (
                "What can be seen and is not agreed to be wrong, with both sides. It fails no run, "
                "makes no verdict worse, and may be gone in any release."
            ),
            (*ALL[:2], "why it may be right", *ALL[2:]),
        ),
    }
)
"""The parts of the page by kind: heading, what they are, and the columns of their tables."""


def known_failures() -> str:
    """The page."""
    entries = read(OURS)
    of_kind = {kind: [one for one in entries if one.kind == kind] for kind in PARTS}
    told = {"bug": "bugs", "limitation": "limitations", "arguable": "arguable"}
    counted = [f"{len(found)} {told[kind]}" for kind, found in of_kind.items()]
    return PAGE.format(
        counts=f"{', '.join(counted[:-1])} and {counted[-1]}",
        parts="\n\n".join(_part(kind, found) for kind, found in of_kind.items()),
    )


def _part(kind: str, entries: Sequence[KnownFailure]) -> str:
    heading, what, columns = PARTS[kind]
    rows = [[COLUMNS[name](entry) for name in columns] for entry in entries]
    return f"## {heading}\n\n{what}\n\n{table(columns, rows)}"


def _range(here: object, saver: object) -> str:
    """A range as text; beside it the saver's, where it is about what another version saved."""
    return (str(here) or "any") + (f", saved by {saver}" if str(saver) else "")
