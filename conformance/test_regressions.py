"""Recorded cases: each must satisfy the invariants its file names."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_regression(
    kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record
) -> None:
    """The recorded case keeps the promise, or a known cause explains that it does not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
