"""Reading a program as it is written: literals alone, every step checked."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from conformance.core.case import make_case
from conformance.core.literals import CaseError, literals
from conformance.kinds.programs.arguments import Argument
from conformance.kinds.programs.operations import OPERATIONS, Step
from conformance.kinds.programs.plan import first_impossible
from conformance.kinds.programs.program import Program
from tiny_models.families import DECODERS

MOST_STEPS = 40


def parse_program(text: str) -> Program:
    """Read ``Program(...)`` as literals; raises CaseError, in one sentence."""
    values = literals(text, "Program")
    steps = values.pop("steps", ())
    unknown = set(values) - {field.name for field in fields(Program)}
    if unknown:
        known = ", ".join(field.name for field in fields(Program))
        raise CaseError(f"a program has no field {min(unknown)!r}; its fields are {known}")
    base = make_case({"placement": "body", **values})
    if base.family not in DECODERS:
        raise CaseError(f"programs are of decoder-only families, and {base.family} is none")
    if not isinstance(steps, (list, tuple)) or len(steps) > MOST_STEPS:
        raise CaseError(f"the steps of a program are at most {MOST_STEPS} tuples")
    program = Program(**{f.name: getattr(base, f.name) for f in fields(Program)[:-1]})
    program = Program(**{**vars(program), "steps": tuple(_step(step) for step in steps)})
    wrong = first_impossible(program)
    if wrong:
        raise CaseError(f"this program cannot exist: {wrong}")
    return program


def _step(step: Any) -> Step:
    """One step, checked for the number and the kinds of its arguments."""
    if not isinstance(step, (list, tuple)) or not step or step[0] not in OPERATIONS:
        known = ", ".join(OPERATIONS)
        raise CaseError(f"a step is a tuple that starts with one of {known}, not {step!r}"[:400])
    name, *given = step
    takes = tuple(OPERATIONS[name].arguments.values())
    if len(given) != len(takes):
        listed = ", ".join(one.called for one in takes)
        raise CaseError(f"the step {name!r} takes {len(takes)} arguments: {listed}")
    return (
        name,
        *(_checked(name, one, value) for one, value in zip(takes, given, strict=True)),
    )


def _checked(step: str, argument: Argument, value: Any) -> Any:
    several = argument.several and isinstance(value, (list, tuple))
    given = tuple(value) if several else (value,)
    for one in given:
        if not any(type(one) is type(choice) and one == choice for choice in argument.accepted):
            listed = ", ".join(map(repr, argument.accepted))
            told = f"the {argument.called} of the step {step!r} accepts {listed}, not {one!r}"
            raise CaseError(told[:400])
    return given if argument.several else value
