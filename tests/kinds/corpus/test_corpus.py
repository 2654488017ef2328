"""A corpus loaded by the version that saved it: all that its ordinary run keeps is kept."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from corpus_files import (
    FUSED,
    HALF,
    LIVES,
    RENAMED,
    TIED,
    UNTIED,
    change_manifest,
    change_tensors,
    copied,
    judged,
    saved,
)
from safetensors import safe_open
from stubbed_suite import ROOT, Suite

from conformance.core.case import Case
from conformance.core.grid import strata
from conformance.core.options import PROFILES, RUN_SEED
from conformance.core.versions import installed
from conformance.kinds.corpus.checks import CORPUS
from conformance.kinds.corpus.load import arrive
from conformance.kinds.corpus.manifest import EXPECTED, Corpus, read
from conformance.kinds.lifecycle.proof import require_informative
from conformance.running.drawn import drawn

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return saved(tmp_path_factory.mktemp("corpus"), *LIVES)


@pytest.mark.parametrize("case", LIVES, ids=repr)
def test_a_healthy_life_holds_everywhere(corpus: Corpus, case: Case) -> None:
    assert {name: found.verdict for name, found in judged(corpus, case).items()} == dict.fromkeys(
        CORPUS, "holds"
    )
    require_informative(arrive(corpus, case))


def test_first_life_of_every_stratum_comes_out_as_its_ordinary_run_says(tmp_path: Path) -> None:
    cases = {stratum.id: drawn(stratum, 2)[-1] for stratum in strata(("cpu",))}
    whole = saved(tmp_path / "whole", *cases.values())
    counts: Counter[tuple[str, str]] = Counter()
    for stratum, case in cases.items():
        for name, found in judged(whole, case).items():
            assert found.verdict != "breaks", (stratum, case, name, found.findings)
            counts[name, found.verdict] += 1
    assert all(counts[name, "holds"] > 0.75 * len(cases) for name in CORPUS), counts


def test_cases_are_the_first_of_the_default_run() -> None:
    (stratum,) = strata(("cpu",), "cpu-tied-default-body")
    every = drawn(stratum, PROFILES["default"]["max_examples"])
    assert drawn(stratum, 2) == every[:2]
    assert {case.family for case in drawn(stratum, 2, RUN_SEED, ("gpt2",))} == {"gpt2"}


def test_every_tensor_of_the_file_is_compared_with_what_it_became(corpus: Corpus) -> None:
    for case in LIVES:
        seen = arrive(corpus, case)
        assert seen.stages["restored"].weights.keys() == seen.saved["merged"].tensors.keys()
        assert seen.stages["meant"].weights.keys() == seen.saved["merged"].tensors.keys()


def test_the_file_names_fused_experts_and_the_renamed_head_apart(corpus: Corpus) -> None:
    experts = arrive(corpus, FUSED).saved["merged"].tensors
    assert any(key.endswith("experts.1.w3.weight") for key in experts)
    assert "embed_out.weight" in arrive(corpus, RENAMED).saved["merged"].tensors


def test_folder_holds_no_pickle_and_what_was_expected(corpus: Corpus) -> None:
    suffixes = {path.suffix for path in corpus.path.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}
    with safe_open(corpus.path / corpus.lives[HALF].folder / EXPECTED, framework="pt") as file:
        keys = set(file.keys())
    assert {"logits base", "logits trained", "logits merged"} <= keys
    assert {"weight lm_head.weight", "weight transformer.wte.weight"} <= keys


def test_manifest_says_what_the_saver_could_not_do(tmp_path: Path) -> None:
    lost = Case(tied=True, ensure=True, placement="target:head+save:embedding")
    life = saved(tmp_path / "lost", lost).lives[lost]
    assert life.reached == ("base",)
    assert life.troubles[0].stage == "adapted"
    verdicts = judged(read(tmp_path / "lost"), lost)
    assert {found.verdict for found in verdicts.values()} == {"not run"}
    assert life.troubles[0].message in verdicts["merged-file-keeps-logits"].reason


def test_what_the_saver_lacked_is_not_applicable(tmp_path: Path) -> None:
    saved(tmp_path / "old", TIED)
    change_manifest(tmp_path / "old", folder="", reached=[], lacks="PEFT 0.3.0 has no use_dora")
    found = judged(read(tmp_path / "old"), TIED)["merged-file-loads"]
    assert (found.verdict, found.reason) == (
        "not applicable",
        "the saver: PEFT 0.3.0 has no use_dora",
    )


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "200")
    return Suite(pytester)


def test_a_run_judges_the_corpus_alone(suite: Suite, corpus: Corpus) -> None:
    out = suite.path / "out.jsonl"
    options = ("--load-corpus", str(corpus.path), "--results", str(out), "--device", "cpu")
    done = suite.run(*options, items=str(ROOT / "conformance"), stub=False)
    assert done.ret == 0, done.stdout.str()
    head, *items, foot = map(json.loads, out.read_text().splitlines())
    assert head["saver"]["peft"] == installed("peft")
    assert {item["kind"] for item in items} == {"corpus"}
    kept = {life.stratum for life in corpus.lives.values()}
    prefix = "conformance/test_corpus.py::test_corpus"
    ids = {f"{prefix}[{stratum}-{name}]" for stratum in kept for name in CORPUS}
    assert {item["item"][item["item"].index("conformance/test_") :] for item in items} == ids
    assert foot["results"] == {"holds": len(ids)}


def test_one_case_of_a_corpus_is_judged(suite: Suite, corpus: Corpus) -> None:
    options = ("--load-corpus", str(corpus.path), "--case", repr(UNTIED), "-v")
    done = suite.run(*options, items=str(ROOT / "conformance"), stub=False)
    done.assert_outcomes(passed=len(CORPUS))


DECLARED = """
[[cause]]
id = "stub"
title = "A stub"
effect = "A stub."
severity = "silent"
stands = "confirmed"
package = "peft"
function = "peft.stub"
link = "unreported"
searched = "nothing"
when = "placement == 'body'"
explains = {{ {invariant} = "wrong-value" }}
"""


def test_a_declared_finding_fails_nothing(suite: Suite, corpus: Corpus) -> None:
    copy = copied(corpus, suite.path / "copy")
    change_tensors(
        copy, TIED, "merged/model.safetensors", lambda held: held["model.norm.weight"].mul_(2)
    )
    mine, options = suite.path / "mine.toml", ("--load-corpus", "copy")
    promise = "merged-file-keeps-logits"
    mine.write_text(DECLARED.format(invariant=promise))
    options += ("--invariant", promise, "--stratum", "cpu-tied-default-body", "--family", "llama")
    everything = str(ROOT / "conformance")
    done = suite.run(*options, "--known-failures", str(mine), items=everything, stub=False)
    done.assert_outcomes(xfailed=1)
    undeclared = suite.run(*options, items=everything, stub=False)
    undeclared.assert_outcomes(failed=1)
    printed = undeclared.stdout.str()
    for head in ("INVARIANT", "CASE", "FOUND", "SOURCE", "SAVER", "WITH", "SAVE", "RERUN", "CAUSE"):
        assert printed.count(f"\n{head} ") == 1, head
    assert "Traceback" not in printed
