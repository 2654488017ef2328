"""What is done to the model as a whole, as to any module of torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.kinds.programs.arguments import CASTS, CastTo
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import Change, UnderWay
from conformance.kinds.programs.reference import Reference
from conformance.kinds.programs.state import State
from tiny_models.families import FAMILIES


@dataclass(frozen=True)
class Copy(Operation):
    """``copy.deepcopy``: the program goes on with the copy, and keeps an eye on the original."""

    id = "copy"
    text = "go on with a copy of the model"
    wished = 1
    on_plain = while_disabled = while_told = True

    def rule(self, state: State) -> State:
        """The copy is what the model was."""
        return state

    def do(self, run: UnderWay) -> None:
        """What the original computes is looked at once more after each step."""
        run.go_on_with_a_copy()


@dataclass(frozen=True)
class Cast(Operation):
    """``to(dtype)``: base and adapters, active or not, merged or not."""

    dtype: CastTo

    id = "cast"
    text = "bring the model, adapters and all, into another precision"
    wished = 1
    on_plain = while_disabled = while_told = True
    new_base = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """A fine one more often: what rounding hides afterwards, no later step shows.

        Its own is another for adapters that are kept in float32.
        """
        return cls(CASTS[(0, 1, 0, 2, 1, 3)[choice.one % 6]])

    def rule(self, state: State) -> State | None:
        """Where the family can compute in it."""
        if self.dtype in FAMILIES[state.family].without_dtypes:
            return None
        return replace(state, dtype=self.dtype, cast=True)

    def do(self, run: UnderWay) -> None:
        run.live.cast(self.dtype)

    def update(self, reference: Reference, _: Change) -> None:
        """Everything is rounded once where that is a coarser one."""
        reference.cast(self.dtype)
