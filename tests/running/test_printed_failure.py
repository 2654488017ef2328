"""A printed failure of the real thing: its parts, and every command and paste in it, executed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from conformance.core.case import parse_case
from conformance.core.versions import one_line
from conformance.kinds.lifecycle.checks import INVARIANTS

ROOT = Path(__file__).parents[2]
PARTS = ("INVARIANT", "CASE", "FOUND", "SOURCE", "WITH", "RERUN", "KEEP", "NEAREST", "CAUSE")
# Upstream ties the two adapters and adds the delta twice when merging: see conformance/causes.
CASE = "Case(device='cpu', tied=True, ensure=True, placement='target:head')"
INVARIANT = "merge-keeps-logits"
FINDING = "wrong-value"


def pytest_run(
    folder: Path, *arguments: str, cache: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """``pytest`` with these arguments in a folder that holds the suite."""
    cached = ("-o", f"cache_dir={cache}") if cache else ("-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *cached, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def failures(output: str) -> list[str]:
    """What pytest printed for each failing item, between its own rules and headings."""
    (section,) = re.findall(r"\n=+ FAILURES =+\n(.*?)\n=+ \w", output, re.DOTALL)
    return [text.strip("\n") for text in re.split(r"^_+ .* _+$", section, flags=re.MULTILINE)[1:]]


def parts(text: str) -> dict[str, str]:
    """The parts of a failure by heading, in the order they stand in it."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith(" "):
            heading, _, rest = line.partition(" ")
            assert heading not in found
            found[heading] = rest.strip()
            last = heading
        else:
            assert line.startswith(" " * 10)
            found[last] += "\n" + line[10:]
    return found


def pasted(part: str) -> str:
    """What stands below the first line of a part."""
    return part.split("\n", 1)[1] + "\n"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of one real failure."""
    cache = tmp_path_factory.mktemp("cache")
    options = ("--no-known-failures", "--case", CASE, "--invariant", INVARIANT)
    done = pytest_run(ROOT, "conformance", *options, cache=cache)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    assert "Traceback" not in done.stdout
    (text,) = failures(done.stdout)
    return text


def test_it_has_the_nine_parts_in_order_and_nothing_else(printed: str) -> None:
    found = parts(printed)
    assert tuple(found) == PARTS
    assert found["INVARIANT"] == f"{INVARIANT}: {INVARIANTS[INVARIANT].promise}"
    assert found["SOURCE"] == INVARIANTS[INVARIANT].source
    assert found["WITH"] == one_line()
    assert parse_case(found["CASE"]) == parse_case(CASE)


def test_it_says_what_differs_by_how_much_and_what_was_heard(printed: str) -> None:
    first, *others = parts(printed)["FOUND"].split("\n")
    number = r"[\d.]+(e[+-]?\d+)?"
    assert re.fullmatch(
        rf"{FINDING}: logits of merged differ from trained by {number}, allowed {number}", first
    )
    for stage in ("base", "trained", "merged", "reloaded"):
        assert [line for line in others if line.startswith(f"sharing storage at {stage}: ")]
    assert all(line.startswith(("sharing storage at ", "heard ")) for line in others)


def test_rerun_fails_the_same_way(printed: str, tmp_path: Path) -> None:
    command, *arguments = shlex.split(parts(printed)["RERUN"])
    assert command == "pytest"
    assert "-k" not in arguments
    done = pytest_run(ROOT, *arguments, cache=tmp_path)
    assert done.returncode == 1
    assert failures(done.stdout) == [printed]


def test_keep_is_a_regression_that_fails_the_same_way(printed: str, tmp_path: Path) -> None:
    name = "my-regression"
    ignored = shutil.ignore_patterns("__pycache__", "peft-*.toml")
    for package in ("conformance", "tiny_models"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    for file in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    file = tmp_path / "conformance" / "regressions" / f"{name}.toml"
    file.write_text(pasted(parts(printed)["KEEP"]))
    # what is printed does not depend on how much pytest is asked to show
    shown = ("-vv", "--tb=long", "-l", "--no-known-failures")
    only = ("conformance/test_regressions.py", "-k", name, *shown)
    done = pytest_run(tmp_path, *only)
    assert done.returncode == 1, done.stdout + done.stderr
    assert failures(done.stdout) == [printed]
    assert f"test_regression[{name}-{INVARIANT}]" in done.stdout


def test_the_cause_that_is_printed_explains_it(printed: str, tmp_path: Path) -> None:
    found = parts(printed)
    file = tmp_path / "mine.toml"
    file.write_text(pasted(found["CAUSE"]))
    arguments = shlex.split(found["RERUN"])[1:]
    arguments.remove("--no-known-failures")
    done = pytest_run(ROOT, *arguments, "--known-failures", str(file), cache=tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 known" in done.stdout.splitlines()


def test_the_suite_names_a_failure_that_is_not_its_own_fault(printed: str) -> None:
    """No line of the text names a file or function of the suite."""
    assert not re.findall(r"\.py:\d+", printed)
    assert textwrap.dedent(printed) == printed
