"""How far a program can be judged: up to the first step that goes wrong.

From there on the model is not what its reference describes: whatever differs later may be that
fault again, seen by another promise or through another step, or a new one; nothing tells which.
Programs walk into declared failures only now and then, so what is new shows elsewhere.
"""

from __future__ import annotations

from conformance.programs.invariants import PROGRAMS
from conformance.programs.observation import ProgramObservation


def within_reach(seen: ProgramObservation) -> ProgramObservation:
    """The part of an observation that can be judged; its case is the program so far.

    The step that goes wrong is part of it: several promises may be broken by the same one.
    """
    broken = [one for one in PROGRAMS.values() if one.judge(seen).findings]
    if not broken:
        return seen
    for step in seen.steps:
        so_far = seen.upto(step.number)
        if any(one.judge(so_far).findings for one in broken):
            return so_far
    return seen  # only an error, which ends it
