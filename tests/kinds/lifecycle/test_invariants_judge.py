"""Every invariant on hand-made observations: holds on a healthy life, breaks on each sickness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from changes import (
    E_WEIGHT,
    H_WEIGHT,
    NAN_MERGED,
    Q_LORA,
    Q_WEIGHT,
    Change,
    after,
    configured,
    cut,
    file_with,
    file_without,
    flag,
    gone,
    heard,
    left,
    moved,
    nan,
    on_disk,
    rounded,
    setting,
    swapped,
    traced,
    trains,
    troubled,
    typed,
)
from observations import BODY, EMBEDDING, HEAD, TIE, at, disk, healthy, put, reported, without

from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.verdict import verdict_of

pytestmark = pytest.mark.usefixtures("placed")

TIED_BOTH = {"ensure": True, "placement": "target:both"}
UNTIED_BOTH = {"tied": False, "placement": "target:both"}
DENIED = "no tied modules were found in the model"
APART = {"placement": "target:both"}  # a tied base whose two adapters are documented as separate

SAFE = {"safe_merge": True}
HALF = {"dtype": "bfloat16"}
MAPPED = {"base_model_class": "TinyForCausalLM", "parent_library": "transformers.models.tiny"}
LEAN = {"save_embedding_layers": "no"}  # the adapter file may hold adapters alone


def no_base(seen: Observation) -> Observation:
    """The adapter's file without weights of the base."""
    kept = {n: t for n, t in seen.saved["adapter"].tensors.items() if "lora_" in n}
    return disk(seen, "adapter", tensors=kept)


HEALTHY: list[dict[str, Any]] = [
    {},
    {"tied": False},
    TIED_BOTH,
    UNTIED_BOTH,
    {"training": "sgd"},
    {"is_trainable": True},
    {"autocast": False},
    SAFE,
    HALF,
    LEAN,
]


