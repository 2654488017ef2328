"""Promises about loading a plain model."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.core.bits import distance, same_bits
from conformance.core.comparison import Comparison
from conformance.core.finding import Finding, tensor_subject
from conformance.core.invariant import Invariant, Registry
from conformance.core.load_log import told_of
from conformance.core.load_report import NEWLY, false_alarms
from conformance.core.tolerances import outputs_allowance
from conformance.kinds.loading.case import ENCODERS, AnyLoading
from conformance.kinds.loading.observation import LoadingObservation

LOADING = Registry(needs=("loaded",))


def concerns(case: AnyLoading, one: Invariant) -> bool:
    """Whether a promise says anything of this kind of checkpoint at all."""
    return one.applies(LoadingObservation(case)) is None


def competes(seen: LoadingObservation) -> str | None:
    """Why a promise about one matrix says nothing here: the file holds several."""
    different = seen.case.form == "all-different"
    return "the file holds different matrices for one tie" if different else None


def one_matrix(seen: LoadingObservation) -> str | None:
    """Why a promise about the tie says nothing here: the file or the config has it otherwise."""
    if seen.case.form == "no-head":
        return "the config says that the head is another matrix, which the file does not hold"
    return competes(seen)


def _found(
    seen: LoadingObservation, kind: str, what: str, *names: str, amount: float | None = None
) -> Finding:
    """A finding about tensors of the loaded model, whose bits may not differ by any amount."""
    roles = {name.rpartition(".")[0]: role for role, name in seen.members.items()}
    subject = ", ".join(tensor_subject(name, roles) for name in names)
    allowed = None if amount is None else 0.0
    return Finding(kind, what, amount, allowed, stage="loaded", subject=subject)


@LOADING.check(
    "checkpoint-loads",
    "The checkpoint is loaded without an error.",
    source="transformers from_pretrained",
    needs=(),
)
def checkpoint_loads(seen: LoadingObservation) -> Iterator[Finding]:
    for trouble in seen.troubles:
        line = trouble.message.partition("\n")[0]
        what = "loading" if trouble.stage == "loaded" else f"the stage {trouble.stage}"
        what = f"{what} ended in {trouble.type}: {line}"
        yield Finding("unexpected-error", what, stage=trouble.stage, subject=trouble.type)


@LOADING.check(
    "tied-keys-are-not-missing",
    "A tied key is never reported missing when another name of its tensor was in the file.",
    source="transformers #43992; the UMT5 load reports",
    applies=one_matrix,
)
def tied_keys_are_not_missing(seen: LoadingObservation) -> Iterator[Finding]:
    tied = {*seen.members.values()}
    if not seen.case.tied:
        shares, first = seen.stages["source"].shares, seen.members["embedding"]
        tied = set().union(*(group for group in shares if first in group))
    if tied & {*seen.in_file}:
        for name in sorted(tied & {*seen.report.missing}):
            what = f"{name} is called missing, and is tied to what was there"
            yield _found(seen, "false-report", what, name)


@LOADING.check(
    "missing-means-missing",
    "A key that is reported missing was really not restored.",
    source="transformers output_loading_info",
    applies=competes,
)
def missing_means_missing(seen: LoadingObservation) -> Iterator[Finding]:
    yield from false_alarms(seen.report, "loaded")


@LOADING.check(
    "nothing-is-silently-reinitialised",
    "Every parameter that did not come out of the file is reported missing.",
    source="transformers #43992, output_loading_info",
    applies=competes,
)
def nothing_is_silently_reinitialised(seen: LoadingObservation) -> Iterator[Finding]:
    for name in sorted({*seen.report.reinitialised} - {*seen.report.missing}):
        yield _found(seen, "wrong-value", f"{name} is not what was saved, and nobody said so", name)


@LOADING.check(
    "log-agrees-with-report",
    "What is logged or printed as newly initialised is what output_loading_info calls missing.",
    source="transformers from_pretrained, the load report",
    of_loading_alone=True,
)
def log_agrees_with_report(seen: LoadingObservation) -> Iterator[Finding]:
    missing = seen.report.missing
    for name in sorted({*missing} - {*told_of(seen.heard, missing)}):
        what = f"{name} is missing in the report and not in the log"
        yield _found(seen, "false-report", what, name)
    listed = {*missing, *seen.report.unexpected, *seen.report.mismatched}
    for name in told_of(seen.heard, seen.stages["loaded"].weights.keys() - listed, NEWLY):
        yield _found(seen, "false-report", f"{name} is newly initialised in the log alone", name)


@LOADING.check(
    "tied-members-are-one",
    "After loading, exactly the matrices that were one tensor when saved are one again.",
    source="transformers tie_weights; the UMT5 load reports",
    applies=one_matrix,
)
def tied_members_are_one(seen: LoadingObservation) -> Iterator[Finding]:
    loaded, source = seen.stages["loaded"], seen.stages["source"]
    first, *others = seen.members.values()
    for other in others:
        before = first in source.weights and other in source.weights
        expected = source.share(first, other) if before and not seen.case.tied else seen.case.tied
        if loaded.share(first, other) != expected:
            kind, state = ("lost-tie", "two") if expected else ("gained-tie", "one")
            yield _found(seen, kind, f"{first} and {other} are {state} after loading", other)
    if seen.biases and source.share(*seen.biases) and not loaded.share(*seen.biases):
        what = f"{' and '.join(seen.biases)} are two after loading"
        yield _found(seen, "lost-tie", what, *seen.biases)


@LOADING.check(
    "file-is-restored",
    "Every tensor of the file is the loaded parameter, bit for bit.",
    source="transformers from_pretrained; #43992",
    applies=competes,
)
def file_is_restored(seen: LoadingObservation) -> Iterator[Finding]:
    for key, tensor in sorted(seen.file.items()):
        if key not in seen.became:
            if seen.case.form not in ENCODERS:
                what = f"{key} of the file became no parameter"
                yield Finding("missing-key", what, stage="loaded", subject=key)
            continue
        name, found = seen.became[key]
        if not same_bits(tensor, found):
            amount = distance(tensor, found)
            yield _found(
                seen, "wrong-value", f"{name} is not the file's {key}", name, amount=amount
            )


@LOADING.check(
    "loading-keeps-outputs",
    "The loaded model gives the outputs of the model that was saved.",
    source="transformers from_pretrained; the UMT5 load reports",
    applies=one_matrix,
)
def loading_keeps_outputs(seen: LoadingObservation) -> Iterator[Comparison]:
    saved, loaded = seen.stages["source"].logits, seen.stages["loaded"].logits
    assert saved is not None
    assert loaded is not None
    allowed = outputs_allowance(seen.case.spec, saved, loaded)
    what, amount = "outputs of loaded differ from source", distance(saved, loaded)
    yield Comparison(what, amount, allowed, stage="loaded", subject="outputs")


@LOADING.check(
    "competing-tensors-are-told",
    "Where the file holds different matrices for one tie, none is dropped without a word.",
    source="transformers PR #42612, #45127",
    applies=lambda seen: None if competes(seen) else "the file holds one matrix for the tie",
    of_loading_alone=True,
)
def competing_tensors_are_told(seen: LoadingObservation) -> Iterator[Finding]:
    report, weights = seen.report, seen.stages["loaded"].weights
    listed = {*report.missing, *report.unexpected, *report.mismatched, *report.errors}
    for key, tensor in sorted(seen.file.items()):
        name = seen.became[key][0] if key in seen.became else key
        if name not in seen.members.values():
            continue
        kept = same_bits(tensor, weights[name])
        told = name in listed or any(
            name in heard.text or heard.about_tying for heard in seen.heard
        )
        if not kept and not told:
            what = f"{name} of the file was dropped, and nobody said so"
            yield _found(seen, "wrong-value", what, name)
