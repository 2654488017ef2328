"""CONTRIBUTING.md: its steps are few, name what exists, and the regression's work literally."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.causes.known import Known
from conformance.core.case import Case
from conformance.core.finding import Finding
from conformance.core.observation import Observation
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import LIFECYCLE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
THINGS = ("regression", "cause", "family", "invariant", "placement")
MOST_STEPS = 5
INLINE = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)
OF_A_CAUSE = {"script.py", "cause.toml"}
PATHS = sorted(set(re.findall(r"`([\w./]+(?:/|\.py|\.toml))`", INLINE)) - OF_A_CAUSE)


def steps(thing: str) -> list[str]:
    """The numbered steps of a section, each on one line."""
    article = "an" if thing[0] in "aeiou" else "a"
    found = re.search(rf"^## Add {article} {thing}\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"no section on {thing}"
    numbered = re.findall(r"^\d\. (.*?)(?=\n\d\. |\n\n|\Z)", found[1], re.MULTILINE | re.DOTALL)
    return [" ".join(step.split()) for step in numbered]


def quoted(step: str) -> list[str]:
    return re.findall(r"`([^`]+)`", step)


def keep() -> str:
    """What a failure prints under KEEP: the text of a regression file."""
    told = LIFECYCLE.headings(
        INVARIANTS["merge-keeps-logits"],
        [Finding("wrong-value", "x", 1.0, 0.0)],
        Observation(Case(placement="body"), names={}),
        Known(),
    )
    _, kept = dict(told)["KEEP"].split("\n", 1)
    return kept


@pytest.mark.parametrize("thing", THINGS)
def test_adding_takes_at_most_five_steps(thing: str) -> None:
    assert 1 <= len(steps(thing)) <= MOST_STEPS


@pytest.mark.parametrize("path", PATHS)
def test_files_that_are_named_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_regression_steps_work_as_written(tmp_path: Path) -> None:
    paste, fill, run = steps("regression")
    for name in ("conformance", "tiny_models"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path / name)

    (path,) = (word for word in quoted(paste) if word.endswith(".toml"))
    kept = keep()
    # as it stands in the terminal, indented
    text = "".join(f"          {line}\n" for line in kept.splitlines())
    values = {
        "id": "a-new-regression",
        "link": "https://example.org/issues/1",
        "story": "A body-only adapter is merged.",
    }
    fields = [word for word in quoted(fill) if word != "unreported"]
    assert set(fields) == set(values)
    for field in fields:
        text, count = re.subn(
            rf'^( *{field} = )".*"$', rf'\1"{values[field]}"', text, flags=re.MULTILINE
        )
        assert count == 1, f"KEEP has no line for {field}"
    (tmp_path / path.replace("<id>", values["id"])).write_text(text, encoding="utf-8")

    (command,) = (word for word in quoted(run) if word.startswith("pytest "))
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command.replace("<id>", values["id"]))],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_broken_regression_file_is_refused_by_name(tmp_path: Path) -> None:
    from conformance.running.regressions import RegressionError, read

    path = tmp_path / "unfinished.toml"
    path.write_text(keep(), encoding="utf-8")
    with pytest.raises(RegressionError, match=r"unfinished\.toml: its id is"):
        read(path)
