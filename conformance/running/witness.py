"""A witness: the case of a declared failure, which must still fail in the declared way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.read import is_development
from conformance.running.outcome import leave

if TYPE_CHECKING:
    from conformance.core.invariant import Invariant
    from conformance.core.record import Record
    from conformance.running.context import Context


def run_witness(entry: KnownFailure, check: Invariant, context: Context, record: Record) -> None:
    """End the item of a witness: an expected failure, or what is fixed."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = "witness", check.id, entry.id
    kind, device = context.kind_of(entry.witness), entry.witness.device
    asked = device in ("cpu", *context.options.devices)
    absent = context.device_absent(device) if asked else f"--device {device} was not asked for"
    why = kind.without(entry.witness) or absent
    if why:
        leave(record, "not run", why)
    seen = context.observed(entry.witness)
    judgement = check.judge(seen)
    if seen.lacks and kind.of_an_extra(entry.witness):
        # an extra that may be left out says nothing of what is fixed
        leave(record, judgement.verdict, judgement.reason)
    if any(entry.covers(check.id, finding, seen) for finding in judgement.findings):
        word = "arguable" if entry.arguable else "known"
        record.result, record.reason = "breaks", f"{word}: {entry.id}"
        record.declared = word
        record.case = kind.written(entry.witness)
        pytest.xfail(f"{word}: {entry.id} ({entry.link}): {entry.story}")
    told = f"the witness of {entry.id} no longer breaks {check.id} ({judgement.verdict})"
    ranges = f"close its range: peft {entry.peft}, transformers {entry.transformers}"
    if entry.arguable:
        # nobody was asked to mend it, and a release that does breaks no promise
        record.result, record.reason = "fixed here", told
        pytest.skip(f"fixed here: {told}; {ranges}")
    if any(map(is_development, ("peft", "transformers"))) and not context.options.strict_known:
        record.result, record.reason = "fixed here", told
        pytest.skip(f"fixed here: {told}; before the next release, {ranges}")
    record.result, record.reason = "breaks", told
    pytest.fail(f"{told}: {ranges}", pytrace=False)
