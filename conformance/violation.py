"""Violations: one exception class an invariant, and under it one a kind of finding.

Hypothesis tells bugs apart by exception type and line, so two promises or two kinds of breach
never share a class: the second would hide behind the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

KINDS = (
    "wrong-value",
    "lost-tie",
    "gained-tie",
    "wrong-flag",
    "missing-key",
    "extra-key",
    "wrong-dtype",
    "wrong-device",
    "wrong-type",
    "wrong-trainable",
    "not-announced",
    "late-warning",
    "false-report",
    "left-behind",
    "not-repeatable",
    "changed-input",
    "unexpected-error",
    "missing-warning",
    "missing-error",
)


@dataclass(frozen=True)
class Finding:
    """One broken promise: its kind, what differs and where, by how much against what allowance."""

    kind: str
    what: str
    amount: float | None = None
    allowance: float | None = None

    def __str__(self) -> str:
        if self.amount is None:
            return f"{self.kind}: {self.what}"
        return f"{self.kind}: {self.what} by {self.amount:.3g}, allowed {self.allowance:.3g}"


class Violation(AssertionError):  # noqa: N818  what it is, not that it is an error
    """A broken promise, on its way to pytest.

    Beside its text it carries what a record keeps: the invariant's id, the case as it is written,
    and the first finding.
    """

    invariant: str = ""
    case: str = ""
    finding: Finding | None = None


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


@cache
def invariant_class(invariant: str) -> type[Violation]:
    """The class of all violations of one invariant."""
    return type(_camel(invariant), (Violation,), {})


@cache
def violation_class(invariant: str, kind: str) -> type[Violation]:
    """The class of one kind of violation of one invariant."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of finding {kind!r}; known are {', '.join(KINDS)}")
    parent = invariant_class(invariant)
    return type(f"{parent.__name__}_{_camel(kind)}", (parent,), {})
