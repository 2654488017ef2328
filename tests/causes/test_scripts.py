"""Scripts of causes: small, an answer with the newest pair, and mended by their remedies."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import pytest

from conformance.causes.outcomes import UNKNOWN, Outcomes, Runner
from conformance.causes.read import ours
from conformance.causes.remedies import remedied
from conformance.core.versions import installed
from conformance.docs_build.causes import newest

CAUSES = ours()
LINES = {cause.id: cause.script.read_text().splitlines() for cause in CAUSES if cause.script}
MOST, HALF, WIDEST = 25, 15, 100
"""Lines of any script, and of half of them; letters of a line."""
MOST_CAUSES = 130
NEEDED = {"torch", "transformers", "peft", "safetensors", "accelerate"}
REMEDIES = [cause for cause in CAUSES if cause.remedy]
PEFT = Path(str(find_spec("peft").origin)).parent  # type: ignore[union-attr]
NEWEST = all(installed(name) == text for name, text in newest().versions.items())


def test_what_is_wrong_upstream_can_be_read_in_one_sitting() -> None:
    assert len(CAUSES) <= MOST_CAUSES


def test_scripts_are_short() -> None:
    assert {name: len(lines) for name, lines in LINES.items() if len(lines) > MOST} == {}
    assert median(map(len, LINES.values())) <= HALF
    assert {name for name, lines in LINES.items() if max(map(len, lines)) > WIDEST} == set()


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_a_script_needs_upstream_alone(cause: object) -> None:
    text = "\n".join(LINES[cause.id])  # type: ignore[attr-defined]
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else name.name) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    import sys

    assert {name.partition(".")[0] for name in imported} <= NEEDED | sys.stdlib_module_names


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Outcomes]:
    found = Outcomes()
    yield found
    found.close()


@pytest.mark.skipif(not NEWEST, reason="what is recorded is of the newest pair")
@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_a_script_says_here_what_is_recorded(cause: object, outcomes: Outcomes) -> None:
    found = outcomes.of(cause)  # type: ignore[arg-type]
    assert found.result == newest().result(cause.id), found  # type: ignore[attr-defined]
    assert found.output or found.result == UNKNOWN


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    found = Runner("without")
    yield found
    found.close()


@pytest.mark.skipif(not NEWEST, reason="remedies are against the newest PEFT")
@pytest.mark.parametrize("cause", REMEDIES, ids=lambda cause: cause.id)
def test_with_its_remedy_alone_a_script_is_kept(
    cause: object, runner: Runner, tmp_path: Path
) -> None:
    pytest.importorskip("unidiff", reason="unidiff reads the remedies")
    done = remedied([cause], PEFT, tmp_path / "peft")  # type: ignore[list-item]
    assert not done.left_out
    if newest().result(cause.id) == UNKNOWN:  # type: ignore[attr-defined]
        pytest.skip("its script cannot tell here: it needs CUDA, or a package that is not there")
    assert runner.run(cause, str(tmp_path)).result == "kept"  # type: ignore[arg-type]


@pytest.mark.skipif(not NEWEST, reason="remedies are against the newest PEFT")
def test_together_all_remedies_fit(tmp_path: Path) -> None:
    pytest.importorskip("unidiff", reason="unidiff reads the remedies")
    done = remedied(CAUSES, PEFT, tmp_path / "peft")
    assert not done.left_out
    assert len(done.applied) == len(REMEDIES)
