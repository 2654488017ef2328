"""The simplest program that still breaks a promise.

Steps are left out, then arguments made plainer. What may stand at a step depends on all steps
before it, so a program is drawn as wishes that come true or not; Hypothesis, which shrinks what was
drawn, cannot take out the one wish that a step came from and leave the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from conformance.kinds.programs.arguments import WORDS, Argument
from conformance.kinds.programs.operations import Operation, Step
from conformance.kinds.programs.operations.adapters import Wrap
from conformance.kinds.programs.plan import first_impossible
from conformance.kinds.programs.program import STRATUM_FIELDS, Program

Broken = Callable[[Program], bool]


def simplest(program: Program, broken: Broken) -> Program:
    """The program, simplified for as long as it can exist and stays ``broken``."""
    while True:
        found = _plainer(_shorter(program, broken), broken)
        if found == program:
            return found
        program = found


def _stays(program: Program, broken: Broken) -> bool:
    return bool(program.steps) and not first_impossible(program) and broken(program)


def _shorter(program: Program, broken: Broken) -> Program:
    """Leave out runs of steps, long ones first."""
    size = len(program.steps) // 2
    while size:
        at = 0
        while at + size <= len(program.steps):
            left = (*program.steps[:at], *program.steps[at + size :])
            candidate = replace(program, steps=left)
            if _stays(candidate, broken):
                program = candidate
            else:
                at += 1
        size //= 2
    return program


def _plainer(program: Program, broken: Broken) -> Program:
    """Take the first plainer program that stays broken, until there is none."""
    while True:
        found = next((one for one in _plainer_ones(program) if _stays(one, broken)), None)
        if found is None:
            return program
        program = found


def _plainer_ones(program: Program) -> Iterator[Program]:
    """Programs that are plainer in one thing: in each, something comes earlier in its choices."""
    plain = Program(**{name: getattr(program, name) for name in STRATUM_FIELDS})
    for one in fields(Program):
        default = getattr(plain, one.name)
        if one.name != "steps" and getattr(program, one.name) != default:
            yield replace(program, **{one.name: default})
    yield from _without_one(program)
    yield from _renamed(program)
    for number, taken in enumerate(program.taken):
        before, after = program.steps[:number], program.steps[number + 1 :]
        for field, argument in taken.arguments.items():
            for value in _plainer_values(argument, getattr(taken, field)):
                changed = replace(taken, **{field: value}).step
                yield replace(program, steps=(*before, changed, *after))


def _without_one(program: Program) -> Iterator[Program]:
    """Without one adapter: another is meant wherever it was named."""
    every = program.taken
    used = sorted({name for taken in every for name in taken.mentioned}, key=WORDS.index)
    for number, taken in enumerate(every):
        another = taken.new and not isinstance(taken, Wrap)
        rest = (*every[:number], *every[number + 1 :])
        for name in dict.fromkeys(taken.mentioned) if another else ():
            for other in used:
                if other != name:
                    yield replace(program, steps=_with_names(rest, {name: other}))


def _renamed(program: Program) -> Iterator[Program]:
    """With one adapter called by a simpler word, everywhere."""
    used = {name for taken in program.taken for name in taken.mentioned}
    for name in sorted(used, key=WORDS.index, reverse=True):
        for word in WORDS[: WORDS.index(name)]:
            if word not in used:
                yield replace(program, steps=_with_names(program.taken, {name: word}))
                break


def _with_names(every: Iterable[Operation], swap: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps with other names of adapters."""
    return tuple(taken.renamed(swap).step for taken in every)


def _plainer_values(argument: Argument, value: Any) -> Iterator[Any]:
    if argument.several:
        for name in value:
            yield tuple(other for other in value if other != name)
    elif not argument.names:
        yield from argument.accepted[: argument.accepted.index(value)]
