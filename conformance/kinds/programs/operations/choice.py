"""What a wish chooses from: the adapters and the names that there are, by three small numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.kinds.programs.arguments import RESERVED, WORDS
from conformance.kinds.programs.state import State

LARGEST = 11
"""The largest of the numbers."""
ORDINARY = tuple(word for word in WORDS if word not in RESERVED)


@dataclass(frozen=True)
class Choice:
    """Where a program stands, and the numbers that choose the arguments of its next step."""

    state: State
    one: int
    two: int
    three: int

    def new(self, number: int) -> str:
        """A name that no adapter has: an ordinary one more often than one of PEFT's words."""
        known = self.state.names
        free = [word for word in (*ORDINARY, *ORDINARY, *WORDS) if word not in known]
        return free[number % len(free)]

    def adapters(self, pool: Sequence[str] = ()) -> tuple[str, ...]:
        """An adapter and the one after it, where there is another; of all where none is in pool."""
        known = pool or self.state.names
        return tuple(dict.fromkeys(known[(self.one + more) % len(known)] for more in (0, 1)))

    def adapter(self, pool: Sequence[str] = ()) -> str:
        """One adapter."""
        return self.adapters(pool)[0]
