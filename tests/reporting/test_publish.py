"""Publishing: the matrix and the compressed results it is made of, or one sentence and nothing."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
import results_files as files

from conformance.__main__ import main
from conformance.cli import publish
from conformance.core.record import Record
from conformance.docs_build import pages
from conformance.kinds.loading.case import LoadingCase
from conformance.reporting import inputs, published
from conformance.reporting.environments import Cell, combine
from conformance.reporting.results import read


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with three cells, one of which cannot be imported."""
    folder = tmp_path / "results"
    folder.mkdir()
    files.write(folder / "a.jsonl", None, files.known(files.TARGET, "late"))
    files.write(folder / "b.jsonl", files.header("0.20.0", "4.57.6"))
    files.unimportable(folder / "c.jsonl", "0.17.1")
    return folder


def held(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_pages_and_results_are_kept_by_the_name_of_their_cell(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "docs"
    assert main(["publish", str(results), str(docs)]) == 0
    made = held(docs)
    assert set(made) == {
        "matrix.md",
        "matrix.html",
        "results/peft0.17-tf5.23.jsonl.gz",
        "results/peft0.20-tf4.57.jsonl.gz",
        "results/peft0.21-tf5.23.jsonl.gz",
    }
    raw = made["results/peft0.20-tf4.57.jsonl.gz"]
    assert gzip.decompress(raw) == (results / "b.jsonl").read_bytes()
    assert main(["report", str(results), "--format", "markdown"]) == 0
    assert made["matrix.md"].decode() == capsys.readouterr().out
    assert made["matrix.html"].startswith(b"<!DOCTYPE html>")


def test_runs_of_loadings_are_kept_apart(results: Path, tmp_path: Path) -> None:
    (results / published.LOADS).mkdir()
    case = LoadingCase()
    name = f"conformance/test_loading.py::test_loading[{case.id}-checkpoint-loads]"
    made = Record(name, "loading", "checkpoint-loads", case.id, "holds").as_json()
    head, line = files.header("0.21.2", "4.57.6"), {"type": "item", **made}
    files.write_lines(results / "loads" / "a.jsonl", [head, line, files.footer([line])])
    docs = tmp_path / "docs"
    publish.publish(results, docs)
    found = held(docs)
    assert "results/loads/peft0.21-tf4.57.jsonl.gz" in found
    assert "| t5 | ✓ |" in found["loading.md"].decode()
    cells = combine([read.read(path) for path in sorted(results.glob("*.jsonl"))])
    assert found["matrix.md"].decode() == published.rendered("matrix.md", cells)
    publish.publish(docs / "results", docs)
    assert held(docs) == found


def test_publishing_again_changes_nothing_and_removes_what_is_gone(
    results: Path, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    publish.publish(results, docs)
    made = held(docs)
    (docs / "own.md").write_text("mine")
    shutil.copy(docs / "results/peft0.20-tf4.57.jsonl.gz", docs / "results/before.jsonl.gz")
    publish.publish(results, docs)
    assert held(docs) == made | {"own.md": b"mine"}
    publish.publish(docs / "results", docs)
    assert held(docs) == made | {"own.md": b"mine"}
    (results / "b.jsonl").unlink()
    publish.publish(results, docs)
    assert "results/peft0.20-tf4.57.jsonl.gz" not in held(docs)


def refused(capsys: pytest.CaptureFixture[str], results: Path, docs: Path) -> str:
    """What is said as nothing is written."""
    before = held(docs) if docs.exists() else None
    with pytest.raises(SystemExit) as ended:
        main(["publish", str(results), str(docs)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert (held(docs) if docs.exists() else None) == before
    return line.removeprefix("python -m conformance publish: error: ")


def test_what_is_wrong_is_one_sentence(
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    docs, empty, more = tmp_path / "docs", tmp_path / "empty", results / "d.jsonl"
    empty.mkdir()
    assert refused(capsys, tmp_path / "none", docs) == f"{tmp_path / 'none'} is not a folder"
    assert "holds no *.jsonl and no *.jsonl.gz" in refused(capsys, empty, docs)
    files.write_lines(more, [files.header("0.19.1")])
    told = f"{more} is not of a whole run: it was killed: the file has no footer"
    assert refused(capsys, results, docs) == told
    files.write(more, files.header("0.19.1", seed=2))
    assert "do not cover the same grid: they differ in seed" in refused(capsys, results, docs)
    files.write(more, files.header("0.21.1"))
    told = f"there is more than one results file of a cell: {more}, {results / 'a.jsonl'}"
    assert refused(capsys, results, docs) == told
    more.unlink()
    file = results / "a.jsonl"
    assert f"cannot write {file / 'results'}: " in refused(capsys, results, file)
    monkeypatch.setattr(inputs, "find_spec", lambda name: None)
    assert "needs jinja2" in refused(capsys, results, docs)


def cells(tmp_path: Path, *pairs: tuple[str, str], **unimportable: str) -> list[Cell]:
    """Cells by hand; PEFT's older minor releases are worse."""
    for peft, transformers in pairs:
        worse = "silent" if peft < "0.19" else "late"
        line = files.known(files.TARGET, worse)
        head = files.header(peft, transformers)
        files.write(tmp_path / f"{peft}-{transformers}.jsonl", head, line)
    for transformers in unimportable.values():
        path = tmp_path / f"no-{transformers}.jsonl"
        files.unimportable(path, "0.17.1", versions=versions("0.17.1", transformers))
    return combine(read.read(path) for path in tmp_path.iterdir())


def versions(peft: str, transformers: str) -> dict[str, str]:
    made: dict[str, str] = files.header(peft, transformers)["versions"]
    return made


def test_the_diagonal_is_the_newest_releases_with_what_they_run_with(tmp_path: Path) -> None:
    made = pages.diagonal(
        cells(
            tmp_path,
            ("0.15.2", "4.57.6"),
            *((peft, "4.57.6") for peft in ("0.17.1", "0.18.1", "0.19.1", "0.20.0", "0.21.2")),
            ("0.20.0", "5.23.0"),
            ("0.21.2", "5.3.0"),
            ("0.21.2", "5.23.0"),
            newest="5.23.0",
        )
    )
    told, first, middle, second, rest = made.split("\n\n")
    assert told == "Tied bases, 3 lifecycle runs a stratum; PEFT with transformers:"
    assert middle == "The same with `ensure_weight_tying`:"
    heads = (
        "| placement | 0.17.1 with 4.57.6 | 0.18.1 with 4.57.6 | 0.19.1 with 4.57.6 | "
        "0.20.0 with 5.23.0 | 0.21.2 with 5.23.0 |"
    )
    for table, row in (
        (first, "| target:head |" + 2 * " ✗✗ silent 2/3 |" + 3 * " ✗ late 2/3 |"),
        (second, "| target:head |" + 5 * " ✓ holds |"),
    ):
        assert table.splitlines()[0] == heads
        assert row in table.splitlines()
    assert rest == "Untied bases, and all 10 environments: [the matrix](matrix.md)."


def test_no_diagonal_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pages.ReadmeError, match=r"no cell of docs/results was judged"):
        pages.diagonal(cells(tmp_path, newest="5.23.0"))
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    (tmp_path / "results").mkdir()
    with pytest.raises(pages.ReadmeError, match=r"holds no .*; `tox run -e publish` keeps"):
        pages._kept.__wrapped__("matrix.md")
