"""What the items of one run share: options, invariants, known failures, the observer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from conformance import devices
from conformance.corpus.invariants import CORPUS
from conformance.corpus.manifest import CorpusError, read
from conformance.corpus.observer import CorpusObserver
from conformance.invariants import INVARIANTS, Invariant, joined
from conformance.known_failures import KnownFailures, TableError
from conformance.loading.case import LoadingCase
from conformance.loading.invariants import LOADING
from conformance.loading.observer import LoadingObserver
from conformance.mergers.calling import Merger, MergerError
from conformance.mergers.judged import of_a_merger
from conformance.observer import Observer
from conformance.options import OptionError, Options
from conformance.pipeline.case import PipelineCase
from conformance.pipeline.invariants import PIPELINE
from conformance.pipeline.observer import PipelineObserver
from conformance.programs.invariants import PROGRAMS
from conformance.programs.observer import ProgramObserver
from conformance.programs.program import Program
from conformance.quiet import quietly
from conformance.regions import AnyCase
from conformance.tuners.case import TunerCase
from conformance.tuners.invariants import ONLY_TUNERS, TUNER_PROMISES
from conformance.tuners.observer import TunerObserver

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from conformance.case import Case
    from conformance.corpus.manifest import Corpus
    from conformance.grid import Stratum
    from conformance.loading.observation import LoadingObservation
    from conformance.observation import Observation
    from conformance.own.session import OwnLife
    from conformance.programs.observation import ProgramObservation


def import_problem() -> str | None:
    """Why the installed packages cannot be judged at all, in one sentence, or None."""
    for package in ("torch", "transformers", "peft"):
        try:
            with quietly():
                __import__(package)
        except (ImportError, AttributeError, RuntimeError) as error:
            # AttributeError: PEFT 0.18 on transformers 4.45; RuntimeError: lazy imports
            reason = re.sub(r"\S*site-packages/", "(", " ".join(str(error).split()))
            return f"{package} cannot be imported here ({type(error).__name__}: {reason})"
    return None


@dataclass
class Session:
    """One run of the suite."""

    options: Options
    known: KnownFailures
    observer: Observer = field(default_factory=lambda: Observer(_observe))
    loadings: LoadingObserver = field(default_factory=LoadingObserver)
    pipelines: PipelineObserver = field(default_factory=PipelineObserver)
    tuners: TunerObserver = field(default_factory=TunerObserver)
    programs: ProgramObserver = field(default_factory=ProgramObserver)
    own: OwnLife | None = None
    _absent: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, config: pytest.Config) -> Session:
        """Read options and tables; raises OptionError with one sentence."""
        asked = config.getoption("--load-corpus")
        loaded = tuple(joined(LOADING, PIPELINE, PROGRAMS, ONLY_TUNERS))
        lived = (tuple(CORPUS), ()) if asked else (tuple(INVARIANTS), loaded)
        options = Options.of(config, *lived)
        try:
            corpus = read(options.corpus) if options.corpus else None
            saver = corpus.saver if corpus else None
            ours = options.merger is None  # what PEFT gets wrong excuses nobody else
            known = KnownFailures.load(options.tables, saver, ours=ours)
            if not options.use_known:
                known = known.arguable
            if options.merger is not None:
                merger = Merger.named(options.merger)
                return cls(options, known, Observer(partial(_observe, merger=merger)))
        except (TableError, CorpusError) as error:
            raise OptionError(str(error)) from None
        except MergerError as error:
            raise OptionError(f"--merger {error}") from None
        return cls(options, known, CorpusObserver(corpus)) if corpus else cls(options, known)

    def read_own(self) -> None:
        """Read the user's own configuration, if there is one; raises OptionError."""
        from conformance.own.reading import InputError
        from conformance.own.session import OwnLife  # imports transformers

        if self.options.own is None:
            return
        try:
            self.own = OwnLife(*self.options.own, self.known)
        except InputError as error:
            raise OptionError(str(error)) from None

    @property
    def corpus(self) -> Corpus | None:
        """The corpus this run loads, or None where it lives its cases itself."""
        return self.observer.corpus if isinstance(self.observer, CorpusObserver) else None

    @property
    def kept_strata(self) -> tuple[Stratum, ...]:
        """The strata of the corpus's lives that the options choose."""
        if self.corpus is None:
            return ()
        wanted = self.options
        lives = [
            life
            for case, life in self.corpus.lives.items()
            if case.family in wanted.families and wanted.case in (None, case)
        ]
        kept = {life.stratum for life in lives}
        return tuple(stratum for stratum in wanted.strata if stratum.id in kept)

    @property
    def invariants(self) -> Mapping[str, Invariant]:
        """The promises this run judges, before any is chosen."""
        if self.corpus:
            return CORPUS
        lived = of_a_merger(INVARIANTS) if self.options.merger else INVARIANTS
        return joined(lived, LOADING, PIPELINE, PROGRAMS, ONLY_TUNERS)

    @property
    def promises_of_tuners(self) -> tuple[Invariant, ...]:
        """The promises that this run judges of a tuner."""
        chosen = (*self.options.invariants, *self.options.promises)
        return tuple(one for name, one in TUNER_PROMISES.items() if name in chosen)

    @property
    def promises_of_own(self) -> tuple[Invariant, ...]:
        """The promises that this run judges of a user's configuration."""
        if self.own is None:
            return ()
        if self.own.found.adapter.kind != "LORA":
            return self.promises_of_tuners
        return tuple(INVARIANTS[name] for name in self.options.invariants)

    def invariant_of(self, case: AnyCase, name: str) -> Invariant:
        """A promise as it is made of this kind of case."""
        return (TUNER_PROMISES if isinstance(case, TunerCase) else self.invariants)[name]

    def seen(self, case: AnyCase) -> Observation | LoadingObservation | ProgramObservation:
        """The observation of a witness: a life, a loading, a pipeline or a program.

        Not repeated: the grid repeats a case of every stratum, and a witness is in one.
        """
        if isinstance(case, Program):
            return self.programs.within_reach(case, repeat=False)
        if isinstance(case, TunerCase):
            return self.tuners(case, repeat=False)
        if isinstance(case, PipelineCase):
            return self.pipelines(case)
        if isinstance(case, LoadingCase):
            return self.loadings(case)
        return self.observer(case, repeat=False)

    def device_absent(self, device: str) -> str | None:
        """Why items on this device are skipped, or None; asked once."""
        if device not in self._absent:
            self._absent[device] = devices.unavailable(device)
        return self._absent[device]


def _observe(case: Case, merger: Merger | None = None) -> Observation:
    from conformance.life import observe  # imports torch: not before an item runs

    return observe(case, merger)
