"""The cases that are planned and drawn: for a run, for a benchmark, and for a corpus to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from conformance.core.case import Case
from conformance.core.covering import Planned
from conformance.core.errors import SuiteError
from conformance.core.finding import Violation
from conformance.core.grid import Stratum
from conformance.core.kind import AnyCase, C, Drawn
from conformance.core.options import RUN_SEED
from conformance.kinds.lifecycle.kind import drawn_cases
from conformance.running.replayed import BACKEND, replaying
from conformance.running.strategies import made
from tiny_models.families import DECODERS

# A case takes a tenth of a second and more: what Hypothesis calls slow or large is the work itself.
ALLOWED = [HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large]
BATCH = 9
"""Cases that Hypothesis draws at a time. From 10 on the first ones depend on how many are drawn."""


def draw(
    of: Drawn[Any],
    meet: Callable[[Any], object],
    *,
    is_new: Callable[[Violation], bool] = lambda _: True,
    **limits: Any,
) -> None:
    """Call ``meet`` with each case; ``limits`` are more settings of Hypothesis.

    The first k are the same for any larger number of cases. Where ``meet`` raises a Violation that
    ``is_new``, Hypothesis calls it with simpler cases, and raises that of the simplest that fails.
    """
    __tracebackhide__ = True
    for case in of.before:
        meet(case)
    plan = of.plan()[: of.examples]
    for one in plan:
        _meet_planned(of, one, meet, is_new, limits)
    left = of.examples - len(plan)
    for number, done in enumerate(range(0, left, BATCH)):
        examples = min(BATCH, left - done)
        _with_hypothesis(of, meet, stream=of.stream + number, max_examples=examples, **limits)


def _meet_planned(
    of: Drawn[Any],
    planned: Planned[Any],
    meet: Callable[[Any], object],
    is_new: Callable[[Violation], bool],
    limits: dict[str, Any],
) -> None:
    __tracebackhide__ = True
    try:
        meet(planned.case)
    except Violation as broken:
        shrinks = Phase.shrink in limits.get("phases", settings().phases)
        if of.own_minimiser or not shrinks or not is_new(broken):
            raise
        with replaying(planned.places):  # the simplest case comes first, and then the planned one
            _with_hypothesis(of, meet, backend=BACKEND, max_examples=2, **limits)
        raise SuiteError(f"{planned.case!r} failed, and not when it was drawn again") from None


def _with_hypothesis(
    of: Drawn[Any], meet: Callable[[Any], object], *, stream: int = 0, **limits: Any
) -> None:
    """Have Hypothesis draw cases of a stream."""
    __tracebackhide__ = True

    @seed(stream)
    @settings(suppress_health_check=ALLOWED, **limits)
    @given(case=made(of.make))
    def lives(case: AnyCase) -> None:
        __tracebackhide__ = True
        meet(case)

    run: Callable[[], None] = lives
    run()


def drawn(
    stratum: Stratum,
    examples: int,
    run_seed: int = RUN_SEED,
    families: tuple[str, ...] = DECODERS,
    group: str = "",
) -> list[Case]:
    """Distinct cases of a stratum, the same in every run; ``group`` names that of the families."""
    return distinct(drawn_cases(stratum, families, run_seed, examples, group))


def distinct(of: Drawn[C]) -> list[C]:
    """The cases that are planned and drawn, each once."""
    met: dict[C, None] = {}
    draw(of, met.setdefault, phases=[Phase.generate], database=None, deadline=None)
    return list(met)
