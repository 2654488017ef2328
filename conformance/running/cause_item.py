"""The item of a cause: what its script says of the installed packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.causes.cause import Cause
from conformance.causes.outcomes import BROKEN, KEPT, UNKNOWN
from conformance.core.versions import is_development
from conformance.running.outcome import leave

if TYPE_CHECKING:
    from conformance.core.record import Record
    from conformance.running.context import Context

NO_SCRIPT = "the cause has no script, and is taken at its word"


def run_cause(cause: Cause, context: Context, record: Record) -> None:
    """End the item of a cause: an expected failure where it breaks, else a skip that says why."""
    __tracebackhide__ = True
    record.kind, record.stratum = "cause", cause.id
    if cause.script is None:
        leave(record, "not judged", NO_SCRIPT)
    outcome = context.known.outcome(cause)
    if outcome.result == BROKEN and cause.id in context.known.remedied:
        leave(record, "breaks", f"its remedy is in force: {outcome.output}", fails=True)
    if outcome.result == BROKEN:
        word = "arguable" if cause.arguable else "known"
        record.result, record.reason, record.declared = "breaks", f"{word}: {cause.id}", word
        record.finding = outcome.output
        pytest.xfail(f"{word}: {cause.id} ({cause.link}): {cause.effect} {outcome.output}")
    if outcome.result == KEPT and is_development(cause.package):
        strict = context.options.strict_known
        leave(record, "fixed here", f"{cause.id}: {outcome.output}", fails=strict)
    if outcome.result == KEPT:
        record.result = "holds"
        return
    if outcome.result == UNKNOWN:
        leave(record, "not applicable", f"these versions cannot tell: {outcome.output}")
    leave(record, "error", outcome.reason, fails=True)
