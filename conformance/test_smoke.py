"""The shortest look at the installed versions: each family goes through one plain run."""

from __future__ import annotations

from conformance.core.record import Record
from conformance.running.context import Context
from conformance.running.smoke import run_family


def test_family_lives(family: str, context: Context, record: Record) -> None:
    """A model with LoRA on its body reaches the end of its run, untied where it can be."""
    __tracebackhide__ = True
    run_family(family, context, record)
