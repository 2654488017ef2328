"""The rooms of the suite: who may import whom, and how large a module may be."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("conformance", "tiny_models")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in OURS
    for path in sorted((ROOT / package).rglob("*.py"))
}

# Generating and judging: what draws cases and what says whether a life kept its promises.
GENERATING = (
    "case",
    "strategies",
    "grid",
    "placements",
    "programs.arguments",
    "programs.operations",
    "programs.parsing",
    "programs.plan",
    "programs.program",
    "programs.situations",
    "programs.strategies",
)
JUDGING = (
    *(name.removeprefix("conformance.") for name in MODULES if ".invariants" in name),
    "compare",
    "mergers.judged",
    "observation",
    "programs.observation",
    "promises",
    "refusals",
    "verdict",
    "violation",
    "weight_tying_tables",
)
# What pytest loads before it knows whether PEFT can be imported.
HEAVY = {"torch", "transformers", "peft"}


class Import:
    """One import statement: the module it names, and whether it runs when its module is read."""

    def __init__(self, module: str, *, at_once: bool) -> None:
        self.module, self.at_once = module, at_once

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def walk(node: ast.AST, *, at_once: bool = True) -> Iterator[Import]:
    """Every import below ``node`` but those for type checkers alone."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.orelse:
            yield from walk(child, at_once=at_once)
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        at_once = False
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, at_once=at_once)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide who imports whom"
        assert node.module is not None
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield Import(inner if inner in MODULES else node.module, at_once=at_once)
    for child in ast.iter_child_nodes(node):
        yield from walk(child, at_once=at_once)


@cache
def imports(module: str) -> tuple[Import, ...]:
    return tuple(walk(tree(module)))


def reached(module: str) -> set[str]:
    """All packages and modules of ours that a module imports, itself or through others of ours."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        for one in imports(waiting.pop()):
            if one.module not in found:
                found.add(one.module)
                if one.module in MODULES:
                    waiting.append(one.module)
    return found


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_the_walk_sees_what_is_there() -> None:
    """Guards the tests below against passing on nothing."""
    assert len(MODULES) > 50
    assert {"torch", "transformers", "peft", "hypothesis", "pytest", *OURS} <= {
        one.package for module in MODULES for one in imports(module)
    }
    assert any(not one.at_once for one in imports("conformance.kinds.lifecycle.kind"))


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("tiny_models")])
def test_tiny_models_knows_nothing_of_peft_or_conformance(module: str) -> None:
    assert not packages(reached(module)) & {"peft", "conformance", "pytest"}


@pytest.mark.parametrize("module", JUDGING)
def test_judging_knows_nothing_of_what_is_judged(module: str) -> None:
    found = {one.package for one in imports(f"conformance.{module}")}
    assert not found & {"peft", "hypothesis", "pytest", "transformers"}


@pytest.mark.parametrize("module", JUDGING)
def test_judging_reaches_no_observing(module: str) -> None:
    observing = {"life", "branches", "snapshot", "hearing", "training", "definition", "compat"}
    assert not reached(f"conformance.{module}") & {f"conformance.{name}" for name in observing}
    assert "hypothesis" not in packages(reached(f"conformance.{module}"))


@pytest.mark.parametrize("module", GENERATING)
def test_generating_knows_nothing_of_peft_and_versions(module: str) -> None:
    found = reached(f"conformance.{module}")
    assert not found & {"conformance.compat", "conformance.versions", "conformance.life"}
    assert "peft" not in packages(found)


def test_observing_judges_nothing() -> None:
    found = reached("conformance.life")
    assert not {name for name in found if name.startswith("conformance.invariants")}
    assert not packages(found) & {"hypothesis", "pytest"}


@pytest.mark.parametrize("module", MODULES)
def test_only_compat_asks_for_versions_of_upstream(module: str) -> None:
    allowed = {
        "conformance.compat",
        "tiny_models.compat",
        "conformance.versions",  # reads metadata and orders versions, decides no verdict
        "conformance.known_failures",  # version ranges are what its table is about
    }
    asks = {
        ast.unparse(node)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr == "__version__"
    }
    # the emulated device is compiled against one torch, which is not judged
    asks -= {"torch.__version__"}
    names = {one.module for one in imports(module)}
    asks |= {name for name in names if re.match(r"packaging\b|importlib\.metadata\b", name)}
    assert not asks or module in allowed


@pytest.mark.parametrize("module", [name for name in MODULES if name != "conformance.compat"])
def test_only_compat_spells_what_peft_calls_its_parts(module: str) -> None:
    """Its import of PEFT too, but for the check whether PEFT can be imported at all."""
    assert not [one.module for one in imports(module) if one.package == "peft"]


def test_no_two_modules_import_each_other() -> None:
    """No cycle among the imports that run when a module is read."""
    ours = {
        module: {one.module for one in imports(module) if one.at_once and one.module in MODULES}
        for module in MODULES
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in sorted(ours[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in ours:
        visit(module, ())


def test_a_program_is_read_without_its_plan() -> None:
    """Lazy imports too: the plan is of programs, and operations know neither."""
    assert "conformance.programs.plan" not in reached("conformance.programs.program")
    known = reached("conformance.programs.operations")
    assert not known & {"conformance.programs.program", "conformance.programs.live"}


def test_no_module_is_large() -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > 400} == {}
    assert statistics.median(lines.values()) < 120


LOADED = """
import sys
import {module}
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & {heavy}))
"""


@pytest.mark.parametrize(
    "module",
    [
        "conformance.plugin",
        "conformance.conftest",
        "conformance.__main__",
        "conformance.report.command",
        "conformance.results.reader",
        "tiny_models",
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
