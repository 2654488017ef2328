"""A diffusers pipeline as a kind of test: every promise about its text encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from conformance.core.bits import distance, same_bits
from conformance.core.errors import SuiteError
from conformance.core.finding import Finding
from conformance.core.invariant import Invariant
from conformance.core.kind import Item
from conformance.core.options import Options
from conformance.core.tolerances import visible_from
from conformance.core.versions import installed
from conformance.kinds.loading.checks import LOADING
from conformance.kinds.loading.kind import Loadings, require_informative
from conformance.kinds.pipeline.available import PACKAGE
from conformance.kinds.pipeline.case import PipelineCase, parse_pipeline_case, pipeline_cases
from conformance.kinds.pipeline.checks import PIPELINE as CHECKS
from conformance.kinds.pipeline.checks import allowance
from conformance.kinds.pipeline.observation import PipelineObservation

if TYPE_CHECKING:
    from torch import Tensor

ITEM = "conformance/test_pipeline.py::test_pipeline"


class Pipeline(Loadings[PipelineCase, PipelineObservation]):
    """One pipeline, saved and loaded."""

    name = "pipeline"
    case_type = PipelineCase
    form = "PipelineCase"
    tests = ("test_pipeline",)
    single = "test_pipeline"

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised of a pipeline, that of loading among it."""
        return CHECKS

    @property
    def own_checks(self) -> Mapping[str, Invariant]:
        """What is promised of pipelines alone."""
        return {name: one for name, one in CHECKS.items() if name not in LOADING}

    def parse(self, text: str) -> PipelineCase:
        """Read ``PipelineCase(...)``."""
        return parse_pipeline_case(text)

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[PipelineCase]]:
        """Every variant of a pipeline."""
        del test
        for case in pipeline_cases(options.devices, options.families, options.checkpoints):
            yield from self.items_of(case, checks)

    def observe(self, case: PipelineCase) -> PipelineObservation:
        """Build the pipeline, save it and load it."""
        from conformance.kinds.pipeline.observe import observe_pipeline  # torch: not before an item

        return observe_pipeline(case)

    def require_informative(self, seen: PipelineObservation) -> None:
        """Raise SuiteError unless prompts, config and adapter are what the variant says."""
        require_informative_pipeline(seen)

    def of_an_extra(self, case: PipelineCase) -> bool:
        """Whether an environment may do without: diffusers is an extra."""
        del case
        return True

    def rerun(self, seen: PipelineObservation, invariant: str) -> str:
        """The item by its node id."""
        return f"pytest --no-known-failures '{ITEM}[{seen.case.id}-{invariant}]'"

    def when(self, case: PipelineCase) -> str:
        """The variant."""
        return f"variant == {case.variant!r}"

    def headings(
        self, check: Invariant, findings: Sequence[Finding], seen: PipelineObservation, known: Any
    ) -> Iterator[tuple[str, str]]:
        """Those of every kind, with diffusers' version."""
        for heading, text in super().headings(check, findings, seen, known):
            more = f", {PACKAGE} {installed(PACKAGE)}" if heading == "WITH" else ""
            yield heading, f"{text}{more}"


PIPELINE = Pipeline()


def require_informative_pipeline(seen: PipelineObservation) -> None:
    """Raise SuiteError unless prompts, config and adapter are what the variant says."""
    require_informative(seen)
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
