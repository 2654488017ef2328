"""The grid on architectures beyond decoders: more members of a tie, other inputs, other tasks."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_architecture(
    kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record
) -> None:
    """The invariant holds for every drawn case of the stratum, or a cause explains why not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
