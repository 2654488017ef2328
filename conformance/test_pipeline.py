"""A diffusers pipeline: every promise about its text encoder, on every variant of it."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_pipeline(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """The promise holds when this pipeline is saved and loaded, or a cause explains why not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
