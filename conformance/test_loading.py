"""Loading: every promise on every form of checkpoint of every family, no adapter involved."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_loading(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """The promise holds when this checkpoint is loaded, or a known cause explains why not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
