"""Items of the suite: which there are, and the record each fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from conformance.invariants import INVARIANTS, Invariant
from conformance.loading.case import LoadingCase, loading_cases
from conformance.loading.invariants import LOADING, concerns
from conformance.outcome import ITEM_RECORD
from conformance.pipeline.case import pipeline_cases
from conformance.pipeline.invariants import PIPELINE
from conformance.plugin import SESSION
from conformance.programs.invariants import PROGRAMS
from conformance.programs.program import Program, ProgramStratum, program_strata
from conformance.records import Record
from conformance.regressions.reader import RegressionError, read_all
from conformance.session import Session
from conformance.strata import covered
from conformance.tuners.case import TunerCase

Cases = Callable[[tuple[str, ...], tuple[str, ...], tuple[str, ...]], Sequence[LoadingCase]]
LOADED: Mapping[str, tuple[Cases, Mapping[str, Invariant]]] = {
    "loading": (loading_cases, LOADING),
    "pipeline": (pipeline_cases, PIPELINE),
}
"""What is loaded, by the name of its fixture: its cases, and what is promised of them."""


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """The record of this item, sent with its report."""
    made = Record(item=request.node.nodeid, kind=request.node.originalname)
    request.node.stash[ITEM_RECORD] = made
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the items: the grid, or one case, and the recorded ones."""
    if SESSION not in metafunc.config.stash:
        return
    suite = metafunc.config.stash[SESSION]
    options, invariants = suite.options, suite.invariants
    names = set(metafunc.fixturenames)
    given = options.case is not None or options.program is not None or suite.own is not None
    single = given or suite.corpus is not None
    if "family" in names:
        metafunc.parametrize("family", () if single else options.families)
    if {"stratum", "promise"} <= names:
        metafunc.parametrize(
            ("stratum", "promise"),
            [
                pytest.param(stratum, invariants[name], id=f"{stratum.id}-{name}")
                for stratum in suite.kept_strata
                for name in options.invariants
            ],
        )
    elif "promise" in names:
        make = _parametrize_loads if names & set(LOADED) else _parametrize_programs
        make(metafunc, suite, single=single or options.merger is not None)
    elif {"stratum", "invariant"} <= names:
        group = metafunc.function.__name__.removeprefix("test_")
        pairs = [
            pytest.param(stratum, invariants[name], id=f"{stratum.id}-{name}")
            for stratum in (() if single else covered(group, options))
            for name in judged_on(stratum.device, suite, options.invariants)
        ]
        metafunc.parametrize(("stratum", "invariant"), pairs)
    elif names & {"case", "own"}:
        _parametrize_one(metafunc, suite)
    elif {"entry", "invariant"} <= names:
        metafunc.parametrize(
            ("entry", "invariant"),
            [
                pytest.param(
                    entry, suite.invariant_of(entry.witness, name), id=f"{entry.id}-{name}"
                )
                for entry in (() if given else suite.known.by_witness)
                for name in entry.invariant
                if name in (*options.invariants, *options.promises)
            ],
        )
    elif {"regression", "invariant"} <= names:
        try:
            recorded = () if single else read_all(frozenset(INVARIANTS))
        except RegressionError as error:
            raise pytest.Collector.CollectError(str(error)) from None
        metafunc.parametrize(
            ("regression", "invariant"),
            [
                pytest.param(one, invariants[name], id=f"{one.id}-{name}")
                for one in recorded
                for name in one.invariants
                if name in (*options.invariants, *options.promises)
            ],
        )


def judged_on(device: str, suite: Session, promises: Sequence[str]) -> Sequence[str]:
    """What is judged on a device; without CUDA one item says so, and not one for each promise."""
    absent = device == "cuda" and suite.device_absent(device)
    return promises[:1] if absent else promises


def _parametrize_one(metafunc: pytest.Metafunc, suite: Session) -> None:
    """Make the items of one case, or of a user's own configuration: every promise."""
    options = suite.options
    if "own" in metafunc.fixturenames:
        promises = suite.promises_of_own
        metafunc.parametrize("own", [pytest.param(one, id=one.id) for one in promises])
        return
    of_a_tuner = isinstance(options.case, TunerCase)
    judged = options.case and not of_a_tuner and suite.corpus is None
    ids = options.invariants if judged else ()
    metafunc.parametrize(
        ("case", "invariant"),
        [pytest.param(options.case, suite.invariants[name], id=name) for name in ids],
    )


def _parametrize_loads(metafunc: pytest.Metafunc, suite: Session, *, single: bool) -> None:
    """Make the items of loading plain models, or of pipelines: each promise that says anything."""
    options = suite.options
    (kind,) = {*metafunc.fixturenames} & {*LOADED}
    cases_of, promises = LOADED[kind]
    cases = () if single else cases_of(options.devices, options.families, options.checkpoints)
    metafunc.parametrize(
        (kind, "promise"),
        [
            pytest.param(case, promises[name], id=f"{case.id}-{name}")
            for case in cases
            for name in judged_on(
                case.device,
                suite,
                [n for n in options.promises if n in promises and concerns(case, promises[n])],
            )
        ],
    )


def _parametrize_programs(metafunc: pytest.Metafunc, suite: Session, *, single: bool) -> None:
    """Make the items of programs: each promise on each stratum, or on the program given."""
    options = suite.options
    kind = "sequences" if "sequences" in metafunc.fixturenames else "program"
    strata = () if single or not options.decoders else program_strata(options.devices)
    cases: list[tuple[Program | ProgramStratum, str]] = [(one, f"{one.id}-") for one in strata]
    if kind == "program":
        cases = [(options.program, "")] if options.program else []
    metafunc.parametrize(
        (kind, "promise"),
        [
            pytest.param(case, PROGRAMS[name], id=f"{start}{name}")
            for case, start in cases
            for name in options.promises
            if name in PROGRAMS
        ],
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the placeholders pytest makes for empty parameter sets."""
    kept = [item for item in items if "NOTSET" not in item.name]
    if len(kept) != len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
