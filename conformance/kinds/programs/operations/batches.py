"""Batches whose rows go through different adapters."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.kinds.programs.arguments import BASE_ROW, ROWS, RowNames, Rows
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import UnderWay
from conformance.kinds.programs.state import Outcome, State

FOLDS = ("opt", "opt-proj")
"""Families whose layers are called with all tokens of a batch in one row after another: there PEFT
counts other rows than it has names for, and refuses them."""


@dataclass(frozen=True)
class Mixed(Operation):
    """``adapter_names`` of ``forward`` and ``generate``: a row each, ``__base__`` for none."""

    names: RowNames
    way: Rows

    id = "mixed"
    text = "look at a batch whose rows name their adapters"
    wished = 3
    while_disabled = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """Two adapters and the base, in one of four orders; generated now and then."""
        one, other = (*choice.adapters(), BASE_ROW)[:2]
        rows = (
            (one, BASE_ROW, other),
            (BASE_ROW, one),
            (other, one, BASE_ROW, one),
            (other, other, one),
        )
        return cls(rows[choice.two % 4], ROWS[choice.three % 4 == 0])

    def rule(self, state: State) -> State | Outcome | None:
        """PEFT documents that it refuses this while anything is merged, and for DoRA.

        All named adapters save or train rows of the same modules: what becomes of one beside which
        another saves a module, no program asks (PEFT ends in a KeyError there).
        """
        chosen = state.named(*self.names)
        if not chosen or state.family in FOLDS or {*self.names} - {*state.names, BASE_ROW}:
            return None
        on = state.enabled or state.late  # what came while all were disabled is on
        if on and any(not one.has_all(state.worn) for one in chosen):
            return None
        if state.merged:
            return Outcome(state, "Cannot pass `adapter_names` when there are merged adapters")
        if any(one.dora for one in chosen):  # which of the two rules goes first, nothing says
            refusal = Outcome(state, "Cannot pass `adapter_names` when DoRA is enabled")
            return refusal if state.enabled else None
        return state

    def do(self, run: UnderWay) -> None:
        """A look at the batch; disabled adapters take precedence, as PEFT documents."""
        run.look_at_rows(self.names, generates=self.way == "generate")
