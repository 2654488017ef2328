"""The manners of the plugin, each in a pytest of its own: options, exit status, records, order.

The lives are stubs, so that PEFT is imported only where importing it is what is tested.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from stubbed_suite import ROOT, TABLE, Suite, sentence

from conformance.core.case import Case
from conformance.core.options import PROFILES, RUN_SEED
from conformance.core.versions import ABSENT, EXTRAS, PACKAGES, installed
from conformance.engine import devices
from conformance.kinds.lifecycle.checks import INVARIANTS

pytest_plugins = ["pytester"]

ONE = ("--stratum", "cpu-tied-default-target:head")
TWO_PROMISES = ("--invariant", "life-completes,merge-keeps-logits")


def verdicts(lines: list[dict[str, Any]]) -> dict[str, str]:
    return {line["item"]: line["result"] for line in lines if line["type"] == "item"}


def header(done: pytest.RunResult) -> str:
    return " ".join(line for line in done.outlines if line.startswith("conformance:"))


def without_peft(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = suite.path / "fake" / "peft"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise ImportError('cannot import name\\n X')")
    monkeypatch.setenv("PYTHONPATH", f"{fake.parent}:{ROOT}")


def test_options_are_listed_in_one_group_even_without_peft(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_peft(suite, monkeypatch)
    done = suite.run("--help", stub=False)
    assert done.ret == 0
    (group,) = re.findall(
        r"^PEFT conformance suite:\n((?:  .*\n)+)", done.stdout.str(), re.MULTILINE
    )
    listed = re.findall(r"^  (--[\w-]+)", group, re.MULTILINE)
    assert listed == [
        "--device",
        "--family",
        "--invariant",
        "--stratum",
        "--checkpoint",
        "--examples",
        "--case",
        "--program",
        "--known-failures",
        "--no-known-failures",
        "--strict-known-failures",
        "--remedied",
        "--model-config",
        "--adapter-config",
        "--issue",
        "--results",
        "--merger",
        "--load-corpus",
    ]


def test_peft_that_will_not_import_is_a_row_and_one_sentence(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_peft(suite, monkeypatch)
    file = suite.path / "out.jsonl"
    reason = sentence(suite.run("--results", str(file), stub=False))
    assert reason == "peft cannot be imported here (ImportError: cannot import name X)"
    first, row, footer = map(json.loads, file.read_text().splitlines())
    assert first["type"] == "header"
    assert (row["kind"], row["result"], row["reason"]) == ("import", "error", reason)
    assert (footer["items"], footer["results"], footer["exit"]) == (1, {"error": 1}, 4)


UNKNOWN = [
    (("--device", "cuda", "--device", "emulated"), "--device emulated cannot go with cuda"),
    (("--device", "tpu"), "--device accepts cpu, cuda, emulated, not tpu"),
    (("--family", "llama,lama"), "--family accepts llama, "),
    (("--family", ","), "not nothing"),
    (("--invariant", "merge-keeps"), "--invariant 'merge-keeps' names none of checkpoint-"),
    (("--stratum", "cpu-tied"), "--stratum 'cpu-tied' matches none; ids look like cpu-tied-"),
    (("--examples", "0"), "--examples accepts a whole number from 1 on, not '0'"),
    (("--examples", "many"), "--examples accepts a whole number from 1 on, not 'many'"),
    (("--examples", "9" * 5000), "--examples accepts a whole number from 1 on"),
    (("--hypothesis-profile", "fast"), "--hypothesis-profile accepts default, ci, dev, explore"),
    (("--hypothesis-seed", "x"), "--hypothesis-seed accepts a whole number, not 'x'"),
    (("--case", "Case(rank=True)"), "--case: the field 'rank' of a case takes a value of type"),
    (("--case", "TunerCase(tuner='none')"), "--case: the field 'tuner' of a tuner case accepts"),
    (
        ("--case", "TunerCase(tied=False)", "--merger", "a:b"),
        "--merger and --load-corpus judge no TunerCase",
    ),
    (("--case", "print()"), '--case: a case is written "Case(...)" or '),
    (("--known-failures", "none.toml"), "none.toml cannot be read: No such file"),
    (("--load-corpus", "none"), "none holds no corpus.json, which save-corpus writes last"),
    (("--results", "no/such/out.json"), "--results no/such/out.json: the folder does not exist"),
]


@pytest.mark.parametrize(("options", "said"), UNKNOWN, ids=lambda value: str(value)[:40])
def test_unknown_value_is_one_sentence(suite: Suite, options: tuple[str, ...], said: str) -> None:
    assert said in sentence(suite.run(*options))


def test_one_case_is_judged_by_every_invariant_once(suite: Suite) -> None:
    done = suite.run("--case", repr(Case(family="gpt2")), items=str(ROOT / "conformance"))
    assert done.ret == 0
    assert set(suite.cases()) == {repr(Case(family="gpt2"))}
    assert sum(done.parseoutcomes()[name] for name in ("passed", "skipped")) == len(INVARIANTS)


def test_smoke_items_are_the_families_of_the_run(suite: Suite) -> None:
    smoke = str(ROOT / "conformance" / "test_smoke.py")
    done = suite.run("--family", "gpt2,opt", "-v", items=smoke)
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*test_family_lives[[]gpt2] PASSED*", "*[[]opt] PASSED*"])


def test_header_and_summary(suite: Suite) -> None:
    done, lines = suite.judge(*ONE, "--examples", "4")
    assert done.ret == 0
    shown = header(done)
    for package in PACKAGES:
        assert f"{package} {installed(package)}" in shown
    assert f"devices cpu; profile default, 4 lives a stratum; seed {RUN_SEED}" in shown
    counts = lines[-1]["results"]
    assert sum(counts.values()) == len(INVARIANTS) == len(verdicts(lines))
    expected = ", ".join(
        f"{counts[name]} {name}" for name in ("holds", "not applicable", "not run")
    )
    assert expected in done.outlines


def test_known_failures_alone_end_with_0(suite: Suite) -> None:
    suite.stub(broken="case.family == 'gpt2'")
    (suite.path / "mine.toml").write_text(TABLE.format(family="gpt2"))
    table = ("--known-failures", "mine.toml", "--family", "gpt2", "--examples", "4")
    done, lines = suite.judge(*ONE, *TWO_PROMISES, *table)
    assert done.ret == 0
    done.assert_outcomes(xfailed=1, skipped=1)
    item = next(line for line in lines if line.get("invariant") == "life-completes")
    assert (item["result"], item["reason"]) == ("breaks", "known: stub-gpt2")
    assert item["declared"] == "known"
    assert item["known"] == {"stub-gpt2": [4, 4]}
    done.stdout.fnmatch_lines(
        [
            "*1 known, 1 not run*",
            "obscure-crash: stub-gpt2: 1 items, 4 of 4 judged cases; unreported",
        ]
    )
    again, _ = suite.judge(*ONE, *TWO_PROMISES, *table, "--no-known-failures")
    assert again.ret == 1


def test_a_finding_that_no_cause_has_ends_with_1(suite: Suite) -> None:
    suite.stub(broken="case.family in {'gpt2', 'opt'}")
    (suite.path / "mine.toml").write_text(TABLE.format(family="gpt2"))
    families = ("--family", "gpt2,opt", "--examples", "8", "--known-failures", "mine.toml")
    done, lines = suite.judge(*ONE, *TWO_PROMISES, *families)
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        [
            "CASE *placement='target:head', family='opt')",
            "1 fails, 1 not run",
            "finding: life-completes, unexpected-error: * [[]cpu-tied-default-target:head]",
        ]
    )
    assert lines[-1]["exit"] == 1


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("life-completes", 60),
        ("untied and life-completes", 30),
        ("ensure and life-completes and not untied", 15),
        ("save:both and life-completes", 4),
        ("target:embedding+save:head and life-completes", 4),
        ("cpu-untied-default-body-life-completes", 1),
    ],
)
def test_k_selects_by_any_word_of_the_id(suite: Suite, word: str, count: int) -> None:
    done = suite.run("--device", "cpu", "-k", word, "--collect-only", "-q")
    found = [line for line in done.outlines if "::test_invariant[" in line]
    assert len(found) == count
    id_ = r"cpu-(un)?tied-(ensure|default)-[a-z:+]+-life-completes"
    assert all(re.search(rf"test_invariants\.py::test_invariant\[{id_}\]$", f) for f in found)


def test_last_failed_runs_what_failed(suite: Suite) -> None:
    suite.stub(broken="True")
    _, lines = suite.judge(*ONE, *TWO_PROMISES, "--examples", "2")
    failed = [item for item, result in verdicts(lines).items() if result == "breaks"]
    assert len(verdicts(lines)) == 2
    done, lines = suite.judge(*ONE, *TWO_PROMISES, "--examples", "2", "--lf")
    assert done.ret == 1
    assert list(verdicts(lines)) == failed


def test_junit_file_is_valid(suite: Suite) -> None:
    suite.stub(broken="case.family == 'gpt2'")
    suite.judge(*ONE, *TWO_PROMISES, "--family", "gpt2", "--junitxml", "junit.xml")
    root = ET.fromstring((suite.path / "junit.xml").read_text())  # noqa: S314  our own
    cases = list(root.iter("testcase"))
    assert len(cases) == 2
    (failure,) = root.iter("failure")
    assert (failure.text or "").startswith("INVARIANT life-completes: ")
    (skipped,) = root.iter("skipped")
    assert "not run: " in str(skipped.attrib["message"])


def test_workers_change_no_verdict_and_share_no_stratum(suite: Suite) -> None:
    suite.stub(broken="case.family == 'gpt2' and case.placement == 'body'")
    options = ("--stratum", "cpu-tied-*-[bs]*", "--examples", "6", "--family", "llama,gpt2")
    options += ("--invariant", "life-completes,*-keeps-logits")
    first, alone = suite.judge(*options, "-n", "0")
    suite.cases()
    second, spread = suite.judge(*options, "-n", "2")
    assert first.ret == second.ret == 1
    assert len(verdicts(alone)) == 8 * 6
    assert verdicts(alone) == verdicts(spread)
    same = ("item", "result", "reason", "finding", "lives", "judged", "verdicts")
    items = [
        sorted([line[key] for key in same] for line in lines[1:-1]) for lines in (alone, spread)
    ]
    assert items[0] == items[1]
    workers: dict[str, set[str]] = {}
    for line in spread[1:-1]:
        workers.setdefault(line["stratum"], set()).add(line["worker"])
    assert len(workers) == 8
    assert all(len(names) == 1 for names in workers.values())
    assert set.union(*workers.values()) == {"gw0", "gw1"}
    assert {line["worker"] for line in alone[1:-1]} == {"main"}


def test_workers_live_the_same_cases(suite: Suite) -> None:
    options = ("--stratum", "cpu-tied-*-[bs]*", "--examples", "6", "--family", "llama,gpt2")
    lived = []
    for workers in ("0", "2"):
        suite.judge(*options, "--invariant", "life-completes", "-n", workers)
        lived.append(sorted(suite.cases()))
    # each worker lives one case of each placement again
    assert {*lived[0]} == {*lived[1]}


def test_items_of_an_absent_device_are_skipped_with_the_reason(suite: Suite) -> None:
    file = suite.path / "out.jsonl"
    options = ("--stratum", "*-tied-default-body", *TWO_PROMISES, "--results", str(file))
    done = suite.run(*options, "--examples", "1", "-rs")
    assert done.ret == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["devices"] == ["cpu", "cuda"]
    reason = devices.unavailable("cuda")
    rows = [line for line in lines[1:-1] if line["stratum"].startswith("cuda-")]
    assert len(rows) == (1 if reason else 2)  # one item says it, not one for each promise
    for row in rows if reason else ():
        assert (row["result"], row["reason"]) == ("skipped", reason)
        assert any(str(reason) in line for line in done.outlines if line.startswith("SKIPPED"))


def test_ci_changes_nothing(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    done, _ = suite.judge(*ONE, *TWO_PROMISES)
    here = suite.cases()
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    there, _ = suite.judge(*ONE, *TWO_PROMISES)
    assert f"profile default, {PROFILES['default']['max_examples']} lives" in header(done)
    assert header(there) == header(done)
    assert suite.cases() == here


def test_seed_is_shown_and_changes_the_cases(suite: Suite) -> None:
    suite.judge(*ONE, *TWO_PROMISES)
    first = suite.cases()
    done, lines = suite.judge(*ONE, *TWO_PROMISES, "--hypothesis-seed", "5")
    assert "seed 5" in header(done)
    assert lines[0]["seed"] == 5
    other = suite.cases()
    assert other != first


def test_explore_is_random_and_its_seed_repeats_it(suite: Suite) -> None:
    explore = (*ONE, *TWO_PROMISES, "--hypothesis-profile", "explore", "--examples", "12")
    done, lines = suite.judge(*explore)
    first, seed = suite.cases(), lines[0]["seed"]
    assert f"profile explore, 12 lives a stratum; seed {seed}" in header(done)
    _, lines = suite.judge(*explore, "-n", "2")
    assert lines[0]["seed"] != seed
    assert suite.cases() != first
    suite.judge(*explore, "--hypothesis-seed", str(seed))
    assert suite.cases() == first


def test_results_file(suite: Suite) -> None:
    _, lines = suite.judge(*ONE, *TWO_PROMISES, "--examples", "3", "--family", "llama,opt")
    head, *items, foot = lines
    assert head["type"] == "header"
    extras = {name for name in EXTRAS if installed(name) != ABSENT}
    assert head["versions"].keys() == {"python", *PACKAGES, *extras}
    assert (head["devices"], head["families"]) == (["cpu"], ["llama", "opt"])
    assert (head["profile"], head["examples"], head["seed"]) == ("default", 3, RUN_SEED)
    assert [item["type"] for item in items] == ["item", "item"]
    assert {item["invariant"]: item["result"] for item in items} == {
        "life-completes": "holds",
        "merge-keeps-logits": "not run",
    }
    assert all(item["stratum"] == ONE[1] and item["lives"] == 3 for item in items)
    counted = {"items": 2, "results": {"holds": 1, "not run": 1}}
    assert foot == {"type": "footer", "exit": 0, **counted}


def test_ctrl_c_keeps_the_results_so_far(suite: Suite) -> None:
    suite.stub(interrupt=12)
    done, lines = suite.judge("--examples", "4", "--invariant", "life-completes")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    head, *items, foot = lines
    assert head["type"] == "header"
    assert {item["result"] for item in items} == {"holds"}
    assert 1 <= len(items) < 60
    assert (foot["type"], foot["exit"], foot["items"]) == ("footer", 2, len(items))
    assert any(line == f"{len(items)} holds" for line in done.outlines)


def test_an_error_of_the_suite_is_an_error_and_not_a_pass(suite: Suite) -> None:
    """Two observations of one case that differ."""
    suite.stub(broken="len(lives) == 1")
    done, lines = suite.judge(*ONE, *TWO_PROMISES, "--examples", "2")
    assert done.ret == 1
    assert "error" in verdicts(lines).values()
    done.stdout.fnmatch_lines(["*SuiteError: two observations of * differ: troubles*"])


def test_the_first_undeclared_finding_is_told_when_it_is_met(suite: Suite) -> None:
    suite.stub("True")
    done, _ = suite.judge(*ONE, "-n", "2", "--no-known-failures")
    told = [line for line in done.outlines if line.startswith("first undeclared finding: ")]
    assert len(told) == 1
    assert done.outlines.index(told[0]) < next(
        number for number, line in enumerate(done.outlines) if " FAILURES " in line
    )
