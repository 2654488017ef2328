"""Other tuners: every promise on every tuner of PEFT, and on the variants of LoRA."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_tuner(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """Every promise holds in this run, or a known cause explains why not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)


def test_without_life(
    kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record
) -> None:
    """A tuner that no run is made of has a row all the same, with the reason."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
