"""Promises about logits: what the model computes survives each stage of its life."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance, same_bits, worst
from conformance.core.comparison import Comparison, Evidence
from conformance.core.finding import Finding
from conformance.core.observation import Observation, Trouble
from conformance.core.tolerances import coarsest, drowned, logits_allowance
from conformance.kinds.lifecycle.checks.registry import INVARIANTS


def differ(
    seen: Observation, one: str, other: str, *, dtype: str = "", whose: str = ""
) -> Iterator[Comparison]:
    """The logits of two stages, which rounding alone may tell apart.

    ``dtype`` is the coarsest precision involved, as ``logits_allowance`` takes it; ``whose`` says
    whose stage the first is where it is not this life's own.
    """
    first, second = seen.stages[one].logits, seen.stages[other].logits
    assert first is not None
    assert second is not None
    across = seen.across_devices(one, other)
    allowed = logits_allowance(seen, first, second, dtype=dtype, across=across)
    what = f"logits of {other} differ from {whose}{one}"
    yield Comparison(what, distance(first, second), allowed, stage=other, subject="logits")


@INVARIANTS.check(
    "merge-keeps-logits",
    "Logits after merge_and_unload equal logits before.",
    source="PEFT #2018, #2777",
    needs=("trained", "merged"),
    applies=drowned,
    decides="logits",
    lost_at="merge",
    of_merge=True,
    scriptable=True,
)
def merge_keeps_logits(seen: Observation) -> Iterator[Comparison]:
    yield from differ(seen, "trained", "merged")


@INVARIANTS.check(
    "reload-keeps-logits",
    "The merged model, saved and loaded again, has the same weights bit for bit, and its logits.",
    source="transformers #45127",
    needs=("merged", "reloaded"),
    decides="logits",
    lost_at="reload",
    not_of_merge="what another merger made is judged as it was loaded from its folder",
    scriptable=True,
)
def reload_keeps_logits(seen: Observation) -> Iterator[Evidence]:
    merged, reloaded = seen.stages["merged"], seen.stages["reloaded"]
    cast = seen.case.reload_dtype != "same"
    anew = made_at_load(seen) if cast else frozenset()
    for kind, before, after in (
        ("parameter", merged.weights, reloaded.weights),
        ("buffer", merged.buffers, reloaded.buffers),
    ):
        for name in sorted({*before, *after}):
            if name not in after or name not in before:
                where = "after" if name not in after else "before"
                what = f"{kind} {name} is absent {where} the reload"
                yield Finding("missing-key", what, stage="reloaded", subject=seen.subject(name))
            # a reload in another dtype casts each parameter once, and buffers as it likes;
            # what it computes is made in that dtype
            elif not cast or (kind == "parameter" and name not in anew):
                copied = before[name].to(after[name].dtype)
                if not same_bits(copied, after[name]):
                    amount = distance(copied, after[name])
                    what, subject = f"{kind} {name} changed by reload", seen.subject(name)
                    yield Finding(
                        "wrong-value", what, amount, 0.0, stage="reloaded", subject=subject
                    )
    # what is copied keeps its bits; what is computed from it depends on where in memory it lies
    dtype = coarsest(seen.case.dtype, seen.case.reload_dtype) if cast else seen.case.dtype
    yield from differ(seen, "merged", "reloaded", dtype=dtype)


@INVARIANTS.check(
    "adapter-keeps-logits",
    "The adapter, saved and loaded onto a fresh base, gives the same logits.",
    source="PEFT save_pretrained and from_pretrained",
    needs=("trained", "adapter-reloaded"),
    applies=drowned,
    decides="logits",
    lost_at="adapter",
    scriptable=True,
)
def adapter_keeps_logits(seen: Observation) -> Iterator[Comparison]:
    yield from differ(seen, "trained", "adapter-reloaded")


@INVARIANTS.check(
    "wrapping-keeps-logits",
    "Wrapping with PEFT's own initial values leaves logits and base weights as they were.",
    source="PEFT documentation, init_lora_weights=True is a no-op",
    needs=("base", "adapted"),
)
def wrapping_keeps_logits(seen: Observation) -> Iterator[Evidence]:
    yield from differ(seen, "base", "adapted")
    base, adapted = seen.stages["base"].weights, seen.stages["adapted"].weights
    for name in sorted(base):
        if name not in adapted:
            what = f"{name} is gone after wrapping"
            yield Finding("missing-key", what, stage="adapted", subject=seen.subject(name))
        elif not same_bits(base[name], adapted[name]):
            amount = distance(base[name], adapted[name])
            what, subject = f"{name} changed by wrapping", seen.subject(name)
            yield Finding("wrong-value", what, amount, 0.0, stage="adapted", subject=subject)


@INVARIANTS.check(
    "forward-follows-definition",
    "Adapted logits equal those of a plain model holding the weights the adapter defines.",
    source="arXiv:2106.09685, PEFT documentation of each way of adapting",
    needs=("trained", "defined"),
    applies=drowned,
    lost_at="definition",
)
def forward_follows_definition(seen: Observation) -> Iterator[Comparison]:
    yield from differ(seen, "defined", "trained")


@INVARIANTS.check(
    "disabled-is-base",
    "With the adapter disabled, logits equal the base's.",
    source="PEFT disable_adapter",
    needs=("base", "disabled"),
    applies=lambda seen: (
        drowned(seen)
        if seen.case.bias == "none"
        else "with trained biases PEFT documents that disabling does not give the base back"
    ),
)
def disabled_is_base(seen: Observation) -> Iterator[Comparison]:
    yield from differ(seen, "base", "disabled")


@INVARIANTS.check(
    "config-driven-loader-agrees",
    "A plain reader that trusts config.json and the safetensors file gets the same logits.",
    source="LLaMA-Factory #6749",
    needs=("merged", "reloaded"),
    applies=lambda seen: (
        drowned(seen) if seen.case.reload_dtype == "same" else "the case reloads in another dtype"
    ),
    decides="config",
    lost_at="reader",
    of_merge=True,
    scriptable=True,
)
def config_driven_loader_agrees(seen: Observation) -> Iterator[Evidence]:
    lost: list[Trouble] = [t for t in seen.troubles if t.branch == "reader"]
    for trouble in lost:
        yield Finding("missing-key", trouble.message, stage=trouble.stage)
    if "read" in seen.stages:
        yield from differ(seen, "merged", "read")


def changed_weights(seen: Observation, one: str, other: str) -> Iterator[Finding]:
    """The worst of the parameters whose bits differ between two stages."""
    before, after = seen.stages[one].weights, seen.stages[other].weights
    shared = sorted(before.keys() & after.keys())
    changed = [(n, before[n], after[n]) for n in shared if not same_bits(before[n], after[n])]
    if changed:
        name, amount = worst(changed)
        what = f"{len(changed)} parameters differ between {one} and {other}, most {name}"
        yield Finding("wrong-value", what, amount, 0.0, stage=other, subject=seen.subject(name))


def made_at_load(seen: Observation) -> frozenset[str]:
    """Parameters of the reloaded model that the file does not hold and loading computes.

    Marian's positions: nothing calls them missing, and no other tensor is theirs.
    """
    held, report = seen.saved["merged"].tensors, seen.loading["reloaded"]
    ties = [group for stage in ("merged", "reloaded") for group in seen.stages[stage].shares]
    told = {*held, *report.missing, *report.mismatched}.union(*ties)
    return frozenset(
        name
        for name, tensor in seen.stages["merged"].weights.items()
        # what the file holds may have another name there
        if name not in told and not any(same_bits(tensor, one) for one in held.values())
    )
