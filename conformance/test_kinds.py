"""The items of a kind of test that has no file of its own here."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_item(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """The promise holds, or a known cause explains why not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
