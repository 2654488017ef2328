"""Observing a pipeline once for many promises, and proof that it can break them."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from conformance.compare import distance, same_bits, visible_from
from conformance.loading.case import LoadingCase
from conformance.loading.observation import LoadingObservation
from conformance.loading.observer import LoadingObserver, check_not_vacuous
from conformance.pipeline.case import PipelineCase
from conformance.pipeline.invariants import allowance
from conformance.pipeline.observation import PipelineObservation
from conformance.trouble import SuiteError

if TYPE_CHECKING:
    from torch import Tensor


class PipelineObserver(LoadingObserver):
    """The last observation of a pipeline; a second one must be the same."""

    def observe(self, case: LoadingCase) -> LoadingObservation:
        """Make the observation of ``case``."""
        from conformance.pipeline.observe import observe_pipeline  # torch: not before an item

        assert isinstance(case, PipelineCase)
        return observe_pipeline(case)

    def check(self, seen: LoadingObservation) -> None:
        """Raise SuiteError where an observation proves nothing."""
        assert isinstance(seen, PipelineObservation)
        check_pipeline(seen)


def check_pipeline(seen: PipelineObservation) -> None:
    """Raise SuiteError unless prompts, config and adapter are what the variant says."""
    check_not_vacuous(seen)
    prompts = seen.encoded.get("source")
    if prompts is None:
        return
    if not bool(prompts.isfinite().all()):
        raise SuiteError(f"the prompts of {seen.case!r} are encoded as what is no number")
    if any(same_bits(one, other) for one, other in combinations(prompts.unbind(), 2)):
        raise SuiteError(f"two prompts of {seen.case!r} are encoded alike")
    for file in seen.saved.values():
        said = file.config.get("tie_word_embeddings")
        if seen.case.what.untied is not (said is False):
            raise SuiteError(f"the saved config of {seen.case!r} says tied: {said}")
    if seen.called and distance(*_moved(seen)) <= visible_from(allowance(seen)):
        raise SuiteError(f"the adapter of {seen.case!r} changes nothing that can be seen")


def _moved(seen: PipelineObservation) -> tuple[Tensor, Tensor]:
    """Outputs before there was an adapter, and those of the stage after it that differ more."""
    base, *others = (seen.stages[stage].logits for stage in ("base", "adapted", "source"))
    assert base is not None
    found = [logits for logits in others if logits is not None]
    return base, max(found, key=lambda logits: distance(base, logits))
