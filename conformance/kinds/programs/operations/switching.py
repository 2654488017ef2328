"""Which adapters count: one, several, or none for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

from conformance.kinds.programs.arguments import Name, Names
from conformance.kinds.programs.operations.choice import Choice
from conformance.kinds.programs.operations.operation import Operation
from conformance.kinds.programs.operations.under_way import UnderWay
from conformance.kinds.programs.state import Outcome, State


@dataclass(frozen=True)
class Set(Operation):
    """``set_adapter``."""

    name: Name

    id = "set"
    text = "make one adapter the active one"
    wished = 4
    while_disabled = while_told = True

    @classmethod
    def wish(cls, choice: Choice) -> Operation:
        """One that is not active, where there is one."""
        state = choice.state
        return cls(choice.adapter([name for name in state.names if name not in state.active]))

    def rule(self, state: State) -> State | None:
        """Nothing is merged any more."""
        if self.name not in state.names or (state.active == (self.name,) and not state.merged):
            return None
        return replace(state, active=(self.name,), merged=(), told=False, last=self.name)

    def do(self, run: UnderWay) -> None:
        run.live.model.set_adapter(self.name)


@dataclass(frozen=True)
class Activate(Operation):
    """Several adapters at once: a call of the tuner's, as its documentation shows."""

    names: Names

    id = "activate"
    text = "make several adapters active"
    wished = 3

    @classmethod
    def wish(cls, choice: Choice) -> Operation | None:
        """Two neighbours."""
        pair = choice.adapters()
        return cls(pair) if len(pair) > 1 else None

    def rule(self, state: State) -> State | Outcome | None:
        """PEFT documents that it refuses adapters that save or train the same."""
        chosen = state.named(*self.names)
        if len(self.names) < 2 or len(chosen) != len(self.names):  # noqa: PLR2004  several
            return None
        if any(one.clashes(other) for one, other in combinations(chosen, 2)):
            return Outcome(state, "Only one adapter can be set at a time")
        return None if self.names == state.active else replace(state, active=self.names, merged=())

    def do(self, run: UnderWay) -> None:
        run.live.model.base_model.set_adapter(list(self.names))


@dataclass(frozen=True)
class Disable(Operation):
    """``disable_adapter_layers``."""

    id = "disable"
    text = "disable all adapters"

    def rule(self, state: State) -> State:
        """Nothing is merged any more."""
        return replace(state, enabled=False, merged=())

    def do(self, run: UnderWay) -> None:
        run.live.model.base_model.disable_adapter_layers()


@dataclass(frozen=True)
class Enable(Operation):
    """``enable_adapter_layers``."""

    id = "enable"
    text = "enable them again"
    wished = 4
    while_disabled = True

    def rule(self, state: State) -> State | None:
        """Only where they are disabled."""
        return None if state.enabled else replace(state, enabled=True, late=())

    def do(self, run: UnderWay) -> None:
        run.live.model.base_model.enable_adapter_layers()


@dataclass(frozen=True)
class Without(Operation):
    """``disable_adapter``: the model is looked at inside, and after it as ever."""

    id = "without"
    text = "look at the model in `with model.disable_adapter()`"
    wished = 2

    def rule(self, state: State) -> State:
        """Nothing is merged any more."""
        return replace(state, merged=())

    def do(self, run: UnderWay) -> None:
        """A look at the model without its adapters."""
        with run.live.model.disable_adapter():
            run.look("disabled", run.live.model, ())
