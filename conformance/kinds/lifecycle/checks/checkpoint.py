"""Promises about what lies on disk."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.adapter_file import allowed_ends, lengthened, owed_ends, silent_on
from conformance.core.finding import Finding
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks.registry import INVARIANTS


@INVARIANTS.check(
    "checkpoint-is-plain",
    "The merged checkpoint has exactly the keys of a plain model of its config.",
    source="transformers' tied-weight tests; LLaMA-Factory #6749",
    needs=("merged", "reloaded"),
    applies=lambda seen: None if seen.plain_keys else "no plain checkpoint to compare with",
    of_merge=True,
)
def checkpoint_is_plain(seen: Observation) -> Iterator[Finding]:
    saved = seen.saved["merged"]
    tied = bool(next(iter(saved.flags.values()), seen.case.tied))
    expected, found = seen.plain_keys[tied], frozenset(saved.tensors)
    says = f"a config that says tie_word_embeddings={tied}"
    for key in sorted(expected - found):
        yield Finding(
            "missing-key", f"{key} is not in the file, under {says}", stage="saved", subject=key
        )
    for key in sorted(found - expected):
        yield Finding(
            "extra-key", f"{key} is in the file, under {says}", stage="saved", subject=key
        )


@INVARIANTS.check(
    "saving-is-repeatable",
    "The same model saved twice gives identical files.",
    source="reproducible artefacts",
    needs=("file merged-again",),
    of_merge=True,
)
def saving_is_repeatable(seen: Observation) -> Iterator[Finding]:
    for name, stage in (("merged", "saved"), ("adapter", "adapter-saved")):
        if f"{name}-again" not in seen.saved:
            continue
        one, other = seen.saved[name].digests, seen.saved[f"{name}-again"].digests
        for file in sorted({*one, *other}):
            if one.get(file) != other.get(file):
                what = f"{file} of the {name} differs when saved again"
                yield Finding("not-repeatable", what, stage=stage, subject=file)


@INVARIANTS.check(
    "dtype-is-kept",
    "Merging, saving and reloading leave every parameter's dtype as the base had it.",
    source="transformers from_pretrained, dtype",
    needs=("base", "merged"),
    of_merge=True,
)
def dtype_is_kept(seen: Observation) -> Iterator[Finding]:
    yield from _adapter_dtypes(seen)
    stages = ["merged", "merged-otherwise", "unloaded"]
    if seen.case.reload_dtype == "same":
        stages.append("reloaded")
    base = seen.stages["base"].weights
    for stage in stages:
        found = seen.stages[stage].weights if stage in seen.stages else {}
        for name in sorted(base.keys() & found.keys()):
            if base[name].dtype != found[name].dtype:
                was, now = base[name].dtype, found[name].dtype
                what = f"{name} was {was} and is {now} at {stage}"
                yield Finding("wrong-dtype", what, stage=stage, subject=seen.subject(name))
    saved = seen.saved.get("merged")
    kinds = {t.dtype for t in (*base.values(), *seen.stages["base"].buffers.values())}
    for key, tensor in sorted(saved.tensors.items()) if saved else ():
        if tensor.dtype not in kinds:
            what = f"{key} is {tensor.dtype} in the file"
            yield Finding("wrong-dtype", what, stage="saved", subject=key)


def _adapter_dtypes(seen: Observation) -> Iterator[Finding]:
    """LoRA in float32 over half precision where autocast_adapter_dtype asks for it (PEFT 0.12)."""
    if "autocast_adapter_dtype" in seen.absent:
        return
    half = seen.case.dtype in {"float16", "bfloat16"} and seen.case.autocast
    base = seen.stages["base"].weights
    kinds = {str(weight.dtype) for weight in base.values()}
    stages = [stage for stage in ("adapted", "adapter-reloaded") if stage in seen.stages]
    for stage in stages:
        for name, tensor in sorted(seen.stages[stage].weights.items()):
            module, _, part = name.partition(" ")
            wanted = "torch.float32" if half else f"torch.{seen.case.dtype}"
            # transformers keeps some of T5's matrices in float32 whatever is asked for
            kept = None if half or wanted not in kinds else base.get(f"{module}.weight")
            if kept is not None:
                wanted = str(kept.dtype)
            if part.startswith("lora_") and str(tensor.dtype) != wanted:
                told = f"{name} is {tensor.dtype} at {stage}, asked for {wanted}"
                yield Finding("wrong-dtype", told, stage=stage, subject=seen.subject(name))


@INVARIANTS.check(
    "adapter-file-is-as-asked",
    "The adapter file has the base's embedding and head where save_embedding_layers says so alone.",
    source="PEFT save_pretrained, save_embedding_layers",
    needs=("adapted", "file adapter"),
    applies=lambda seen: (
        seen.absent.get("save_embedding_layers")
        or (lengthened(seen.case) and seen.absent.get("local configs"))
        or (seen.case.save_embedding_layers != "no" and silent_on(seen.case))
        or None
    ),
    of_lora_alone=True,
)
def adapter_file_is_as_asked(seen: Observation) -> Iterator[Finding]:
    keys = seen.saved["adapter"].tensors
    for role in owed_ends(seen.case):
        if not _weight_of(seen, role) & keys.keys():
            what = f"the weight of {seen.names[role]} is to be in the adapter file, and is not"
            yield Finding("missing-key", what, stage="adapter-saved", subject=role)
    allowed = {key for role in allowed_ends(seen.case) for key in _weight_of(seen, role)}
    biased = seen.case.bias != "none" or bool(allowed)  # a head that is saved has its bias along
    for key in sorted(keys.keys() - allowed):
        own = any(mark in key for mark in (".lora_", ".modules_to_save", "trainable_tokens"))
        if not (own or _is_saved(seen, key) or (biased and key.endswith(".bias"))):
            what = f"{key} is in the adapter file"
            yield Finding("extra-key", what, stage="adapter-saved", subject=key)


def _weight_of(seen: Observation, role: str) -> set[str]:
    """The keys that the weight of embedding or head may have in the file."""
    module = f"base_model.model.{seen.names[role]}" if role in seen.names else ""
    return {f"{module}.weight", f"{module}.base_layer.weight"}


def _is_saved(seen: Observation, key: str) -> bool:
    """PEFT writes a saved module's tensors under the plain name of the module."""
    saved = {name for name in seen.stages["adapted"].weights if " saved " in name}
    return any(key.endswith(name.replace(" saved ", ".")) for name in saved)


@INVARIANTS.check(
    "device-is-kept",
    "No tensor of the model is left on another device than the one it lives on.",
    source="torch.nn.Module.to",
    needs=("base", "adapted", "trained"),
    of_merge=True,
)
def device_is_kept(seen: Observation) -> Iterator[Finding]:
    home = set(seen.stages["base"].devices.values())
    for stage, found in seen.stages.items():
        if stage in ("reloaded", "read") and seen.case.crossing != "none":
            continue
        for name, device in sorted(found.devices.items()):
            if device not in home:
                what = f"{name} is on {device} at {stage}"
                yield Finding("wrong-device", what, stage=stage, subject=seen.subject(name))
