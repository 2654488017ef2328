"""Observing once for many invariants, and proof that nothing is hidden by that."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from conformance.core.errors import SuiteError
from conformance.core.kind import AnyCase, AnyObservation, Argues, Kind
from conformance.core.sharing import anew
from conformance.running.replay import Draws

C = TypeVar("C", bound=AnyCase)
O = TypeVar("O", bound=AnyObservation)  # noqa: E741  beside C


class Cache(Generic[C, O]):
    """Observations of one kind by case, as many at a time as the kind keeps together.

    One case of each ``repeats`` is observed twice; ``confirm`` observes a failing one again.
    ``observe`` stands in for the kind's own, in tests and benchmarks.
    """

    def __init__(self, kind: Kind[C, O], observe: Callable[[C], O] | None = None) -> None:
        self._kind = kind
        self._observe = observe or kind.observe
        self._together: Hashable = None
        self._seen: dict[C, O] = {}
        self._parts: dict[C, O] = {}
        self._verdicts: dict[C, str] = {}
        self._repeated: set[Hashable] = set()
        self.draws: Draws[C] = Draws()
        self.simplest: dict[Hashable, str] = {}
        """The case that was printed of what is wrong, by what is alike: once simplified, that does
        for all other items that show the same."""

    def __call__(self, case: C, *, repeats: Hashable = None) -> O:
        """What can be judged of ``case``, from the cache where it has been observed.

        ``repeats`` names what it is observed twice for, if that has not happened yet; None for a
        case that is no part of a stratum, such as a witness.
        """
        together = self._kind.together(case)
        if together != self._together:
            self._together = together
            self._seen, self._parts, self._verdicts = {}, {}, {}
        if case not in self._seen:
            self._seen[case] = seen = self._observe(case)
            self._kind.require_informative(seen)
            if repeats is not None and repeats not in self._repeated:
                self._repeated.add(repeats)
                self.confirm(case)
        if case not in self._parts:
            self._parts[case] = self._kind.part(self._seen[case])
        return self._parts[case]

    def verdict(self, case: C, argues: Argues) -> str:
        """The verdict for people on a case that has been observed, worked out once.

        ``argues`` is that of the run's causes, and the same for all its cases.
        """
        if case not in self._verdicts:
            self._verdicts[case] = self._kind.verdict(self._seen[case], argues)
        return self._verdicts[case]

    def confirm(self, case: C) -> None:
        """Observe once more, without the cache or what a life shares; a difference is an error."""
        with anew():
            again = self._observe(case)
        difference = self._kind.difference(self._seen[case], again)
        if difference is not None:
            raise SuiteError(f"two observations of {case!r} differ: {difference}")
