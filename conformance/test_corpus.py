"""What another version saved, loaded here: every promise on every stratum of the corpus."""

from __future__ import annotations

import pytest

from conformance.corpus.manifest import CorpusError
from conformance.corpus.observer import CorpusObserver
from conformance.corpus.runner import run_corpus_item
from conformance.grid import Stratum
from conformance.invariants import Invariant
from conformance.outcome import conclude
from conformance.records import Record
from conformance.session import Session


def test_corpus(stratum: Stratum, promise: Invariant, suite: Session, record: Record) -> None:
    """The promise holds for every kept life of the stratum, known failures apart."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = "corpus", promise.id, stratum.id
    assert isinstance(suite.observer, CorpusObserver)
    try:
        tally = run_corpus_item(stratum, promise, observer=suite.observer, known=suite.known)
    except CorpusError as error:
        record.reason = str(error)
        pytest.fail(str(error), pytrace=False)
    conclude(record, tally, suite.known)
