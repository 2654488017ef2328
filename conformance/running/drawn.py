"""The cases that Hypothesis draws: for a run, for a benchmark, and for a corpus to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from conformance.core.case import Case
from conformance.core.grid import Stratum
from conformance.core.kind import AnyCase, C, Drawn
from conformance.core.options import RUN_SEED, stratum_seed
from conformance.kinds.lifecycle.kind import drawn_cases
from tiny_models.families import DECODERS

# A case takes a tenth of a second and more: what Hypothesis calls slow or large is the work itself.
ALLOWED = [HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large]


def draw(of: Drawn[Any], meet: Callable[[Any], object], **limits: Any) -> None:
    """Have Hypothesis call ``meet`` with each case; ``limits`` are more of its settings."""
    __tracebackhide__ = True

    @seed(of.stream)
    @settings(suppress_health_check=ALLOWED, max_examples=of.examples, **limits)
    @given(case=of.strategy())
    def lives(case: AnyCase) -> None:
        __tracebackhide__ = True
        meet(case)

    for case in of.before:
        meet(case)
    run: Callable[[], None] = lives
    run()


def drawn(
    stratum: Stratum,
    examples: int,
    run_seed: int = RUN_SEED,
    families: tuple[str, ...] = DECODERS,
    stream: str = "",
) -> list[Case]:
    """Distinct cases of a stratum, the same in every run; ``stream`` names a group's own."""
    return distinct(
        drawn_cases(stratum, families, stratum_seed(run_seed, stratum, stream), examples)
    )


def distinct(of: Drawn[C]) -> list[C]:
    """The cases that are drawn, each once."""
    met: dict[C, None] = {}
    draw(of, met.setdefault, phases=[Phase.generate], database=None, deadline=None)
    return list(met)
