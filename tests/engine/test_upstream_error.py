"""What is kept of an upstream error is the same in every process."""

from __future__ import annotations

import pytest

from conformance.engine.upstream_error import said


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (
            "shared [{'b.weight', 'a.weight'}, {'c'}] here",
            "shared [{'a.weight', 'b.weight'}, {'c'}] here",
        ),
        ("{'b', 'a'} of {'d', 'c'}", "{'a', 'b'} of {'c', 'd'}"),
        ("a mapping {'b': 1, 'a': 2}", "a mapping {'b': 1, 'a': 2}"),
        ("  no set  ", "no set"),
    ],
)
def test_sets_of_names_are_sorted(message: str, kept: str) -> None:
    assert said(ValueError(message)) == kept
