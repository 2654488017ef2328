"""What is done to the model as a whole, as to any module of torch."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import UnderWay
from conformance.kinds.programs.state import State


@dataclass(frozen=True)
class Copy(Operation):
    """``copy.deepcopy``: the program goes on with the copy, and keeps an eye on the original."""

    id = "copy"
    text = "go on with a copy of the model"
    wished = 3
    on_plain = while_disabled = while_told = True

    def rule(self, state: State) -> State:
        """The copy is what the model was."""
        return state

    def do(self, run: UnderWay) -> None:
        """What the original computes is looked at once more after each step."""
        run.go_on_with_a_copy()
