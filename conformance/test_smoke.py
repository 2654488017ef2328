"""The shortest look at the installed versions: each family goes through one plain life."""

from __future__ import annotations

import pytest

from conformance.case import Case, fits
from conformance.records import Record
from conformance.refusals import documented
from conformance.session import Session
from tiny_models.families import BEYOND


def test_family_lives(family: str, suite: Session, record: Record) -> None:
    """A model with LoRA on its body reaches the end of its life, untied where it can be."""
    from conformance import compat  # imports torch: not before an item runs

    record.kind = "smoke"
    unjudged = compat.not_surveyed() if family in BEYOND else ""
    if unjudged:
        record.result, record.reason = "not applicable", unjudged
        pytest.skip(f"not applicable: {unjudged}")
    tied = not fits(family, "body", tied=False)
    seen = suite.observer(Case(tied=tied, placement="body", family=family))
    if seen.lacks:
        record.result, record.reason = "not applicable", seen.lacks
        pytest.skip(f"not applicable: {seen.lacks}")
    ended = seen.ended_at()
    if ended is not None and documented(seen.case, ended) is not None:
        record.result, record.reason = "not applicable", f"refused: {ended.message}"
        pytest.skip(f"not applicable: {record.reason}")
    if ended is not None:
        record.result, record.reason = "breaks", f"{ended.stage}: {ended.message}"
        pytest.fail(f"{family} ended at {record.reason}", pytrace=False)
    record.result = "holds"
