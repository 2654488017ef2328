"""The rooms of the suite: who may import whom, and how large a module may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import rooms
from benchmarks.rooms import imports, kind_of, modules, room_of, tree

ROOT = Path(__file__).parents[1]

MODULES = modules()
LARGEST = 400
MOST_IN_THE_ROOT = 20
LOADED = """
import sys
import {module}
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {heavy}))
"""
# What pytest loads before it knows whether PEFT can be imported.
HEAVY = {"torch", "transformers", "peft"}


RULES: Mapping[str, Callable[[], list[Any]]] = {
    "no import of a room to its right": rooms.backward,
    "no import of a kind that it may not know": rooms.across_kinds,
    "no import of a package of another room": rooms.foreign,
    "no circle of modules": rooms.circles,
}


def reached(module: str) -> set[str]:
    """All packages and modules that a module imports, itself or through others of ours."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        for arrow in imports(waiting.pop()):
            if arrow.target not in found:
                found.add(arrow.target)
                if arrow.target in MODULES:
                    waiting.append(arrow.target)
    return found


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_the_walk_sees_what_is_there() -> None:
    """Guards the tests below against passing on nothing."""
    assert len(MODULES) > 50
    found = [arrow for module in MODULES for arrow in imports(module)]
    assert {"torch", "transformers", "peft", "hypothesis", "pytest", *rooms.OURS} <= packages(
        {arrow.target for arrow in found}
    )
    assert any(not arrow.at_once for arrow in found)
    assert {room_of(module) for module in MODULES} >= {"tiny_models", "core", "kinds", "face"}


def test_every_module_stands_in_a_room() -> None:
    assert rooms.homeless() == []


@pytest.mark.parametrize("rule", RULES)
def test_nothing_breaks_a_rule(rule: str) -> None:
    """Lazy imports and those for types alone count as any other."""
    assert [str(one) for one in RULES[rule]()] == []


@pytest.mark.parametrize("module", [name for name in MODULES if room_of(name) == "tiny_models"])
def test_tiny_models_knows_nothing_of_peft_or_conformance(module: str) -> None:
    assert not packages(reached(module)) & {"peft", "conformance", "pytest"}


JUDGING = [
    name
    for name in MODULES
    if kind_of(name) and re.search(r"checks(\.|$)", name.rpartition("kinds.")[2])
]


def test_checks_are_found() -> None:
    assert len({kind_of(name) for name in JUDGING}) >= 6


@pytest.mark.parametrize("module", JUDGING)
def test_checks_know_nothing_of_what_is_judged(module: str) -> None:
    found = {arrow.target.partition(".")[0] for arrow in imports(module)}
    assert not found & {"peft", "hypothesis", "pytest", "transformers"}


@pytest.mark.parametrize("module", JUDGING)
def test_checks_reach_no_observing(module: str) -> None:
    found = reached(module) & MODULES.keys()
    names = "conformance.upstream.names"  # what PEFT calls its parts, as patterns
    assert not {n for n in found - {names} if room_of(n) in {"upstream", "engine"}}
    assert not {name for name in found if re.search(r"\.(run|observe|live|model|subject)$", name)}


@pytest.mark.parametrize("module", [name for name in MODULES if name.endswith(".strategies")])
def test_generating_knows_nothing_of_peft_and_versions(module: str) -> None:
    found = reached(module)
    assert not {name for name in found if name in MODULES and room_of(name) == "upstream"}
    assert "conformance.core.versions" not in found
    assert "peft" not in packages(found)


@pytest.mark.parametrize("module", [name for name in MODULES if name.endswith(".observe")])
def test_observing_judges_nothing(module: str) -> None:
    found = reached(module)
    assert not set(JUDGING) & found
    assert not packages(found) & {"hypothesis", "pytest"}


@pytest.mark.parametrize("module", MODULES)
def test_only_upstream_asks_for_versions(module: str) -> None:
    asks = {
        ast.unparse(node)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr == "__version__"
    }
    # the emulated device is compiled against one torch, which is not judged
    asks -= {"torch.__version__"}
    names = {arrow.target for arrow in imports(module)}
    asks |= {name for name in names if re.match(r"packaging\b|importlib\.metadata\b", name)}
    allowed_here = room_of(module) == "upstream" or module in {
        "tiny_models.compat",
        "conformance.core.versions",  # reads metadata and orders versions, decides no verdict
    }
    assert not asks or allowed_here


LEFT_ALONE = """
import sys
import pytest
pytest.main(["tests/test_rooms.py", "-q", "-k", "root_is_a_face", "-p", "no:cacheprovider"])
print("loaded", *sorted({name for name in sys.modules} & {"torch", "conformance.hooks"}))
"""


def test_a_test_that_judges_nothing_loads_neither_torch_nor_the_hooks_of_a_run() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_ALONE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded"


def test_the_page_shows_the_rooms_as_they_are() -> None:
    text = rooms.PAGE.read_text(encoding="utf-8")
    assert rooms.drawn_into(text) == text, "python -m benchmarks.rooms --write"
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert listed[: len(rooms.ROOMS)] == list(rooms.ROOMS)
    assert set(listed[len(rooms.ROOMS) :]) == {kind_of(name) for name in MODULES} - {""}


def test_no_module_is_large() -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > LARGEST} == {}


def test_the_root_is_a_face() -> None:
    assert len(list((ROOT / "conformance").glob("*.py"))) <= MOST_IN_THE_ROOT


@pytest.mark.parametrize(
    "module",
    [
        "conformance.plugin",
        "conformance.hooks",
        "conformance.conftest",
        "conformance.__main__",
        "conformance.cli.report",
        "conformance.reporting.results.read",
        "tiny_models",
        *(name for name in MODULES if re.fullmatch(r"conformance\.kinds\.\w+\.kind", name)),
    ],
)
def test_pytest_starts_without_the_libraries_it_will_judge(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module=module, heavy=HEAVY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
