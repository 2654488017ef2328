"""Scripts of the reproducer, written and run: what tests of them have in common."""

from __future__ import annotations

import ast
import builtins
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from conformance.core.case import Case
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.reproducer import NotReproducible, write_script

ALLOWED = {"torch", "transformers", "peft", "safetensors"}
STATUS = {"holds": 0, "breaks": 1, "not run": 125}

# Runs scripts one after another where importing ours is an error, and prints how each ended.
DRIVER = """
import contextlib, io, json, runpy, sys
sys.modules["conformance"] = sys.modules["tiny_models"] = None
ended = {}
for script in sys.argv[1:]:
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        ended[script] = [stop.code, out.getvalue()]
print(json.dumps(ended))
"""


@dataclass(frozen=True)
class Ended:
    """How a script ended."""

    status: int
    output: str

    @property
    def broken(self) -> list[str]:
        return [line for line in self.output.splitlines() if line.startswith("BROKEN")]


def run_all(scripts: dict[str, str], folder: Path) -> dict[str, Ended]:
    """Run the scripts, by name, in one process of their own."""
    for name, script in scripts.items():
        (folder / name).write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *scripts],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    return {name: Ended(*found) for name, found in json.loads(last).items()}


def scripts_for(case: Case) -> dict[str, str]:
    """Every script that can be written for the case, by invariant."""
    found = {}
    for invariant in INVARIANTS:
        try:
            found[invariant] = write_script(case, invariant)
        except NotReproducible:
            continue
    return found


def imports(script: str) -> set[str]:
    """First names of all modules a script imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def unbound(script: str) -> set[str]:
    """Names that a script reads and nothing in it defines."""
    tree = ast.parse(script)
    bound = {*vars(builtins), "__name__"}
    read: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return read - bound
