"""The cases of a run, drawn again: what a benchmark measures and what a corpus keeps."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings

from conformance.core.case import Case
from conformance.core.grid import Stratum
from conformance.core.options import RUN_SEED, stratum_seed
from conformance.kinds.lifecycle.strategies import cases
from tiny_models.families import DECODERS


def drawn(
    stratum: Stratum,
    examples: int,
    run_seed: int = RUN_SEED,
    families: tuple[str, ...] = DECODERS,
    stream: str = "",
) -> list[Case]:
    """Distinct cases of a stratum, the same in every run; ``stream`` names a group's own."""
    met: dict[Case, None] = {}

    @seed(stratum_seed(run_seed, stratum, stream))
    @settings(
        max_examples=examples,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(case=cases(stratum, families))
    def lives(case: Case) -> None:
        met.setdefault(case)

    lives()
    return list(met)
