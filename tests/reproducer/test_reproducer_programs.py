"""Scripts of programs: they stand alone, find what the suite finds and spare what is healthy."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from broken_programs import BROKEN

from conformance.kinds.programs.operations import OPERATIONS
from conformance.kinds.programs.parsing import parse_program
from conformance.kinds.programs.program import Program
from conformance.reproducer import NotReproducible
from conformance.reproducer.program_calls import CALLS
from conformance.reproducer.programs import write_program

ROOT = Path(__file__).parents[2]
HEALTHY = [
    parse_program(text)
    for text in """
Program(tied=False, steps=(('resize', 2), ('wrap', 'default', 'body', 2, 4), ('train', 'sgd', 2), ('add', 'other', 'both-bodies', 1, 2), ('resize', 1), ('activate', ('default', 'other')), ('train', 'adamw', 1), ('merge', ()), ('unmerge',), ('mixed', ('other', '__base__', 'default'), 'forward'), ('mixed', ('default', 'other'), 'generate'), ('without',), ('disable',), ('mixed', ('other', '__base__'), 'forward'), ('enable',), ('set', 'other'), ('merge', ()), ('delete', 'other'), ('merge_and_unload', ())))
Program(tied=False, dtype='bfloat16', steps=(('wrap', 'default', 'body', 2, 4), ('copy',), ('merge_and_unload', ()), ('copy',), ('reload', 'float32'), ('wrap', 'other', 'mlp', 2, 1), ('unload',)))
Program(tied=True, steps=(('wrap', 'default', 'tokens:list', 2, 4), ('native', 'default'), ('merge', ()), ('unmerge',), ('cast', 'bfloat16'), ('merge', ()), ('cast', 'float64'), ('unmerge',)))
Program(tied=False, family='gpt2', steps=(('wrap', 'default', 'save:head', 2, 4), ('add', 'other', 'body', 2, 1), ('reopen', 'peft'), ('reopen', 'auto'), ('load', 'default', 'fault'), ('set', 'other'), ('merge', ()), ('unmerge',)))
Program(tied=False, steps=(('wrap', 'default', 'target:embedding', 2, 4), ('add', 'other', 'mlp', 2, 1), ('native_add', ('default', 'other')), ('weighted', 'default_0', ('default', 'other'), 'cat'), ('weighted', 'another', ('default', 'default_0'), 'svd'), ('delete', 'default_0'), ('set', 'another')))
Program(tied=False, steps=(('wrap', 'default', 'body', 2, 4), ('add', 'other', 'body', 2, 1), ('weighted', 'default_0', ('default', 'other'), 'linear'), ('set', 'default_0')))
Program(tied=False, steps=(('wrap', 'default', 'body+dora', 2, 4), ('add', 'other', 'target:both', 2, 1), ('add', 'fault', 'target:embedding+dora', 1, 1), ('activate', ('default', 'fault', 'other')), ('train', 'sgd', 1), ('merge', ()), ('unmerge',), ('activate', ('other', 'fault')), ('merge_and_unload', ())))
""".strip().splitlines()  # noqa: E501  a program is one line
]
# what the script does not judge: errors, gradients, optimizers, ties
UNSEEN = {
    "merging-by-name-takes-the-active-tie",
    "another-ensured-adapter-comes-untied",
    "ensured-lora-is-held-twice",
    "casting-ensured-lora-unties-it",
    "merged-tokens-stay-merged-and-do-not-train",
}
DECLARED = [(name, program) for name, program in BROKEN.items() if name not in UNSEEN]


def status_of(program: Program, folder: Path) -> int:
    """How the script of a program ends, run in this process."""
    script = folder / "repro.py"
    script.write_text(write_program(program))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    return int(str(ended.value.code))


def test_healthy_programs_take_every_step() -> None:
    assert {name for program in HEALTHY for name in program.operations} == set(OPERATIONS)


def test_every_operation_has_its_text() -> None:
    assert set(CALLS) == set(OPERATIONS.values())


@pytest.mark.parametrize("program", HEALTHY, ids=range(len(HEALTHY)))
def test_a_script_of_a_healthy_program_finds_nothing(program: Program, tmp_path: Path) -> None:
    assert status_of(program, tmp_path) == 0


@pytest.mark.parametrize(("name", "program"), DECLARED, ids=[name for name, _ in DECLARED])
def test_a_script_finds_what_is_declared(name: str, program: Program, tmp_path: Path) -> None:
    assert status_of(program, tmp_path) == 1, name


def test_the_command_writes_a_script_that_stands_alone(tmp_path: Path) -> None:
    _, program = DECLARED[0]
    script = tmp_path / "repro.py"
    command = [sys.executable, "-m", "conformance", "reproduce", repr(program), "-o", str(script)]
    subprocess.run(command, cwd=ROOT, check=True)
    source = script.read_text()
    assert repr(program) in source
    assert "conformance" not in source
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_a_promise_without_a_script_is_told() -> None:
    with pytest.raises(NotReproducible, match="program-keeps-ties has no script"):
        write_program(HEALTHY[0], "program-keeps-ties")
