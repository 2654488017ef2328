"""The page of loading: what each checkpoint came to, and what was said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import results_files as files

from conformance.__main__ import main
from conformance.core.record import Record
from conformance.kinds.loading.case import KINDS, LoadingCase, loading_cases
from conformance.kinds.loading.checks import LOADING, concerns
from conformance.reporting import loading_page
from conformance.reporting.environments import Cell, combine
from conformance.reporting.results import read
from tiny_models.families import FAMILIES

EVERY = loading_cases(("cpu",), tuple(FAMILIES), tuple(KINDS))
CLEAN = ["the load report names no key"]
MISSING = ["missing: encoder.embed_tokens.weight"]
SEED = LoadingCase(family="umt5-encoder", checkpoint="untied-config")


def item(case: LoadingCase, promise: str, result: str, heard: list[str]) -> dict[str, Any]:
    name = f"conformance/test_loading.py::test_loading[{case.id}-{promise}]"
    made = Record(name, "loading", promise, case.id, result, heard=heard)
    return {"type": "item", **made.as_json()}


def cell(
    path: Path, version: str, broken: dict[LoadingCase, tuple[str, ...]], heard: list[str] = CLEAN
) -> Cell:
    """A cell in which everything holds but what is said."""
    items = [
        item(
            case,
            name,
            "breaks" if name in broken.get(case, ()) else "holds",
            heard if case in broken else CLEAN,
        )
        for case in EVERY
        for name, one in LOADING.items()
        if concerns(case, one)
    ]
    head = files.header("0.21.2", version)
    (made,) = combine([read.read(files.write_lines(path, [head, *items, files.footer(items)]))])
    return made


def row(page: str, *starts: str) -> list[str]:
    """The cells of the first row that begins with these."""
    for line in page.splitlines():
        parts = [part.strip() for part in line.strip("|").split("|")]
        if parts[: len(starts)] == list(starts):
            return parts[len(starts) :]
    raise AssertionError(f"no row begins with {starts}")


@pytest.mark.parametrize(
    ("broken", "heard", "expected"),
    [
        ((), CLEAN, "✓"),
        (("tied-members-are-one",), CLEAN, "≠ untied"),
        (("missing-means-missing", "tied-keys-are-not-missing"), MISSING, "! false alarm"),
        (("log-agrees-with-report",), CLEAN, "! false alarm"),
        (("loading-keeps-outputs", "tied-keys-are-not-missing"), MISSING, "✗ told"),
        (("loading-keeps-outputs",), CLEAN, "✗✗ silent"),
        (("nothing-is-silently-reinitialised",), MISSING, "✗✗ silent"),
        (("checkpoint-loads",), CLEAN, "✗✗ error"),
    ],
)
def test_a_loading_has_the_sign_of_its_worst(
    broken: tuple[str, ...], heard: list[str], expected: str, tmp_path: Path
) -> None:
    cells = [
        cell(tmp_path / "a.jsonl", "4.57.6", {}),
        cell(tmp_path / "b.jsonl", "5.0.0", {SEED: broken}, heard),
    ]
    page = loading_page.render(cells, {})
    assert row(page, "model", "checkpoint") == ["4.57.6", "5.0.0"]
    assert row(page, SEED.family, SEED.checkpoint) == ["✓", expected]
    if expected == "✓":
        assert "✗" not in page.partition("## The text encoder")[2].partition("## What was said")[0]
    else:
        told = row(page, "5.0.0", SEED.family, SEED.checkpoint)
        assert told == [expected, "; ".join(heard)]


def test_what_no_version_has_and_what_was_not_run_have_their_own_signs(tmp_path: Path) -> None:
    absent = [item(SEED, name, "not applicable", []) for name in LOADING]
    head = files.header("0.21.2", "5.23.0")
    path = files.write_lines(tmp_path / "a.jsonl", [head, *absent, files.footer(absent)])
    page = loading_page.render(combine([read.read(path)]), {})
    assert row(page, SEED.family, SEED.checkpoint) == ["–"]
    assert row(page, "t5-encoder", "full") == ["?"]


def test_signs_differ_and_each_is_explained() -> None:
    assert set(loading_page.SIGNS) == set(loading_page.MEANINGS)
    assert len(set(loading_page.SIGNS.values())) == len(loading_page.SIGNS)


def test_versions_are_in_order_and_the_newest_peft_speaks(tmp_path: Path) -> None:
    paths = [tmp_path / f"{version}.jsonl" for version in ("5.10.4", "5.3.0", "4.57.6")]
    cells = [cell(path, path.stem, {}) for path in paths]
    older = files.header("0.20.0", "5.3.0")
    wrong = [item(SEED, "loading-keeps-outputs", "breaks", CLEAN)]
    path = files.write_lines(tmp_path / "o.jsonl", [older, *wrong, files.footer(wrong)])
    runs = [one.run for one in cells] + [read.read(path)]
    page = loading_page.render(combine(runs), {})
    assert row(page, "model", "checkpoint") == ["4.57.6", "5.3.0", "5.10.4"]
    assert row(page, SEED.family, SEED.checkpoint) == ["✓", "✓", "✓"]


def test_results_without_loadings_are_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = files.write(tmp_path / "a.jsonl")
    with pytest.raises(SystemExit) as ended:
        main(["report", str(file), "--format", "loading"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("holds a loading item\n")
