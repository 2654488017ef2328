"""The smallest kind of test: a number is observed, and is to be small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.core.finding import Finding
from conformance.core.invariant import Invariant, always
from conformance.core.kind import Item, Kind
from conformance.core.literals import literals
from conformance.core.options import Options


@dataclass(frozen=True)
class ToyCase:
    """A number."""

    number: int = 1
    device: str = "cpu"
    family: str = "llama"

    def __repr__(self) -> str:
        return f"ToyCase(number={self.number})"


@dataclass(frozen=True)
class Seen:
    """A number that was looked at."""

    case: ToyCase
    stages: Mapping[str, object] = field(default_factory=dict)
    saved: Mapping[str, object] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    heard: tuple[Any, ...] = ()
    troubles: tuple[Any, ...] = ()
    lacks: str = ""

    def heard_at(self, *stages: str) -> tuple[Any, ...]:
        """Nothing."""
        del stages
        return ()


def _small(seen: Seen) -> Iterator[Finding]:
    if seen.case.number >= 3:
        yield Finding("wrong-value", f"{seen.case.number} is not below 3")


SMALL = Invariant("toy-number-is-small", "A number is small.", "this test", _small, always, ())


class Toy(Kind[ToyCase, Seen]):
    """Numbers."""

    name = "toy"
    case_type = ToyCase
    form = "ToyCase"
    single = "test_item"

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """One."""
        return {SMALL.id: SMALL}

    def parse(self, text: str) -> ToyCase:
        """Read ``ToyCase(number=...)``."""
        return ToyCase(**literals(text, "ToyCase"))

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[ToyCase]]:
        """Two numbers."""
        del test, options
        for number in (1, 3):
            yield from self.given(ToyCase(number), checks)

    def given(self, case: ToyCase, checks: tuple[Invariant, ...]) -> Iterator[Item[ToyCase]]:
        """A number."""
        for check in checks:
            yield Item(f"{case.number}-{check.id}", "toy", (check,), (case,), invariant=check.id)

    def observe(self, case: ToyCase) -> Seen:
        """Look at it."""
        return Seen(case)

    def together(self, case: ToyCase) -> None:
        """All of them."""

    def require_informative(self, seen: Seen) -> None:
        """A number always proves something."""

    def difference(self, one: Seen, other: Seen) -> str | None:
        """Whether the numbers differ."""
        return None if one == other else "the number"

    def evidence(self, seen: Seen) -> Iterator[str]:
        """The number."""
        yield f"the number is {seen.case.number}"

    def rerun(self, seen: Seen, invariant: str) -> str:
        """The number by itself."""
        return (
            f'pytest conformance --no-known-failures --invariant {invariant} --case "{seen.case!r}"'
        )

    def when(self, case: ToyCase) -> str:
        """The family: no fact tells the number."""
        return f"family == {case.family!r}"


TOY = Toy()
