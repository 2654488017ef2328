"""What a log says of a load: the parameters that a line names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conformance.core.observation import Heard

ANYTHING = re.compile("")
MADE_UP = re.compile(r"newly initialized|MISSING", re.IGNORECASE)
"""A line of transformers 4, and one of the table that 5 logs."""


def named(line: str) -> Iterator[str]:
    """Patterns of the parameter names in a line; the report writes ``0`` and ``1`` as {0, 1}."""
    for word in re.findall(r"[A-Za-z_][\w.]*(?:\{[^}]*\}[\w.]*)*", line):
        if "." in word:
            parts = re.split(r"(\{[^}]*\})", word.strip("."))
            yield "".join(
                f"({'|'.join(re.escape(one.strip()) for one in part[1:-1].split(','))})"
                if part.startswith("{")
                else re.escape(part)
                for part in parts
            )


def told_of(
    heard: Iterable[Heard], names: Iterable[str], about: re.Pattern[str] = ANYTHING
) -> tuple[str, ...]:
    """Those of ``names`` that a line of the log names, of the lines ``about`` something."""
    lines = [line for one in heard for line in one.text.splitlines() if about.search(line)]
    told = [pattern for line in lines for pattern in named(line)]
    return tuple(sorted(n for n in names if any(re.fullmatch(pattern, n) for pattern in told)))


def called_missing(heard: Iterable[Heard], names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` that the log calls missing, or newly initialised."""
    return told_of(heard, names, MADE_UP)
