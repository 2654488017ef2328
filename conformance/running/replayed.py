"""Planned cases in Hypothesis's own machinery: it makes one by given choices, and simplifies that.

An alternative backend, https://hypothesis.readthedocs.io/en/latest/extending.html: what strategies
draw comes from it once, and from Hypothesis's own from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

from hypothesis.errors import BackendCannotProceed
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, PrimitiveProvider

BACKEND = "planned"
_places: ContextVar[tuple[int, ...]] = ContextVar("places")


@contextmanager
def replaying(places: Sequence[int]) -> Iterator[None]:
    """Have a run of Hypothesis with our backend choose by these places, among choices of each."""
    token = _places.set(tuple(places))
    try:
        yield
    finally:
        _places.reset(token)


class Replay(PrimitiveProvider):
    """Draws the places of one case, in order; made once for each run of Hypothesis."""

    def __init__(self, conjecturedata: Any, /) -> None:
        super().__init__(conjecturedata)
        self._left = iter(_places.get())

    def draw_integer(
        self, min_value: int | None = None, max_value: int | None = None, **_: Any
    ) -> int:
        """The next place; after the last one Hypothesis goes on by itself."""
        place = next(self._left, None)
        if place is None:
            raise BackendCannotProceed("exhausted")
        assert min_value == 0, "a choice among several draws its place, from 0 on"
        assert max_value is not None
        assert place <= max_value
        return place

    def _refused(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("what is planned are choices among several, and nothing else")

    draw_boolean = draw_float = draw_string = draw_bytes = _refused


AVAILABLE_PROVIDERS[BACKEND] = f"{__name__}.{Replay.__name__}"
