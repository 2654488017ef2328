"""Promises about further uses of an adapter: generating, freezing, telling, casting, loading."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import same_bits
from conformance.core.comparison import Comparison, Evidence
from conformance.core.finding import Finding
from conformance.core.invariant import Applies
from conformance.core.observation import Observation
from conformance.core.tolerances import drowned
from conformance.kinds.lifecycle.checks.logits import differ
from conformance.kinds.lifecycle.further_stages import (
    FROZEN,
    GENERATED,
    HALF,
    THAWED,
    TOLD,
    counted,
    foreseen,
)
from conformance.kinds.tuners.registry import ONLY_TUNERS
from conformance.upstream.names import SECOND


def _where(*stages: str) -> Applies:
    """That one of the stages is there: few lives have them."""

    def applies(seen: Observation) -> str | None:
        if not any(stage in seen.stages for stage in stages):
            return "this life does not go there"
        return drowned(seen)

    return applies


@ONLY_TUNERS.check(
    "generation-follows-forward",
    "Each token that generate adds is the likeliest after one forward pass over those before it; "
    "generating leaves the model as it was, and so does preparing what it is given.",
    source="transformers' documentation of greedy decoding; PEFT PeftModel.generate, "
    "adapter_names, prepare_inputs_for_generation",
    needs=("trained",),
    applies=_where(*GENERATED),
)
def generation_follows_forward(seen: Observation) -> Iterator[Evidence]:
    for stage in GENERATED:
        if stage in seen.stages:
            yield from differ(seen, foreseen(stage), stage)
            yield from _greedy(seen, stage)
    for stage in ("generated-then", "prepared"):
        if stage in seen.stages:
            yield from differ(seen, "trained", stage)


def _greedy(seen: Observation, stage: str) -> Iterator[Finding]:
    """The tokens are those of the largest logits, after what was given."""
    made, found = seen.stages[stage], seen.stages[stage].logits
    assert found is not None
    tokens, prompt = made.buffers["tokens"], made.buffers["prompt"]
    new = tokens[:, -found.shape[1] :]
    before = tokens[:, : -found.shape[1]]
    if not same_bits(new, found.argmax(dim=-1)):
        what = f"the tokens of {stage} are not those of the largest logits"
        yield Finding("wrong-value", what, stage=stage, subject="tokens")
    if not same_bits(before[:, -prompt.shape[1] :], prompt):
        what = f"what was given to {stage} is not what the tokens follow"
        yield Finding("wrong-value", what, stage=stage, subject="prompt")


@ONLY_TUNERS.check(
    "frozen-adapter-stays",
    "A frozen adapter has no parameter that trains and computes the same, beside another that "
    "trains too; thawed, it trains as it did.",
    source="PEFT set_adapter, inference_mode; PEFT set_requires_grad",
    needs=("trained",),
    applies=_where(*FROZEN),
)
def frozen_adapter_stays(seen: Observation) -> Iterator[Evidence]:
    trained = seen.stages["trained"]
    wanted: dict[str, frozenset[str]] = dict.fromkeys(FROZEN, frozenset())
    wanted |= dict.fromkeys(THAWED, trained.trainable)
    if "frozen-beside" in seen.stages:
        every = seen.stages["frozen-beside"].weights
        wanted["frozen-beside"] = frozenset(name for name in every if f".{SECOND}" in name)
    for stage, names in wanted.items():
        if stage not in seen.stages:
            continue
        found = seen.stages[stage]
        for name in sorted(found.trainable ^ names):
            verb = "trains" if name in found.trainable else "does not train"
            what = f"{name} {verb} at {stage}"
            yield Finding("wrong-trainable", what, stage=stage, subject=seen.subject(name))
        yield from differ(seen, "trained", stage)
    if "stepped" in seen.stages:
        yield from _moved(seen)


def _moved(seen: Observation) -> Iterator[Finding]:
    """A step moves the second adapter, and nothing else."""
    before, after = seen.stages["frozen-beside"], seen.stages["stepped"]
    moved = {n for n, one in before.weights.items() if not same_bits(one, after.weights[n])}
    for name in sorted(moved - before.trainable):
        what = f"frozen {name} was changed by a step"
        yield Finding("wrong-value", what, stage="stepped", subject=seen.subject(name))
    if not moved & before.trainable:
        what = "a step moves nothing of the adapter that trains"
        yield Finding("wrong-value", what, stage="stepped")


@ONLY_TUNERS.check(
    "model-tells-what-it-is",
    "What a wrapped model tells of its layers, parameters, saved modules and precision is so.",
    source="PEFT get_layer_status, print_trainable_parameters, modules_to_save, "
    "base_model_torch_dtype",
    needs=("trained",),
    applies=_where(*TOLD),
)
def model_tells_what_it_is(seen: Observation) -> Iterator[Finding]:
    for stage in TOLD:
        if stage not in seen.stages:
            continue
        told, ours = seen.stages[stage].settings, seen.stages[counted(stage)].settings
        for key in sorted({*told, *ours}):
            said, is_so = told.get(key, "nothing"), ours.get(key, "nothing")
            if said != is_so:
                what = f"of {key} the model tells {said} at {stage}, and it is {is_so}"
                subject = seen.role(key.removeprefix("layer "))
                yield Finding("false-report", what, stage=stage, subject=subject)


@ONLY_TUNERS.check(
    "mixed-precision-as-documented",
    "Cast for mixed precision, what trains is in float32 and all else in half of it; ties and "
    "logits stay.",
    source="PEFT cast_mixed_precision_params",
    needs=("trained", "mixed-precision"),
    applies=_where("mixed-precision"),
)
def mixed_precision_as_documented(seen: Observation) -> Iterator[Evidence]:
    trained, cast = seen.stages["trained"], seen.stages["mixed-precision"]
    for name, tensor in sorted(cast.weights.items()):
        wanted = "float32" if name in trained.trainable else HALF
        kind, what = "", ""
        if f"{tensor.dtype}" != f"torch.{wanted}":
            kind, what = "wrong-dtype", f"{name} is in {tensor.dtype}, and not in {wanted}"
        elif not same_bits(trained.weights[name].to(tensor.dtype), tensor):
            kind, what = "wrong-value", f"{name} is another after a cast"
        if kind:
            yield Finding(kind, what, stage="mixed-precision", subject=seen.subject(name))
    for group in sorted(map(sorted, trained.shares ^ cast.shares)):
        kind = "lost-tie" if frozenset(group) in trained.shares else "gained-tie"
        subject = seen.subject(*group)
        what = f"{', '.join(group)} after a cast"
        yield Finding(kind, what, stage="mixed-precision", subject=subject)
    yield from differ(seen, "trained", "mixed-precision", dtype=HALF)


@ONLY_TUNERS.check(
    "uncast-adapter-keeps-precision",
    "An adapter that a tuner injects without a cast is in the base's precision, and computes what "
    "the one does whose values it has.",
    source="PEFT BaseTuner.inject_adapter, autocast_adapter_dtype",
    needs=("trained", "injected-uncast"),
    applies=_where("injected-uncast"),
)
def uncast_adapter_keeps_precision(seen: Observation) -> Iterator[Evidence]:
    found = seen.stages["injected-uncast"]
    for name, tensor in sorted(found.weights.items()):
        if f".{SECOND}" in name and f"{tensor.dtype}" != f"torch.{seen.case.dtype}":
            what = f"{name} is in {tensor.dtype} over a base in {seen.case.dtype}"
            subject = seen.subject(name)
            yield Finding("wrong-dtype", what, stage="injected-uncast", subject=subject)
    yield from differ(seen, "trained", "injected-uncast", dtype=seen.case.dtype)


@ONLY_TUNERS.check(
    "base-by-its-name-is-the-base",
    "Loaded with the base that its config names, an adapter computes what it does on that base.",
    source="PEFT AutoPeftModel, AutoPeftModelForCausalLM, AutoPeftModelForSeq2SeqLM",
    needs=("trained", "beside-base"),
    applies=_where("beside-base"),
)
def base_by_its_name_is_the_base(seen: Observation) -> Iterator[Comparison]:
    for stage in ("with-base", "with-mapped-base"):
        if stage in seen.stages:
            yield from differ(seen, "beside-base", stage)


@ONLY_TUNERS.check(
    "offloading-refuses-as-documented",
    "Onto a base that lies on the disk nothing is loaded where safetensors are not wanted, or two "
    "folders are named for what has no room.",
    source="PEFT PeftModel.from_pretrained and load_adapter: 'Disk offloading currently only "
    "supported for safetensors'; #2541",
    needs=("trained", "offloading-refused"),
    applies=_where("offloading-refused"),
)
def offloading_refuses_as_documented(seen: Observation) -> Iterator[Finding]:
    for what, refused in seen.stages["offloading-refused"].settings.items():
        if refused != "True":
            told = f"{what} is taken for a base that lies on the disk"
            yield Finding("missing-error", told, stage="offloading-refused", subject=what)
