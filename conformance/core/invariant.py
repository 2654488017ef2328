"""What an invariant is, and the registries that name all of them, each of one kind of case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from conformance.core.comparison import Comparison, Evidence, broken
from conformance.core.finding import Finding
from conformance.core.observation import Trouble

Check = Callable[[Any], Iterator[Evidence]]
"""Takes an ``Observation``, or what is seen of another kind of case."""
Applies = Callable[[Any], str | None]
Excuse = Callable[["Invariant", Any], str | None]


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


def unexcused(_invariant: Invariant, _seen: object) -> str | None:
    """Whatever breaks counts."""
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
    ``Observation.saved`` is written ``file <name>``), without which it is not judged. Where it
    breaks, ``excuse`` gives the reason why that does not count, or None.

    Of files that cross from one version to another: ``excused_by`` names invariants of the ordinary
    run that the saver's own version has to keep, if the files are to be good at all, and
    ``of_adapters`` says that a PEFT older than the adapter owes nothing.

    What else is true of it, each said where it is not the usual:

    - ``decides``: the verdict for people rests on it, as one about ``logits``, ``config``, or the
      ``warning`` that tells of them;
    - ``lost_at``: where a user's model is another one when it breaks: by ``definition``, of the
      saved ``adapter``, at ``merge``, at ``reload``, for a ``reader`` of the file, in its
      ``config``;
    - ``of_merge``: it is about what comes out of a merge, and judges other mergers than PEFT's too;
      ``not_of_merge`` says why it does not, where it might be thought to;
    - ``by_placement``: it goes by the placement of the grid, which a user's mixture does not have;
    - ``judged_when_refused``: it says something of a life that PEFT refuses as documented;
    - ``of_lora_alone``, ``of_loading_alone``: it says nothing of other tuners, of pipelines;
    - ``scriptable``: a script shows it that knows the user's configuration, or the program, alone.
    """

    id: str
    promise: str
    source: str
    check: Check
    applies: Applies = always
    needs: tuple[str, ...] = ()
    excuse: Excuse = unexcused
    excused_by: tuple[str, ...] = ()
    of_adapters: bool = False
    decides: str = ""
    lost_at: str = ""
    of_merge: bool = False
    not_of_merge: str = ""
    by_placement: bool = False
    judged_when_refused: bool = False
    of_lora_alone: bool = False
    of_loading_alone: bool = False
    scriptable: bool = False

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
        excused = self.excuse(self, observation) if findings else None
        if excused:
            return Judgement("not applicable", reason=excused)
        doubts = [one.doubt() for one in compared if one.doubtful]
        verdict = "breaks" if findings else "not judged" if doubts else "holds"
        reason = doubts[0] if verdict == "not judged" else ""
        return Judgement(verdict, findings, reason, compared)


class Registry(Mapping[str, Invariant]):
    """What is judged of one kind of case, by id, in the order in which it is told.

    An id means one thing, whatever the kind: ``check`` gives a new one, ``share`` takes the very
    invariant of another kind, and ``vary`` says of a change that it is a variant of one. There is
    no other way in. ``defaults`` are fields that the checks of this kind have in common.
    """

    def __init__(self, *, ids: dict[str, Invariant] | None = None, **defaults: Any) -> None:
        self._ids = EVERY if ids is None else ids
        self._defaults = defaults
        self._own: dict[str, Invariant] = {}

    def __getitem__(self, name: str) -> Invariant:
        return self._own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)

    def having(self, trait: str, *values: object) -> tuple[str, ...]:
        """The ids of those that have a trait, or have it with one of the values, value by value."""
        found = {name: getattr(one, trait) for name, one in self.items()}
        if not values:
            return tuple(name for name, value in found.items() if value)
        return tuple(name for value in values for name, mine in found.items() if mine == value)

    def check(
        self,
        id: str,  # noqa: A002  the word of the vocabulary
        promise: str,
        *,
        source: str,
        **fields: Any,
    ) -> Callable[[Check], Check]:
        """Register the decorated generator of evidence as the check of a new invariant.

        ``fields`` are those of ``Invariant``.
        """

        def register(check: Check) -> Check:
            one = Invariant(id, promise, source, check, **{**self._defaults, **fields})
            if one.id in self._ids:
                raise ValueError(f"there is already an invariant {one.id!r}")
            self._ids[one.id] = one
            self._take(one)
            return check

        return register

    def share(self, one: Invariant) -> None:
        """Judge an invariant of another kind here too, as it is."""
        if self._ids.get(one.id) is not one:
            raise ValueError(f"{one.id!r} is no invariant of another kind, or a variant of one")
        self._take(one)

    def vary(self, one: Invariant, **changed: Any) -> None:
        """Judge a variant of an invariant of another kind here: the same id, other fields."""
        if self._ids.get(one.id) is not one:
            raise ValueError(f"there is no invariant {one.id!r} to make a variant of")
        self._take(replace(one, **changed))

    def _take(self, one: Invariant) -> None:
        if one.id in self._own:
            raise ValueError(f"{one.id!r} is judged here already")
        self._own[one.id] = one


EVERY: dict[str, Invariant] = {}
"""Every invariant of every kind, by its id."""


def joined(*registries: Mapping[str, Invariant]) -> dict[str, Invariant]:
    """The invariants of several kinds by id; raises ValueError where one id means two of them."""
    found: dict[str, Invariant] = {}
    for name, one in (pair for registry in registries for pair in registry.items()):
        if found.setdefault(name, one) is not one:
            raise ValueError(f"{name!r} is one thing to one kind of case and another to another")
    return found