# invariant, fields of the case, what is done to its healthy life, the kind of finding
BROKEN: list[tuple[str, dict[str, Any], Change, str]] = [
    ("merge-keeps-logits", {}, swapped("merged"), "wrong-value"),
    ("merge-keeps-logits", {}, nan("merged"), "wrong-value"),
    ("reload-keeps-logits", {}, swapped("reloaded"), "wrong-value"),
    ("reload-keeps-logits", {}, moved("reloaded", H_WEIGHT), "wrong-value"),
    ("reload-keeps-logits", {}, gone("reloaded", Q_WEIGHT), "missing-key"),
    ("reload-keeps-logits", {}, lambda s: at(s, "merged", buffers={"f": torch.ones(1)}),
     "missing-key"),
    ("reload-keeps-logits", {"reload_dtype": "bfloat16"}, swapped("reloaded"), "wrong-value"),
    ("adapter-keeps-logits", {}, swapped("adapter-reloaded"), "wrong-value"),
    ("wrapping-keeps-logits", {}, swapped("adapted"), "wrong-value"),
    ("wrapping-keeps-logits", {}, moved("adapted", E_WEIGHT), "wrong-value"),
    ("wrapping-keeps-logits", {}, gone("adapted", E_WEIGHT), "missing-key"),
    ("forward-follows-definition", {}, swapped("trained"), "wrong-value"),
    ("disabled-is-base", {}, swapped("disabled"), "wrong-value"),
    ("config-driven-loader-agrees", {}, swapped("read"), "wrong-value"),
    ("config-driven-loader-agrees", {}, troubled("read", "reader"), "missing-key"),
    ("tied-stay-tied", {}, cut("adapted"), "lost-tie"),
    *(("tied-stay-tied", {}, cut(stage), "lost-tie") for stage in (
        "base", "trained", "adapter-reloaded", "rewrapped", "merged-in-place", "merged-twice",
        "unmerged", "merged", "merged-otherwise", "reloaded")),
    ("tied-stay-tied", TIED_BOTH,
     lambda s: at(s, "adapter-reloaded", shares=frozenset({TIE})), "lost-tie"),
    ("tied-stay-tied", TIED_BOTH, lambda s: at(s, "trained", shares=frozenset({TIE})), "lost-tie"),
    ("tied-stay-tied", TIED_BOTH, moved("trained", f"{HEAD} lora_A"), "wrong-value"),
    ("tied-stay-tied", TIED_BOTH,
     after(gone("adapted", f"{HEAD} lora_A"), gone("adapted", f"{HEAD} lora_B")), "lost-tie"),
    ("untied-stay-untied", {"tied": False}, lambda s: at(s, "merged", shares=frozenset({TIE})),
     "gained-tie"),
    ("untied-stay-untied", UNTIED_BOTH,
     lambda s: at(s, "trained", shares=frozenset({frozenset({f"{HEAD} lora_B",
                                                             f"{EMBEDDING} lora_embedding_A"})})),
     "gained-tie"),
    ("untied-stay-untied", UNTIED_BOTH, moved("merged", H_WEIGHT), "wrong-value"),
    ("untied-stay-untied", APART, moved("merged", E_WEIGHT), "wrong-value"),
    ("untied-stay-untied", UNTIED_BOTH, gone("merged", H_WEIGHT), "missing-key"),
    ("untied-stay-untied", {"placement": "target:head"},
     after(lambda s: without(s, "defined"), moved("merged", E_WEIGHT)), "wrong-value"),
    ("config-tells-the-truth", {}, flag("merged", value=False), "wrong-flag"),
    ("config-tells-the-truth", {}, flag("merged-otherwise", value=False), "wrong-flag"),
    ("config-tells-the-truth", {}, flag("adapter-reloaded", value=False), "wrong-flag"),
    ("config-tells-the-truth", {"tied": False}, flag("reloaded", value=True), "wrong-flag"),
    ("config-tells-the-truth", {}, on_disk(flags={"tie_word_embeddings": False}), "wrong-flag"),
    ("config-tells-the-truth", {}, file_with(H_WEIGHT), "wrong-flag"),
    ("load-report-is-clean", {}, lambda s: reported(s, "reloaded", missing=(H_WEIGHT,)),
     "false-report"),
    ("load-report-is-clean", {}, lambda s: reported(s, "reloaded", unexpected=("x",)),
     "false-report"),
    ("load-report-is-clean", {}, lambda s: reported(s, "reloaded", mismatched=("x",)),
     "false-report"),
    ("load-report-is-clean", {}, heard("reloaded", "Some weights are\nnewly initialized: x"),
     "false-report"),
    ("base-load-tells-the-truth", {}, lambda s: reported(s, "base", missing=("x",)),
     "false-report"),
    ("base-load-tells-the-truth", {}, lambda s: reported(s, "base", reinitialised=("x",)),
     "false-report"),
    ("checkpoint-is-plain", {}, file_without(Q_WEIGHT), "missing-key"),
    ("checkpoint-is-plain", {}, file_with(H_WEIGHT), "extra-key"),
    ("checkpoint-is-plain", {"tied": False}, file_without(H_WEIGHT), "missing-key"),
    ("saving-is-repeatable", {}, lambda s: disk(s, "merged-again", digests={}), "not-repeatable"),
    ("saving-is-repeatable", {}, lambda s: disk(s, "adapter-again", digests={"x": "y"}),
     "not-repeatable"),
    ("dtype-is-kept", {}, rounded("merged"), "wrong-dtype"),
    ("dtype-is-kept", {}, rounded("reloaded"), "wrong-dtype"),
    ("dtype-is-kept", {}, on_disk(tensors={Q_WEIGHT: torch.ones(2).half()}), "wrong-dtype"),
    ("dtype-is-kept", {}, rounded("merged-otherwise"), "wrong-dtype"),
    ("dtype-is-kept", {}, rounded("unloaded"), "wrong-dtype"),
    ("dtype-is-kept", {}, rounded("adapted", Q_LORA), "wrong-dtype"),
    ("dtype-is-kept", HALF, rounded("adapted", Q_LORA), "wrong-dtype"),
    ("dtype-is-kept", {**HALF, "autocast": False}, lambda s: s, "wrong-dtype"),
    ("adapter-file-is-as-asked", LEAN, file_with(f"base_model.model.{E_WEIGHT}", "adapter"),
     "extra-key"),
    ("adapter-file-is-as-asked", LEAN, file_with(f"base_model.model.{BODY}.bias", "adapter"),
     "extra-key"),
    ("adapter-file-is-as-asked", {}, file_with(f"base_model.model.{E_WEIGHT}", "adapter"),
     "extra-key"),
    ("adapter-file-is-as-asked", {"save_embedding_layers": "yes"}, no_base, "missing-key"),
    ("adapter-file-is-as-asked", {"placement": "target:head"}, no_base, "missing-key"),
    ("config-wraps-what-it-names", {}, after(gone("adapted", Q_LORA),
                                             gone("adapted", f"{BODY} lora_B")), "wrong-type"),
    ("config-wraps-what-it-names", {}, lambda s: replace(s, targets=frozenset()), "wrong-type"),
    ("config-wraps-what-it-names", {"placement": "save:head"}, lambda s: put(
        s, "adapted", **{"model.head1 saved weight": torch.ones(1, 2)}), "wrong-type"),
    ("adapter-takes-part", {}, lambda s: replace(s, called=frozenset()), "left-behind"),
    ("adapter-takes-part", {"placement": "target:both"},
     lambda s: replace(s, called=frozenset({HEAD})), "left-behind"),
    ("config-wraps-what-it-names", {}, lambda s: put(
        s, "adapted", **{"model.up_proj lora_A": torch.ones(1, 2)}), "wrong-type"),
    ("device-is-kept", {}, lambda s: at(s, "trained", devices={Q_LORA: "cuda"}), "wrong-device"),
    ("merge-in-place-keeps-logits", {}, swapped("merged-in-place"), "wrong-value"),
    ("drift-is-bounded", {}, moved("unmerged-often", Q_WEIGHT), "wrong-value"),
    ("drift-is-bounded", {}, gone("unmerged-often", Q_WEIGHT), "missing-key"),
    ("unmerge-restores", {}, swapped("unmerged"), "wrong-value"),
    ("unmerge-restores", {}, moved("unmerged", Q_WEIGHT), "wrong-value"),
    ("unmerge-restores", {}, gone("unmerged", Q_WEIGHT), "missing-key"),
    ("merging-twice-changes-nothing", {}, moved("merged-twice", Q_WEIGHT), "wrong-value"),
    ("safe-merge-agrees", {}, moved("merged-otherwise", Q_WEIGHT), "wrong-value"),
    ("safe-merge-agrees", SAFE, moved("after-refusal", Q_WEIGHT), "wrong-value"),
    ("safe-merge-agrees", SAFE, NAN_MERGED, "missing-error"),
    ("unload-restores-base", {}, swapped("unloaded"), "wrong-value"),
    ("unload-restores-base", {}, moved("unloaded", Q_WEIGHT), "wrong-value"),
    ("unload-restores-base", {}, typed("unloaded", **{BODY: "peft.Linear"}), "wrong-type"),
    ("unload-restores-base", {}, gone("unloaded", Q_WEIGHT), "extra-key"),
    ("unload-restores-base", {}, cut("unloaded"), "lost-tie"),
    ("unload-restores-base", {}, flag("unloaded", value=False), "wrong-flag"),
    *(("unload-leaves-no-trace", {}, traced(stage, trace), "left-behind")
      for stage in ("merged", "merged-otherwise", "unloaded")
      for trace in ("attribute peft_config on the model", "hook on lm_head")),
    ("unload-leaves-no-trace", {}, setting("merged", **{"config.pad_token_id": "1"}),
     "left-behind"),
    ("unload-leaves-no-trace", {}, setting("unloaded", **{"generation_config.top_k": "5"}),
     "left-behind"),
    ("unload-leaves-no-trace", {}, lambda s: at(s, "merged", settings={}), "left-behind"),
    ("trouble-is-announced-early", {}, swapped("merged"), "not-announced"),
    ("trouble-is-announced-early", {}, after(swapped("merged"), heard("merged", "tied")),
     "late-warning"),
    ("documented-contract", TIED_BOTH, cut("adapted"), "lost-tie"),
    ("documented-contract", TIED_BOTH, lambda s: replace(s, heard=()), "missing-warning"),
    ("documented-contract", TIED_BOTH, heard("adapted", DENIED), "false-report"),
    ("tie-warnings-are-true", TIED_BOTH, heard("adapted", DENIED), "false-report"),
    ("documented-contract", UNTIED_BOTH, typed("adapted", **{HEAD: "torch.Linear"}), "wrong-type"),
    ("documented-contract", {"tied": False, "placement": "target:head"},
     typed("adapted", **{EMBEDDING: "peft.Embedding"}), "wrong-type"),
    ("documented-contract", {**UNTIED_BOTH, "ensure": True}, lambda s: s, "missing-warning"),
    ("documented-contract", {"ensure": True, "placement": "tokens:different"}, lambda s: s,
     "missing-error"),
    ("only-the-adapter-trains", {}, trains("adapted"), "wrong-trainable"),
    ("only-the-adapter-trains", {}, trains("enabled-again"), "wrong-trainable"),
    ("only-the-adapter-trains", {}, trains("adapter-reloaded", Q_LORA), "wrong-trainable"),
    ("only-the-adapter-trains", {"is_trainable": True}, trains("adapter-reloaded"),
     "wrong-trainable"),
    ("only-the-adapter-trains", {}, lambda s: at(s, "adapted", trainable=frozenset(
        {Q_WEIGHT, *s.stages["adapted"].trainable})), "wrong-trainable"),
    ("only-the-adapter-trains", {}, moved("trained", Q_WEIGHT), "wrong-value"),
    ("only-the-adapter-trains", {"training": "sgd"}, lambda s: at(
        s, "filled", weights=s.stages["trained"].weights), "wrong-value"),
    ("adapter-config-round-trips", {}, typed("rewrapped", **{BODY: "torch.Linear"}), "wrong-type"),
    ("adapter-config-round-trips", {}, lambda s: at(s, "rewrapped", trainable=frozenset()),
     "wrong-trainable"),
    ("adapter-config-round-trips", {}, cut("rewrapped"), "lost-tie"),
    ("caller-config-is-untouched", {}, left(r=2), "changed-input"),
    ("caller-config-is-untouched", {}, left(**{"lists passed": {"target_modules": []}}),
     "changed-input"),
    ("dtype-is-kept", HALF, rounded("adapter-reloaded", Q_LORA), "wrong-dtype"),
    ("saved-config-says-what-was-trained", {}, configured(r=2), "wrong-flag"),
    ("saved-config-says-what-was-trained", {}, configured(inference_mode=False), "wrong-flag"),
    ("saved-config-says-what-was-trained", {}, configured(task_type=None), "wrong-flag"),
    ("saved-config-says-what-was-trained", {}, configured(auto_mapping=MAPPED), "wrong-flag"),
    ("saved-config-says-what-was-trained", {}, configured(
        task_type=None, auto_mapping={**MAPPED, "base_model_class": "Other"}), "wrong-flag"),
    ("life-completes", {}, troubled("merged"), "unexpected-error"),
    ("life-completes", {}, troubled("unmerged", "unmerge"), "unexpected-error"),
]  # fmt: skip


