"""Saved artifacts as a kind of test: what another version saved, loaded here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.core.case import Case, parse_case
from conformance.core.finding import Finding
from conformance.core.invariant import Invariant
from conformance.core.kind import Item
from conformance.core.observation import Observation
from conformance.core.options import OptionError, Options
from conformance.kinds.corpus.checks import CORPUS as CHECKS
from conformance.kinds.corpus.manifest import Corpus, CorpusError, read
from conformance.kinds.lifecycle.kind import LIFECYCLE, Runs


@dataclass(frozen=True)
class SavedArtifacts(Runs[Case]):
    """The lifecycle runs of a corpus; ``corpus`` is what ``--load-corpus`` names."""

    corpus: Corpus | None = None

    name = "corpus"
    case_type = Case
    tests = ("test_corpus",)
    merges = True
    crosses = True

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised of files that cross from one version to another."""
        return CHECKS

    def parse(self, text: str) -> Case:
        """Read ``Case(...)``."""
        return parse_case(text)

    def configured(self, options: Options) -> SavedArtifacts:
        """With the corpus that ``--load-corpus`` names."""
        if options.corpus is None:
            return self
        try:
            return SavedArtifacts(read(options.corpus))
        except CorpusError as error:
            raise OptionError(str(error)) from None

    @property
    def saver(self) -> Mapping[str, str] | None:  # type: ignore[override]
        """The versions that saved the corpus."""
        return self.corpus.saver if self.corpus else None

    def items(self, test: str, options: Options) -> Iterator[Item[Case]]:
        """Each chosen promise on the kept runs of each chosen stratum."""
        if test not in self.tests or self.corpus is None:
            return
        kept: dict[str, list[Case]] = {}
        for case, life in self.corpus.lives.items():
            if case.family in options.families and options.case in (None, case):
                kept.setdefault(life.stratum, []).append(case)
        for stratum in options.strata:
            for check in CHECKS.values():
                if stratum.id in kept and check.id in options.invariants:
                    yield Item(
                        id=f"{stratum.id}-{check.id}",
                        group="corpus",
                        checks=(check,),
                        cases=tuple(kept[stratum.id]),
                        stratum=stratum.id,
                        invariant=check.id,
                        repeats=LIFECYCLE.together,
                    )

    def observe(self, case: Case) -> Observation:
        """Load what is kept of the run."""
        from conformance.kinds.corpus.load import arrive  # imports torch

        assert self.corpus is not None
        return arrive(self.corpus, case)

    def together(self, case: Case) -> tuple[object, ...]:
        """The stratum."""
        return LIFECYCLE.together(case)

    def without(self, case: Case) -> str:
        """Whether a witness is not among what was saved."""
        here = self.corpus is not None and case in self.corpus.lives
        return "" if here else "the corpus does not hold the witness"

    def rerun(self, seen: Observation, invariant: str) -> str:
        """The case by itself, of the same corpus."""
        assert self.corpus is not None
        options = f"--load-corpus {self.corpus.path} --no-known-failures --invariant {invariant}"
        return f'pytest conformance {options} --case "{seen.case!r}"'

    def headings(
        self, check: Invariant, findings: Sequence[Finding], seen: Observation, known: Any
    ) -> Iterator[tuple[str, str]]:
        """Those of every kind, with who saved it and how it is saved again."""
        assert self.corpus is not None
        yield from super().headings(check, findings, seen, known)
        yield "SAVER", self.corpus.saved_by
        yield "SAVE", f'python -m conformance save-corpus DIR --case "{seen.case!r}"'


CORPUS = SavedArtifacts()
