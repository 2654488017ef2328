"""Promises about files of one version loaded by another."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance, same_when_cast
from conformance.core.comparison import Comparison, Evidence, broken
from conformance.core.finding import Finding
from conformance.core.invariant import Invariant, Registry
from conformance.core.load_report import calls, untruths
from conformance.core.observation import Observation, Trouble
from conformance.core.tolerances import EPS, coarsest, drowned
from conformance.kinds.corpus.observation import Arrival
from conformance.kinds.lifecycle.checks import logits

__all__ = ["CORPUS"]


def excuse(promise: Invariant, seen: Observation) -> str | None:
    """Why it does not count that a file which crossed breaks a promise here.

    Where the saver's own version breaks a promise that the file rests on, it was bad before it
    crossed: what it comes to here is then counted only if it is good. So is what an older PEFT
    makes of a newer adapter.
    """
    if not isinstance(seen, Arrival):
        return None
    bad = [name for name in promise.excused_by if seen.own.get(name) == "breaks"]
    if bad:
        return f"the saver's own version breaks {bad[0]}"
    return (seen.unpromised or None) if promise.of_adapters else None


CORPUS = Registry(excuse=excuse)


def failed(seen: Observation, stage: str) -> Iterator[Trouble]:
    """The errors met here at a stage of loading."""
    return (trouble for trouble in seen.troubles if trouble.stage == stage)


def refused(seen: Observation, stage: str) -> Iterator[Finding]:
    """A finding for each error met here at a stage of loading."""
    for trouble in failed(seen, stage):
        line = trouble.message.partition("\n")[0]
        what = f"{stage} ended in {trouble.type}: {line}"
        yield Finding("unexpected-error", what, stage=stage, subject=trouble.type)


def differ(seen: Observation, expected: str, loaded: str, *dtypes: str) -> Iterator[Comparison]:
    """Logits loaded here and the saver's, which rounding alone may tell apart.

    ``dtypes`` are those of what was loaded beside the base's own.
    """
    dtype = coarsest(seen.case.dtype, *dtypes)
    return logits.differ(seen, expected, loaded, dtype=dtype, whose="the saver's ")


@CORPUS.check(
    "base-file-keeps-logits",
    "A base model that another version saved loads, and gives the saver's logits.",
    source="transformers from_pretrained, backward compatibility",
    needs=("base",),
)
def base_file_keeps_logits(seen: Observation) -> Iterator[Evidence]:
    yield from refused(seen, "base-loaded")
    if "base-loaded" in seen.stages:
        yield from differ(seen, "base", "base-loaded")


@CORPUS.check(
    "merged-file-loads",
    "A merged model that another version saved loads without an error.",
    source="transformers from_pretrained, backward compatibility",
    excused_by=("life-completes",),
    needs=("saved",),
)
def merged_file_loads(seen: Observation) -> Iterator[Finding]:
    yield from refused(seen, "reloaded")


@CORPUS.check(
    "merged-file-is-restored",
    "Every tensor of the merged file is the loaded parameter and the saver's, bit for bit.",
    source="transformers #43992, #45127, #42612",
    excused_by=("reload-keeps-logits",),
    needs=("merged", "saved", "reloaded"),
)
def merged_file_is_restored(seen: Observation) -> Iterator[Finding]:
    found, meant = seen.stages["restored"].weights, seen.stages["meant"].weights
    for key, tensor in sorted(seen.saved["merged"].tensors.items()):
        if key not in found:
            yield reloaded("missing-key", f"{key} of the file became no parameter", key)
        elif str(found[key].dtype) not in accepted_dtypes(seen, key):
            was, now = tensor.dtype, found[key].dtype
            yield reloaded("wrong-dtype", f"{key} is {was} in the file and {now} loaded", key)
        elif not same_when_cast(tensor, found[key]):
            amount = distance(tensor, found[key])
            what = f"{key} is not loaded as it is in the file"
            yield reloaded("wrong-value", what, key, amount)
        elif key in meant and not same_when_cast(meant[key], found[key]):
            amount = distance(meant[key], found[key])
            yield reloaded("wrong-value", f"{key} is not what the saver held", key, amount)
    saver, loaded = seen.stages["merged"].weights, seen.stages["reloaded"].weights
    for name in (seen.embedding, seen.partner):  # a tied one of them is not in the file
        if not same_when_cast(saver[name], loaded[name]):
            amount = distance(saver[name], loaded[name])
            what, subject = f"{name} is not the saver's", seen.subject(name)
            yield reloaded("wrong-value", what, subject, amount)


def reloaded(kind: str, what: str, subject: str, amount: float | None = None) -> Finding:
    """A finding about the merged model as it is loaded here; bits may differ by no amount."""
    allowed = None if amount is None else 0.0
    return Finding(kind, what, amount, allowed, stage="reloaded", subject=subject)


def accepted_dtypes(seen: Observation, key: str) -> tuple[str, ...]:
    """What a tensor of the file may be loaded as: what was asked for, or what it is.

    Some parts of a body, such as Mamba's ``A_log``, are kept in float32 whatever is asked for.
    """
    asked = (f"torch.{seen.case.dtype}", str(seen.saved["merged"].tensors[key].dtype))
    ends = (seen.embedding, seen.partner, seen.names["head-in-file"])
    return asked if key in ends else (*asked, "torch.float32")


@CORPUS.check(
    "merged-file-report-is-true",
    "The load report calls missing what was made up and nothing else, and refuses no key.",
    source="transformers output_loading_info; #43992",
    excused_by=("load-report-is-clean",),
    needs=("saved", "reloaded"),
)
def merged_file_report_is_true(seen: Observation) -> Iterator[Finding]:
    report = seen.loading["reloaded"]
    yield from untruths(report, "reloaded")
    for name in sorted({*report.missing} & {*report.reinitialised}):
        yield reloaded("missing-key", f"{name} was newly initialised, and called missing", name)
    yield from calls(report, "reloaded", "unexpected", "mismatched", "errors")


@CORPUS.check(
    "merged-file-keeps-logits",
    "The merged model, loaded by another version, gives the saver's logits.",
    source="transformers #43992, #45127; LLaMA-Factory #10832",
    excused_by=("reload-keeps-logits",),
    needs=("merged", "saved", "reloaded"),
)
def merged_file_keeps_logits(seen: Observation) -> Iterator[Comparison]:
    yield from differ(seen, "merged", "reloaded")


@CORPUS.check(
    "merged-file-ties-as-configured",
    "Embedding and head are one tensor after loading exactly where the saved config says so.",
    source="PEFT #2972, transformers #45127",
    excused_by=("config-tells-the-truth",),
    needs=("saved", "reloaded"),
)
def merged_file_ties_as_configured(seen: Observation) -> Iterator[Finding]:
    loaded = seen.stages["reloaded"]
    tied = loaded.share(seen.embedding, seen.partner)
    state = "one tensor" if tied else "two tensors"
    for whose, flags in (("the saved", seen.saved["merged"].flags), ("the loaded", loaded.flags)):
        for path, flag in sorted(flags.items()):
            if flag is not None and flag != tied:
                what = f"{whose} {path} is {flag} but the weights are {state}"
                yield reloaded("wrong-flag", what, path)
    if tied != seen.stages["merged"].share(seen.embedding, seen.partner):
        kind = "gained-tie" if tied else "lost-tie"
        what = f"embedding and head are {state}, which they were not when saved"
        yield reloaded(kind, what, seen.subject(seen.partner))


@CORPUS.check(
    "adapter-file-loads",
    "An adapter that an older version saved loads onto its base without an error.",
    source="PEFT from_pretrained, backward compatibility",
    excused_by=("life-completes",),
    needs=("adapter-saved", "base-loaded"),
    applies=lambda seen: seen.absent.get("adapter-reloaded"),
    of_adapters=True,
)
def adapter_file_loads(seen: Observation) -> Iterator[Finding]:
    yield from refused(seen, "adapter-reloaded")


def base_is_off(seen: Observation) -> str | None:
    """Why the adapter's logits prove nothing: its base was not the saver's to begin with."""
    loaded = {"base", "base-loaded"} <= seen.stages.keys()
    if loaded and broken(differ(seen, "base", "base-loaded")):
        return "the base itself does not give the saver's logits here"
    return drowned(seen)


@CORPUS.check(
    "adapter-file-keeps-logits",
    "The adapter, loaded by another version onto its base, gives the trained logits.",
    source="PEFT save_pretrained and from_pretrained",
    excused_by=("adapter-keeps-logits",),
    needs=("trained", "adapter-saved", "adapter-reloaded"),
    applies=base_is_off,
    of_adapters=True,
)
def adapter_file_keeps_logits(seen: Observation) -> Iterator[Comparison]:
    # PEFT up to 0.6 kept adapters in float32 whatever their base is in, and newer ones do not
    tensors = seen.saved["adapter"].tensors.values()
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors}
    yield from differ(seen, "trained", "adapter-reloaded", *sorted(dtypes & EPS.keys()))
