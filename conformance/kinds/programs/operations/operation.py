"""What every operation has: arguments by name, a rule, and what it does to model and reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, get_origin, get_type_hints

from conformance.kinds.programs.arguments import WORDS, Argument
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.under_way import Change, UnderWay
from conformance.kinds.programs.reference import Reference
from conformance.kinds.programs.state import Outcome, State

Step = tuple[Any, ...]
"""The name of an operation and its arguments."""


@dataclass(frozen=True)
class Operation:
    """A step by name: its fields are its arguments, in the order that they are written in.

    A step starts with ``id``, and ``text`` says what is done. ``wished`` is how often it is wished
    for. The flags say where it is possible: on a plain model, on a wrapped one, while all adapters
    are disabled, while the model has to tell which is active. ``new_base`` says that the plain
    base is another afterwards, ``writes`` that weights are written to whatever was merged before.
    """

    id: ClassVar[str]
    text: ClassVar[str]
    wished: ClassVar[int] = 1
    on_plain: ClassVar[bool] = False
    on_wrapped: ClassVar[bool] = True
    while_disabled: ClassVar[bool] = False
    while_told: ClassVar[bool] = False
    new_base: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    arguments: ClassVar[Mapping[str, Argument]] = {}

    def __init_subclass__(cls) -> None:
        """Each field is annotated with the kind of argument that it takes."""
        hints = get_type_hints(cls, include_extras=True)
        cls.arguments = {
            name: hint.__metadata__[0]
            for name, hint in hints.items()
            if get_origin(hint) is Annotated
        }

    @property
    def step(self) -> Step:
        """The step as a program holds it."""
        return (self.id, *(getattr(self, name) for name in self.arguments))

    @property
    def new(self) -> str:
        """The name that it gives to an adapter, or ``""``."""
        found = (getattr(self, field) for field, one in self.arguments.items() if one.new)
        return next(found, "")

    @property
    def mentioned(self) -> Iterator[str]:
        """The names of adapters in it, in order."""
        for field, one in self.arguments.items():
            if one.names:
                value = getattr(self, field)
                named = value if one.several else (value,)
                yield from (name for name in named if name in WORDS)

    def renamed(self, others: Mapping[str, str]) -> Operation:
        """The same with other names of adapters."""
        changed: dict[str, Any] = {}
        for field, one in self.arguments.items():
            value = getattr(self, field)
            if one.names and one.several:
                changed[field] = tuple(others.get(name, name) for name in value)
            elif one.names:
                changed[field] = others.get(value, value)
        return replace(self, **changed)

    @classmethod
    def possible(cls, state: State) -> bool:
        """Whether a model in this state knows the operation, whatever its arguments."""
        return (
            (cls.on_wrapped if state.wrapped else cls.on_plain)
            and (cls.while_told or not state.told)
            and (cls.while_disabled or state.enabled)
        )

    @classmethod
    def wish(cls, _: Choice) -> Operation | None:
        """The operation with arguments that may be possible here, or None."""
        return cls()

    def rule(self, state: State) -> State | Outcome | None:
        """What it leads to where it is possible, or None."""
        raise NotImplementedError

    def do(self, run: UnderWay) -> None:
        """Do it to the live model, as a user does."""
        raise NotImplementedError

    def update(self, reference: Reference, change: Change) -> None:
        """Do to the reference what was done to the model: for most, nothing."""
