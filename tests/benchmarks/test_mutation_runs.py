"""Runs of mutants, on a small package and suite: who is killed, by whom, and who is not run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutation.recorded import Record

ROOT = Path(__file__).parents[2]
PACKAGE = """
def add(a, b):
    return a + b


def double(a, twice=True):
    if a > 100:
        return None
    while twice and a:
        return a + a
    return a


def down(a, step):
    while a > step:
        a -= step
    return a


def unused(a, b):
    return a - b
"""
TESTS = """
from peft.sums import add, double, down


def test_weak():
    assert add(2, 0) == 2


def test_strong():
    assert add(1, 2) == 3


def test_double():
    assert double(2) == 4


def test_down():
    assert down(5, 2) == 1


def test_wrong():
    assert add(1, 1) == 3
"""
SCRIPT = """
import json, sys
from pathlib import Path
from benchmarks.mutation import judging
from benchmarks.mutation.recorded import recorded
from benchmarks.mutation.sites import OPERATORS, sites
from benchmarks.mutation.suites import Suite

source, inside, kept = map(Path, sys.argv[1:4])
judging.SCOPE["seconds"] = 2
text = (source / "sums.py").read_text()
chosen = list(sites("sums.py", text, ["add", "double", "down", "unused"], list(OPERATORS)))
plain = ("-q", "-p", "no:cacheprovider")
passes = len(sys.argv) > 4
suite = Suite("small", inside, (("test_sums.py",),), plain, passes=passes, imports_late=False)
record = recorded(suite, source, chosen, kept)
rows = {}
tell = lambda site, row: rows.update({f"{site.function} {site.operator} {site.line}": row})
judging.judge(suite, record, source, dict(enumerate(chosen)), imports=0.0, tell=tell)
print("CONTROL" + repr(judging.control(suite, record, source)))
print("ROWS" + json.dumps([record.items, rows]))
"""


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The script on the small package; PEFT must not have been imported by this process."""
    for name, text in (
        ("peft/sums.py", PACKAGE),
        ("peft/__init__.py", ""),
        ("in/test_sums.py", TESTS),
    ):
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    paths = (str(folder / "peft"), str(folder / "in"), str(folder / "kept"))
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *paths, *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record and the rows."""
    done = run(tmp_path_factory.mktemp("small"))
    assert done.returncode == 0, done.stderr
    assert "CONTROL''\n" in done.stdout, "every item but the wrong one passes without a mutant"
    items, rows = json.loads(done.stdout.partition("ROWS")[2])
    return items, rows


def test_the_record_says_what_fails_without_any_change(told: Any) -> None:
    items, _ = told
    failed = [name for name, row in items.items() if row["outcome"] == "failed"]
    assert failed == ["test_sums.py::test_wrong"]


def test_a_mutant_is_killed_by_an_item_that_passes_without_it(told: Any) -> None:
    _, rows = told
    row = rows["add arithmetic 3"]
    assert (row["result"], row["by"], row["items"]) == ("killed", "test_strong", 2)
    assert rows["double arithmetic 10"]["by"] == "test_double"


def test_a_mutant_that_no_item_meets_is_not_run(told: Any) -> None:
    _, rows = told
    # a test that is never true, a function that is never called, a default that is never another
    for name in ("double condition 7", "unused arithmetic 21"):
        assert rows[name] == {"result": "survived", "by": "never met", "cpu": 0.0, "items": 0}


def test_what_is_met_and_not_noticed_survives(told: Any) -> None:
    _, rows = told
    assert rows["double boolean 9"]["result"] == "survived"
    assert rows["double boolean 9"]["by"] == "no failure"
    assert rows["double boolean 9"]["items"] == 1


def test_a_run_without_end_is_stopped_and_counts_as_survived(told: Any) -> None:
    _, rows = told
    row = rows["down drop 16"]
    assert (row["result"], row["by"]) == ("survived", "no failure in 2 s")
    assert 1.5 <= row["cpu"] < 4


def test_a_suite_that_must_pass_as_the_package_is_and_does_not_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "passes")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "small ends with 1 as PEFT is:"


def test_the_cheapest_scope_that_meets_a_mutant_runs_first_and_whole() -> None:
    def row(scope: str, cpu: float, seen: list[int], outcome: str = "passed") -> dict[str, Any]:
        return {"scope": scope, "cpu": cpu, "seen": seen, "outcome": outcome}

    items = {
        "dear-1": row("dear", 5.0, [1]),
        "cheap-1": row("cheap", 0.5, [1]),
        "cheap-2": row("cheap", 0.1, []),
        "other": row("other", 0.1, [2]),
        "broken": row("broken", 0.1, [1], "failed"),
    }
    record = Record(items, frozenset({3}), 1.0)
    assert record.meeting(1) == ["cheap-1", "cheap-2", "dear-1"]
    assert record.meeting(2) == ["other"]
    assert record.meeting(3) == ["other", "cheap-1", "cheap-2", "dear-1"]
    assert record.meeting(4) == []
