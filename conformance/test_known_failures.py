"""Declared failures: each witness must still fail, and in the declared way, if not arguable."""

from __future__ import annotations

import pytest

from conformance.invariants import Invariant
from conformance.known_failures import KnownFailure, is_development
from conformance.pipeline.case import PipelineCase
from conformance.records import Record
from conformance.regions import AnyCase
from conformance.session import Session
from conformance.tuners.case import TunerCase


def _needs_an_extra(witness: AnyCase) -> bool:
    """Whether a case is of a package that an environment may do without."""
    if isinstance(witness, TunerCase):
        return bool(witness.what.needs)
    return isinstance(witness, PipelineCase)


def test_witness(entry: KnownFailure, invariant: Invariant, suite: Session, record: Record) -> None:
    """The witness breaks exactly this invariant as declared; fixed upstream means failing here."""
    __tracebackhide__ = True
    record.kind, record.invariant = "witness", invariant.id
    record.stratum = entry.id
    if suite.corpus and entry.witness not in suite.corpus.lives:
        record.result, record.reason = "not run", "the corpus does not hold the witness"
        pytest.skip(f"not run: {record.reason}")
    device = entry.witness.device
    asked = device in ("cpu", *suite.options.devices)
    absent = suite.device_absent(device) if asked else f"--device {device} was not asked for"
    if absent:
        record.result, record.reason = "not run", absent
        pytest.skip(f"not run: {absent}")
    seen = suite.seen(entry.witness)
    judgement = invariant.judge(seen)
    if seen.lacks and _needs_an_extra(entry.witness):
        # an extra that may be left out says nothing of what is fixed
        record.result, record.reason = judgement.verdict, judgement.reason
        pytest.skip(f"{judgement.verdict}: {judgement.reason}")
    if any(entry.covers(invariant.id, finding, seen) for finding in judgement.findings):
        word = "arguable" if entry.arguable else "known"
        record.result, record.reason = "breaks", f"{word}: {entry.id}"
        record.declared = word
        record.case = repr(entry.witness)
        pytest.xfail(f"{word}: {entry.id} ({entry.link}): {entry.story}")
    told = f"the witness of {entry.id} no longer breaks {invariant.id} ({judgement.verdict})"
    ranges = f"close its range: peft {entry.peft}, transformers {entry.transformers}"
    if entry.arguable:
        # nobody was asked to mend it, and a release that does breaks no promise
        record.result, record.reason = "fixed here", told
        pytest.skip(f"fixed here: {told}; {ranges}")
    if any(map(is_development, ("peft", "transformers"))) and not suite.options.strict_known:
        record.result, record.reason = "fixed here", told
        pytest.skip(f"fixed here: {told}; before the next release, {ranges}")
    record.result, record.reason = "breaks", told
    pytest.fail(f"{told}: {ranges}", pytrace=False)
