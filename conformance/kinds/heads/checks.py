"""Promises about the head of another task: it trains, is saved, merged and taken off with LoRA."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance, same_bits
from conformance.core.comparison import Comparison, Evidence
from conformance.core.finding import Finding
from conformance.core.invariant import Registry
from conformance.core.tolerances import outputs_allowance
from conformance.kinds.heads.observation import HeadObservation
from conformance.upstream.names import PREFIX

HEADS = Registry()
KEEPING = ("loaded", "by-class", "merged", "reloaded")
"""The stages that compute what the trained model does."""
RESTORING = ("disabled", "unloaded")
"""Those that compute what the base does."""


def _differ(seen: HeadObservation, one: str, other: str) -> Comparison:
    first, second = seen.stages[one].logits, seen.stages[other].logits
    assert first is not None
    assert second is not None
    allowed = outputs_allowance(seen.case.spec, first, second)
    what = f"what is computed at {other} differs from {one}"
    return Comparison(what, distance(first, second), allowed, stage=other, subject="logits")


def _without_head(seen: HeadObservation) -> str | None:
    return None if seen.case.head else "PEFT knows of no head that is trained for this task"


def _of_the_head(seen: HeadObservation, stage: str) -> dict[str, str]:
    """The trained parameters of the head at a stage, and what the base calls each."""
    begins = f"{seen.case.head} saved "
    return {
        name: f"{seen.case.head}.{name.removeprefix(begins)}"
        for name in seen.stages[stage].weights
        if name.startswith(begins)
    }


@HEADS.check(
    "task-completes",
    "No stage of an adapter of another task ends in an error.",
    source="PEFT documentation, task types",
)
def task_completes(seen: HeadObservation) -> Iterator[Finding]:
    for met in seen.troubles:
        what = f"{met.stage} ended in {met.type} from {met.origin}: {met.message}"
        yield Finding("unexpected-error", what, stage=met.stage, subject=met.type)


@HEADS.check(
    "task-head-trains",
    "A task's head trains whole beside LoRA, and nothing of the base does.",
    source="PEFT PeftModelForSequenceClassification: make sure classifier layer is trainable",
    needs=("base", "adapted", "filled", "trained"),
)
def task_head_trains(seen: HeadObservation) -> Iterator[Finding]:
    base, adapted = seen.stages["base"], seen.stages["adapted"]
    head = {f"{seen.case.head}.{name}" for name in ("weight", "bias")} & base.weights.keys()
    own = _of_the_head(seen, "adapted")
    for name in sorted(head - set(own.values())) if seen.case.head else ():
        what = f"{name} has no copy that trains"
        yield Finding("missing-key", what, stage="adapted", subject=name)
    promised = {*own, *(name for name in adapted.weights if " lora_" in name)}
    for name in sorted(promised ^ adapted.trainable):
        state = "trains" if name in adapted.trainable else "is frozen"
        yield Finding("wrong-trainable", f"{name} {state}", stage="adapted", subject=name)
    filled, trained = seen.stages["filled"].weights, seen.stages["trained"].weights
    for name in sorted(own):
        if name.endswith("bias") and not seen.case.what.counts:
            continue  # softmax over the places of an answer ignores it
        if same_bits(filled[name], trained[name]):
            what = f"{name} did not move while training"
            yield Finding("wrong-value", what, stage="trained", subject=name)
    for name in sorted(base.weights.keys() & trained.keys()):
        if not same_bits(base.weights[name], trained[name]):
            what = f"{name} of the base moved while training"
            yield Finding("wrong-value", what, stage="trained", subject=name)


@HEADS.check(
    "task-head-is-saved",
    "An adapter's file holds the head as it was trained, and its config names it.",
    source="PEFT documentation, modules_to_save",
    needs=("trained", "file adapter"),
    applies=_without_head,
)
def task_head_is_saved(seen: HeadObservation) -> Iterator[Finding]:
    file, trained = seen.saved["adapter"], seen.stages["trained"].weights
    named = file.config.get("modules_to_save")
    found = isinstance(named, list) and seen.case.head in named
    if not found and "named" not in seen.absent:
        what = f"modules_to_save of adapter_config.json does not name {seen.case.head}"
        yield Finding("missing-key", what, stage="adapter-saved", subject=seen.case.head)
    for name, plain in _of_the_head(seen, "trained").items():
        held = file.tensors.get(f"{PREFIX}{plain}")
        if held is None or not same_bits(held, trained[name]):
            what = f"the file {'lacks' if held is None else 'holds another'} {plain}"
            kind = "missing-key" if held is None else "wrong-value"
            yield Finding(kind, what, stage="adapter-saved", subject=plain)


@HEADS.check(
    "task-keeps-logits",
    "An adapter of a task computes the same however it is loaded, and when it is merged.",
    source="PEFT from_pretrained, AutoPeftModelForSequenceClassification, merge_and_unload",
    needs=("trained",),
)
def task_keeps_logits(seen: HeadObservation) -> Iterator[Evidence]:
    for stage in (one for one in KEEPING if one in seen.stages):
        yield _differ(seen, "trained", stage)


@HEADS.check(
    "task-gives-the-base-back",
    "With the adapter disabled or taken off, the base computes what it did, with its own head.",
    source="PEFT disable_adapter, unload",
    needs=("base", "trained"),
)
def task_gives_the_base_back(seen: HeadObservation) -> Iterator[Evidence]:
    for stage in (one for one in RESTORING if one in seen.stages):
        yield _differ(seen, "base", stage)


@HEADS.check(
    "task-follows-definition",
    "A wrapped model computes what a plain one does that holds W + B A and the trained head.",
    source="arXiv:2106.09685; PEFT documentation, modules_to_save",
    needs=("trained", "defined"),
)
def task_follows_definition(seen: HeadObservation) -> Iterator[Evidence]:
    yield _differ(seen, "defined", "trained")


@HEADS.check(
    "task-merge-touches-its-own",
    "Merging changes the weights that LoRA stands on and the head, and no other bit.",
    source="PEFT merge_and_unload, unload",
    needs=("base", "trained", "merged"),
)
def task_merge_touches_its_own(seen: HeadObservation) -> Iterator[Finding]:
    base, trained = seen.stages["base"].weights, seen.stages["trained"].weights
    heads = {plain: trained[name] for name, plain in _of_the_head(seen, "trained").items()}
    for stage, of_head in (("merged", heads), ("unloaded", {})):
        if stage not in seen.stages:
            continue
        found = seen.stages[stage].weights
        for name in sorted(base.keys() ^ found.keys()):
            where = "gone" if name in base else "there and of no base"
            yield Finding("missing-key", f"{name} is {where}", stage=stage, subject=name)
        for name in sorted(base.keys() & found.keys()):
            wanted = of_head.get(name, base[name])
            if stage == "merged" and name.rpartition(".")[0] in seen.targets:
                continue
            if not same_bits(wanted, found[name]):
                what = f"{name} is not as it was"
                amount = distance(wanted, found[name])
                yield Finding("wrong-value", what, amount, 0.0, stage=stage, subject=name)
