"""The table of snippets: for each invariant, what a script does to judge it."""

from __future__ import annotations

from collections.abc import Callable

from conformance.reproducer.writing import Writing

Snippet = Callable[[Writing], str]
SNIPPETS: dict[str, Snippet] = {}

# Why an invariant cannot be reproduced; each is in this table or in the other.
WITHOUT_SNIPPET: dict[str, str] = {}


def snippet(invariant: str) -> Callable[[Snippet], Snippet]:
    """Register the decorated writer of a script's ``main`` for an invariant."""

    def register(writer: Snippet) -> Snippet:
        SNIPPETS[invariant] = writer
        return writer

    return register
