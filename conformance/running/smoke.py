"""The shortest look at the installed versions: each family goes through one plain run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.core.case import Case, fits
from conformance.core.documented_errors import rightly_refused
from conformance.running.outcome import leave
from tiny_models.families import BEYOND

if TYPE_CHECKING:
    from conformance.core.record import Record
    from conformance.running.context import Context


def run_family(family: str, context: Context, record: Record) -> None:
    """Pass where a model with LoRA on its body reaches the end, untied where it can be."""
    from conformance.upstream import capabilities  # imports torch: not before an item runs

    __tracebackhide__ = True
    record.kind = "smoke"
    unjudged = capabilities.not_surveyed() if family in BEYOND else ""
    if unjudged:
        leave(record, "not applicable", unjudged)
    tied = not fits(family, "body", tied=False)
    case = Case(tied=tied, placement="body", family=family)
    seen = context.cache(context.kind_of(case))(case, repeats=context.kind_of(case).together(case))
    if seen.lacks:
        leave(record, "not applicable", seen.lacks)
    ended = seen.ended_at()
    if ended is not None and rightly_refused(seen.case, ended):
        leave(record, "not applicable", f"refused: {ended.message}")
    if ended is not None:
        record.result, record.reason = "breaks", f"{ended.stage}: {ended.message}"
        pytest.fail(f"{family} ended at {record.reason}", pytrace=False)
    record.result = "holds"
