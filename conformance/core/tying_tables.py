"""PEFT's published tables of intended behaviour, row by row.

Source: PEFT documentation, LoRA reference, section "Weight tying" (28 rows, from 0.19 on); the
discussion is PEFT #2864.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.core.case import Case
from conformance.core.placements import ENDS, PLACEMENTS


@dataclass(frozen=True)
class Row:
    """One row: for which placements, and what wrapping must do.

    ``wrapped`` are the roles that carry an adapter afterwards (None: those the placement names),
    ``tied`` whether their adapters are one, ``warns`` and ``raises`` what the user is told.
    """

    table: str
    placements: tuple[str, ...]
    base_tied: bool
    ensure: bool
    wrapped: tuple[str, ...] | None = None
    tied: bool = False
    warns: bool = False
    raises: bool = False

    def covers(self, case: Case) -> bool:
        """Whether this row speaks of the case."""
        stratum = (case.placement in self.placements, case.tied, case.ensure)
        return stratum == (True, self.base_tied, self.ensure)


def _modules(table: str, kind: str) -> tuple[Row, ...]:
    """The eight rows that ``modules_to_save`` and ``target_modules`` have in common."""
    one, two = (f"{kind}:embedding", f"{kind}:head"), (f"{kind}:both",)
    return (
        Row(table, one, base_tied=False, ensure=False),
        Row(table, one, base_tied=False, ensure=True, warns=True),
        Row(table, one, base_tied=True, ensure=False),
        Row(table, one, base_tied=True, ensure=True, wrapped=ENDS, tied=True),
        Row(table, two, base_tied=False, ensure=False),
        Row(table, two, base_tied=False, ensure=True, warns=True),
        Row(table, two, base_tied=True, ensure=False, warns=True),
        Row(table, two, base_tied=True, ensure=True, tied=True),
    )


_TOKENS = "trainable_token_indices"
ROWS: tuple[Row, ...] = (
    *_modules("modules_to_save", "save"),
    *_modules("target_modules", "target"),
    Row(_TOKENS, ("tokens:list",), base_tied=False, ensure=False),
    Row(_TOKENS, ("tokens:list",), base_tied=False, ensure=True, warns=True),
    Row(_TOKENS, ("tokens:list",), base_tied=True, ensure=False, wrapped=ENDS, tied=True),
    Row(_TOKENS, ("tokens:list",), base_tied=True, ensure=True, wrapped=ENDS, tied=True),
    Row(_TOKENS, ("tokens:same",), base_tied=False, ensure=False),
    Row(_TOKENS, ("tokens:same",), base_tied=False, ensure=True, warns=True),
    Row(_TOKENS, ("tokens:same",), base_tied=True, ensure=False, tied=True),
    Row(_TOKENS, ("tokens:same",), base_tied=True, ensure=True, tied=True),
    Row(_TOKENS, ("tokens:different",), base_tied=False, ensure=False),
    Row(_TOKENS, ("tokens:different",), base_tied=False, ensure=True, warns=True),
    Row(_TOKENS, ("tokens:different",), base_tied=True, ensure=False),
    Row(_TOKENS, ("tokens:different",), base_tied=True, ensure=True, raises=True),
)


def row_for(case: Case) -> Row | None:
    """The row that speaks of this case, if the tables have one."""
    return next((row for row in ROWS if row.covers(case)), None)


def wrapped_roles(case: Case, row: Row) -> tuple[str, ...]:
    """Which of embedding and head carry an adapter after wrapping."""
    if row.wrapped is not None:
        return row.wrapped
    return tuple(role for role in ENDS if role in PLACEMENTS[case.placement].touches)
