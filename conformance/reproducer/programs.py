"""A standalone script for a program: its calls one after another, and a check after each."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import indent

from conformance.core.tolerances import EPS, NUDGES, coarsest, margin, roundings
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.programs.operations import Step, read
from conformance.kinds.programs.plan import beginning, outcomes
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.state import Outcome, State
from conformance.reproducer import bases
from conformance.reproducer.code import literal
from conformance.reproducer.own_classes import OWN_NEEDS, own_classes
from conformance.reproducer.program_calls import CALLS
from conformance.reproducer.shapes import inputs
from conformance.reproducer.writing import NotReproducible, Writing

PROMISES = PROGRAMS.having("scriptable")
"""What a script checks, all of it each time."""
HEAD = """\
import copy
import hashlib
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before the imports: nothing needs the hub

import peft
import torch
import transformers
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftModel, get_peft_model
from peft import get_peft_model_state_dict, inject_adapter_in_model
from peft.functional import set_adapter
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, FAMILY

torch.set_num_threads(1)
BROKEN = []
# the reference: weights of the base, and of each adapter its parts, scaling and tokens
BASE, ADAPTERS, SCALING, ROWS, PLAIN = {}, {}, {}, {}, []
ORIGINALS = []  # of copies, with the tensors that they had
"""
FOOTER = """\
if __name__ == "__main__":
    for package in (peft, transformers, torch):
        print(package.__name__, package.__version__)
    try:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder))
    except Exception:  # an error nobody documented is what may be looked for
        traceback.print_exc()
        BROKEN.append("a step ended in an error")
    print(f"{len(BROKEN)} broken" if BROKEN else "all kept")
    sys.exit(1 if BROKEN else 0)
"""


def write_program(program: Program, promise: str | None = None) -> str:
    """A script that takes the steps of ``program`` and checks each against a reference.

    Raises NotReproducible, in one sentence, where there is nothing to write.
    """
    if promise is not None and promise not in PROMISES:
        raise NotReproducible(f"{promise} has no script; those that have are {', '.join(PROMISES)}")
    writing = Writing(program.base)
    made = "load_base(work)" if writing.loaded else "build()"
    lines = [f"model = {made}", "begin(model)"]
    before = beginning(program)
    met = [before.dtype]
    for number, (step, outcome) in enumerate(outcomes(program), 1):
        assert outcome is not None, "a program is valid by construction"
        lines += _step(program, number, before, step, outcome)
        before = outcome.state
        met.append(before.dtype)
    main = "def main(work):\n" + indent("\n".join(lines), "    ")
    made_by = [bases.build(writing), *([bases.load_base(writing)] if writing.loaded else [])]
    functions = [*made_by, main, bases.fill(writing), bases.logits(writing)]
    head = HEAD.replace("FAMILY", f"{writing.family.config}, {writing.family.model}")
    if writing.family.own:
        imported = "".join(f"from {where} import {what}\n" for what, where in OWN_NEEDS.items())
        first, _, rest = HEAD.partition("from transformers import AutoModelForCausalLM, FAMILY\n")
        head = f"{first}{imported}{rest}\n\n{own_classes()}\n\n\n"
    return "\n\n\n".join(
        [
            f"{_docstring(program)}\n\n{head}" + _constants(writing, coarsest(*met)),
            *functions,
            *_functions(),
            FOOTER,
        ]
    )


def _docstring(program: Program) -> str:
    away = program.device != "cpu"
    found = (
        f"Found on {program.device}; runs on the CPU, where it may not show.\n\n" if away else ""
    )
    return (
        f'r"""Every step of a program, beside a plain reference.\n\n{program!r}\n\n{found}'
        "Needs torch, transformers and peft. Exit status: 1 while a step is wrong, 0 when none "
        'is.\n"""'
    )


def _constants(writing: Writing, coarse: str) -> str:
    case = writing.case
    given = "\n".join(f"{name} = {value}" for name, value in inputs(case).items())
    more = margin(coarse)
    each = more * roundings(case.dtype, case.layers, case.hidden)
    return (
        f'SEED = {case.seed}\nHEAD = "{writing.head}"\n{given}\n'
        f"EPS = {EPS[coarse]}  # of {coarse}\n"
        f"ROUNDINGS = {each:.3g}\nNUDGES = {more * NUDGES:g}"
    )


def _functions() -> list[str]:
    """The source of what scripts of programs share, lint comments left out."""
    wanted = ("check", "values", "reached", "distance")
    here = Path(__file__)  # read and not imported: they need torch
    own = _sources(here.with_name("program_parts.py"))
    return [*_sources(here.with_name("parts.py"), wanted), *own]


def _sources(file: Path, wanted: tuple[str, ...] = ()) -> list[str]:
    source = file.read_text(encoding="utf-8")
    lines = [re.sub(r"  # (noqa|type: ignore).*", "", line) for line in source.splitlines()]
    return [
        "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and (not wanted or node.name in wanted)
    ]


def _step(program: Program, number: int, before: State, step: Step, outcome: Outcome) -> list[str]:
    """The calls of one step, what it does to the reference, and its checks."""
    taken = read(step)
    what, state = f"{number} {taken.id}", outcome.state
    calls = CALLS[type(taken)](program, before, taken)
    lines = [f"# {number} {step!r}"]
    if outcome.refusal:
        attempt = indent("\n".join(calls[:1]), "    ")
        return [
            *lines,
            f"refused = False\ntry:\n{attempt}\nexcept ValueError:\n    refused = True",
            f'check("{what}: refused", refused)',
            _look(f"{what}, refused", before),
        ]
    return [*lines, *calls, _look(what, state)]


def _look(what: str, state: State) -> str:
    """The check of a model in this state."""
    if state.told:
        counted = "list(model.active_adapters)"
        return f'check_step("{what}", model, {counted}, {counted})'
    if not state.wrapped:
        return f'check_model("{what}", model, [])'
    trains = literal(list(state.active)) if state.enabled else "None"
    return f'check_step("{what}", model, {literal(list(state.counted))}, {trains})'
