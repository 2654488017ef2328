"""One step of a program with the states around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.kinds.programs.operations import Operation
from conformance.kinds.programs.operations.files import Load, Native, Reopen
from conformance.kinds.programs.state import Placed, State


@dataclass(frozen=True)
class Turn:
    """A step with the states around it."""

    before: State
    taken: Operation
    after: State
    stale: frozenset[str] = frozenset()
    """Adapters whose tokens are still merged, though nothing is to be any more."""

    @property
    def new(self) -> tuple[Placed, ...]:
        """The adapter that the step makes, if it makes one."""
        return self.after.named(self.taken.new)

    @property
    def saved(self) -> tuple[Placed, ...]:
        """The adapters that the step saves and loads."""
        if isinstance(self.taken, Reopen):
            return self.before.adapters
        if isinstance(self.taken, Load):
            return self.before.named(self.taken.source)
        return self.before.named(self.taken.name) if isinstance(self.taken, Native) else ()


Meets = Callable[[Turn], bool]
