"""Folders that are no corpus: one sentence each, and nothing in them is run."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from corpus_files import TIED, UNTIED, change_config, change_json, change_manifest, copied, saved

from conformance import __main__
from conformance.core.grid import Stratum
from conformance.kinds.corpus.load import arrive, check_only_tensors
from conformance.kinds.corpus.manifest import EXPECTED, FORMAT, MANIFEST, Corpus, CorpusError, read
from conformance.running.drawn import drawn


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return saved(tmp_path_factory.mktemp("corpus"), TIED, UNTIED)


def sentence(call: Callable[[], object]) -> str:
    with pytest.raises(CorpusError) as caught:
        call()
    said = str(caught.value)
    assert said.splitlines() == [said]
    return said


def whole(**values: Any) -> Callable[[Path], None]:
    return lambda folder: change_json(folder / MANIFEST, lambda held: held.update(values))


def first(**values: Any) -> Callable[[Path], None]:
    return lambda path: change_manifest(path, **values)


def text(written: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / MANIFEST).write_text(written)

    return change


def gone(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def twice(folder: Path) -> None:
    change_json(folder / MANIFEST, lambda held: held["lives"].append(held["lives"][0]))


BAD = [
    (gone(MANIFEST), "holds no corpus.json"),
    (text("{"), "is not JSON"),
    (text("[" * 100_000), "is not JSON"),
    (text("[]"), f"has format None; this suite reads format {FORMAT}"),
    (whole(format=2), f"has format 2; this suite reads format {FORMAT}"),
    (whole(saver={"peft": "1"}), "'saver' must name"),
    (whole(saver=[]), "'saver' must name"),
    (whole(lives={}), "'lives' must be a list"),
    (whole(lives=[1]), "life 0: it must have exactly the fields case, folder"),
    (first(case="print()"), "life 0: a case is written Case(field=value, ...)"),
    (first(case="Case(rank=0)"), "life 0: the field 'rank'"),
    (first(folder="../elsewhere"), "folder has a value of the wrong kind"),
    (first(folder="/etc"), "folder has a value of the wrong kind"),
    (first(folder="life-9999"), "life-9999/expected.safetensors is missing"),
    (first(reached="all"), "reached has a value of the wrong kind"),
    (first(flags={"base": {"x": "yes"}}), "flags has a value of the wrong kind"),
    (first(troubles=[{"stage": "x"}]), "troubles has a value of the wrong kind"),
    (first(more=1), "it must have exactly the fields"),
    (twice, "its case is there twice"),
    (gone(f"life-0000/{EXPECTED}"), f"life-0000/{EXPECTED} is missing"),
    (gone("life-0000/merged/config.json"), "life-0000/merged/config.json is missing"),
    (gone("life-0000/adapter/adapter_config.json"), "adapter_config.json is missing"),
]


@pytest.mark.parametrize(("change", "said"), BAD, ids=range(len(BAD)))
def test_bad_manifest_is_one_sentence(
    change: Callable[[Path], None], said: str, corpus: Corpus, tmp_path: Path
) -> None:
    path = copied(corpus, tmp_path / "copy").path
    change(path)
    assert said in sentence(lambda: read(path))


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("merged/config.json", {"auto_map": {"AutoConfig": "code.Config"}}),
        ("base/config.json", {"auto_map": {"AutoModelForCausalLM": "code.Model"}}),
        ("merged/config.json", {"attn_implementation": "someone/kernel"}),
        ("adapter/adapter_config.json", {"auto_mapping": {"parent_library": "code"}}),
        ("adapter/adapter_config.json", {"megatron_config": {"a": 1}, "megatron_core": "code"}),
    ],
)
def test_a_config_that_asks_for_code_is_refused(
    file: str, values: dict[str, Any], corpus: Corpus, tmp_path: Path
) -> None:
    copy = copied(corpus, tmp_path / "copy")
    change_config(copy, TIED, file, **values)
    said = sentence(lambda: read(copy.path))
    assert f"life-0000/{file} sets {next(iter(values))}" in said


@pytest.mark.parametrize("held", [b"", b"not one", "cut"])
def test_expected_tensors_that_cannot_be_read(
    held: bytes | str, corpus: Corpus, tmp_path: Path
) -> None:
    copy = copied(corpus, tmp_path / "copy")
    file = copy.path / "life-0000" / EXPECTED
    file.write_bytes(held if isinstance(held, bytes) else file.read_bytes()[:100])
    assert "is not a safetensors file" in sentence(lambda: arrive(copy, TIED))


class Runs:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self.mark,))


def test_a_pickle_that_runs_something_is_never_unpickled(corpus: Corpus, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    copy = copied(corpus, tmp_path / "copy")
    adapter = copy.path / "life-0000" / "adapter"
    (adapter / "adapter_model.safetensors").unlink()
    torch.save({"x": Runs(mark)}, adapter / "adapter_model.bin")
    assert "holds more than tensors" in sentence(lambda: arrive(copy, TIED))
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Runs(mark)))
    assert "holds more than tensors" in sentence(lambda: arrive(copy, TIED))
    assert not mark.exists()


def test_a_pickle_of_tensors_alone_may_be_read(tmp_path: Path) -> None:
    torch.save({"x": torch.ones(2)}, tmp_path / "adapter_model.bin")
    check_only_tensors(tmp_path / "adapter_model.bin")
    torch.save({"x": 1}, tmp_path / "other.bin")
    assert "holds more than tensors" in sentence(lambda: check_only_tensors(tmp_path / "other.bin"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stratum", "x"], "--stratum 'x' matches none"),
        (["--family", "lama"], "--family accepts llama"),
        (["--examples", "0"], "--examples accepts a whole number"),
        (["--case", "Case(1)"], "a case is written Case(field=value, ...)"),
        ([], "is not empty"),
    ],
)
def test_save_corpus_refuses_in_one_sentence(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(SystemExit) as ended:
        __main__.main(["save-corpus", str(tmp_path), *options])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_save_corpus_writes_what_load_corpus_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main(["save-corpus", str(tmp_path / "new"), "--case", repr(TIED)])
    assert ended.value.code == 0
    assert "1 lives saved, 0 listed" in capsys.readouterr().err
    assert set(read(tmp_path / "new").lives) == {TIED}


def test_save_corpus_takes_the_first_cases_of_a_stratum(tmp_path: Path) -> None:
    options = ["--stratum", "cpu-tied-default-body", "--family", "gpt2", "--examples", "2"]
    with pytest.raises(SystemExit):
        __main__.main(["save-corpus", str(tmp_path / "new"), *options])
    lives = list(read(tmp_path / "new").lives)
    stratum = Stratum("cpu", tied=True, ensure=False, placement="body")
    assert lives == drawn(stratum, 2, families=("gpt2",))
