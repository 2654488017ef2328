"""Sequences: every promise about programs, on the programs drawn for each stratum."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_program(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """The promise holds after every step of every drawn program, or a cause explains why not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)


def test_one(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """The promise holds after every step of the one program given."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
