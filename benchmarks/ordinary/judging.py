"""Whether a declared bug breaks at an ordinary size what its witness breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from warnings import simplefilter

from packaging.specifiers import SpecifierSet

from benchmarks.ordinary.lives import lived
from benchmarks.ordinary.sizes import FREED, ordinary
from conformance.core.comparison import Comparison
from conformance.core.errors import SuiteError
from conformance.core.invariant import Invariant, joined
from conformance.core.kind import AnyCase, AnyObservation
from conformance.core.versions import installed
from conformance.engine import devices
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.loading.checks import LOADING
from conformance.kinds.pipeline.case import PipelineCase
from conformance.kinds.pipeline.checks import PIPELINE
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.checks import TUNER_PROMISES
from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.read import OURS, KnownFailures, read

BREAKS, HOLDS, OTHERWISE = "breaks there too", "holds there", "breaks otherwise there"
UNJUDGED, UNABLE = "not judged", "cannot be made ordinary"
PROMISES = joined(INVARIANTS, LOADING, PIPELINE, PROGRAMS)


@dataclass(frozen=True)
class Outcome:
    """What became of one promise that an entry says is broken."""

    entry: str
    promise: str
    verdict: str
    told: str = ""


def bugs(table: Path = OURS) -> tuple[KnownFailure, ...]:
    """The declared bugs of the installed versions, whoever saved the files they are about."""
    every = (entry for entry in read(table) if entry.kind == "bug" and _applies(entry))
    return KnownFailures(tuple(every)).by_witness


def _applies(entry: KnownFailure) -> bool:
    if not entry.crosses:
        return entry.applies_here()
    any_saver = replace(entry, saver_peft=SpecifierSet(), saver_transformers=SpecifierSet())
    return any_saver.applies_here({name: installed(name) for name in ("peft", "transformers")})


def outcomes(entries: Sequence[KnownFailure]) -> list[dict[str, Any]]:
    """One outcome for each promise of these entries, which have one witness; plain values."""
    able = [entry for entry in entries if not unable(entry)]
    seen = seen_of(able[0].witness) if able else ""
    return [asdict(_outcome(entry, name, seen)) for entry in entries for name in entry.invariant]


def seen_of(witness: AnyCase) -> AnyObservation | str:
    """The ordinary life of a witness, or why there is none."""
    absent = devices.unavailable(witness.device)
    if absent:
        return absent
    try:
        return lived(ordinary(witness))
    except SuiteError as error:
        return str(error)


def unable(entry: KnownFailure) -> str:
    """Why its witness has no ordinary life, or ``""``."""
    if entry.crosses:
        return "its files are those that another version saved of the tiny model"
    if isinstance(entry.witness, PipelineCase):
        return "a pipeline's adapter is given its values"
    needs = entry.witness.what.needs if isinstance(entry.witness, TunerCase) else ""
    return f"it needs {needs}, which is not installed" if needs and not find_spec(needs) else ""


def _outcome(entry: KnownFailure, name: str, seen: AnyObservation | str) -> Outcome:
    if unable(entry):
        return Outcome(entry.id, name, UNABLE, unable(entry))
    if isinstance(seen, str):
        return Outcome(entry.id, name, UNJUDGED, seen)
    return judged(entry, promise_of(entry.witness, name), seen)


def promise_of(witness: AnyCase, name: str) -> Invariant:
    """A promise as it is made of this kind of case."""
    return (TUNER_PROMISES if isinstance(witness, TunerCase) else PROMISES)[name]


def judged(entry: KnownFailure, promise: Invariant, seen: AnyObservation) -> Outcome:
    """What a promise says of an ordinary life; the region counts but for what was made larger."""
    judgement = promise.judge(seen)
    free = {name: one for name, one in entry.where.items() if name not in FREED}
    wider = replace(entry, where=free)
    for finding in judgement.findings:
        if wider.covers(promise.id, finding, seen):
            return Outcome(entry.id, promise.id, BREAKS, str(finding))
    if judgement.findings:
        return Outcome(entry.id, promise.id, OTHERWISE, str(judgement.findings[0]))
    if judgement.verdict == "holds":
        return Outcome(entry.id, promise.id, HOLDS, _nearest(judgement.comparisons))
    return Outcome(entry.id, promise.id, UNJUDGED, judgement.reason)


def _nearest(compared: Sequence[Comparison]) -> str:
    """The comparison that came nearest to breaking, where any was made."""
    worst = max(compared, key=lambda one: one.amount / one.allowance.breaks, default=None)
    if worst is None:
        return ""
    return f"{worst.what} by {worst.amount:.3g}, allowed {worst.allowance.breaks:.3g}"


def grouped(entries: Sequence[KnownFailure]) -> Iterator[list[KnownFailure]]:
    """The entries by witness, each of which is lived once."""
    for _, several in groupby(entries, key=lambda entry: entry.witness):
        yield list(several)


def found(entries: Sequence[KnownFailure], workers: int) -> Iterator[dict[str, Any]]:
    """The outcomes of these entries, those of one device after another.

    An accelerator has processes of its own: it must be there before torch trains anything, and is
    not to be there when models on the CPU are lived.
    """
    by_device: dict[str, list[list[KnownFailure]]] = {}
    for group in grouped(entries):
        by_device.setdefault(group[0].witness.device, []).append(group)
    for device, groups in by_device.items():
        if (device, workers) == ("cpu", 1):
            for group in groups:
                yield from outcomes(group)
            continue
        with ProcessPoolExecutor(workers, get_context("spawn"), simplefilter, ("ignore",)) as pool:
            for several in pool.map(outcomes, groups):
                yield from several
