"""Pairs of a saving and a loading cell: who is beside whom, and one run for each."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

import pytest
from corpus_files import TIED, change_json, copied, saved
from stubbed_suite import ROOT

from conformance.__main__ import main
from conformance.cli import load_corpora
from conformance.core.versions import cell_name, versions
from conformance.kinds.corpus.adjacent import Place, neighbours
from conformance.kinds.corpus.manifest import MANIFEST, Corpus
from conformance.reporting.results import read

CELLS = {
    f"{peft}/{transformers}": Place.of({"peft": peft, "transformers": transformers})
    for peft, transformers in [
        *((peft, "4.57.6") for peft in ("0.17.1", "0.18.1", "0.19.1", "0.20.0", "0.21.2")),
        *(("0.21.2", newer) for newer in ("5.0.0", "5.3.0", "5.10.4", "5.17.0", "5.23.0")),
    ]
}
FIVES = [f"0.21.2/{newer}" for newer in ("5.0.0", "5.3.0", "5.10.4", "5.17.0", "5.23.0")]
OLD = "0.21.2/4.57.6"


@pytest.mark.parametrize(
    ("here", "loaded"),
    [
        ("0.17.1/4.57.6", ["0.18.1/4.57.6"]),
        ("0.18.1/4.57.6", ["0.17.1/4.57.6", "0.19.1/4.57.6"]),
        ("0.20.0/4.57.6", ["0.19.1/4.57.6", OLD]),
        (OLD, ["0.20.0/4.57.6", *FIVES]),
        ("0.21.2/5.0.0", [OLD, "0.21.2/5.3.0"]),
        ("0.21.2/5.10.4", [OLD, "0.21.2/5.3.0", "0.21.2/5.17.0"]),
        ("0.21.2/5.23.0", [OLD, "0.21.2/5.17.0"]),
    ],
)
def test_what_is_one_step_away_is_loaded(here: str, loaded: list[str]) -> None:
    assert neighbours(CELLS[here], CELLS) == loaded


def test_the_nearest_is_meant_among_those_that_are_there() -> None:
    few = {name: CELLS[name] for name in ("0.17.1/4.57.6", "0.19.1/4.57.6", "0.21.2/5.0.0")}
    assert neighbours(CELLS["0.20.0/4.57.6"], few) == ["0.19.1/4.57.6"]
    assert neighbours(CELLS["0.21.2/5.23.0"], few) == ["0.21.2/5.0.0"]
    older = {"older": Place.of({"peft": "0.21.2", "transformers": "4.47.1"})}
    assert neighbours(CELLS[OLD], older) == []


def test_tox_saves_where_it_loads() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    lines = dict(re.findall(r"^(\S+) = (.*)$", tox["tox"]["labels"], re.MULTILINE))
    assert lines["load"] == lines["save"].replace("-save", "-load")
    assert lines["save"].count("-save") == 2


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return saved(tmp_path_factory.mktemp("corpus"), TIED)


def saver(corpus: Corpus, **changes: str) -> None:
    """Say that other versions saved it."""
    said = {**corpus.saver, **changes}
    change_json(corpus.path / MANIFEST, lambda held: held.update(saver=said))


def sentences(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["load-corpora", *map(str, words)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("python -m conformance load-corpora: error: ")


def test_each_neighbour_is_one_run_and_the_worst_status_counts(
    corpus: Corpus, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, results = tmp_path / "corpora", tmp_path / "results" / "pairs"
    folder.mkdir()
    beside = copied(corpus, folder / "beside")
    border = "4.57.6" if Place.of(versions()).transformers >= (5,) else "5.23.0"
    saver(beside, transformers=border)
    copied(corpus, folder / "own")
    (folder / "notes.txt").write_text("no corpus")
    options = ["-q", "-p", "no:cacheprovider", "--no-known-failures"]
    words = ["load-corpora", "--results", str(results), str(folder), *options]
    here = cell_name(versions())
    assert main(words) == 0
    out = capfd.readouterr().out
    assert out.splitlines()[-1] == f"beside -> {here}: as declared"
    (path,) = results.iterdir()
    assert path.name == f"beside--{here}.jsonl"
    run = read.read(path)
    assert (run.header["saver"]["transformers"], run.interrupted) == (border, "")
    assert {record.kind for record in run.records} == {"corpus"}
    # one that is not whole stops no other, and one that fails is told
    (folder / "broken").mkdir()
    weights = folder / "beside" / "life-0000" / "merged" / "model.safetensors"
    weights.write_bytes(b"")
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert out.splitlines()[-1] == f"beside -> {here}: exit status 1"
    assert f"error: {folder / 'broken'} holds no {MANIFEST}, which save-corpus" in err
    assert "merged-file-loads" in out


def test_bad_input_is_one_sentence(
    corpus: Corpus,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "corpora"
    assert sentences(capsys, folder) == f"{folder} is not a folder"
    folder.mkdir()
    assert f"{folder} holds no corpus saved one step away from peft" in sentences(capsys, folder)
    beside = copied(corpus, folder / "beside")
    saver(beside, transformers="4.57.6", peft="0.3.0")
    assert "holds no corpus saved one step away" in sentences(capsys, folder)
    (folder / "beside" / MANIFEST).write_text(json.dumps([]))
    file = tmp_path / "file"
    file.touch()
    assert f"{file} cannot be made" in sentences(capsys, "--results", file, folder)
    monkeypatch.setattr(load_corpora, "import_problem", lambda: "peft cannot be imported here (X)")
    assert sentences(capsys, folder) == "peft cannot be imported here (X)"


def test_a_cell_saves_in_place_of_what_it_saved_before(tmp_path: Path) -> None:
    own = tmp_path / cell_name(versions())
    own.mkdir()
    (own / "before").touch()
    (tmp_path / "other").touch()
    with pytest.raises(SystemExit) as ended:
        main(["save-corpus", "--as-cell", str(tmp_path), "--case", repr(TIED)])
    assert ended.value.code == 0
    assert {path.name for path in own.iterdir()} == {MANIFEST, "life-0000"}
    assert (tmp_path / "other").exists()
