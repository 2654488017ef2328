"""What a promise about an arrival is, and the registry that ``invariants`` fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conformance.comparison import Evidence
from conformance.corpus.arrival import Arrival
from conformance.invariants.invariant import (
    INVARIANTS,
    Applies,
    Check,
    Invariant,
    Judgement,
    Observed,
    always,
    registering,
)
from conformance.observation import Observation

CORPUS: dict[str, Promise] = {}


@dataclass(frozen=True)
class Promise(Invariant):
    """A promise about files that cross from one version to another.

    ``ordinary`` names invariants of the ordinary run. Where the saver's own version breaks one of
    them on this life, its files were bad before they crossed: what they come to here is then
    counted only if it is good. So is what an older PEFT makes of a newer adapter, where the promise
    is ``of_adapters``.
    """

    ordinary: tuple[str, ...] = ()
    of_adapters: bool = False

    def judge(self, observation: Observed) -> Judgement:
        """Judge one arrival."""
        judged = super().judge(observation)
        if judged.verdict != "breaks" or not isinstance(observation, Arrival):
            return judged
        bad = [name for name in self.ordinary if observation.own.get(name) == "breaks"]
        if bad:
            return Judgement("not applicable", reason=f"the saver's own version breaks {bad[0]}")
        if self.of_adapters and observation.unpromised:
            return Judgement("not applicable", reason=observation.unpromised)
        return judged


def promise(
    id: str,  # noqa: A002  the word of the vocabulary
    text: str,
    *,
    source: str,
    ordinary: tuple[str, ...],
    needs: tuple[str, ...] = (),
    applies: Applies = always,
    of_adapters: bool = False,
) -> Callable[[Callable[[Observation], Iterator[Evidence]]], Check]:
    """Register the decorated generator of findings as the check of a new promise."""

    def made(check: Check) -> Promise:
        return Promise(id, text, source, check, applies, needs, ordinary, of_adapters)

    return registering(made, CORPUS, INVARIANTS)
