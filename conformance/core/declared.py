"""What a kind of test may ask of what is known to be wrong; ``causes`` has it."""

from __future__ import annotations

from typing import Any, Protocol

from conformance.core.finding import Finding


class Entry(Protocol):
    """One declared bug, limitation, or finding that is arguable."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def link(self) -> str:
        """The upstream report, or ``unreported``."""

    @property
    def story(self) -> str:
        """What goes wrong, in a sentence."""

    @property
    def other_side(self) -> str:
        """Why upstream may call it right, where it is arguable."""

    @property
    def arguable(self) -> bool:
        """Whether it is not agreed to be wrong."""


class Declared(Protocol):
    """The entries in force."""

    def covering(self, invariant: str, finding: Finding, seen: Any) -> tuple[Entry, ...]:
        """The entries that declare this finding."""

    def argues(self, invariant: str, finding: Finding, seen: Any) -> bool:
        """Whether it is declared arguable, and by nobody as more than that."""
