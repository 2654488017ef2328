"""Adapters that transformers puts on, switches, saves and loads itself."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.kinds.programs.arguments import Names
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import UnderWay
from conformance.kinds.programs.state import Placed, State


@dataclass(frozen=True)
class NativeAdd(Operation):
    """transformers' ``add_adapter``, ``set_adapter``, ``save_pretrained``, ``load_adapter``."""

    names: Names

    id = "native_add"
    text = "look at adapters that transformers adds, switches, saves and loads itself"
    wished = 2

    @classmethod
    def wish(cls, choice: Choice) -> Operation | None:
        """Two adapters, or one."""
        state = choice.state
        fit = [one.name for one in state.adapters if _fits(state, one)]
        return cls(choice.adapters(fit)[: 1 + choice.two % 2]) if fit else None

    def rule(self, state: State) -> State | None:
        """LoRA alone, and not on what is tied: transformers promises nothing of the rest.

        It does not switch trained tokens, takes modules to save for those of every adapter, and
        cannot save what is tied.
        """
        chosen = state.named(*self.names)
        if not chosen or len(chosen) != len(self.names) or state.merged:
            return None
        return state if all(_fits(state, one) for one in chosen) else None

    def do(self, run: UnderWay) -> None:
        """A look at fresh bases with these adapters, each as it stands here."""
        chosen = tuple(one for name in self.names for one in run.state.named(name))
        for what, model, name in run.live.native_adds(run.state, chosen):
            run.look(f"{name}, {what}", model, (name,))


def _fits(state: State, one: Placed) -> bool:
    """Whether it is such an adapter; a weighted sum has no placement to be put on again."""
    return bool(one.placement) and one.plain and not (state.tied and one.ends)
