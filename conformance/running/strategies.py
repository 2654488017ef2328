"""The Hypothesis strategy of a kind's cases: the kind makes one, and Hypothesis chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

from hypothesis import event
from hypothesis import strategies as st

from conformance.core.covering import Pick

C = TypeVar("C")
T = TypeVar("T")
TOLD = ("family", "placement", "dtype")
"""Fields that Hypothesis counts, for ``--hypothesis-show-statistics``."""


@cache
def _among(choices: Sequence[T]) -> st.SearchStrategy[T]:
    """One of the choices; kept, since to make the strategy costs more than to draw."""
    return st.sampled_from(choices)


@st.composite
def made(draw: st.DrawFn, make: Callable[[Pick], C]) -> C:
    """What ``make`` makes of Hypothesis's choices, the first of each being the simplest."""

    def choose(choices: Sequence[T], /) -> T:
        return choices[0] if len(choices) == 1 else draw(_among(choices))

    case = make(choose)
    for name in TOLD:
        if hasattr(case, name):
            event(f"{name}: {getattr(case, name)}")
    return case
