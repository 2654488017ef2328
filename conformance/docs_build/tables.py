"""What the docs say of each kind of item beside the grid: tables made from the code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conformance.core.kind import Kind
from conformance.kinds.loading.case import KINDS
from conformance.kinds.pipeline.case import VARIANTS
from conformance.kinds.programs.operations import OPERATIONS
from tiny_models.families import FAMILIES, Family

FEW = 4  # families that a table names as those left out
INVARIANT_HEADS = ("invariant", "what must hold", "source")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def of_a_kind(kind: Kind[Any, Any]) -> str:
    """Every invariant that no other kind has."""
    rows = [(f"`{one.id}`", one.promise, one.source) for one in kind.own_checks.values()]
    return table(INVARIANT_HEADS, rows)


def checkpoints() -> str:
    """Every kind of checkpoint, and the families that have it."""
    rows = [
        (f"`{name}`", kind.text, _of([one for one in FAMILIES.values() if kind.of(one)]))
        for name, kind in KINDS.items()
    ]
    return table(("checkpoint", "what the file holds", "families"), rows)


def _of(entries: Sequence[Family]) -> str:
    """Families in a few words: all, all but some, or their names."""
    names = [one.name for one in entries]
    others = [name for name in FAMILIES if name not in names]
    if len(others) <= FEW:
        return f"all but {', '.join(others)}" if others else "all"
    return ", ".join(names)


def variants() -> str:
    """What becomes of a pipeline's text encoder before it is saved."""
    rows = [(f"`{name}`", variant.text) for name, variant in VARIANTS.items()]
    return table(("variant", "what is saved"), rows)


def operations() -> str:
    """Every step that a program can take."""
    rows = [(f"`{name}`", operation.text) for name, operation in OPERATIONS.items()]
    return table(("step", "what is done"), rows)
