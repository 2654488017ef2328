"""The page of tuners: what became of each, and a row for every tuner that PEFT has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import results_files as files

from conformance.__main__ import main
from conformance.core.record import Record
from conformance.core.versions import installed
from conformance.kinds.tuners.case import TunerCase, tuner_case
from conformance.kinds.tuners.kind import tuner_name
from conformance.kinds.tuners.table import TUNERS
from conformance.reporting import tuners_page
from conformance.reporting.environments import Cell, combine
from conformance.reporting.results import read
from conformance.upstream import tuner_types

PAGE = Path(__file__).parents[2] / "docs" / "tuners.md"
LIFE = tuner_case(tuner="ia3", placement="target:head")


def cell(path: Path, *records: Record) -> Cell:
    items: list[dict[str, Any]] = [{"type": "item", **one.as_json()} for one in records]
    head = files.header("0.21.2", "5.24.0")
    (made,) = combine([read.read(files.write_lines(path, [head, *items, files.footer(items)]))])
    return made


def life(verdict: str, case: TunerCase = LIFE, **more: Any) -> Record:
    name = f"conformance/test_tuners.py::test_tuner[{case.id}]"
    return Record(name, "tuner", "", case.id, "holds", verdicts={verdict: 1}, **more)


def rows_of(page: str) -> dict[str, list[str]]:
    """The first row of each tuner."""
    found: dict[str, list[str]] = {}
    for line in page.splitlines():
        if line.startswith("| "):
            first, *rest = (part.strip() for part in line.strip("|").split("|"))
            found.setdefault(first, rest)
    return found


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (life("holds"), "✓ holds"),
        (life("announced"), "! announced"),
        (life("silent"), "✗✗ silent"),
        (life("refused", heard=["adapted: not supported"]), "⊘ refused"),
        (life("not run", heard=["merged: not supported for Lily"]), "– no merge"),
        (life("not run", heard=["adapted: 'model_embed_tokens'"]), "✗✗ error"),
        (life("not applicable"), "– not applicable"),
        (None, "? not run"),
    ],
)
def test_a_life_has_its_sign(record: Record | None, expected: str) -> None:
    assert tuners_page.sign(record) == expected


def test_the_page_says_what_is_refused_and_what_has_no_life(tmp_path: Path) -> None:
    outside = Record(
        "conformance/test_tuners.py::test_without_life[cpt]",
        "tuner",
        stratum="cpt",
        result="not applicable",
        reason="it adds tokens",
    )
    refused = life("refused", heard=["adapted: Embedding is not supported"])
    page = tuners_page.render([cell(tmp_path / "a.jsonl", refused, outside)], {})
    rows = rows_of(page)
    assert rows["ia3"] == ["? not run", "? not run", "⊘ refused", *["? not run"] * 3]
    assert rows["cpt"] == ["it adds tokens"]
    assert "| ia3 | head | Embedding is not supported |" in page


def test_the_page_does_not_depend_on_which_life_ended_first(tmp_path: Path) -> None:
    cases = [tuner_case(tuner="ia3", placement=where) for where in ("target:both", "target:head")]
    said = "adapted: Embedding is not supported"
    lives = [life("refused", case, heard=[said]) for case in cases]
    pages = {
        tuners_page.render([cell(tmp_path / f"{number}.jsonl", *order)], {})
        for number, order in enumerate((lives, lives[::-1]))
    }
    assert len(pages) == 1
    assert "| ia3 | head, both | Embedding is not supported |" in pages.pop()


def test_a_page_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    cell(path)
    with pytest.raises(SystemExit) as ended:
        main(["report", str(path), "--format", "tuners"])
    assert ended.value.code == 2
    assert "none of these results files holds an item of a tuner" in capsys.readouterr().err


def test_the_published_page_has_a_row_for_every_tuner_of_its_peft() -> None:
    page = PAGE.read_text(encoding="utf-8")
    version = re.search(r"\bpeft (\S+),", page)
    assert version
    if version[1] != installed("peft"):
        pytest.skip(f"the page was made with PEFT {version[1]}, not {installed('peft')}")
    names: dict[str, set[str]] = {}
    for name, tuner in TUNERS.items():
        names.setdefault(tuner.kind, set()).add(name)
    rows = rows_of(page)
    for kind in tuner_types.tuners():
        expected = names.get(kind, {tuner_name(kind)})
        assert expected <= set(rows), f"docs/tuners.md has no row for {expected - set(rows)}"
    for cells in rows.values():
        assert "? not run" not in cells
        assert "not covered: no smallest config known" not in cells
