"""Violations: one exception class an invariant, and under it one a kind of finding.

Hypothesis tells bugs apart by exception type and line, so two promises or two kinds of breach
never share a class: the second would hide behind the first.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
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
    """One broken promise: its kind, what differs and where, by how much against what allowance.

    ``what`` is for people. ``stage`` is the stage of the life at which it is seen, and ``subject``
    what it is about: a tensor by its role (``base head.weight``, ``adapter lora_A of embedding``),
    else the name of a module, a key, a file, a flag or a field; empty where it is about the whole.
    """

    kind: str
    what: str
    amount: float | None = None
    allowance: float | None = None
    stage: str = ""
    subject: str = ""

    def __str__(self) -> str:
        if self.amount is None:
            return f"{self.kind}: {self.what}"
        return f"{self.kind}: {self.what} by {self.amount:.3g}, allowed {self.allowance:.3g}"


OF_AN_ADAPTER = "adapter "
"""How the subject of a finding begins where it is a tensor of an adapter."""


def of_an_adapter(subject: str) -> bool:
    """Whether a finding with this subject is about a tensor of an adapter."""
    return subject.startswith(OF_AN_ADAPTER)


def tensor_subject(name: str, roles: Mapping[str, str]) -> str:
    """The subject of a finding about a tensor; an adapter's is written ``<module> <part>``.

    ``roles`` are those of modules by name, for what has the same role has another name in another
    model.
    """
    module, _, part = name.partition(" ")
    if part:
        return f"{OF_AN_ADAPTER}{part} of {roles.get(module, module)}"
    module, _, part = name.rpartition(".")
    return f"base {roles[module]}.{part}" if module in roles else f"base {name}"


class Violation(AssertionError):  # noqa: N818  what it is, not that it is an error
    """A broken promise, on its way to pytest.

    Beside its text it carries what a record keeps: the invariant's id, the case as it is written,
    the first finding, and the causes that come nearest to explaining it.
    """

    invariant: str = ""
    case: str = ""
    finding: Finding | None = None
    nearest: str = ""


def alike(invariant: str, finding: Finding) -> Hashable:
    """What findings of an invariant have in common that one bug explains: all but the amount."""
    return invariant, finding.kind, finding.stage, finding.subject


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
