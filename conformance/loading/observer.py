"""Observing a loading once for many promises, and proof that nothing is hidden by that."""

from __future__ import annotations

from itertools import pairwise

from conformance.compare import same_bits
from conformance.loading.case import LoadingCase
from conformance.loading.observation import LoadingObservation
from conformance.trouble import SuiteError
from tiny_models.families import FAMILIES

# Of the tied matrix, the roles whose names each checkpoint holds; the others hold what is written.
HELD = {
    "source-only": {"embedding"},
    "encoder-embedding-only": {"encoder-embedding"},
    "head-only": {"head"},
}
ALL_HELD = ("all-equal", "all-different")


class LoadingObserver:
    """The last observation; the first is made twice, and ``confirm`` makes one again."""

    def __init__(self) -> None:
        self._seen: LoadingObservation | None = None
        self._repeated = False

    def observe(self, case: LoadingCase) -> LoadingObservation:
        """Make the observation of ``case``."""
        from conformance.loading.observe import observe_loading  # torch: not before an item

        return observe_loading(case)

    def check(self, seen: LoadingObservation) -> None:
        """Raise SuiteError where an observation proves nothing."""
        check_not_vacuous(seen)

    def __call__(self, case: LoadingCase) -> LoadingObservation:
        """The observation of ``case``."""
        if self._seen is None or self._seen.case != case:
            self._seen = self.observe(case)
            self.check(self._seen)
            if not self._repeated:
                self._repeated = True
                self.confirm(self._seen)
        return self._seen

    def confirm(self, seen: LoadingObservation) -> None:
        """Observe once more; a difference is an error of the suite."""
        again = self.observe(seen.case)
        for name in ("report", "heard", "troubles", "members"):
            if getattr(seen, name) != getattr(again, name):
                raise SuiteError(f"two loadings of {seen.case!r} differ in {name}")
        for stage, snapshot in seen.stages.items():
            mine, theirs = snapshot.weights, again.stages[stage].weights
            if snapshot.shares != again.stages[stage].shares or any(
                not same_bits(mine[name], theirs[name]) for name in mine
            ):
                raise SuiteError(f"two loadings of {seen.case!r} differ at {stage}")


def check_not_vacuous(seen: LoadingObservation) -> None:
    """Raise SuiteError unless the checkpoint is what its kind says."""
    if "loaded" not in seen.stages:
        return
    roles = {name: role for role, name in seen.members.items()}
    found = {roles[name] for name in seen.in_file}
    every = set(FAMILIES[seen.case.family].matrices)
    wanted = every if seen.case.checkpoint in ALL_HELD else HELD.get(seen.case.checkpoint)
    if wanted is not None and found != wanted:
        held = ", ".join(sorted(found)) or "nothing"
        raise SuiteError(f"the file of {seen.case!r} holds {held} of the tied matrix")
    if seen.case.checkpoint == "all-different":
        matrices = [seen.meant[name] for name in seen.in_file]
        if any(same_bits(one, other) for one, other in pairwise(matrices)):
            raise SuiteError(f"the matrices of {seen.case!r} do not differ")
