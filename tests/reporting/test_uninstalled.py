"""A cell that cannot be installed leaves a row that a report reads, and stops no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import results_files as files
from stubbed_suite import ROOT

from conformance.__main__ import main
from conformance.core.kind import Kind
from conformance.core.options import PROFILES, RUN_SEED, OptionError
from conformance.kinds import KINDS
from conformance.kinds.corpus.kind import CORPUS
from conformance.kinds.lifecycle.kind import LIFECYCLE
from conformance.reporting.results import read, uninstalled

PINS = ("torch==2.13.0", "peft==0.3.0", "transformers==4.36.2", "pytest>=9.0", "-e .")
LOG = "error: No solution found\n  cause: Because of a,\n         b is not there.\n"
UV = """Using Python 3.11.7 environment at: /home/someone/suite/.tox/cell
error: No solution found when resolving dependencies
  cause: Because peft==0.3.0 depends on torch>=1.13.0,
         your requirements are unsatisfiable.

hint: `torch` was found elsewhere
"""
UV_BEFORE = """  × No solution found when resolving dependencies:
  ╰─▶ Because there is no version of torch==0.1,
      your requirements are unsatisfiable.
"""
UV_NETWORK = """error: Failed to fetch: `https://packages.example.org/simple/torch/`
  Caused by: Could not connect, are you offline?
"""
PIP = """Collecting torch
standard error:
WARNING: Location 'file:///srv/packages/simple/torch/' is ignored.
ERROR: Could not find a version that satisfies the requirement torch==0.1 (from versions: none)
ERROR: No matching distribution found for torch==0.1
"""
PIP_CONFLICT = """ERROR: Cannot install torch==0.1 because of conflicting dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/resolution
"""


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            UV,
            "Because peft==0.3.0 depends on torch>=1.13.0, your requirements are unsatisfiable.",
        ),
        (
            UV_BEFORE,
            "Because there is no version of torch==0.1, your requirements are unsatisfiable.",
        ),
        (UV_NETWORK, "Could not connect, are you offline?"),
        (PIP, "No matching distribution found for torch==0.1"),
        (PIP_CONFLICT, "Cannot install torch==0.1 because of conflicting dependencies."),
        ("error: /home/someone/peft/setup.py is not there", "setup.py is not there"),
        ("ERROR: no https://packages.example.org/simple/torch", "no torch"),
        ("no disk space\n\n", "no disk space"),
        ("", "the installer gave no reason"),
    ],
)
def test_the_installer_says_why(log: str, said: str) -> None:
    assert uninstalled.last_words(log) == said


def test_the_row_is_a_column_of_the_matrix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the schema")
    path = tmp_path / "results" / "cell.jsonl"
    words = ["python", "-m", "pytest", "conformance", "-n", "2", "--hypothesis-profile", "dev"]
    assert uninstalled.write([*words, "--results", str(path)], PINS, "3.11.7", LOG) == path
    schema = json.loads(
        (ROOT / "conformance/reporting/results/schema.json").read_text(encoding="utf-8")
    )
    for line in path.read_text(encoding="utf-8").splitlines():
        jsonschema.Draft202012Validator(schema).validate(json.loads(line))
    run = read.read(path)
    head = run.header
    assert (head["profile"], head["examples"], head["seed"]) == (
        "dev",
        PROFILES["dev"]["max_examples"],
        RUN_SEED,
    )
    assert head["versions"]["transformers"] == "4.36.2"
    what = "peft==0.3.0 and transformers==4.36.2 cannot be installed here"
    why = f"{what} (Because of a, b is not there.)"
    assert (run.import_problem, run.interrupted) == (why, "")
    # beside a cell that was judged with the same words
    grid = {name: head[name] for name in read.GRID}
    items = [files.item(f"cpu-{stratum}", head["invariants"][0]) for stratum in head["strata"]]
    lines = [files.header(**grid), *items, files.footer(items)]
    files.write_lines(tmp_path / "results" / "other.jsonl", lines)
    assert main(["report", str(path.parent), "--format", "markdown"]) == 0
    report = capsys.readouterr().out
    assert f"- peft 0.3.0, transformers 4.36.2: {why}" in report
    assert "| placement | peft 0.3.0, transformers 4.36.2 | peft 0.21.2, transformers" in report


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_whatever_a_run_may_judge_has_a_row(kind: Kind[Any, Any], tmp_path: Path) -> None:
    path = tmp_path / "cell.jsonl"
    words = ["--results", str(path), *(["--load-corpus", "kept"] if kind.crosses else [])]
    headed = CORPUS.checks if kind.crosses else LIFECYCLE.checks
    for name in kind.checks:
        assert uninstalled.write([*words, "--invariant", name], (), "3.11.7", "") == path
        assert read.read(path).header["invariants"] == [name] * (name in headed)


def test_the_row_is_of_the_run_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "cell.jsonl"
    words = ["--results", "elsewhere", "--stratum", "cpu-tied-default-body", "--examples=7"]
    words += ["--hypothesis-seed", "5", "--results", str(path)]
    assert uninstalled.write(words, (), "3.11.7", "") == path
    run = read.read(path)
    assert run.header["strata"] == ["tied-default-body"]
    assert (run.header["examples"], run.header["seed"]) == (7, 5)
    assert run.header["versions"]["peft"] == "not installed"
    assert run.import_problem.startswith("what was asked for cannot be installed here (")


def test_no_row_where_no_file_was_asked_for(tmp_path: Path) -> None:
    assert uninstalled.write(["python", "-m", "pytest", "tests"], PINS, "3.11.7", LOG) is None
    words = ["--results", str(tmp_path / "pairs")]
    assert uninstalled.write(words, PINS, "3.11.7", LOG) is None
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_option_is_told_as_the_run_tells_it(tmp_path: Path) -> None:
    words = ["--results", str(tmp_path / "cell.jsonl"), "--family", "lama"]
    with pytest.raises(OptionError, match="--family accepts llama"):
        uninstalled.write(words, PINS, "3.11.7", LOG)


def test_tox_needs_nothing_but_itself() -> None:
    """It runs where none of the suite's own packages is."""
    hidden = ("torch", "transformers", "peft", "pytest", "hypothesis", "safetensors", "jinja2")
    hide = f"import sys; sys.modules.update(dict.fromkeys({hidden}))"
    program = f"{hide}; import conformance.reporting.results.uninstalled"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.fixture
