"""The abstract state of a program: which operations are possible next, and what they lead to.

Plain data, with neither PEFT nor torch: programs are valid by construction, whatever is
installed. What upstream documents that it refuses is part of the plan as a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.kinds.programs.operations import Operation, Step, read
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.state import Outcome, State


def beginning(program: Program) -> State:
    """The state of the base."""
    return State(
        dtype=program.dtype, tied=program.tied, ensure=program.ensure, family=program.family
    )


def outcomes(program: Program) -> Iterator[tuple[Step, Outcome | None]]:
    """Each step with its outcome; the first impossible one, with None, is the last."""
    state = beginning(program)
    for step in program.steps:
        found = outcome(state, step)
        yield step, found
        if found is None:
            return
        state = found.state


def first_impossible(program: Program) -> str:
    """Which step is not possible where it stands, or ``""``."""
    for number, (step, found) in enumerate(outcomes(program), 1):
        if found is None:
            return f"step {number}, {step!r}, is not possible there"
    return ""


def outcome(state: State, step: Step) -> Outcome | None:
    """What a step leads to, or None where it is not possible."""
    return outcome_of(state, read(step))


def outcome_of(state: State, taken: Operation) -> Outcome | None:
    """The same of a step by name."""
    found = taken.rule(state) if taken.possible(state) else None
    return Outcome(found) if isinstance(found, State) else found
