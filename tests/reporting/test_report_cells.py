"""Cells of a report: order, names, verdicts, and since when a placement holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import results_files as files

from conformance.core.verdict import EVERY, MEANINGS, RESULT_MEANINGS, RESULT_SIGNS, SIGNS
from conformance.reporting import environments as made
from conformance.reporting.environments import Cell, combine
from conformance.reporting.results.read import read
from conformance.reporting.summary import LABELS


def cell(tmp_path: Path, *changed: Any, name: str = "a", **head: Any) -> Cell:
    path = files.write(tmp_path / f"{name}.jsonl", files.header(**head), *changed)
    (found,) = combine([read(path)])
    return found


def together(tmp_path: Path, *cells: tuple[str, str, str]) -> list[Cell]:
    """Cells of these versions of PEFT and transformers, with a verdict for one stratum."""
    runs = []
    for number, (peft, transformers, verdict) in enumerate(cells):
        changed = [] if verdict == "holds" else [files.known(files.TARGET, verdict)]
        head = files.header(peft, transformers)
        runs.append(read(files.write(tmp_path / f"{number}.jsonl", head, *changed)))
    return combine(runs)


def test_no_two_words_share_a_sign_and_every_word_is_explained() -> None:
    assert len(set(EVERY.values())) == len(EVERY)
    assert set(RESULT_SIGNS) == set(LABELS) == set(RESULT_MEANINGS)
    assert set(SIGNS) == set(MEANINGS)


def test_versions_are_sorted_as_pip_sorts_them(tmp_path: Path) -> None:
    given = ("0.9.0", "0.21.2", "0.10.0", "0.21.2.dev0", "not installed", "0.21.2+local")
    cells = together(tmp_path, *((version, "5.23.0", "holds") for version in given))
    order = ["not installed", "0.9.0", "0.10.0", "0.21.2.dev0", "0.21.2", "0.21.2+local"]
    assert [found.version("peft") for found in cells] == order


def test_transformers_decides_where_peft_is_the_same(tmp_path: Path) -> None:
    cells = together(tmp_path, ("1.0", "5.23.0", "holds"), ("1.0", "4.57.6", "holds"))
    assert [found.version("transformers") for found in cells] == ["4.57.6", "5.23.0"]
    assert cells[0].name == "peft 1.0, transformers 4.57.6"


def test_cells_of_the_same_versions_have_names_of_their_own(tmp_path: Path) -> None:
    versions = files.header()["versions"]
    heads = [
        files.header(),
        files.header(),
        files.header(versions={**versions, "torch": "2.14.1"}),
        files.header(versions={**versions, "python": "3.12.1"}),
    ]
    runs = [read(files.write(tmp_path / f"{n}.jsonl", head)) for n, head in enumerate(heads)]
    names = [found.name for found in combine(runs)]
    assert len(set(names)) == 4
    plain = "peft 0.21.2, transformers 5.23.0"
    assert names == [
        f"{plain}, torch 2.13.0, python 3.11.7, 0.jsonl",
        f"{plain}, torch 2.13.0, python 3.11.7, 1.jsonl",
        f"{plain}, torch 2.13.0, python 3.12.1",
        f"{plain}, torch 2.14.1",
    ]


@pytest.mark.parametrize("verdict", ["silent", "late", "announced", "refused", "not run"])
def test_the_worst_life_decides_and_its_share_is_told(tmp_path: Path, verdict: str) -> None:
    worse = verdict in {"silent", "late", "announced", "refused"}
    square = cell(tmp_path, files.known(files.TARGET, verdict)).squares[files.TARGET]
    assert square.verdict == (verdict if worse else "holds")
    assert square.share == ("2/3" if worse else "1/3")
    assert square.lives == {verdict: 2, "holds": 1}


def test_lives_that_the_versions_cannot_live_do_not_count(tmp_path: Path) -> None:
    square = cell(tmp_path, files.known(files.TARGET, "not applicable")).squares[files.TARGET]
    assert (square.verdict, square.share, square.lives) == ("holds", "", {"holds": 1})


def test_every_stratum_asked_for_has_a_square(tmp_path: Path) -> None:
    found = cell(tmp_path)
    assert set(found.squares) == {f"cpu-{name}" for name in files.STRATA}
    assert {square.verdict for square in found.squares.values()} == {"holds"}


def test_an_item_cut_short_by_its_failure_does_not_decide(tmp_path: Path) -> None:
    short = files.known(files.TARGET, "late", verdicts={"holds": 1}, lives=1, reason="")
    long = files.item(files.TARGET, files.INVARIANTS[1], verdicts={"holds": 2, "silent": 1})
    square = cell(tmp_path, short, long).squares[files.TARGET]
    assert (square.verdict, square.share) == ("silent", "1/3")


@pytest.mark.parametrize(
    ("results", "verdict", "reason"),
    [
        (("error", "not run"), "error", "why 0"),
        (("not run", "error"), "error", "why 1"),
        (("skipped", "skipped"), "not run", "why 0"),
        (("not run", "not run"), "not run", "why 0"),
    ],
)
def test_a_stratum_without_lives_says_why(
    tmp_path: Path, results: tuple[str, str], verdict: str, reason: str
) -> None:
    lines = [
        files.item(files.TARGET, name, result, verdicts={}, reason=f"why {number}")
        for number, (name, result) in enumerate(zip(files.INVARIANTS, results, strict=True))
    ]
    square = cell(tmp_path, *lines).squares[files.TARGET]
    assert (square.verdict, square.reason) == (verdict, reason)


def test_a_killed_run_leaves_its_rest_not_run(tmp_path: Path) -> None:
    lines = [files.header(), files.item(files.TARGET, files.INVARIANTS[0])]
    (found,) = combine([read(files.write_lines(tmp_path / "a.jsonl", lines))])
    assert found.squares[files.TARGET].verdict == "holds"
    assert found.squares[files.SAVE].verdict == "not run"
    assert "killed" in found.squares[files.SAVE].reason


def test_a_cell_that_cannot_be_imported_is_a_column_of_errors(tmp_path: Path) -> None:
    good = files.write(tmp_path / "a.jsonl")
    cells = combine([read(good), read(files.unimportable(tmp_path / "b.jsonl"))])
    bad, fine = cells
    assert {square.verdict for square in bad.squares.values()} == {"error"}
    assert all("cannot be imported" in square.reason for square in bad.squares.values())
    assert {square.verdict for square in fine.squares.values()} == {"holds"}


def test_devices_on_which_nothing_was_judged_are_left_out(tmp_path: Path) -> None:
    both = ["cpu", "cuda"]
    skipped = [
        files.item(f"cuda-{stratum}", name, "skipped", verdicts={}, reason="no GPU")
        for stratum in files.STRATA
        for name in files.INVARIANTS
    ]
    assert made.devices([cell(tmp_path, *skipped, devices=both)]) == ["cpu"]
    assert made.devices([cell(tmp_path, devices=both)]) == both
    (nothing,) = combine([read(files.unimportable(tmp_path / "b.jsonl"))])
    assert made.devices([nothing]) == ["cpu"]


def since(cells: list[Cell]) -> list[str]:
    return [made.since(one, files.TARGET, cells) for one in cells]


def test_since_is_the_oldest_without_a_break(tmp_path: Path) -> None:
    line = [("0.9", "holds"), ("0.10", "late"), ("0.11", "holds"), ("0.12", "holds")]
    cells = together(tmp_path, *((peft, "5.23.0", verdict) for peft, verdict in line))
    assert since(cells) == ["", "", "since 0.11", "since 0.11"]


def test_since_looks_at_one_transformers_alone(tmp_path: Path) -> None:
    line = [
        ("0.10", "4.57.5", "holds"),
        ("0.11", "4.57.6", "holds"),
        ("0.11", "5.23.0", "silent"),
        ("0.12", "4.36.2", "holds"),
        ("0.12", "5.23.0", "holds"),
    ]
    cells = together(tmp_path, *line)
    assert since(cells) == ["", "since 0.10 or before", "", "", "since 0.12"]


def test_other_merge_code_is_named(tmp_path: Path) -> None:
    own = read(files.write(tmp_path / "own.jsonl", files.header()))
    head = files.header(merger="my.merging:merge")
    other = read(files.write(tmp_path / "other.jsonl", head))
    names = {found.name for found in combine([own, other])}
    assert sum(name.endswith(", merged by my.merging:merge") for name in names) == 1
