"""A user's own configuration: every promise on its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.answer import ANSWER
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_own(
    kind: Kind[Any, Any],
    item: Item[Any],
    context: Context,
    record: Record,
    record_property: Callable[[str, object], None],
) -> None:
    """The promise holds for this model with this adapter."""
    __tracebackhide__ = True
    record_property(ANSWER, context.answer)
    run_item(kind, item, context, record)