@pytest.mark.parametrize("fields", HEALTHY, ids=str)
def test_a_healthy_life_keeps_every_promise(fields: dict[str, Any]) -> None:
    seen = healthy(**fields)
    judged = {name: one.judge(seen) for name, one in INVARIANTS.items()}
    assert {n: j.findings for n, j in judged.items() if j.findings} == {}
    assert {j.verdict for j in judged.values()} == {"holds", "not applicable"}
    assert verdict_of(seen) == "holds"


@pytest.mark.parametrize("name", INVARIANTS)
def test_every_invariant_can_hold_and_can_break(name: str) -> None:
    assert name in {row[0] for row in BROKEN}
    assert "holds" in {INVARIANTS[name].judge(healthy(**fields)).verdict for fields in HEALTHY}


@pytest.mark.parametrize(
    ("name", "fields", "change", "kind"), BROKEN, ids=[f"{n}-{r[0]}" for n, r in enumerate(BROKEN)]
)
def test_a_sick_life_breaks_the_promise(
    name: str, fields: dict[str, Any], change: Change, kind: str
) -> None:
    judgement = INVARIANTS[name].judge(change(healthy(**fields)))
    assert judgement.verdict == "breaks"
    assert {finding.kind for finding in judgement.findings} == {kind}


# invariant, fields, change, verdict, a word of the reason
UNJUDGED: list[tuple[str, dict[str, Any], Change, str, str]] = [
    ("tied-stay-tied", {"tied": False}, lambda s: s, "not applicable", "untied"),
    ("untied-stay-untied", {}, lambda s: s, "not applicable", "promised to stay one"),
    ("disabled-is-base", {"bias": "all"}, lambda s: s, "not applicable", "biases"),
    ("unload-restores-base", {"bias": "all"}, lambda s: s, "not applicable", "biases"),
    ("documented-contract", {}, lambda s: s, "not applicable", "no row"),
    ("config-driven-loader-agrees", {"reload_dtype": "bfloat16"}, lambda s: s, "not applicable",
     "another dtype"),
    ("base-load-tells-the-truth", {}, lambda s: replace(s, loading={}), "not applicable",
     "was not loaded"),
    ("adapter-file-is-as-asked", {"placement": "save:head"}, lambda s: s, "not applicable",
     "tensors of their own"),
    ("adapter-file-is-as-asked", LEAN, lambda s: replace(s, saved={}), "not run", "file adapter"),
    ("saving-is-repeatable", {}, lambda s: replace(s, saved={}), "not run", "file merged-again"),
    ("merge-keeps-logits", {}, lambda s: without(s, "trained"), "not run", "trained"),
    ("reload-keeps-logits", {}, after(lambda s: without(s, "reloaded"), lambda s: replace(
        s, loading={}), troubled("saved", message="disk full")), "not run", "disk full"),
    ("unmerge-restores", {}, after(lambda s: without(s, "unmerged"), troubled(
        "unmerged", "unmerge", "no way back")), "not run", "no way back"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fields", "change", "verdict", "word"),
    UNJUDGED,
    ids=[f"{n}-{row[0]}" for n, row in enumerate(UNJUDGED)],
)
def test_what_is_not_judged_says_why(
    name: str, fields: dict[str, Any], change: Change, verdict: str, word: str
) -> None:
    judgement = INVARIANTS[name].judge(change(healthy(**fields)))
    assert (judgement.verdict, judgement.findings) == (verdict, ())
    assert word in judgement.reason


FINE: list[tuple[str, dict[str, Any], Change]] = [
    ("adapter-file-is-as-asked", {"placement": "target:head"},
     after(no_base, file_with(f"base_model.model.{HEAD}.base_layer.weight", "adapter"))),
    # a saved module's tensors have its plain name in the file
    ("adapter-file-is-as-asked", LEAN, after(
        lambda s: put(s, "adapted", **{f"{HEAD} saved weight": torch.ones(4, 2)}),
        file_with(f"base_model.model.{H_WEIGHT}", "adapter"))),
    ("adapter-file-is-as-asked", {**LEAN, "bias": "all"},
     file_with(f"base_model.model.{BODY}.bias", "adapter")),
    ("dtype-is-kept", {**HALF, "autocast": False},
     after(*(rounded(stage, f"{BODY} lora_{factor}")
             for stage in ("adapted", "adapter-reloaded") for factor in "AB"))),
    # the embedding and the head are the documented contract's to judge
    # one adapter with a called module's takes part with it
    ("adapter-takes-part", {"ensure": True, "placement": "target:both"},
     lambda s: replace(s, called=frozenset({HEAD}))),
    ("config-wraps-what-it-names", {}, lambda s: put(
        s, "adapted", **{f"{HEAD} lora_A": torch.ones(1, 2)})),
    # what the user asked to untie need not survive a merge
    ("tied-stay-tied", APART, cut("merged")),
    ("only-the-adapter-trains", {}, lambda s: without(s, "enabled-again", "adapter-reloaded")),
    ("unload-leaves-no-trace", {}, lambda s: without(s, "merged-otherwise", "unloaded")),
    ("saved-config-says-what-was-trained", {}, configured(task_type=None, auto_mapping=MAPPED)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fields", "change"), FINE, ids=[f"{n}-{row[0]}" for n, row in enumerate(FINE)]
)
def test_what_is_allowed_keeps_the_promise(
    name: str, fields: dict[str, Any], change: Change
) -> None:
    judgement = INVARIANTS[name].judge(change(healthy(**fields)))
    assert (judgement.verdict, judgement.findings) == ("holds", ())


def test_an_announced_trouble_is_no_breach() -> None:
    seen = after(swapped("merged"), heard("adapted", "the weights are tied"))(healthy())
    assert INVARIANTS["trouble-is-announced-early"].judge(seen).verdict == "holds"


def test_documented_refusals_complete_a_life() -> None:
    message = "Cannot ensure weight tying when different token indices are given"
    seen = troubled("adapted", message=message)(healthy(ensure=True, placement="tokens:different"))
    assert INVARIANTS["life-completes"].judge(seen).verdict == "holds"


VERDICTS: list[tuple[Change, str]] = [
    (swapped("merged"), "silent"),
    (after(swapped("merged"), heard("merged", "tied")), "late"),
    (after(swapped("merged"), heard("adapted", "tied")), "announced"),
    (after(lambda s: replace(s, stages={}, saved={}, loading={}), troubled("adapted")), "refused"),
    (after(lambda s: replace(s, stages={}, saved={}, loading={}), troubled("base")), "not run"),
]


@pytest.mark.parametrize(("change", "verdict"), VERDICTS, ids=[row[1] for row in VERDICTS])
def test_verdicts_for_people(change: Change, verdict: str) -> None:
    assert verdict_of(change(healthy())) == verdict
