"""The table of tuners, its cases, and what is said of a tuner that no life is made of."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.causes.known import Known
from conformance.core.literals import CaseError
from conformance.core.observation import Observation, Snapshot, Trouble
from conformance.core.versions import installed, parsed
from conformance.kinds.lifecycle.checks.warnings import never
from conformance.kinds.tuners.case import parse_tuner_case, tuner_case, tuner_cases
from conformance.kinds.tuners.checks import TUNER_PROMISES
from conformance.kinds.tuners.documented_errors import refused
from conformance.kinds.tuners.kind import TUNERS as KIND
from conformance.kinds.tuners.kind import tuner_name, tuner_verdict, without_run
from conformance.kinds.tuners.subject import lacks_tuner, observe_tuner
from conformance.kinds.tuners.table import TUNERS, uncovered
from conformance.kinds.tuners.variants import VARIANTS
from conformance.running.collect import items
from conformance.running.context import Context
from conformance.upstream import tuner_types
from tiny_models.families import DECODERS, FAMILIES

ROOT = Path(__file__).parents[3]
EVERY = tuner_cases(("cpu",), tuple(FAMILIES), brief=False)
NEWEST = "0.21.2"
"""The release that the table was last compared with."""
newest = pytest.mark.skipif(
    parsed(installed("peft")) < parsed(NEWEST),
    reason=f"the table is that of PEFT {NEWEST} and later",
)


def test_every_tuner_that_peft_has_stands_in_the_table() -> None:
    assert uncovered(tuner_types.tuners()) == (), (
        "conformance/kinds/tuners/table.py needs a line for each"
    )


def test_a_tuner_that_the_table_lacks_is_seen_and_has_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered = {**tuner_types.tuners(), "BRAND_NEW": "", "NEW_PROMPT": "it adds tokens"}
    assert uncovered(registered) == ("BRAND_NEW",)
    monkeypatch.setattr(tuner_types, "tuners", lambda: registered)
    found = dict(without_run())
    assert found["brand-new"] == "not covered: no smallest config known"
    assert found["new-prompt"] == "it adds tokens"


def test_prompt_learning_is_told_from_its_class() -> None:
    reasons = tuner_types.tuners()
    assert "PromptLearningConfig" in reasons["PREFIX_TUNING"]
    assert reasons["LORA"] == ""
    lived = {tuner.kind for tuner in TUNERS.values() if not tuner.skipped}
    rows = dict(without_run())
    for kind in reasons:
        assert (kind in lived) is not (tuner_name(kind) in rows)


@newest
@pytest.mark.parametrize("name", TUNERS)
def test_the_table_says_of_a_config_what_it_is(name: str) -> None:
    tuner = TUNERS[name]
    known = tuner_types.tuner_fields(tuner.kind)
    if not known:
        pytest.skip(f"PEFT {installed('peft')} has no {tuner.kind}")
    assert tuner.fitting(known) == tuner.arguments
    if name not in VARIANTS and not tuner.skipped:
        saves = any(placement.startswith("save:") for placement in tuner.placements)
        assert saves is ("modules_to_save" in known)
        assert tuner.ensures is ("ensure_weight_tying" in known)
    assert set(tuner.exempt) <= set(TUNER_PROMISES)


def test_cases_are_distinct_and_paste_back() -> None:
    assert len({case.id for case in EVERY}) == len(EVERY) == len(set(EVERY))
    assert all(parse_tuner_case(repr(case)) == case for case in EVERY)


def test_a_brief_run_lives_some_of_the_cases_of_every_tuner() -> None:
    brief = tuner_cases(("cpu",), tuple(FAMILIES), brief=True)
    assert set(brief) < set(EVERY)
    assert len(brief) * 2 < len(EVERY) * 1.1
    assert {case.tuner for case in brief} | {"trainable-tokens-without-task"} == {
        c.tuner for c in EVERY
    }


def test_every_tuner_is_lived_once_in_each_other_precision() -> None:
    others = [case for case in EVERY if case.dtype != "float32"]
    on_body = {name for name, one in TUNERS.items() if not one.skipped and "body" in one.placements}
    assert Counter((case.tuner, case.dtype) for case in others) == Counter(
        (name, dtype)
        for name in on_body
        for dtype in ("bfloat16", *(() if TUNERS[name].narrow else ("float16", "float64")))
    )
    assert all(case.id.endswith(f"-body-{case.dtype}") and not case.usual for case in others)
    plain = {case.id for case in EVERY if case.dtype == "float32"}
    assert not any("float" in name for name in plain)
    assert {case.id.removesuffix(f"-{case.dtype}") for case in others} <= plain


@newest
@pytest.mark.parametrize(("dtype", "verdict"), [("float32", "holds"), ("float64", "breaks")])
def test_adalora_loses_its_rank_but_in_float32(dtype: str, verdict: str) -> None:
    seen = observe_tuner(tuner_case(tied=False, placement="body", dtype=dtype, tuner="adalora"))
    trains = TUNER_PROMISES["only-the-adapter-trains"].judge(seen)
    keeps = TUNER_PROMISES["adapter-keeps-logits"].judge(seen)
    assert (trains.verdict, keeps.verdict) == (verdict, verdict)
    assert all("ranknum trains" in finding.what for finding in trains.findings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TunerCase(dtype='float8')", "the field 'dtype' of a tuner case accepts"),
        ("TunerCase(tuner='none')", "the field 'tuner' of a tuner case accepts"),
        ("TunerCase(placement='tokens:list')", "the field 'placement' of a tuner case accepts"),
        ("TunerCase(rank=4)", "a tuner case has no field 'rank'"),
        ("TunerCase(seed=-1)", "accepts a whole number"),
        ("TunerCase(seed=True)", "accepts a whole number"),
        ("Case(tuner='ia3')", "a case is written TunerCase("),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(CaseError, match=says.replace("(", r"\(")):
        parse_tuner_case(text)


def test_an_older_config_gets_older_arguments() -> None:
    oft = TUNERS["oft"]
    assert oft.fitting(frozenset({"r", "target_modules"})) == {"r": 4}
    assert oft.fitting(frozenset({"target_modules"})) is None


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.kinds.tuners.subject.find_spec", lambda _name: None)
    assert "needs bitsandbytes" in lacks_tuner(tuner_case(tuner="lora-init-loftq"))
    monkeypatch.setattr(tuner_types, "tuner_fields", lambda _kind: frozenset())
    assert lacks_tuner(tuner_case(tuner="ia3")).endswith("has no IA3")


def trouble(stage: str, message: str, *, deliberate: bool = True) -> Trouble:
    return Trouble(stage, "main", "ValueError", message, "peft", deliberate)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (trouble("adapted", "Target module Embedding(24, 16) is not supported."), True),
        (trouble("adapted", "No layer types compatible with FRoD were found."), True),
        (trouble("merged", "This method is not supported for Lily."), True),
        (trouble("unmerged", "OSF models do not support unmerging"), True),
        (trouble("adapted", "wraps an unknown layer type"), False),
        (trouble("reloaded", "is not supported"), False),
        (trouble("adapted", "is not supported", deliberate=False), False),
    ],
)
def test_a_refusal_says_what_is_not_supported(one: Trouble, expected: object) -> None:
    assert refused(one) is expected


def test_a_tuner_on_nothing_is_silent_and_promises_nothing_of_logits() -> None:
    names = {"embedding": "model.embed_tokens", "head": "lm_head"}
    case = tuner_case(tuner="ia3", placement="target:head", tied=False)
    seen = Observation(case, names, stages={"base": Snapshot(), "adapted": Snapshot()})
    assert tuner_verdict(seen, never) == "silent"
    (finding,) = TUNER_PROMISES["tuner-wraps-what-it-names"].judge(seen).findings
    assert finding.what == "lm_head is asked for and carries no part of the tuner"
    judged = TUNER_PROMISES["merge-keeps-logits"].judge(seen)
    assert (judged.verdict, judged.reason) == ("not applicable", "the adapter has no parameter")


@pytest.mark.parametrize("narrowed", ["", "case", "user_config", "merger"])
def test_a_run_of_one_case_or_of_a_user_lives_no_tuner(narrowed: str) -> None:
    nothing = dict.fromkeys(("case", "user_config", "merger"))
    options = SimpleNamespace(
        **{**nothing, **({narrowed: object()} if narrowed else {})},
        devices=("cpu",),
        families=DECODERS,
        invariants=("merge-keeps-logits",),
        lives=1,
        turn=0,
    )
    context = Context(cast("Any", options), Known(), (KIND,))
    assert bool(list(items("test_tuner", context))) is not bool(narrowed)


def test_a_finding_is_found_again_by_what_its_failure_prints() -> None:
    case = tuner_case(placement="target:head", tuner="lora")
    options = ["--no-known-failures", "--invariant", "merge-keeps-logits", "--case", repr(case)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "conformance", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"test_tuner[{case.id}]" in done.stdout
    assert re.search(r"^1 failed, \d+ deselected", done.stdout.splitlines()[-1].strip("= "))
    assert "\nfinding: wrong-value: logits of merged" in done.stdout
    again = re.search(r"^RERUN +pytest (.*)$", done.stdout, re.MULTILINE)
    assert again
    assert shlex.split(again[1]) == ["conformance", *options]
