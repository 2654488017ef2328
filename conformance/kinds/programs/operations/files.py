"""Adapters that are saved, and loaded again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.kinds.programs.arguments import WAYS, Name, NewName, Way
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import Change, UnderWay
from conformance.kinds.programs.placing import is_new, joined
from conformance.kinds.programs.reference import Reference
from conformance.kinds.programs.state import Placed, State, kinds


@dataclass(frozen=True)
class Load(Operation):
    """``save_pretrained`` of one adapter and ``load_adapter`` under another name."""

    source: Name
    name: NewName

    id = "load"
    text = "save an adapter and load it under a new name"
    wished = 2
    while_disabled = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        return cls(choice.adapter(), choice.new(choice.two))

    def rule(self, state: State) -> State | None:
        """It stands where the other does."""
        if self.source not in state.names or not is_new(state, self.name):
            return None
        (one,) = state.named(self.source)
        return joined(state, replace(one, name=self.name))

    def do(self, run: UnderWay) -> None:
        """Save it, and load it beside the others."""
        run.live.load(run.live.save(self.source), self.source, self.name)

    def update(self, reference: Reference, _: Change) -> None:
        reference.copy(self.source, self.name)


@dataclass(frozen=True)
class Reopen(Operation):
    """``from_pretrained`` of PEFT's model or of its auto class, and ``load_adapter``."""

    way: Way

    id = "reopen"
    text = "save all adapters and load them on a fresh base, active ones first"
    while_disabled = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """One way or the other."""
        return cls(WAYS[choice.one % 2])

    def order(self, state: State) -> tuple[Placed, ...]:
        """The adapters as they are loaded: one that is active first."""
        first = state.active[0]
        return (*state.named(first), *(one for one in state.adapters if one.name != first))

    def rule(self, state: State) -> State | None:
        """What deleted adapters left is gone."""
        if not state.active or state.merged:
            return None
        if self.way == "auto" and state.cast:
            return None  # buffers that were rounded are computed anew: it is another base
        order = self.order(state)
        fresh = replace(state, adapters=order, merged=(), enabled=True, late=(), worn=kinds(*order))
        return replace(fresh, active=(order[0].name,), last=order[0].name)

    def do(self, run: UnderWay) -> None:
        """Save all, and load them onto a fresh base."""
        live, state = run.live, run.state
        auto = self.way == "auto"
        if auto:
            live.name_base()
        folder = live.save(*state.names)
        first, *others = self.order(state)
        live.open(folder, first.name, dtype=state.dtype if auto else "")
        for one in others:
            live.load(folder, one.name, one.name)


@dataclass(frozen=True)
class Native(Operation):
    """``load_adapter`` of transformers: a look at another model."""

    name: Name

    id = "native"
    text = "look at transformers' own load of an adapter"

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        return cls(choice.adapter())

    def rule(self, state: State) -> State | None:
        """The model stays as it is.

        What becomes of DoRA, no program asks: transformers leaves its magnitude out.
        """
        fit = any(not one.dora for one in state.named(self.name))
        return state if fit and not state.merged else None

    def do(self, run: UnderWay) -> None:
        """A look at a fresh base with this adapter."""
        model = run.live.native(run.live.save(self.name), self.name)
        run.look(f"{self.name}, loaded by transformers", model, (self.name,))
