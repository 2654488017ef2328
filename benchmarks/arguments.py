"""Arguments that more than one benchmark takes."""

from __future__ import annotations

from collections.abc import Sequence


def for_pytest(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """A benchmark's own arguments, and what stands behind ``--`` for pytest."""
    if "--" not in words:
        return [*words], []
    where = words.index("--")
    return [*words[:where]], [*words[where + 1 :]]
