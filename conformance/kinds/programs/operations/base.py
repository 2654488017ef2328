"""What changes the base, or leaves a plain one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.kinds.programs.arguments import DTYPES, Count, Dtype, Names
from conformance.kinds.programs.operations.choice import LARGEST, Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import Change, UnderWay
from conformance.kinds.programs.placing import bare, mergeable
from conformance.kinds.programs.reference import Reference
from conformance.kinds.programs.state import State


@dataclass(frozen=True)
class Resize(Operation):
    """``resize_token_embeddings``; the new rows get values from names."""

    count: Count

    id = "resize"
    text = "add rows to the vocabulary"
    on_plain = True
    new_base = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """A few rows."""
        return cls(1 + choice.one % 4)

    def rule(self, state: State) -> State | None:
        """Only where no adapter is, or was, on embedding or head."""
        if state.worn or state.merged:
            return None
        return replace(state, rows=state.rows + self.count)

    def do(self, run: UnderWay) -> None:
        run.live.resize(run.state.rows + self.count)

    def update(self, reference: Reference, change: Change) -> None:
        """The rows that were there, and below them those that we wrote."""
        reference.lengthen(change.ends)


@dataclass(frozen=True)
class MergeAndUnload(Operation):
    """``merge_and_unload``."""

    names: Names

    id = "merge_and_unload"
    text = "merge adapters and take all off"
    wished = 2
    writes = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """By name more often where that is more than what is merged already."""
        state = choice.state
        apart = [name for name in state.names if state.merged and name not in state.merged]
        often = (0, 1, 1, 2) if apart else (0, 0, 1, 2)
        return cls(choice.adapters(apart)[: often[choice.three % 4]])

    def rule(self, state: State) -> State | None:
        """The base is tied no more where its two ends were changed apart."""
        wanted = self.names or state.active
        if len(state.named(*wanted)) != len(wanted) or not mergeable(state, wanted):
            return None
        merged = state.named(*wanted, *state.merged)
        apart = any(one.ends and not one.one for one in merged)
        return replace(bare(state), tied=state.tied and not apart)

    def taken(self, state: State) -> tuple[str, ...]:
        """The adapters that the base takes up: first those that are merged already."""
        return tuple(dict.fromkeys((*state.merged, *(self.names or state.active))))

    def do(self, run: UnderWay) -> None:
        names = list(self.names) or None
        run.live.bare(run.live.model.merge_and_unload(adapter_names=names))

    def update(self, reference: Reference, change: Change) -> None:
        reference.rebase(self.taken(change.before))


@dataclass(frozen=True)
class Unload(Operation):
    """``unload``."""

    id = "unload"
    text = "take all adapters off, unmerged"

    def rule(self, state: State) -> State | None:
        """Only where no active adapter saves a module."""
        # single lives show that the saved module of an active adapter stays
        return None if any(one.save for one in state.named(*state.active)) else bare(state)

    def do(self, run: UnderWay) -> None:
        run.live.bare(run.live.model.unload())

    def update(self, reference: Reference, _: Change) -> None:
        reference.strip()


@dataclass(frozen=True)
class Reload(Operation):
    """``save_pretrained`` and ``from_pretrained`` of the plain model."""

    dtype: Dtype

    id = "reload"
    text = "save the plain model and load it"
    on_plain, on_wrapped = True, False
    new_base = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """In its own precision more often than in another."""
        return cls(DTYPES[choice.one % 4] if choice.one > LARGEST // 2 else DTYPES[0])

    def rule(self, state: State) -> State:
        """In this precision from now on."""
        return replace(state, dtype=self.precision(state), cast=False)

    def precision(self, state: State) -> str:
        """The precision that it is loaded in."""
        return state.dtype if self.dtype == "same" else self.dtype

    def do(self, run: UnderWay) -> None:
        run.live.reload(self.precision(run.state))

    def update(self, reference: Reference, change: Change) -> None:
        """Weights are rounded where that is a coarser one."""
        reference.cast(change.after.dtype)
