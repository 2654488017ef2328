"""What is seen of a program: after every step the model beside its reference, as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.core.finding import tensor_subject
from conformance.core.observation import Heard, Trouble
from conformance.kinds.programs.operations import Step
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.state import Key, State

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Compared:
    """Logits of the model and of its reference, and how far rounding can move them apart.

    ``nudged`` are the reference's logits with every weight moved by one eps, each time otherwise;
    ``base`` those of the reference without adapters. ``dtype`` is the precision in
    which they are handed over, where that is said.
    """

    found: Tensor
    expected: Tensor
    nudged: tuple[Tensor, ...]
    base: Tensor
    dtype: str = ""


@dataclass(frozen=True)
class Trained:
    """What one step of training shows.

    ``gradients`` are those of the first step by parameter, beside what the reference gives and
    what it gives with nudged weights; none in half precision. ``changed`` are frozen parameters
    that did not keep their bits, ``still`` trained ones that did. ``twice`` are tensors that the
    optimizer holds more than once.
    """

    gradients: Mapping[Key, tuple[Tensor, Tensor, tuple[Tensor, ...]]]
    changed: frozenset[str]
    still: frozenset[str]
    twice: frozenset[str]


@dataclass(frozen=True)
class StepSeen:
    """The model after one step.

    ``state`` is where the program stands by plan. ``parts`` are the values of all adapters,
    ``expected`` those of the reference. ``shares`` groups names that share storage, of adapters
    as ``<adapter> <module> <part>``. ``asides`` are logits taken besides, by what was looked at.
    ``flags`` are those of the plain model's config in memory, ``file_flags`` of the saved one.
    ``refused`` says what a step that was to be refused raised. ``merged`` are the adapters that
    layers say are merged into them, each with its module. ``strangers`` are adapters that the step
    saved, each with a key of its file whose tensor is neither the adapter's nor the base's.
    ``copied`` are tensors that a copy shares with its original, ``left`` those that changed in an
    original since then. ``otherwise`` are those that a cast left in another precision.
    """

    number: int
    step: Step
    state: State
    logits: Compared
    asides: Mapping[str, Compared]
    parts: Mapping[Key, Tensor]
    expected: Mapping[Key, Tensor]
    shares: frozenset[frozenset[str]]
    trainable: frozenset[Key]
    base_trains: frozenset[str]
    active: tuple[str, ...]
    precision: str
    roundings: int
    flags: Mapping[str, bool | None] = field(default_factory=dict)
    file_flags: Mapping[str, bool | None] = field(default_factory=dict)
    training: Trained | None = None
    refusal: str = ""
    refused: Trouble | None = None
    merged: frozenset[tuple[str, str]] = frozenset()
    strangers: frozenset[tuple[str, str]] = frozenset()
    copied: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    otherwise: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ProgramObservation:
    """Everything seen of one program; ``names`` are embedding and head of the plain model."""

    case: Program
    names: Mapping[str, str]
    steps: tuple[StepSeen, ...] = ()
    heard: tuple[Heard, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    lacks: str = ""
    stages: Mapping[str, object] = field(default_factory=dict)
    saved: Mapping[str, object] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def role(self, module: str) -> str:
        """``embedding`` or ``head``, or the name of another module."""
        return {name: role for role, name in self.names.items()}.get(module, module)

    def subject(self, tensor: Key | str) -> str:
        """What a finding is about: a tensor of an adapter, whichever it is, or one of the base.

        As a name, one of an adapter is ``<adapter> <module> <part>``.
        """
        named = tensor if isinstance(tensor, str) else " ".join(tensor)
        mine = named.partition(" ")[2] or named
        return tensor_subject(mine, {name: role for role, name in self.names.items()})

    def upto(self, number: int) -> ProgramObservation:
        """What was seen up to a step, of the program that ends there."""
        program = replace(self.case, steps=self.case.steps[:number])
        return replace(self, case=program, steps=self.steps[:number], troubles=())

    def heard_at(self, *stages: str) -> tuple[Heard, ...]:
        """What was heard at the given stages."""
        return tuple(heard for heard in self.heard if heard.stage in stages)
