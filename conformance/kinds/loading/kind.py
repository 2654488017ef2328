"""Loading as a kind of test: every promise on every form of checkpoint of every family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Generic, TypeVar

from conformance.core.bits import same_bits
from conformance.core.errors import SuiteError
from conformance.core.invariant import Invariant
from conformance.core.kind import Item, Kind, promise_on
from conformance.core.options import Options
from conformance.kinds.loading.case import (
    KINDS,
    AnyLoading,
    LoadingCase,
    loading_cases,
    parse_loading_case,
)
from conformance.kinds.loading.checks import LOADING as CHECKS
from conformance.kinds.loading.checks import concerns
from conformance.kinds.loading.observation import LoadingObservation
from tiny_models.families import FAMILIES

# Of the tied matrix, the roles whose names each checkpoint holds; the others hold what is written.
HELD = {
    "source-only": {"embedding"},
    "encoder-embedding-only": {"encoder-embedding"},
    "head-only": {"head"},
    "no-head": {"embedding"},
}
ALL_HELD = ("all-equal", "all-different")
SHOWN = 6  # lines of a log message that a failure repeats
L = TypeVar("L", bound=AnyLoading)
S = TypeVar("S", bound=LoadingObservation)


class Loadings(Kind[L, S], Generic[L, S]):
    """What loading plain models and pipelines have in common."""

    def items_of(self, case: L, checks: Iterable[Invariant]) -> Iterator[Item[L]]:
        """Each invariant that says anything of such a checkpoint."""
        for check in checks:
            if concerns(case, check):
                yield promise_on(self, case, check)

    def given(self, case: L, checks: tuple[Invariant, ...]) -> Iterator[Item[L]]:
        """Each chosen invariant on the case."""
        yield from self.items_of(case, checks)

    def together(self, case: L) -> str:
        """The family."""
        return case.family

    def difference(self, one: S, other: S) -> str | None:
        """Reports, messages and weights are the same; outputs may differ by rounding."""
        for name in ("report", "heard", "troubles", "members"):
            if getattr(one, name) != getattr(other, name):
                return name
        for stage, snapshot in one.stages.items():
            mine, theirs = snapshot.weights, other.stages[stage].weights
            if snapshot.shares != other.stages[stage].shares or any(
                not same_bits(mine[name], theirs[name]) for name in mine
            ):
                return stage
        return None

    def afterwards(self, seen: S) -> list[str]:
        """What the load report says."""
        return reported(seen) if "loaded" in seen.stages else []

    def evidence(self, seen: S) -> Iterator[str]:
        """What the file holds, who shares storage, and what was reported and logged."""
        yield f"of the tied matrix the file holds: {', '.join(sorted(seen.in_file)) or 'nothing'}"
        for stage, found in seen.stages.items():
            groups = [", ".join(sorted(group)) for group in found.shares]
            yield f"sharing storage in {stage}: {'; '.join(sorted(groups)) or 'nothing'}"
        for line in reported(seen):
            yield f"loading reported {line}"
        for heard in seen.heard:
            for line in heard.text.splitlines()[:SHOWN]:
                yield f"logged: {line}"


class Loading(Loadings[LoadingCase, LoadingObservation]):
    """One plain model loaded from one checkpoint."""

    name = "loading"
    case_type = LoadingCase
    form = "LoadingCase"
    tests = ("test_loading",)
    single = "test_loading"

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised of loading."""
        return CHECKS

    def parse(self, text: str) -> LoadingCase:
        """Read ``LoadingCase(...)``."""
        return parse_loading_case(text)

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[LoadingCase]]:
        """Every form of checkpoint of the chosen families."""
        del test
        turn = options.turn if options.checkpoints == tuple(KINDS) else None
        for case in loading_cases(options.devices, options.families, options.checkpoints, turn):
            yield from self.items_of(case, checks)

    def observe(self, case: LoadingCase) -> LoadingObservation:
        """Write the checkpoint and load it."""
        from conformance.kinds.loading.observe import observe_loading  # torch: not before an item

        return observe_loading(case)

    def require_informative(self, seen: LoadingObservation) -> None:
        """Raise SuiteError unless the checkpoint is what its form says."""
        require_informative(seen)

    def rerun(self, seen: LoadingObservation, invariant: str) -> str:
        """The options that choose this loading."""
        case = seen.case
        return (
            f"pytest conformance --no-known-failures --device {case.device} "
            f"--family {case.family} --checkpoint {case.checkpoint} --invariant {invariant}"
        )

    def when(self, case: LoadingCase) -> str:
        """The family and the form of checkpoint."""
        return f"family == {case.family!r} and checkpoint == {case.checkpoint!r}"


LOADING = Loading()


def require_informative(seen: LoadingObservation) -> None:
    """Raise SuiteError unless the checkpoint is what its form says."""
    if "loaded" not in seen.stages:
        return
    roles = {name: role for role, name in seen.members.items()}
    found = {roles[name] for name in seen.in_file}
    every = set(FAMILIES[seen.case.family].matrices)
    wanted = every if seen.case.form in ALL_HELD else HELD.get(seen.case.form)
    if wanted is not None and found != wanted:
        held = ", ".join(sorted(found)) or "nothing"
        raise SuiteError(f"the file of {seen.case!r} holds {held} of the tied matrix")
    if seen.case.form == "all-different":
        matrices = [seen.meant[name] for name in seen.in_file]
        if any(same_bits(one, other) for one, other in pairwise(matrices)):
            raise SuiteError(f"the matrices of {seen.case!r} do not differ")


def reported(seen: LoadingObservation) -> list[str]:
    """What the user is told when loading: the report by kind of key."""
    report = seen.report
    lines = [
        f"{kind}: {', '.join(names)}"
        for kind in ("missing", "unexpected", "mismatched", "errors")
        for names in [getattr(report, kind)]
        if names
    ]
    return lines or ["the load report names no key"]
