"""Other tuners: every promise on every tuner of PEFT, and on the variants of LoRA."""

from __future__ import annotations

import pytest

from conformance.outcome import conclude, require, tallied
from conformance.plugin import SESSION
from conformance.records import Record
from conformance.session import Session
from conformance.tuners.case import TunerCase
from conformance.tuners.items import parametrize_tuners
from conformance.tuners.runner import judge_tuner


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the items of this module."""
    if SESSION in metafunc.config.stash:
        parametrize_tuners(metafunc, metafunc.config.stash[SESSION])


def test_tuner(tuner: TunerCase, suite: Session, record: Record) -> None:
    """Every promise holds in this life, known failures apart."""
    __tracebackhide__ = True
    record.kind, record.stratum = "tuner", tuner.id
    require(tuner.device, suite, record)
    with tallied(record) as tally:
        judge_tuner(tuner, suite.promises_of_tuners, suite.tuners, suite.known, tally)
    ended = suite.tuners(tuner).ended_at()
    if ended is not None:
        record.heard = [f"{ended.stage}: {ended.message}"]
    conclude(record, tally, suite.known)


def test_without_life(kind: str, why: str, record: Record) -> None:
    """A tuner that no life is made of has a row all the same, with the reason."""
    record.kind, record.stratum = "tuner", kind
    record.result, record.reason = "not applicable", why
    pytest.skip(f"not applicable: {why}")
