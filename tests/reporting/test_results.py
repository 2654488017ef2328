"""Results files: what is written obeys the schema, and what is read is refused in one sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
import results_files as files
from stubbed_suite import ROOT, TABLE, Suite

from conformance.core.record import RESULTS, Record
from conformance.core.verdict import VERDICTS
from conformance.reporting.results import files as on_disk
from conformance.reporting.results import read
from conformance.reporting.results.read import ResultsError
from conformance.reporting.results_file import FORMAT
from conformance.running.kernels import SETTINGS

pytest_plugins = ["pytester"]

SCHEMA = json.loads(
    (ROOT / "conformance/reporting/results/schema.json").read_text(encoding="utf-8")
)
ONE = ("--stratum", "cpu-tied-default-target:head", "--examples", "4")
PROMISES = ("--invariant", "life-completes,merge-keeps-logits")


def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the schema")
    return jsonschema.Draft202012Validator(SCHEMA)


def wrong(line: dict[str, Any]) -> bool:
    return not validator().is_valid(line)


def checked(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, all of which obey the schema."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        validator().validate(line)
    return lines


def test_schema_is_one_and_names_what_the_code_names() -> None:
    validator().check_schema(SCHEMA)
    parts = SCHEMA["$defs"]
    assert parts["result"]["enum"] == list(RESULTS)
    assert parts["verdict"]["enum"] == list(VERDICTS)
    assert parts["header"]["properties"]["format"]["const"] == FORMAT
    assert set(parts["item"]["properties"]) == {"type", *Record.__dataclass_fields__}
    # of a run over a corpus, of other merge code, or with kernels that somebody chose
    optional = {"saver", "merger", "kernels"}
    assert set(parts["header"]["properties"]) == {"type", "format", *read.HEADER, *optional}
    kernels = parts["header"]["properties"]["kernels"]["propertyNames"]["enum"]
    assert kernels == list(SETTINGS)


def test_a_run_over_a_corpus_names_who_saved_it() -> None:
    head = files.header()
    assert not wrong({**head, "saver": head["versions"]})
    assert wrong({**head, "saver": "peft 0.18.1"})


@pytest.mark.parametrize(
    "change",
    [
        {"result": "passes"},
        {"lives": -1},
        {"known": {"x": [1]}},
        {"verdicts": {"fine": 1}},
        {"case": "print()"},
        {"heard": "a text"},
        {"worst": "much"},
        {"more": 1},
    ],
    ids=str,
)
def test_schema_refuses_what_no_run_writes(change: dict[str, Any]) -> None:
    line = files.known(files.TARGET, "late")
    assert not wrong(line)
    assert wrong({**line, **change})


@pytest.mark.parametrize("name", [name for name in files.header() if name != "type"])
def test_schema_wants_the_whole_header(name: str) -> None:
    head = files.header()
    assert not wrong(head)
    del head[name]
    assert wrong(head)


def test_a_written_file_obeys_the_schema_and_is_read_back(suite: Suite) -> None:
    suite.judge(*ONE, *PROMISES)
    lines = checked(suite.path / "results.jsonl")
    run = read.read(suite.path / "results.jsonl")
    assert run.header == lines[0]
    assert [{"type": "item", **one.as_json()} for one in run.records] == lines[1:-1]
    assert run.footer == lines[-1]
    assert (run.interrupted, run.import_problem) == ("", "")
    assert run.header["strata"] == ["tied-default-target:head"]
    assert run.header["invariants"] == ["life-completes", "merge-keeps-logits"]


def test_an_undeclared_failure_carries_its_simplest_case_and_no_life_after_it(suite: Suite) -> None:
    suite.stub(broken="case.family != 'llama'")
    suite.judge(*ONE, "--invariant", "life-completes", "--family", "llama,gpt2")
    lived = suite.cases()
    (record,) = read.read(suite.path / "results.jsonl").records
    checked(suite.path / "results.jsonl")
    assert record.result == "breaks"
    expected = "Case(device='cpu', tied=True, ensure=False, placement='target:head', family='gpt2')"
    assert record.case == expected
    first = next(n for n, case in enumerate(dict.fromkeys(lived), 1) if "gpt2" in case)
    assert record.lives == record.judged == first
    assert sum(record.verdicts.values()) == first


def test_a_declared_failure_carries_its_simplest_case(suite: Suite) -> None:
    suite.stub(broken="case.family == 'gpt2'")
    (suite.path / "mine.toml").write_text(TABLE.format(family="gpt2"))
    options = ("--family", "gpt2", "--known-failures", "mine.toml")
    suite.judge(*ONE, "--invariant", "life-completes", *options)
    (record,) = read.read(suite.path / "results.jsonl").records
    lived = [case for case in dict.fromkeys(suite.cases()) if "'gpt2'" in case]
    assert checked(suite.path / "results.jsonl")[1]["known"] == {"stub-gpt2": [len(lived)] * 2}
    assert record.case in lived
    assert record.case.count("=") == min(case.count("=") for case in lived)


def test_a_kept_promise_has_no_case(suite: Suite) -> None:
    suite.judge(*ONE, *PROMISES)
    for record in read.read(suite.path / "results.jsonl").records:
        assert (record.case, record.heard) == ("", [])


def test_a_killed_run_leaves_all_finished_items(suite: Suite) -> None:
    suite.stub(interrupt=12, signal="SIGKILL")
    options = ("--invariant", "life-completes", "--examples", "4", "--device", "cpu")
    suite.run(*options, "--results", str(suite.path / "results.jsonl"))
    run = read.read(suite.path / "results.jsonl")
    checked(suite.path / "results.jsonl")
    assert run.footer is None
    assert run.interrupted == "it was killed: the file has no footer"
    assert [one.result for one in run.records] == ["holds"] * len(run.records)
    assert len(run.records) == 2  # of four lives each, the first of a stratum lived twice


def test_ctrl_c_is_told(suite: Suite) -> None:
    suite.stub(interrupt=12)
    suite.judge("--examples", "4", "--invariant", "life-completes")
    run = read.read(suite.path / "results.jsonl")
    assert run.footer is not None
    assert run.interrupted == "it was interrupted"


@pytest.mark.parametrize("cut", [1, 40, -1])
def test_a_line_that_was_not_finished_is_left_out(tmp_path: Path, cut: int) -> None:
    line = json.dumps(files.item(files.SAVE, files.INVARIANTS[0], reason="naïve"))
    lines = [files.header(), files.item(files.TARGET, files.INVARIANTS[0])]
    path = files.write_lines(tmp_path / "a.jsonl", lines, rest=line[:cut])
    run = read.read(path)
    assert len(run.records) == 1
    assert run.footer is None


def test_a_letter_that_was_not_finished_is_left_out(tmp_path: Path) -> None:
    path = files.write_lines(tmp_path / "a.jsonl", [files.header()])
    path.write_bytes(path.read_bytes() + '{"type": "item", "reason": "é'.encode()[:-1])
    assert read.read(path).records == ()


def test_a_text_with_line_separators_is_one_line(tmp_path: Path) -> None:
    line = files.item(files.TARGET, files.INVARIANTS[0], reason="a\u2028b\x85c\nd")
    path = files.write_lines(tmp_path / "a.jsonl", [files.header(), line])
    assert read.read(path).records[0].reason == "a\u2028b\x85c\nd"


def edited(place: int, **change: Any) -> list[dict[str, Any]]:
    items = [files.item(files.TARGET, name) for name in files.INVARIANTS]
    lines = [files.header(), *items, files.footer(items)]
    lines[place] = {**lines[place], **change}
    return lines


BAD = [
    ([], "is empty: the run ended before it began"),
    (edited(1)[1:], "has no header: it is not a results file of this suite"),
    (edited(0, format=7), f"has the format 7, and this report reads {FORMAT}"),
    ([{"type": "header"}], f"has the format none, and this report reads {FORMAT}"),
    (edited(0, seed="1"), "line 1: 'seed' has a value of the wrong type"),
    (edited(0, examples=True), "line 1: 'examples' has a value of the wrong type"),
    (edited(0, families=[1]), "line 1: 'families' must hold strings"),
    (edited(0, versions={"peft": "1"}), "line 1: 'versions' must give peft and transformers"),
    (edited(0, versions={"peft": 1, "transformers": "1"}), "line 1: 'versions' must give peft"),
    (edited(1, type="row"), "line 2 is neither an item nor the footer"),
    (edited(1, result="passes"), "line 2: there is no result 'passes'"),
    (edited(2, known={"x": 1}), "line 3: 'known' must map ids to two counts"),
    (edited(2, verdicts={"holds": "all"}), "line 3: 'verdicts' must map verdicts to counts"),
    (edited(2, declared="yes"), "line 3: nothing is declared 'yes'"),
    (edited(2, declared=1), "line 3: nothing is declared 1"),
    (edited(2, heard=[1]), "line 3: 'heard' must hold strings"),
    (edited(2, worst="much"), "line 3: 'worst' has a value of the wrong type"),
    (edited(3, items=9), "is not whole: its footer counts 9 items and it holds 2"),
    (edited(3, exit=None), "line 4: 'exit' has a value of the wrong type"),
    ([*edited(1), files.footer([])], "line 5: there is more after the footer"),
    ([{"type": "header", "format": FORMAT}], "line 1 lacks 'versions', 'devices', 'profile'"),
    ([files.header(), {"type": "item"}], "line 2 lacks 'item', 'kind', 'result'"),
]


@pytest.mark.parametrize(("lines", "said"), BAD, ids=[said for _, said in BAD])
def test_a_bad_file_is_one_sentence(tmp_path: Path, lines: list[dict[str, Any]], said: str) -> None:
    path = files.write_lines(tmp_path / "a.jsonl", lines)
    with pytest.raises(ResultsError) as caught:
        read.read(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "declared"),
    [
        ({"result": "breaks", "reason": "known: a", "declared": "known"}, "known"),
        ({"result": "breaks", "reason": "of another word", "declared": "arguable"}, "arguable"),
        ({"result": "breaks", "reason": "known: a", "declared": ""}, ""),
        # of files of before the field: what the reason begins with
        ({"result": "breaks", "reason": "known: a; arguable: b"}, "known"),
        ({"result": "breaks", "reason": "arguable: b"}, "arguable"),
        ({"result": "breaks", "reason": "the witness of a no longer breaks b"}, ""),
        ({"result": "breaks"}, ""),
        ({"result": "skipped", "reason": "known: a"}, ""),
    ],
)
def test_what_is_declared_is_read_of_old_files_too(
    tmp_path: Path, line: dict[str, Any], declared: str
) -> None:
    item = {"type": "item", "item": "a", "kind": "invariant", **line}
    path = files.write_lines(tmp_path / "a.jsonl", [files.header(), item])
    (record,) = read.read(path).records
    assert record.declared == declared


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not JSON\n", "line 1 is not JSON"),
        (b"half", "line 1 is not JSON"),
        (b"\xff\xfe\n", "line 1 is not JSON"),
        (b"[1]\n", "line 1 is not a JSON object"),
        (b"[" * 100_000 + b"\n", "line 1 is not JSON"),
    ],
)
def test_what_is_not_json_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=said):
        read.read(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"a\.jsonl cannot be read: No such file"):
        read.read(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"examples": 9},
        {"families": ["gpt2"]},
        {"invariants": []},
        {"strata": ["tied-default-body"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_cells_of_two_grids_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    one = read.read(files.write(tmp_path / "one.jsonl"))
    lines = [files.header("0.20.0", **change)]
    two = read.read(files.write_lines(tmp_path / "two.jsonl", lines))
    read.same_grid([one, one])
    with pytest.raises(ResultsError) as caught:
        read.same_grid([one, one, two])
    said = (
        f"{one.path} and {two.path} do not cover the same grid: they differ in {next(iter(change))}"
    )
    assert str(caught.value) == said


def test_other_devices_are_the_same_grid(tmp_path: Path) -> None:
    one = read.read(files.write(tmp_path / "one.jsonl"))
    two = read.read(files.write(tmp_path / "two.jsonl", files.header(devices=["cpu", "cuda"])))
    read.same_grid([one, two])


@pytest.mark.parametrize("worst", [math.inf, math.nan])
def test_a_difference_that_is_not_finite_is_valid_json(worst: float) -> None:
    line = Record(item="a", kind="b", worst=worst).as_json()
    assert json.loads(json.dumps(line, allow_nan=False))["worst"] is None


def zipped(path: Path, text: bytes) -> Path:
    made = path.with_name(f"{path.name}.gz")
    made.write_bytes(on_disk.compressed(text))
    return made


def test_a_compressed_file_is_read_as_the_plain_one_is(tmp_path: Path) -> None:
    plain = files.write(tmp_path / "a.jsonl")
    one, other = read.read(plain), read.read(zipped(plain, plain.read_bytes()))
    assert (one.header, one.records, one.footer) == (other.header, other.records, other.footer)
    assert on_disk.inside(tmp_path) == [plain, other.path]


def test_compressing_twice_gives_the_same_bytes_without_name_or_time() -> None:
    made = on_disk.compressed(b"text")
    assert made == on_disk.compressed(b"text")
    assert made[3] == 0  # no field, so no name either
    assert made[4:8] == bytes(4)
    assert gzip.decompress(made) == b"text"


def test_two_compressed_parts_are_one_file(tmp_path: Path) -> None:
    plain = files.write(tmp_path / "a.jsonl")
    first, second = plain.read_bytes()[:500], plain.read_bytes()[500:]
    path = zipped(plain, b"")
    path.write_bytes(on_disk.compressed(first) + on_disk.compressed(second))
    assert read.read(path).footer is not None


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_compressed_file_that_was_cut_off_is_read_up_to_there(
    tmp_path: Path, part: float
) -> None:
    # texts that differ, so that no piece of the file stands for all that follows
    told = (hashlib.sha256(bytes([n])).hexdigest() for n in range(60))
    items = [files.item(files.TARGET, files.INVARIANTS[0], reason=text) for text in told]
    plain = files.write_lines(tmp_path / "a.jsonl", [files.header(), *items, files.footer(items)])
    path = zipped(plain, plain.read_bytes())
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    run = read.read(path)
    assert run.interrupted == "it was killed: the file has no footer"
    assert [one.reason for one in run.records] == [
        line["reason"] for line in items[: len(run.records)]
    ]
    assert 0 < len(run.records) < len(items)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: the run ended before it began"),
        (b"{}\n", "is no gzip file"),
        (on_disk.compressed(b"{}\n")[:10], "is empty: the run ended before it began"),
        (on_disk.compressed(b"{}\n")[:-8] + bytes(8), "is a damaged gzip file"),
        (on_disk.compressed(b"{}\n") + b"more", "is no gzip file"),
        (on_disk.compressed(b"{}\n"), "has no header"),
    ],
)
def test_a_bad_compressed_file_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(ResultsError) as caught:
        read.read(path)
    assert str(caught.value).startswith(f"{path} {said}")
