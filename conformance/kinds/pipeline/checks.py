"""Promises about the text encoder of a pipeline that was saved and loaded.

Those of loading are the same ones, with what the log says in place of the report that
``DiffusionPipeline.from_pretrained`` does not give. Two of them would say nothing:
``log-agrees-with-report``, of which both sides would be the log, and
``competing-tensors-are-told``, since no file here holds two matrices for one tie.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance
from conformance.core.comparison import Allowance, Comparison
from conformance.core.invariant import Registry
from conformance.core.tolerances import movement, outputs_allowance
from conformance.kinds.loading.checks import LOADING
from conformance.kinds.pipeline.observation import PipelineObservation

PIPELINE = Registry(needs=("loaded",))
for one in LOADING.values():
    if not one.of_loading_alone:
        PIPELINE.share(one)


def unmerged(seen: PipelineObservation) -> str | None:
    """Why a promise about a merged adapter says nothing here."""
    return None if seen.case.what.targets else "no adapter was merged into the text encoder"


def allowance(seen: PipelineObservation) -> Allowance:
    """Absolute allowance between two ways of computing one adapted text encoder.

    T5 does not scale its attention, so what ``conformance.core.tolerances`` derives is not enough
    alone: of 300 seeds the worst passed it by half, and came to half of it with what is measured.
    """
    stages = ("base", "adapted", "source", "loaded")
    outputs = [seen.stages[stage].logits for stage in stages if stage in seen.stages]
    merged = seen.stages["source"].logits
    assert merged is not None
    return outputs_allowance(seen.case.spec, *outputs, moved=movement(merged, seen.nudged))


@PIPELINE.check(
    "pipeline-keeps-outputs",
    "The text encoder of the loaded pipeline gives the outputs it gave before its LoRA was merged.",
    source="PEFT merge_and_unload; diffusers, merging a LoRA into a text encoder",
    needs=("base", "adapted", "loaded"),
    applies=unmerged,
)
def pipeline_keeps_outputs(seen: PipelineObservation) -> Iterator[Comparison]:
    adapted, loaded = seen.stages["adapted"].logits, seen.stages["loaded"].logits
    assert adapted is not None
    assert loaded is not None
    what = "outputs of loaded differ from adapted"
    amount = distance(adapted, loaded)
    yield Comparison(what, amount, allowance(seen), stage="loaded", subject="outputs")


@PIPELINE.check(
    "pipeline-encodes-alike",
    "The loaded pipeline makes of a prompt what the saved one made of it.",
    source="diffusers DiffusionPipeline.from_pretrained; transformers PR #43880",
)
def pipeline_encodes_alike(seen: PipelineObservation) -> Iterator[Comparison]:
    source, loaded = seen.encoded["source"], seen.encoded["loaded"]
    amount = distance(source, loaded)
    what = "prompts of loaded differ from source"
    yield Comparison(what, amount, allowance(seen), stage="loaded", subject="prompts")
