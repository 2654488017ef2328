"""What is known to be wrong upstream: whether the installed packages have it, by its script."""

from __future__ import annotations

from conformance.causes.cause import Cause
from conformance.core.record import Record
from conformance.running.cause_item import run_cause
from conformance.running.context import Context


def test_cause(cause: Cause, context: Context, record: Record) -> None:
    """The script of a cause breaks here, is kept, or cannot tell; an error of its own fails."""
    __tracebackhide__ = True
    run_cause(cause, context, record)
