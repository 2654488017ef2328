"""Observing: a case is lived, and the facts are written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.core.case import Case
from conformance.core.observation import (
    Observation,
)
from conformance.engine.devices.deterministic import repeatable
from conformance.kinds.lifecycle.branches import BRANCHES
from conformance.kinds.lifecycle.merge_code.load import Merger
from conformance.kinds.lifecycle.merge_code.method import Elsewhere
from conformance.kinds.lifecycle.run import Life, MergeMethod
from conformance.kinds.lifecycle.save_load_variants import WAYS, elsewhere
from conformance.kinds.lifecycle.subject import Subject
from conformance.upstream import calls as upstream_calls
from conformance.upstream import capabilities


def observe(case: Case, merger: Merger | None = None) -> Observation:
    """The facts of one life: a pure function of the case and the installed versions.

    Raises SuiteError where the suite itself is at fault; what upstream raises is part of the
    observation. Nothing is left on disk.
    """
    lacks = capabilities.lacks(case)
    if lacks:
        return Observation(case=case, names={}, lacks=lacks)
    return observe_subject(Subject(case), Elsewhere(merger) if merger else None)


def observe_subject(subject: Subject, method: MergeMethod | None = None) -> Observation:
    """The facts of a life that the installed versions can live."""
    with living(subject, method) as life:
        if life.lacks:
            return Observation(case=subject.case, names={}, lacks=life.lacks)
        if "trained" in life.stages:
            branches = {**BRANCHES, **subject.own_branches}
            for name in life.side_branches:
                with elsewhere(life), life.branch(name):
                    if name in branches:
                        branches[name](life)
                    elif "adapter" in life.saved:
                        WAYS[name](life)
        return life.observation()


@contextmanager
def living(subject: Subject, method: MergeMethod | None = None) -> Iterator[Life]:
    """A life whose main line is lived; its files last as long as the context."""
    case = subject.case
    with (
        TemporaryDirectory(prefix="conformance-") as folder,
        repeatable(case.device, case.seed),
        upstream_calls.without_model_card(),
    ):
        life = Life(subject, Path(folder), method)
        with life.branch("main"):
            life.main_line()
        yield life
