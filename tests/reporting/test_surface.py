"""docs/surface.md: every row of the installed PEFT, each place true, each absence with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.__main__ import main
from conformance.core.versions import installed, parsed
from conformance.reporting.surface.page import page
from conformance.reporting.surface.reasons import Reason, fits, judged, reasons, wrong
from conformance.reporting.surface.record import Place, Record, Row, SurfaceError, read, write
from conformance.reporting.surface.recording import cover, differences, record, uses
from conformance.upstream.surface import Surface, surface
from conformance.upstream.uses import Use

LEAST = 0.9
KEPT = read()
OLDER = parsed(installed("peft")) < parsed(KEPT.versions["peft"])
SAME = all(installed(name) == text for name, text in KEPT.versions.items())
CASE = "Case(tied=True, ensure=False, placement='body')"
OTHER = "Case(tied=False, ensure=False, placement='body')"


@pytest.fixture(scope="module")
def known() -> Surface:
    return surface()


@pytest.mark.skipif(OLDER, reason="the record is of a newer PEFT, which has more")
def test_the_rows_are_those_of_the_installed_peft(known: Surface) -> None:
    found = differences(known, KEPT, {})
    assert not found, "\n".join(found)


def test_every_row_is_exercised_or_says_why_not() -> None:
    unsaid = [row.name for row in judged(KEPT.rows).unsaid]
    assert unsaid == [], "conformance/reporting/surface/reasons.toml says why not"


def test_no_reason_is_of_what_is_exercised_or_gone() -> None:
    assert wrong(KEPT.rows) == []


def test_each_row_has_one_reason_at_most() -> None:
    for row in KEPT.rows:
        for outside in (True, False):
            having = [r.why for r in reasons() if r.outside is outside and r.has(row.name)]
            assert len(having) <= 1, row.name


@pytest.mark.skipif(not SAME, reason="the record is of another pair of versions")
@pytest.mark.parametrize("case", KEPT.cases, ids=range(1, len(KEPT.cases) + 1))
def test_each_place_is_true(case: str, known: Surface) -> None:
    rows = [row for row in KEPT.rows if row.place and row.place.case == case]
    found = differences(known, replace(KEPT, rows=tuple(rows)), {case: uses(case, known)})
    found = [one for one in found if not one.startswith("PEFT has")]
    assert not found, "\n".join(found)


def test_enough_is_exercised() -> None:
    found = judged(KEPT.rows)
    assert found.share >= LEAST, f"{len(found.exercised)} of {found.counted}"


ROWS = (
    Row("A.go", "A", Place(CASE, "conformance/upstream/calls.py", "wrap", "")),
    Row("A.go(fast=)", "A", None),
    Row("A.see", "A", None),
)


def entries(*names: str) -> Surface:
    of = surface().callees[0]
    return Surface(tuple(replace(of, name=name, options=()) for name in names))


def test_what_is_new_is_told_with_what_to_do() -> None:
    (told,) = differences(entries("A.go", "A.new"), Record({}, ROWS[:1]), {})
    assert told.startswith("PEFT has A.new, which docs/surface.md lacks: exercise it")
    assert "reasons.toml" in told
    assert "\n" not in told


def test_what_is_gone_is_told() -> None:
    (told,) = differences(entries("A.go"), Record({}, (*ROWS[:1], ROWS[2])), {})
    assert told.startswith("docs/surface.md has A.see, which PEFT lacks")


def test_a_place_that_is_not_true_is_told() -> None:
    of, kept = entries("A.go"), Record({}, ROWS[:1])
    here = Use("conformance/upstream/calls.py", "wrap", "")
    assert differences(of, kept, {CASE: {"A.go": here}}) == []
    (told,) = differences(of, kept, {CASE: {}})
    assert told.startswith(f"{CASE} does not use A.go")
    (told,) = differences(of, kept, {CASE: {"A.go": replace(here, function="inject")}})
    assert told.startswith("A.go is used by inject in conformance/upstream/calls.py, not by wrap")


def test_reasons_count_unless_they_are_outside() -> None:
    why = Reason("it waits", ("A.go(fast=)",))
    found = judged(ROWS, (why, Reason("no adapter", ("A.see",), outside=True)))
    assert (len(found.exercised), found.counted, found.unsaid) == (1, 2, ())
    found = judged(ROWS, (why,))
    assert (found.counted, found.unsaid) == (3, (ROWS[2],))


def test_what_is_outside_does_not_count_where_it_is_used_either() -> None:
    found = judged(ROWS, (Reason("no adapter", ("A.go",), outside=True),))
    assert (found.exercised, found.counted) == ((), 1)


def test_wrong_reasons_are_told() -> None:
    assert wrong(ROWS, (Reason("it waits", ("A.go",)),)) == [
        "A.go is exercised: take A.go out of reasons.toml"
    ]
    assert wrong(ROWS, (Reason("it waits", ("A.come",)),)) == [
        "A.come of reasons.toml is nothing that PEFT has"
    ]


@pytest.mark.parametrize(
    ("pattern", "name", "has"),
    [
        ("A.see", "A.see", True),
        ("A.see", "A.see(far=)", True),
        ("A.see", "A.seen", False),
        ("*(far=)", "A.see(far=)", True),
        ("*(far=)", "A.see", False),
        ("A.*", "A.see(far=)", True),
    ],
)
def test_patterns(pattern: str, name: str, *, has: bool) -> None:
    assert fits(pattern, name) == has


def test_few_cases_cover_all_that_is_used() -> None:
    use = Use("a", "b", "")
    seen = {"one": {"x": use}, "two": {"x": use, "y": use}, "three": {"z": use}}
    assert cover(seen) == ("two", "three")


def test_a_row_is_shown_where_the_suite_calls_it_itself() -> None:
    near, far = Use("a", "b", ""), Use("a", "b", "get_peft_model")
    seen = {CASE: {"A.go": far, "A.see": near}, OTHER: {"A.go": near, "A.new": far}}
    made = record(entries("A.go", "A.see", "A.new", "A.never"), seen)
    assert [row.place.case if row.place else None for row in made.rows] == [
        OTHER,
        CASE,
        OTHER,
        None,
    ]


def test_a_record_reads_back(tmp_path: Path) -> None:
    kept = Record({"peft": "0.21.2", "transformers": "5.24.0"}, ROWS)
    write(kept, tmp_path / "record.json")
    assert read(tmp_path / "record.json") == kept


def test_what_is_no_record_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"rows": []}', encoding="utf-8")
    with pytest.raises(SurfaceError, match="is no record of PEFT's surface"):
        read(tmp_path / "record.json")


def test_the_page_says_how_many_and_shows_what_nobody_explains() -> None:
    text = page(Record({"peft": "0.21.2", "transformers": "5.24.0"}, ROWS))
    assert text.startswith("# PEFT 0.21.2: 1 of 3 public functions and options exercised (33%)\n")
    assert "| **nobody has said why** | `A.go(fast=)`, `A.see` |" in text
    assert "| `A.go` | `wrap` in `conformance/upstream/calls.py` |  | 1 |" in text
    assert f"1. lifecycle: `{CASE}`" in text


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["surface"]) == 0
    assert capsys.readouterr().out == page()


def test_a_case_without_record_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["surface", "--case", CASE])
    assert ended.value.code == 2
    assert "--case and --search go with --record" in capsys.readouterr().err