def tox() -> list[str]:
    """The command that starts tox."""
    if find_spec("tox"):
        return [sys.executable, "-m", "tox"]
    found = shutil.which("tox")
    return [found] if found else pytest.skip("tox is not installed here")


def test_tox_goes_on_and_leaves_the_row(tox: list[str], tmp_path: Path) -> None:
    for name in ("conformance", "tiny_models"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy2(ROOT / "toxfile.py", tmp_path)
    text = (ROOT / "tox.ini").read_text(encoding="utf-8")
    # without tox-uv, tox would fetch it: plain pip fails as well as uv does
    here = subprocess.run([*tox, "--version"], capture_output=True, text=True, check=True).stdout
    text = text if "tox-uv" in here else text.replace("requires = tox-uv\n", "")
    after = "\n[testenv:after]\ncommands = python -c \"print('after', 'all')\"\ndeps =\n"
    (tmp_path / "tox.ini").write_text(text + after, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "TOX_"))}
    environment |= {"TORCH_SPEC": "torch==0.0.0.1", "UV_NO_INDEX": "1", "PIP_NO_INDEX": "1"}
    envs = "peft0.3-tf4.36,peft0.21-tf5.23,peft0.15-tf4.57-hand,after"
    done = subprocess.run(
        [*tox, "run", "-e", envs, "--workdir", str(tmp_path / "work")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert "after all" in done.stdout, told
    made = {path.name: read.read(path) for path in (tmp_path / "results").iterdir()}
    assert set(made) == {"peft0.3-tf4.36.jsonl", "peft0.21-tf5.23.jsonl"}
    for name, peft, transformers in (
        ("peft0.3-tf4.36.jsonl", "0.3.0", "4.36.2"),
        ("peft0.21-tf5.23.jsonl", "0.21.2", "5.23.0"),
    ):
        told = f"peft=={peft} and transformers=={transformers} cannot be installed here ("
        assert made[name].import_problem.startswith(told)
        versions = made[name].header["versions"]
        assert [versions[key] for key in ("peft", "torch")] == [peft, "0.0.0.1"]
        assert versions["python"].count(".") == 2
