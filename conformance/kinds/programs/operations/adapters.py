"""Adapters that come, with values of their own, and are trained."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.kinds.programs.arguments import (
    ALPHAS,
    DORA,
    OPTIMIZERS,
    RANKS,
    Alpha,
    Count,
    NewName,
    Optimizer,
    Rank,
    Where,
)
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import Change, UnderWay
from conformance.kinds.programs.placing import is_new, joined, placed, placements
from conformance.kinds.programs.reference import Reference
from conformance.kinds.programs.state import Placed, State, kinds


@dataclass(frozen=True)
class Put(Operation):
    """An adapter is put on: the first one, or another."""

    name: NewName
    placement: Where
    rank: Rank
    alpha: Alpha

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """A first adapter on a plain model, on a wrapped one another; one of four is DoRA."""
        every, three = placements(choice.state), choice.three
        where = [name for name in every if not name.endswith(DORA)]
        chosen = where[choice.two % len(where)]
        as_dora = f"{chosen}{DORA}"
        # no rank and alpha are left to the last of the numbers: they are for DoRA
        dora = three >= len(RANKS) * len(ALPHAS) and as_dora in every
        return (Add if choice.state.wrapped else Wrap)(
            choice.new(choice.one),
            as_dora if dora else chosen,
            RANKS[three % 3],
            ALPHAS[three // 3 % 3],
        )

    def placed(self, state: State) -> Placed:
        """The adapter where it stands."""
        return placed(state, self.name, self.placement, self.rank, self.alpha)

    def update(self, reference: Reference, change: Change) -> None:
        """The values it was given."""
        reference.put(change.after.named(self.name)[0], change.of(self.name))


@dataclass(frozen=True)
class Wrap(Put):
    """``get_peft_model``; the adapter gets values from names."""

    id = "wrap"
    text = "put a first adapter on a plain model"
    wished = 5
    on_plain, on_wrapped = True, False
    new_base = True

    def rule(self, state: State) -> State | None:
        """Anywhere on the base that is promised anything."""
        if self.placement not in placements(state):
            return None
        one = self.placed(state)
        start = replace(state, wrapped=True, adapters=(one,), merged=(), enabled=True)
        return replace(start, active=(self.name,), last=self.name, late=(), worn=kinds(one))

    def do(self, run: UnderWay) -> None:
        run.live.wrap(run.state, self.placed(run.state))


@dataclass(frozen=True)
class Add(Put):
    """``add_adapter``; the adapter gets values from names."""

    id = "add"
    text = "add another adapter"
    wished = 0  # a wish for a first one is for another where the model is wrapped
    while_disabled = True

    def rule(self, state: State) -> State | None:
        """Beside layers of its own kind; it is not active."""
        if not is_new(state, self.name) or self.placement not in placements(state):
            return None
        return joined(state, self.placed(state))

    def do(self, run: UnderWay) -> None:
        run.live.add(run.state, self.placed(run.state))


@dataclass(frozen=True)
class Train(Operation):
    """Training as a user does it, with optimizers of torch."""

    optimizer: Optimizer
    count: Count

    id = "train"
    text = "optimizer steps on a fixed batch"
    wished = 4

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """A few steps."""
        # AdamW divides by sqrt(v) + 1e-8, and both underflow to zero in float16
        known = OPTIMIZERS[: 1 if choice.state.dtype == "float16" else 2]
        return cls(known[choice.one % len(known)], 1 + choice.two % 3)

    def rule(self, state: State) -> State | None:
        """Only where something trains, and nothing is merged."""
        return state if state.active and not state.merged else None

    def do(self, run: UnderWay) -> None:
        run.train(self.optimizer, self.count)

    def update(self, reference: Reference, change: Change) -> None:
        """What training made of them is read from the model."""
        for name in change.after.active:
            reference.adapters[name] = change.of(name)
