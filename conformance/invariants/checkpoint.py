"""Promises about what lies on disk."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.invariants.invariant import invariant
from conformance.observation import Observation
from conformance.violation import Finding


@invariant(
    "checkpoint-is-plain",
    "The merged checkpoint has exactly the keys of a plain model of its config.",
    source="transformers' tied-weight tests; LLaMA-Factory #6749",
    needs=("merged", "reloaded"),
    applies=lambda seen: None if seen.plain_keys else "no plain checkpoint to compare with",
)
def checkpoint_is_plain(seen: Observation) -> Iterator[Finding]:
    saved = seen.saved["merged"]
    tied = bool(next(iter(saved.flags.values()), seen.case.tied))
    expected, found = seen.plain_keys[tied], frozenset(saved.tensors)
    says = f"a config that says tie_word_embeddings={tied}"
    for key in sorted(expected - found):
        yield Finding("missing-key", f"{key} is not in the file, under {says}")
    for key in sorted(found - expected):
        yield Finding("extra-key", f"{key} is in the file, under {says}")


@invariant(
    "saving-is-repeatable",
    "The same model saved twice gives identical files.",
    source="reproducible artefacts",
    needs=("merged-again",),
)
def saving_is_repeatable(seen: Observation) -> Iterator[Finding]:
    for name in ("merged", "adapter"):
        if f"{name}-again" not in seen.saved:
            continue
        one, other = seen.saved[name].digests, seen.saved[f"{name}-again"].digests
        for file in sorted({*one, *other}):
            if one.get(file) != other.get(file):
                yield Finding("not-repeatable", f"{file} of the {name} differs when saved again")


@invariant(
    "dtype-is-kept",
    "Merging, saving and reloading leave every parameter's dtype as the base had it.",
    source="transformers from_pretrained, dtype",
    needs=("base", "merged"),
)
def dtype_is_kept(seen: Observation) -> Iterator[Finding]:
    stages = ["merged", "merged-otherwise", "unloaded"]
    if seen.case.reload_dtype == "same":
        stages.append("reloaded")
    base = seen.stages["base"].weights
    for stage in stages:
        found = seen.stages[stage].weights if stage in seen.stages else {}
        for name in sorted(base.keys() & found.keys()):
            if base[name].dtype != found[name].dtype:
                was, now = base[name].dtype, found[name].dtype
                yield Finding("wrong-dtype", f"{name} was {was} and is {now} at {stage}")
    saved = seen.saved.get("merged")
    kinds = {tensor.dtype for tensor in base.values()}
    for key, tensor in sorted(saved.tensors.items()) if saved else ():
        if tensor.dtype not in kinds:
            yield Finding("wrong-dtype", f"{key} is {tensor.dtype} in the file")


@invariant(
    "device-is-kept",
    "No tensor of the model is left on another device than the one it lives on.",
    source="torch.nn.Module.to",
    needs=("base", "adapted", "trained"),
)
def device_is_kept(seen: Observation) -> Iterator[Finding]:
    home = set(seen.stages["base"].devices.values())
    for stage, found in seen.stages.items():
        if stage == "reloaded" and seen.case.crossing != "none":
            continue
        for name, device in sorted(found.devices.items()):
            if device not in home:
                yield Finding("wrong-device", f"{name} is on {device} at {stage}")
