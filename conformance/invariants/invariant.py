"""What an invariant is, and the registry that names all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from conformance.comparison import Comparison, Evidence, broken
from conformance.observation import Trouble
from conformance.violation import Finding

Check = Callable[[Any], Iterator[Evidence]]
"""Takes an ``Observation``, or what a registry of its own judges."""
Applies = Callable[[Any], str | None]


class Observed(Protocol):
    """What every kind of observation has: how far it came, and why no further."""

    @property
    def lacks(self) -> str:
        """What the case asks for that the installed versions do not have."""

    @property
    def stages(self) -> Mapping[str, object]:
        """What was seen, by stage."""

    @property
    def saved(self) -> Mapping[str, object]:
        """What was saved, by folder."""

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """The errors met."""

    @property
    def absent(self) -> Mapping[str, str]:
        """Why a stage cannot be there."""


def always(_: object) -> str | None:
    """An invariant without conditions."""
    return None


@dataclass(frozen=True)
class Judgement:
    """What an invariant says of one observation.

    ``verdict`` is ``holds``, ``breaks``, ``not applicable``, ``not run`` or ``not judged``;
    ``reason`` says why it is neither of the first two. ``comparisons`` are all that were made.
    """

    verdict: str
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class Invariant:
    """A promise about an observation.

    ``check`` yields what broke it and what is to be compared; ``applies`` gives the reason why it
    says nothing about a case, or None; ``needs`` are the stages and files it reads (a folder of
    ``Observation.saved`` is written ``file <name>``), without which it is not judged.
    """

    id: str
    promise: str
    source: str
    check: Check
    applies: Applies
    needs: tuple[str, ...]

    def judge(self, observation: Observed) -> Judgement:
        """Judge one observation."""
        reason = observation.lacks or self.applies(observation)
        if reason:
            return Judgement("not applicable", reason=reason)
        seen = {*observation.stages, *(f"file {name}" for name in observation.saved)}
        absent = [stage for stage in self.needs if stage not in seen]
        if absent and absent[0] in observation.absent:
            return Judgement("not applicable", reason=observation.absent[absent[0]])
        if absent:
            ended = next((t for t in reversed(observation.troubles)), None)
            why = f"stage {absent[0]} was not reached"
            return Judgement("not run", reason=f"{why}: {ended.message}" if ended else why)
        evidence = tuple(self.check(observation))
        compared = tuple(one for one in evidence if isinstance(one, Comparison))
        findings = broken(evidence)
        doubts = [one.doubt() for one in compared if one.doubtful]
        verdict = "breaks" if findings else "not judged" if doubts else "holds"
        reason = doubts[0] if verdict == "not judged" else ""
        return Judgement(verdict, findings, reason, compared)


Kind = TypeVar("Kind", bound=Invariant)
INVARIANTS: dict[str, Invariant] = {}


def registering(
    made: Callable[[Check], Kind], into: dict[str, Kind], *others: Mapping[str, Invariant]
) -> Callable[[Check], Check]:
    """A decorator that puts what is made of a check into a registry, if its id is new in all."""

    def register(check: Check) -> Check:
        one = made(check)
        if any(one.id in registry for registry in (into, *others)):
            raise ValueError(f"there is already an invariant {one.id!r}")
        into[one.id] = one
        return check

    return register


def invariant(
    id: str,  # noqa: A002  the word of the vocabulary
    promise: str,
    *,
    source: str,
    needs: tuple[str, ...] = (),
    applies: Applies = always,
) -> Callable[[Check], Check]:
    """Register the decorated generator of findings as the check of a new invariant."""

    def made(check: Check) -> Invariant:
        return Invariant(id, promise, source, check, applies, needs)

    return registering(made, INVARIANTS)
