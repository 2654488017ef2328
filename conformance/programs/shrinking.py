"""The simplest program that still breaks a promise.

Steps are left out, then arguments made plainer. What may stand at a step depends on all steps
before it, so a program is drawn as wishes that come true or not; Hypothesis, which shrinks what was
drawn, cannot take out the one wish that a step came from and leave the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from conformance.programs.plan import first_impossible
from conformance.programs.program import (
    CHOICES,
    PLACED,
    STRATUM_FIELDS,
    WORDS,
    Program,
    Step,
    kinds,
)

Broken = Callable[[Program], bool]
MAKING = ("add", "load", "weighted")
"""Operations that make another adapter."""


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
    for number, step in enumerate(program.steps):
        for place, kind in enumerate(kinds(step[0]), 1):
            for value in _plainer_values(kind, step[place]):
                changed = (*step[:place], value, *step[place + 1 :])
                before, after = program.steps[:number], program.steps[number + 1 :]
                yield replace(program, steps=(*before, changed, *after))


def _without_one(program: Program) -> Iterator[Program]:
    """Without one adapter: another is meant wherever it was named."""
    used = sorted({name for step in program.steps for name in _names(step)}, key=WORDS.index)
    for number, step in enumerate(program.steps):
        for new in dict.fromkeys(_names(step)) if step[0] in MAKING else ():
            rest = (*program.steps[:number], *program.steps[number + 1 :])
            for other in used:
                if other != new:
                    swap = {new: other}
                    yield replace(program, steps=tuple(_with_names(one, swap) for one in rest))


def _renamed(program: Program) -> Iterator[Program]:
    """With one adapter called by a simpler word, everywhere."""
    used = {name for step in program.steps for name in _names(step)}
    for name in sorted(used, key=WORDS.index, reverse=True):
        for word in WORDS[: WORDS.index(name)]:
            if word not in used:
                swap = {name: word}
                yield replace(
                    program, steps=tuple(_with_names(step, swap) for step in program.steps)
                )
                break


def _names(step: Step) -> Iterator[str]:
    for kind, value in zip(kinds(step[0]), step[1:], strict=True):
        if kind == "name":
            yield value
        elif kind == "names":
            yield from value


def _with_names(step: Step, swap: dict[str, str]) -> Step:
    made: list[Any] = [step[0]]
    for kind, value in zip(kinds(step[0]), step[1:], strict=True):
        if kind == "name":
            made.append(swap.get(value, value))
        elif kind == "names":
            made.append(tuple(swap.get(name, name) for name in value))
        else:
            made.append(value)
    return tuple(made)


def _plainer_values(kind: str, value: Any) -> Iterator[Any]:
    if kind == "names":
        for name in value:
            yield tuple(other for other in value if other != name)
    elif kind != "name":
        every = tuple(PLACED) if kind == "placement" else CHOICES[kind]
        yield from every[: every.index(value)]
