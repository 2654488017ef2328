"""Reports as text: Markdown, terminal and badges tell the same, and nothing breaks their form."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
import results_files as files

from conformance.causes.read import ours
from conformance.core.verdict import SIGNS
from conformance.reporting import badges, markdown
from conformance.reporting.environments import Cell, combine
from conformance.reporting.results.read import read
from conformance.reporting.summary import HEADS

KNOWN = {cause.id: cause for cause in ours()}


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    """One that breaks as declared, one with an undeclared failure, one that was never judged."""
    undeclared = {"reason": "", "known": {}, "finding": "wrong-value: a | b\n<i>"}
    paths = [
        files.write(tmp_path / "a.jsonl", files.header(), files.known(files.TARGET, "announced")),
        files.write(
            tmp_path / "b.jsonl",
            files.header("0.17.1"),
            files.known(files.TARGET, "silent", **undeclared),
            status=1,
        ),
        files.unimportable(tmp_path / "c.jsonl"),
    ]
    return combine(map(read, paths))


def tables(text: str) -> list[list[list[str]]]:
    """Every Markdown table, row by row, all rows as long as the head."""
    found = []
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        split = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in block.splitlines()]
        rows = [[cell.strip() for cell in row] for row in split]
        assert len({len(row) for row in rows}) == 1, rows
        assert set(rows[1]) == {"---"}
        found.append([rows[0], *rows[2:]])
    return found


def test_markdown_puts_the_summary_first_and_tells_all(cells: list[Cell]) -> None:
    text = markdown.render(cells, KNOWN)
    overview, first, _legend, *matrices, undeclared, known = tables(text)
    assert text.index("| cell ") < text.index("## ")
    assert [row[0] for row in overview[1:]] == [cell.name for cell in cells]
    states = [row[-1] for row in overview[1:]]
    assert states == ["not judged", "undeclared failures", "as declared"]
    assert "0.16.0, transformers 5.23.0: peft cannot be imported here (ImportError" in text
    assert first[0] == ["placement", *HEADS]
    told = {row[0]: row[1] for row in first[1:]}
    assert told["target:head"] == "! announced 2/3"
    assert told["save:head"] == "✓ holds, since 0.17.1"
    assert len(matrices) == 4
    assert matrices[0][0] == ["placement", *(cell.name for cell in cells)]
    assert [row for row in matrices[0] if row[0] == "target:head"] == [
        ["target:head", "E error", "✗✗ silent 2/3", "! announced 2/3"]
    ]
    assert undeclared[1] == [
        files.TARGET,
        files.INVARIANTS[0],
        "fails",
        "wrong-value: a \\| b &lt;i>",
        f"`{files.CASE}`",
    ]
    cause = KNOWN[files.KNOWN]
    (row,) = known[1:]
    assert (row[0], row[2], row[3]) == (cause.id, cause.link, cells[-1].name)


def test_markdown_begins_with_the_newest_cell_that_was_judged(tmp_path: Path) -> None:
    good = files.write(tmp_path / "a.jsonl")
    bad = files.unimportable(tmp_path / "b.jsonl", "0.99.0")
    text = markdown.render(combine([read(good), read(bad)]), KNOWN)
    assert "are safe with peft 0.21.2, transformers 5.23.0\n" in text
    alone = markdown.render(combine([read(bad)]), KNOWN)
    assert "are safe with peft 0.99.0, transformers 5.23.0\n" in alone


def test_markdown_of_one_cell_has_no_matrices(cells: list[Cell]) -> None:
    text = markdown.render(cells[-1:], KNOWN)
    assert "every version" not in text
    assert "✓ holds |" in text


def test_markdown_stays_under_what_a_job_summary_takes(cells: list[Cell]) -> None:
    failing = [record for record in cells[1].run.records if record.result == "breaks"]
    many = Cell(
        "many",
        type(cells[1].run)(
            cells[1].run.path,
            cells[1].run.header,
            tuple(
                type(failing[0])(**{**failing[0].as_json(), "finding": "x" * 2000})
                for _ in range(900)
            ),
            cells[1].run.footer,
        ),
        cells[1].squares,
        cells[1].beyond,
        cells[1].items,
    )
    once = markdown.render([many], KNOWN)
    assert "And 700 more." in once
    text = markdown.render([many] * 5, KNOWN)
    assert len(text.encode()) < 1024 * 1024
    assert "longer than 1 MiB" in text.splitlines()[-1]
    assert text.startswith("# PEFT conformance\n\n| cell ")


def test_terminal_tells_sign_and_word_of_every_square(
    cells: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    pytest.importorskip("rich", reason="the terminal report is printed by rich")
    from conformance.reporting import terminal

    told = io.StringIO()
    terminal.render(cells, told)
    text = told.getvalue()
    assert "\x1b" not in text, "a file gets no colours"
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert any("cannot be imported here" in line for line in lines)
    assert "target:head E error ✗✗ silent 2/3 ! announced 2/3" in lines
    for name, sign in SIGNS.items():
        assert any(line.startswith(f"{sign} {name}: ") for line in lines)


def test_terminal_tells_wide_tables_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rich", reason="the terminal report is printed by rich")
    from conformance.reporting import terminal

    monkeypatch.setenv("COLUMNS", "80")
    names = [f"0.{minor}.0" for minor in range(9)]
    paths = [files.write(tmp_path / f"{name}.jsonl", files.header(name)) for name in names]
    told = io.StringIO()
    terminal.render(combine(map(read, paths)), told)
    tied = told.getvalue().partition("Tied base")[2]
    assert all(f"peft {name}" in tied for name in names)
    assert max(map(len, told.getvalue().splitlines())) <= 80
    assert "…" not in tied.partition("Tied, ensure")[0]


def test_badges_are_what_shields_reads(cells: list[Cell], tmp_path: Path) -> None:
    written = badges.write(cells, tmp_path / "new" / "folder")
    assert [path.name for path in written] == [
        "peft-0.16.0-transformers-5.23.0.json",
        "peft-0.17.1-transformers-5.23.0.json",
        "peft-0.21.2-transformers-5.23.0.json",
    ]
    bad, silent, announced = (json.loads(path.read_text(encoding="utf-8")) for path in written)
    for one in (bad, silent, announced):
        assert one.keys() == {"schemaVersion", "label", "message", "color"}
        assert one["schemaVersion"] == 1
    assert (bad["message"], bad["color"]) == ("cannot be imported", "inactive")
    others = len(files.STRATA) - 1
    assert (silent["message"], silent["color"]) == (f"1 silent, {others} holds", "critical")
    assert (announced["message"], announced["color"]) == (f"1 announced, {others} holds", "yellow")
