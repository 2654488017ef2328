"""``python -m conformance report``: exit status, one sentence for what is wrong, and --compare."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import results_files as files
from stubbed_suite import ROOT, Suite

from conformance.__main__ import main
from conformance.reporting import changes, inputs
from conformance.reporting.environments import combine
from conformance.reporting.results.read import read

pytest_plugins = ["pytester"]
HIDDEN = """
import sys
for name in ({hidden}):
    sys.modules[name] = None
from conformance.__main__ import main
sys.exit(main({words}))
"""


def report(*words: str | Path, hidden: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in which the packages ``hidden`` are not there."""
    program = HIDDEN.format(hidden=hidden, words=["report", *map(str, words)])
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )


def sentence(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """What the command says as it refuses."""
    with pytest.raises(SystemExit) as ended:
        main(["report", *map(str, words)])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line.removeprefix("python -m conformance report: error: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return files.write(tmp_path / "a.jsonl")


def test_what_is_judged_need_not_be_there(file: Path) -> None:
    hidden = '"torch", "transformers", "peft", "pytest", "hypothesis", "rich", "jinja2"'
    done = report(file, "--format", "markdown", hidden=hidden)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# PEFT conformance")


@pytest.mark.parametrize(
    ("form", "package"), [(form, package) for form, package in inputs.NEEDS.items() if package]
)
def test_a_package_that_is_not_there_is_one_sentence(
    file: Path,
    form: str,
    package: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inputs, "find_spec", lambda name: None if name == package else name)
    said = sentence(capsys, file, "--format", form)
    assert said == (
        f"--format {form} needs {package}: pip install 'peft-conformance[report]' brings it"
    )
    assert main(["report", str(file), "--format", "markdown"]) == 0


def test_what_is_wrong_is_one_sentence(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = files.write_lines(tmp_path / "b.jsonl", [files.header(seed=2)])
    empty = tmp_path / "empty"
    empty.mkdir()
    away = tmp_path / "no" / "such" / "file"
    markdown = ("--format", "markdown")
    assert sentence(capsys) == "give one or more results files"
    assert "no.jsonl cannot be read: No such file" in sentence(capsys, tmp_path / "no.jsonl")
    assert "do not cover the same grid: they differ in seed" in sentence(
        capsys, file, other, *markdown
    )
    assert sentence(capsys, empty) == f"the folder {empty} holds no *.jsonl and no *.jsonl.gz"
    assert f"cannot write {away}: No such file" in sentence(capsys, file, *markdown, "-o", away)
    assert f"cannot write {file}: " in sentence(capsys, file, *markdown, "--badges", file)
    assert "none.toml cannot be read" in sentence(
        capsys, file, *markdown, "--known-failures", tmp_path / "none.toml"
    )
    assert "takes its two files alone" in sentence(capsys, file, "--compare", file, file)
    assert "do not cover the same grid" in sentence(capsys, "--compare", file, other)


def test_an_unknown_format_is_a_usage_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", str(file), "--format", "pdf"])
    assert ended.value.code == 2
    assert "invalid choice: 'pdf'" in capsys.readouterr().err


def test_a_folder_stands_for_its_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write(tmp_path / "a.jsonl")
    files.write(tmp_path / "b.jsonl", files.header("0.20.0"))
    compressed(files.write(tmp_path / "c.jsonl", files.header("0.19.1")))
    (tmp_path / "notes.txt").write_text("not a results file")
    assert main(["report", str(tmp_path), "--format", "markdown"]) == 0
    out = capsys.readouterr().out
    assert all(f"| peft {peft}, transformers 5.23.0 |" in out for peft in ("0.19.1", "0.20.0"))


def compressed(path: Path) -> Path:
    """The file, compressed, in its place."""
    made = path.with_name(f"{path.name}.gz")
    made.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return made


def test_two_compressed_cells_are_compared(tmp_path: Path) -> None:
    good = compressed(files.write(tmp_path / "a.jsonl", files.header("0.20.0")))
    bad = compressed(files.write(tmp_path / "b.jsonl", files.header("0.21.2"), lived("silent")))
    assert main(["report", "--compare", str(good), str(bad)]) == 1


def test_a_compressed_cell_that_was_cut_off_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = compressed(files.write(tmp_path / "a.jsonl"))
    path.write_bytes(path.read_bytes()[:-200])
    assert main(["report", str(path), "--format", "markdown"]) == 0
    assert "it was killed: the file has no footer" in capsys.readouterr().out
    path.write_bytes(b"no gzip")
    assert sentence(capsys, path, "--format", "markdown") == f"{path} is no gzip file"


def test_output_and_badges_are_written(file: Path, tmp_path: Path) -> None:
    out, folder = tmp_path / "out.md", tmp_path / "badges"
    words = [str(file), "--format", "markdown", "-o", str(out), "--badges", str(folder)]
    assert main(["report", *words]) == 0
    assert out.read_text(encoding="utf-8").startswith("# PEFT conformance")
    assert len(list(folder.iterdir())) == 1


def test_declared_failures_of_my_own_are_linked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = {"reason": "known: mine", "known": {"mine": [2, 3]}}
    file = files.write(tmp_path / "a.jsonl", None, files.known(files.TARGET, "late", **mine))
    table = tmp_path / "mine.toml"
    table.write_text(
        '[[cause]]\nid = "mine"\ntitle = "Mine"\neffect = "A story of my own."\n'
        'severity = "silent"\nstands = "confirmed"\npackage = "peft"\nfunction = "peft.x"\n'
        'link = "https://example.org/mine"\nwhen = "tied"\n'
        'explains = { merge-keeps-logits = "wrong-value" }\n'
    )
    words = ["report", str(file), "--format", "markdown"]
    assert main(words) == 0
    assert "example.org" not in capsys.readouterr().out
    assert main([*words, "--known-failures", str(table)]) == 0
    assert "| mine | A story of my own. | https://example.org/mine |" in capsys.readouterr().out


def test_a_really_written_file_is_reported(
    suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    suite.judge("--stratum", "cpu-*:head", "--invariant", "life-completes", "--examples", "2")
    assert main(["report", str(suite.path / "results.jsonl"), "--format", "markdown"]) == 0
    assert "| target:head | ✓ holds | ✓ holds | ✓ holds | ✓ holds |" in capsys.readouterr().out


# --compare

ONE = files.TARGET
LIVES = ("silent", "late", "announced", "refused", "holds", "not applicable")


def lived(verdict: str) -> dict[str, Any]:
    """The stratum's item, all of whose lives met one verdict; not a failure by itself."""
    return files.item(ONE, files.INVARIANTS[0], verdicts={verdict: 3})


def unlived(result: str) -> list[dict[str, Any]]:
    return [
        files.item(ONE, name, result, verdicts={}, reason="the reason") for name in files.INVARIANTS
    ]


def compare(tmp_path: Path, before: list[Any], after: list[Any]) -> tuple[int, str]:
    paths = [
        files.write(tmp_path / "before.jsonl", files.header("0.20.0"), *before),
        files.write(tmp_path / "after.jsonl", None, *after),
    ]
    out = tmp_path / "changes.md"
    status = main(["report", "--compare", *map(str, paths), "-o", str(out)])
    return status, out.read_text(encoding="utf-8")


@pytest.mark.parametrize("before", LIVES)
@pytest.mark.parametrize("after", LIVES)
def test_a_worse_verdict_is_a_regression(tmp_path: Path, before: str, after: str) -> None:
    status, text = compare(tmp_path, [lived(before)], [lived(after)])
    scale = ("silent", "late", "announced", "refused not applicable", "holds")
    places = [next(n for n, names in enumerate(scale) if name in names) for name in (before, after)]
    assert status == int(places[1] < places[0])
    assert ("nothing changed" in text) is (before == after)
    assert ("| regression |" in text) is bool(status)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("not run", "error", 1),
        ("holds", "error", 1),
        ("holds", "not run", 1),
        ("silent", "not run", 1),
        ("not run", "holds", 0),
        ("not run", "silent", 0),
        ("error", "silent", 0),
        ("error", "error", 0),
    ],
)
def test_what_is_judged_no_longer_is_a_regression(
    tmp_path: Path, before: str, after: str, status: int
) -> None:
    lines = [
        unlived(name) if name in {"not run", "error"} else [lived(name)] for name in (before, after)
    ]
    found, text = compare(tmp_path, *lines)
    assert found == status
    assert text.startswith("From peft 0.20.0, transformers 5.23.0 to peft 0.21.2, ")


def failing(**fields: Any) -> dict[str, Any]:
    told = {"reason": "", "known": {}, "finding": "wrong-value: a", "verdicts": {"holds": 3}}
    return files.known(ONE, "holds", **{**told, **fields})


def test_a_new_undeclared_break_is_a_regression(tmp_path: Path) -> None:
    declared = failing(reason=f"known: {files.KNOWN}", known={files.KNOWN: [1, 3]})
    assert compare(tmp_path, [], [failing()])[0] == 1
    assert compare(tmp_path, [declared], [failing()])[0] == 1
    status, text = compare(tmp_path, [failing()], [declared])
    assert (status, "| fails | known |" in text) == (0, True)
    status, text = compare(tmp_path, [failing()], [failing()])
    assert (status, text.endswith("transformers 5.23.0: nothing changed.\n")) == (0, True)
    assert compare(tmp_path, [], [declared])[0] == 0


def test_the_order_of_the_two_files_is_kept(tmp_path: Path) -> None:
    """The older version may be the second one."""
    good = files.write(tmp_path / "a.jsonl", files.header("0.21.2"))
    bad = files.write(tmp_path / "b.jsonl", files.header("0.20.0"), lived("silent"))
    assert main(["report", "--compare", str(good), str(bad)]) == 1
    assert main(["report", "--compare", str(bad), str(good)]) == 0


def test_regressions_come_first(tmp_path: Path) -> None:
    better = files.item(files.SAVE, files.INVARIANTS[0], verdicts={"late": 3})
    cells = [
        combine([read(files.write(tmp_path / "a.jsonl", None, lived("holds"), better))])[0],
        combine([read(files.write(tmp_path / "b.jsonl", None, lived("late")))])[0],
    ]
    assert [change.regression for change in changes.changes(*cells)] == [True, False]


def test_a_cell_that_can_no_longer_be_imported_is_a_regression(tmp_path: Path) -> None:
    good = files.write(tmp_path / "a.jsonl")
    bad = files.unimportable(tmp_path / "b.jsonl")
    assert main(["report", "--compare", str(good), str(bad)]) == 1
    assert main(["report", "--compare", str(bad), str(good)]) == 0
