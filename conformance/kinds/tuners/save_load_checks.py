"""Promises about the ways of an adapter: whatever file it is in, and whatever call loads it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance, same_bits
from conformance.core.comparison import Comparison, Evidence
from conformance.core.finding import Finding
from conformance.core.observation import Observation
from conformance.core.tolerances import conversion_allowance
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.logits import differ
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.registry import ONLY_TUNERS
from conformance.upstream.names import ADAPTER, PREFIX, SECOND, SUMS, adapter_part

KEEPING = (
    "pickled",
    "pickled-on-cuda",
    "cached",
    "injected",
    "swapped",
    "renamed",
    "older-names",
    "offloaded",
    "again",
    "far",
    "second-alone",
    *(f"sum-{how}" for how in SUMS),
    "rescaled",
    "scale-set",
    "scaled",
    "uncast",
    "signed",
    "given-tensors",
    "given-config",
    "subfolder",
    "swapped-subfolder",
    "wrapped-on-meta",
    "added-on-meta",
    "injected-on-meta",
    "base-given",
    "base-given-loosely",
    "mixed",
    "wrapped-mixed",
    "padded",
    "swapped-padded",
    "swapped-by-tag",
    "swapped-half",
    "cached-weights",
    "offloaded-otherwise",
)
"""The stages of adapters that are whole."""
CONVERTED = "as-lora"
"""The stage of an adapter that was turned into LoRA."""
FILES = {"adapter": "adapter_model.safetensors", "pickled": "adapter_model.bin"}
"""The file that holds the tensors in each folder."""


def _moved(seen: Observation) -> str | None:
    assert isinstance(seen.case, TunerCase)
    return None if seen.case.what.rebases else "wrapping leaves the base's weights as they were"


def _kept_anyway(seen: Observation) -> str | None:
    """None where the adapter survives being saved and loaded as most people do it."""
    if "ways" in seen.absent:
        return seen.absent["ways"]
    if INVARIANTS["adapter-keeps-logits"].judge(seen).findings:
        return "the adapter is another one however it is loaded (adapter-keeps-logits)"
    return None


@ONLY_TUNERS.check(
    "every-way-keeps-logits",
    "The adapter gives the same logits in every file PEFT writes and by every call that loads it.",
    source="PEFT save_pretrained, load_adapter, inject_adapter_in_model, hotswap_adapter, and the "
    "docstrings of what else leaves an adapter what it is",
    needs=("trained", "adapter-reloaded"),
    applies=_kept_anyway,
)
def every_way_keeps_logits(seen: Observation) -> Iterator[Evidence]:
    for stage in KEEPING:
        if stage in seen.stages:
            yield from differ(seen, "trained", stage)
    if CONVERTED in seen.stages:
        yield _converted(seen)
    yield from _others(seen)
    for folder, wanted in FILES.items() if "pickled" in seen.saved else ():
        met = seen.saved[folder].digests
        for file in sorted({wanted} ^ {name for name in met if name.startswith("adapter_model.")}):
            kind = "missing-key" if file == wanted else "extra-key"
            what = f"{file} is {'not ' * (file == wanted)}in the folder {folder}"
            stage = "adapter-saved" if folder == "adapter" else folder
            yield Finding(kind, what, stage=stage, subject=file)
    for file in seen.loading["not-main"].unexpected if "not-main" in seen.loading else ():
        what = f"{file} was written by a process that is not the main one"
        yield Finding("extra-key", what, stage="not-main", subject=file)


@ONLY_TUNERS.check(
    "adapter-load-tells-the-truth",
    "What an adapter's file lacks, and what has another size, is said at loading; nothing else is.",
    source="PEFT PeftModel.from_pretrained, PeftModel.load_adapter",
    needs=("adapter-reloaded", "incomplete"),
)
def adapter_load_tells_the_truth(seen: Observation) -> Iterator[Finding]:
    for told in seen.heard_at("adapter-reloaded"):
        if "missing adapter keys" in told.text:
            what = f"the complete file is loaded with: {told.text}"
            yield Finding("false-report", what, stage="adapter-reloaded")
    for stage in (stage for stage in ("second", "again") if stage in seen.loading):
        for kind in ("missing", "unexpected"):
            for key in getattr(seen.loading[stage], kind):
                what = f"of the complete file {key} is reported {kind}"
                yield Finding("false-report", what, stage=stage, subject=key)
    whole = seen.saved["adapter"].tensors
    for stage, lost in (
        ("incomplete", whole.keys() - seen.saved["incomplete"].tensors.keys()),
        ("passed-by", _resized(seen)),
    ):
        said = " ".join(told.text for told in seen.heard_at(stage)).replace(f".{ADAPTER}", "")
        for key in sorted(lost):
            if key.removesuffix(".weight") not in said:
                what = f"nothing was said at {stage} of {key}"
                yield Finding("missing-warning", what, stage=stage, subject=key)
    if "loaded" in seen.stages:
        keys = ", ".join(_resized(seen))
        what = f"{keys} of another size was loaded"
        yield Finding("missing-error", what, stage="resized", subject=keys)


def _converted(seen: Observation) -> Comparison:
    base, trained, found = (seen.stages[one].logits for one in ("base", "trained", CONVERTED))
    assert trained is not None
    assert found is not None
    allowed = conversion_allowance(seen, base, trained, found)
    what = f"logits of {CONVERTED} differ from trained"
    return Comparison(what, distance(trained, found), allowed, stage=CONVERTED, subject="logits")


def _resized(seen: Observation) -> list[str]:
    if "resized" not in seen.saved:
        return []
    whole, changed = seen.saved["adapter"].tensors, seen.saved["resized"].tensors
    return sorted(key for key in changed if changed[key].shape != whole[key].shape)


def _others(seen: Observation) -> Iterator[Finding]:
    """Where another size is passed by, all else is loaded."""
    if "passed-by" not in seen.stages:
        return
    loaded, whole = seen.stages["passed-by"].weights, seen.stages["adapter-reloaded"].weights
    left = {key.removeprefix(PREFIX) for key in _resized(seen)}
    for name in sorted(whole.keys() & loaded.keys()):
        file = name.replace(" ", ".")
        if {file, f"{file}.weight"} & left or same_bits(whole[name], loaded[name]):
            continue
        what = f"{name} is not loaded where another tensor is passed by"
        yield Finding("wrong-value", what, stage="passed-by", subject=seen.subject(name))


@ONLY_TUNERS.check(
    "second-adapter-is-warned-of",
    "Loading another adapter where wrapping moved weights of the base is warned of.",
    source="PEFT PeftModel.load_adapter; init_lora_weights of LoraConfig",
    needs=("trained", "second"),
    applies=_moved,
)
def second_adapter_is_warned_of(seen: Observation) -> Iterator[Finding]:
    if not any("other adapters" in told.text for told in seen.heard_at("second")):
        what = "nothing was said of the base that another adapter finds"
        yield Finding("missing-warning", what, stage="second")


@ONLY_TUNERS.check(
    "saving-spares-a-file",
    "Saving an adapter where a file lies is refused, and the file is left as it was.",
    source="PEFT PeftModel.save_pretrained",
    needs=("trained", "pickled"),
)
def saving_spares_a_file(seen: Observation) -> Iterator[Finding]:
    if "spared" not in seen.stages:
        yield Finding("missing-error", "an adapter was saved onto a file", stage="onto-a-file")


@ONLY_TUNERS.check(
    "added-adapter-is-like-the-first",
    "An adapter added with a config of its own and the first one's values computes the same.",
    source="PEFT PeftModel.add_adapter",
    needs=("trained", "added"),
)
def added_adapter_is_like_the_first(seen: Observation) -> Iterator[Evidence]:
    yield from differ(seen, "trained", "added")
    if "merged" in seen.stages and "added-merged" in seen.stages:
        yield from differ(seen, "merged", "added-merged")


@ONLY_TUNERS.check(
    "second-adapter-trains-as-asked",
    "An adapter loaded beside another, to be trained, is trainable in all its parts.",
    source="PEFT PeftModel.load_adapter, is_trainable",
    needs=("trained", "second"),
)
def second_adapter_trains_as_asked(seen: Observation) -> Iterator[Finding]:
    found = seen.stages["second"].trainable
    if seen.stages["second"].settings["inference_mode"] != "False":
        what = "the config of the second says inference_mode"
        yield Finding("wrong-flag", what, stage="second", subject="inference_mode")
    mine = {name for name in found if f".{SECOND}" in name}
    first = {name for name in found if f".{ADAPTER}" in name}
    for name in sorted(first ^ {name.replace(f".{SECOND}", f".{ADAPTER}") for name in mine}):
        whose = "the first adapter" if name in first else "the second"
        what = f"{name} is trainable in {whose} alone"
        part = adapter_part(name)
        subject = seen.subject(" ".join(part) if part else name)
        yield Finding("wrong-trainable", what, stage="second", subject=subject)


@ONLY_TUNERS.check(
    "what-is-handed-over-stays",
    "State dicts, lists and mappings that are given to PEFT's calls are as they were afterwards.",
    source="PEFT save_pretrained, set_peft_model_state_dict, inject_adapter_in_model",
    needs=("trained", "adapter-reloaded"),
    applies=lambda seen: (
        None if "handed" in seen.loading else "the adapter is loaded in no other way"
    ),
)
def what_is_handed_over_stays(seen: Observation) -> Iterator[Finding]:
    for name in seen.loading["handed"].mismatched:
        yield Finding("changed-input", f"{name} was changed", stage="handed", subject=name)


@ONLY_TUNERS.check(
    "loading-leaves-no-file",
    "Loading an adapter leaves no file where the process stands.",
    source="PEFT PeftModel.from_pretrained, offload_folder",
    needs=("adapter-reloaded",),
    applies=lambda seen: (
        None if "here" in seen.loading else "the adapter is loaded in no other way"
    ),
)
def loading_leaves_no_file(seen: Observation) -> Iterator[Finding]:
    for name in seen.loading["here"].unexpected:
        what = f"{name} in the working directory"
        yield Finding("left-behind", what, stage="adapter-reloaded", subject=name)
