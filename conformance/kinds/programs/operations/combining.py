"""Adapters merged in place, deleted, and made of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from conformance.kinds.programs.arguments import SUMS, WEIGHTS, Name, Names, NewName, Sum
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import Change, UnderWay
from conformance.kinds.programs.placing import at_ends, is_new, mergeable, overlapping
from conformance.kinds.programs.reference import Reference
from conformance.kinds.programs.state import Outcome, Placed, State


@dataclass(frozen=True)
class Merge(Operation):
    """``merge_adapter``."""

    names: Names

    id = "merge"
    text = "merge adapters in place, the active ones where none is named"
    wished = 6

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """The active ones more often than one or two by name."""
        return cls(choice.adapters()[: (0, 0, 1, 2)[choice.three % 4]])

    def rule(self, state: State) -> State | Outcome | None:
        """Beside what is merged already; PEFT documents that it refuses a row of two adapters."""
        wanted = self.names or state.active
        if len(state.named(*wanted)) != len(wanted) or set(wanted) <= set(state.merged):
            return None
        if overlapping(state, wanted):
            return Outcome(state, "Token indices of adapter .* are already defined")
        if not mergeable(state, wanted):
            return None
        if any(one.save and one.name not in state.active for one in state.named(*wanted)):
            return None  # a module is not merged in place: it counts where its adapter is active
        return replace(state, merged=(*state.merged, *(n for n in wanted if n not in state.merged)))

    def do(self, run: UnderWay) -> None:
        run.live.model.merge_adapter(adapter_names=list(self.names) or None)


@dataclass(frozen=True)
class Unmerge(Operation):
    """``unmerge_adapter``."""

    id = "unmerge"
    text = "unmerge all that is merged"
    wished = 4

    def rule(self, state: State) -> State | None:
        """Only where something is merged."""
        return replace(state, merged=()) if state.merged else None

    def do(self, run: UnderWay) -> None:
        run.live.model.unmerge_adapter()


@dataclass(frozen=True)
class Delete(Operation):
    """``delete_adapter``."""

    name: Name

    id = "delete"
    text = "delete an adapter"
    wished = 3

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """One that is not active, or is merged, where there is one; now and then any."""
        state = choice.state
        idle = [name for name in state.names if name not in state.active]
        return cls(choice.adapter([*idle, *state.merged] if choice.three % 4 else ()))

    def rule(self, state: State) -> State | Outcome | None:
        """Never the only one; PEFT documents that it refuses what is merged."""
        left = tuple(one for one in state.adapters if one.name != self.name)
        if len(left) == len(state.adapters) or not left:
            return None
        if self.name in state.merged:
            return Outcome(state, "Cannot delete adapter")
        active = tuple(one for one in state.active if one != self.name)
        last = active[0] if len(active) == 1 else state.last
        return replace(state, adapters=left, active=active, told=not active, last=last)

    def do(self, run: UnderWay) -> None:
        run.live.model.delete_adapter(self.name)

    def update(self, reference: Reference, _: Change) -> None:
        reference.delete(self.name)


@dataclass(frozen=True)
class Weighted(Operation):
    """``add_weighted_adapter``; ``svd`` with all the rank that the sum needs."""

    name: NewName
    names: Names
    how: Sum

    id = "weighted"
    text = "add a weighted sum of adapters as a new one"
    wished = 5

    @classmethod
    def wish(cls, choice: Choice) -> Operation | None:
        """Of two that are LoRA alone, where there are any."""
        pair = choice.adapters([one.name for one in choice.state.adapters if one.plain])
        return cls(choice.new(choice.two), pair, SUMS[choice.three % 3]) if len(pair) > 1 else None

    def rule(self, state: State) -> State | None:
        """Of several that are LoRA alone; factors are added up where they are of one rank."""
        names, sources = self.names, self._sources(state)
        if not is_new(state, self.name) or len(sources) != len(names) or len(sources) < 2:  # noqa: PLR2004
            return None
        ranks = [one.rank for one in sources]
        if not all(one.plain for one in sources) or len(set(names)) != len(names):
            return None
        if self.how == "linear" and len(set(ranks)) > 1:
            return None
        # "svd" finds what a rank can hold: enough of it for the sum
        rank = ranks[0] if self.how == "linear" else sum(ranks)
        target = tuple(dict.fromkeys(role for one in sources for role in one.target))
        tied = state.tied and state.ensure and at_ends(target)
        one = Placed(self.name, "", rank, rank, target, one=tied)
        return replace(state, adapters=(*state.adapters, one), merged=())

    def _sources(self, state: State) -> tuple[Placed, ...]:
        """What it is made of, in the order of the names."""
        return tuple(one for name in self.names for one in state.named(name))

    def more(self, state: State) -> dict[str, Any]:
        """What the call says beside names, weights and the kind of sum."""
        ranks = (one.rank for one in self._sources(state))
        return {"svd_rank": sum(ranks)} if self.how == "svd" else {}

    def do(self, run: UnderWay) -> None:
        names, weights = list(self.names), list(WEIGHTS[: len(self.names)])
        run.live.model.add_weighted_adapter(
            names, weights, self.name, combination_type=self.how, **self.more(run.state)
        )

    def update(self, reference: Reference, _: Change) -> None:
        reference.weigh(self.name, self.names, self.how)
