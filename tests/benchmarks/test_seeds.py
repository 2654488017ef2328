"""Runs of other seeds: what is handed on, what is said, and what causes came to."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import results_files as files
from stubbed_suite import ROOT, Suite

from benchmarks.seeds import __main__ as seeds
from benchmarks.seeds.told import counts, head, lines, met, shares
from conformance.causes.read import ours
from conformance.core.case import Case
from conformance.core.record import Record
from conformance.reporting.results.read import ResultsError, read

pytest_plugins = ["pytester"]

MERGE = "merge-keeps-logits"
FOUND = "wrong-value: logits of merged differ from trained"
HEAD = Case(placement="target:head", family="gpt2")


def record(result: str, **fields: Any) -> Record:
    return Record("a.py::test[x]", "invariant", MERGE, result=result, **fields)


NEAR = "wide, but not ensure"
VIOLATION = {"invariant": MERGE, "finding": FOUND, "case": repr(HEAD), "nearest": NEAR}
BARE = {**VIOLATION, "case": "", "nearest": ""}
RECORDS = (
    record("holds"),
    record("breaks", reason="known: wide", declared="known"),
    record("breaks", reason="arguable: odd", declared="arguable"),
    record("not run"),
    record("not applicable"),
    record("skipped"),
    record("fixed here"),
    record("breaks", finding=FOUND, violations=[VIOLATION, BARE]),
    record("error", reason="SuiteError: two observations differ"),
    record("breaks", reason="its remedy is in force"),
)


def test_items_are_counted_by_how_they_ended() -> None:
    assert counts(RECORDS) == {"passed": 1, "failed": 3, "known": 1, "arguable": 1, "skipped": 4}
    assert (
        head(7, RECORDS, 12.4) == "seed 7: 1 passed, 3 failed, 1 known, 1 arguable, 4 skipped; 12 s"
    )


def test_each_finding_has_its_line_and_so_has_what_failed_without() -> None:
    item, nothing = "  a.py::test[x]", "nearest: no cause is about such a finding"
    assert list(lines(RECORDS)) == [
        f"{item} | {MERGE} | {FOUND} | {HEAD!r} | nearest: {NEAR}",
        f"{item} | {MERGE} | {FOUND} | no case | {nothing}",
        f"{item} | {MERGE} | error: SuiteError: two observations differ | no case | {nothing}",
        f"{item} | {MERGE} | breaks: its remedy is in force | no case | {nothing}",
    ]


def test_the_share_of_a_cause_is_over_all_runs_and_what_is_wide_is_told() -> None:
    one = [
        record("breaks", known={"a": [3, 3], "b": [1, 4]}),
        record("breaks", known={"a": [2, 2]}),
    ]
    two = [record("holds", known={"b": [0, 4]})]
    told, cause = met([one, two]), ours()[0]
    narrow = replace(cause, wide="")
    assert list(shares(told, 2, {"a": narrow, "b": narrow})) == [
        "b: met in 1 of 2 runs, 1 of 8 judged (12%), seldom: 0 in a run  too wide",
        "a: met in 1 of 2 runs, 5 of 5 judged (100%), seldom: 0 in a run",
    ]
    explained = replace(cause, wide="Few cases show it.")
    assert next(shares(told, 2, {"b": explained})).endswith("  Few cases show it.")


@pytest.mark.parametrize("seed", ["x", "1.5", "", "1e3", "--1", "²"])
def test_a_seed_that_is_no_number_is_one_sentence(
    seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        seeds.main([f"--seeds={seed}"])
    assert caught.value.code == 4
    assert capsys.readouterr().err == f"--seeds accepts whole numbers, not {seed!r}\n"


class Runs:
    """pytest as a stub: it notes how it was called and writes a results file."""

    def __init__(self, *records: Record, status: int, said: str = "") -> None:
        self.records, self.status, self.said = records, status, said
        self.called: list[list[str]] = []

    def __call__(self, command: list[str], *, stdout: Any, **_: Any) -> SimpleNamespace:
        self.called.append(command)
        stdout.write(self.said)
        items = [{"type": "item", **one.as_json()} for one in self.records]
        path = Path(command[command.index("--results") + 1])
        files.write_lines(path, [files.header(), *items, files.footer(items, self.status)])
        return SimpleNamespace(returncode=self.status)


def run(monkeypatch: pytest.MonkeyPatch, runs: Runs, *options: str) -> int:
    monkeypatch.setattr(seeds, "subprocess", SimpleNamespace(run=runs, STDOUT=subprocess.STDOUT))
    return seeds.main(list(options))


def test_every_seed_is_a_run_and_options_are_handed_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    runs, kept = Runs(RECORDS[0], status=0), tmp_path / "deep" / "kept"
    own = ("--seeds", "5", "7", "5", "--profile", "ci", "-n", "0", "--keep", str(kept))
    assert run(monkeypatch, runs, *own, "--", "--family", "llama") == 0
    assert len(runs.called) == 2
    for seed, called in zip("57", runs.called, strict=True):
        assert called[3:7] == ["conformance", "-q", "-n", "0"]
        assert called[called.index("--hypothesis-seed") + 1] == seed
        assert called[called.index("--hypothesis-profile") + 1] == "ci"
        assert called[-2:] == ["--family", "llama"]
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in told] == ["seed 5", "seed 7"]
    names = {f"seed-{seed}.{ending}" for seed in "57" for ending in ("jsonl", "txt")}
    assert {path.name for path in kept.iterdir()} == names


def test_what_is_undeclared_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, Runs(*RECORDS, status=1), "--seeds", "5") == 1
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_a_run_that_fails_without_an_item_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, Runs(RECORDS[0], status=1), "--seeds", "5") == 1
    assert "no item says why: see seed-5.txt" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "ends"), [(2, 2), (4, 4), (-9, 1)])
def test_a_run_that_did_not_come_to_its_end_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int, ends: int
) -> None:
    runs = Runs(status=status, said="x\nERROR: --family accepts llama\n")
    assert run(monkeypatch, runs, "--seeds", "5") == ends
    told = f"seed 5: pytest ended with {status}: ERROR: --family accepts llama\n"
    assert capsys.readouterr().out == told


def test_a_folder_that_cannot_be_made_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as caught:
        seeds.main(["--seeds", "1", "--keep", str(tmp_path / "file" / "deep")])
    assert caught.value.code == 4
    assert "cannot be made: Not a directory" in capsys.readouterr().err


def test_a_run_keeps_each_violation_with_its_invariant_and_case(suite: Suite) -> None:
    suite.stub(broken="case.family == 'opt'")
    stratum = ("--stratum", "cpu-tied-default-target:head", "--family", "opt")
    done, rows = suite.judge(*stratum, "--invariant", "life-completes", "--examples", "2")
    assert done.ret == 1
    (kept,) = rows[1]["violations"]
    assert kept["invariant"] == "life-completes"
    assert kept["finding"].startswith("unexpected-error: ")
    assert kept["case"] == rows[1]["case"]
    assert read(suite.path / "results.jsonl").records[0].violations == [kept]
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the schema")
    schema = json.loads(
        (ROOT / "conformance/reporting/results/schema.json").read_text(encoding="utf-8")
    )
    for row in rows:
        jsonschema.Draft202012Validator(schema).validate(row)


@pytest.mark.parametrize("wrong", ["x", [1], [{"invariant": MERGE}], [{**VIOLATION, "case": 1}]])
def test_a_record_with_other_violations_is_refused(tmp_path: Path, wrong: Any) -> None:
    item = {"type": "item", **record("breaks").as_json(), "violations": wrong}
    path = files.write_lines(tmp_path / "a.jsonl", [files.header(), item, files.footer([item], 1)])
    with pytest.raises(ResultsError, match=r"a\.jsonl, line 2"):
        read(path)


def test_the_command_says_what_it_takes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.seeds", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert {"--seeds", "--keep", "--profile", "-n"} <= set(done.stdout.replace(",", " ").split())
