"""PEFT's own tests with the remedies: how a report is read, and what counts as worse."""

from __future__ import annotations

from pathlib import Path

from benchmarks.remedies import read, told, worse

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a.T" name="good" />
<testcase classname="tests.a.T" name="bad"><failure message="m">text</failure></testcase>
<testcase classname="tests.a.T" name="left out"><skipped message="m" /></testcase>
<testcase classname="tests.a.T" name="no model"><error message="m">text</error></testcase>
</testsuite></testsuites>"""


def test_a_report_is_read_by_name(tmp_path: Path) -> None:
    report = tmp_path / "outcomes.xml"
    report.write_text(REPORT, encoding="utf-8")
    found = read(report)
    assert found == {
        "tests.a.T::good": "passed",
        "tests.a.T::bad": "failed",
        "tests.a.T::left out": "skipped",
        "tests.a.T::no model": "error",
    }
    assert told(found) == "1 passed, 1 failed, 1 skipped, 1 error"


def test_worse_is_what_was_good_before() -> None:
    before = {"a": "passed", "b": "passed", "c": "failed", "d": "skipped", "e": "passed"}
    after = {"a": "passed", "b": "failed", "c": "failed", "d": "error"}
    assert worse(before, after) == [
        "b: passed, and failed with the remedies",
        "d: skipped, and error with the remedies",
        "e: passed, and missing with the remedies",
    ]
