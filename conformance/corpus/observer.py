"""Observing arrivals once for many promises."""

from __future__ import annotations

from conformance.case import Case
from conformance.corpus.manifest import Corpus
from conformance.invariants.warning import Argues, never
from conformance.observation import Observation
from conformance.observer import Observer


class CorpusObserver(Observer):
    """Arrivals by case; one of each stratum is loaded twice, as lives are lived twice."""

    def __init__(self, corpus: Corpus) -> None:
        def load(case: Case) -> Observation:
            from conformance.corpus.arriving import arrive  # imports torch

            return arrive(corpus, case)

        super().__init__(load)
        self.corpus = corpus

    def verdict(self, case: Case, argues: Argues = never) -> str:
        """None: the verdicts for people are of whole lives."""
        del case, argues
        return ""
