"""How a program of a stratum is made: valid by construction, whatever is installed.

What is chosen is a list of wishes: an operation, and a few small numbers that choose its arguments
among those possible where it stands. A wish that cannot come true is left out, so a program never
holds a step that does nothing, and Hypothesis can take any wish away and still have a program.
"""

from __future__ import annotations

from conformance.core.case import CHOICES, SEEDS
from conformance.core.covering import Pick
from conformance.kinds.programs.hazards import met_at
from conformance.kinds.programs.operations import OPERATIONS, Step
from conformance.kinds.programs.operations.choice import LARGEST, Choice
from conformance.kinds.programs.plan import beginning, outcome, outcome_of
from conformance.kinds.programs.program import Program, ProgramStratum
from conformance.kinds.programs.state import State
from tiny_models.families import FAMILIES

MOST, LONG = 12, 20
"""Steps of a program at most: ordinarily, and where time is given to explore."""
WISHES = 3
"""Wishes for a step: about two of three cannot come true."""
Wish = tuple[str, int, int, int]
NUMBERS = tuple(range(LARGEST + 1))
DARING = (False, True)
"""Whether a program walks into situations that are known to go wrong."""

# What is drawn, and so every published result, rests on this order: what is not in it comes after.
FIRST_WISHED = (
    "wrap",
    "merge",
    "set",
    "unmerge",
    "enable",
    "delete",
    "activate",
    "weighted",
    "train",
    "without",
    "load",
    "merge_and_unload",
)
WISHED = (
    "nothing",
    *(
        name
        for name in dict.fromkeys((*FIRST_WISHED, *OPERATIONS))
        for _ in range(OPERATIONS[name].wished)
    ),
)
"""What is wished for: common operations are repeated."""
DTYPES = ("float32",) * 5 + ("bfloat16", "float16", "float64")
SIMPLEST = ("llama", "gpt2", "gemma2", "qwen3", "opt", "gpt-neox", "bloom", "phi")


def granted(state: State, wish: Wish, *, daring: bool) -> Step | None:
    """The step that a wish stands for here, or None."""
    name, *numbers = wish
    wished = OPERATIONS.get(name)
    if wished is None or not (wished.on_plain or state.names):
        return None
    taken = wished.wish(Choice(state, *numbers))
    found = None if taken is None else outcome_of(state, taken)
    if taken is None or found is None:
        return None
    known = not daring and any(met_at(state, taken, found.state))
    return None if known else taken.step


def make(stratum: ProgramStratum, families: tuple[str, ...], most: int, choose: Pick, /) -> Program:
    """A program of one stratum over the given families, of at most ``most`` steps."""
    order = [name for name in SIMPLEST if name in families]
    family = choose((*order, *(name for name in families if name not in order)))
    without = FAMILIES[family].without_dtypes
    assert set(without) < set(CHOICES["dtype"])
    dtype = choose(tuple(one for one in DTYPES if one not in without))
    program = Program(
        device=stratum.device,
        tied=stratum.tied,
        ensure=stratum.ensure,
        family=family,
        dtype=dtype,
        autocast=choose((True, False)),
        seed=choose(SEEDS),
    )
    daring = choose(DARING)
    state = beginning(program)
    steps: list[Step] = []
    for number in range(WISHES * most):
        # what is drawn after the last step would only make equal programs look different
        if len(steps) == most:
            break
        wished = choose(WISHED) if number else "wrap"
        wish = (wished, choose(NUMBERS), choose(NUMBERS), choose(NUMBERS))
        step = granted(state, wish, daring=daring)
        found = None if step is None else outcome(state, step)
        if step is not None and found is not None:
            state = found.state
            steps.append(step)
    return Program(**{**vars(program), "steps": tuple(steps)})
