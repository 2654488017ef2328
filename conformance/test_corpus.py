"""What another version saved, loaded here: every promise on every stratum of the corpus."""

from __future__ import annotations

from typing import Any

from conformance.core.kind import Item, Kind
from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.outcome import run_item


def test_corpus(kind: Kind[Any, Any], item: Item[Any], context: Context, record: Record) -> None:
    """The promise holds for every kept run of the stratum, or a known cause explains why not."""
    __tracebackhide__ = True
    run_item(kind, item, context, record)
