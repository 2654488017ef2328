"""Hypothesis strategies for programs: valid by construction, whatever is installed.

What is drawn is a list of wishes: an operation, and a few small numbers that choose its arguments
among those possible where it stands. A wish that cannot come true is left out, so a program never
holds a step that does nothing, and Hypothesis can take any wish away and still have a program.
"""

from __future__ import annotations

from hypothesis import event
from hypothesis import strategies as st

from conformance.case import CHOICES as CASE_CHOICES
from conformance.programs.plan import beginning, outcome, placements
from conformance.programs.program import (
    CHOICES,
    RESERVED,
    WORDS,
    Program,
    ProgramStratum,
    Step,
)
from conformance.programs.situations import met_at
from conformance.programs.state import State
from tiny_models.families import DECODERS, FAMILIES

MOST, LONG = 12, 20
"""Steps of a program at most: ordinarily, and where time is given to explore."""
WISHES = 3
"""Wishes for a step: about two of three cannot come true."""
LARGEST = 11
ORDINARY = tuple(word for word in WORDS if word not in RESERVED)
Wish = tuple[str, int, int, int, int]
DARING = 10
"""Of how many wishes it takes one to walk into a situation that is known to go wrong."""

# Common operations are repeated.
WISHED = (
    "nothing",
    *("put",) * 5,
    *("merge",) * 6,
    *("set",) * 4,
    *("unmerge",) * 4,
    *("enable",) * 4,
    *("delete",) * 3,
    *("activate",) * 3,
    *("weighted",) * 5,
    *("train",) * 4,
    *("without",) * 2,
    *("load",) * 2,
    *("merge_and_unload",) * 2,
    "disable",
    "reopen",
    "native",
    "resize",
    "unload",
    "reload",
)
DTYPES = ("float32",) * 5 + ("bfloat16", "float16", "float64")
SIMPLEST = ("llama", "gpt2", "gemma2", "qwen3", "opt", "gpt-neox", "bloom", "phi")


def granted(state: State, wish: Wish) -> Step | None:
    """The step that a wish stands for here, or None."""
    name, one, two, three, daring = wish
    step = _step(state, name, one, two, three)
    found = None if step is None else outcome(state, step)
    if step is None or found is None:
        return None
    return None if daring < DARING and any(met_at(state, step, found.state)) else step


def _step(state: State, name: str, one: int, two: int, three: int) -> Step | None:
    known = state.names
    free = [word for word in (*ORDINARY, *ORDINARY, *WORDS) if word not in known]
    if name == "put":
        where, numbers = placements(state), CHOICES
        rank, alpha = (numbers[k][three // n % 3] for k, n in (("rank", 1), ("alpha", 3)))
        operation = "add" if state.wrapped else "wrap"
        return (operation, free[one % len(free)], where[two % len(where)], rank, alpha)
    if name == "train":
        # AdamW divides by sqrt(v) + 1e-8, and both underflow to zero in float16
        kinds = CHOICES["optimizer"][: 1 if state.dtype == "float16" else 2]
        return (name, kinds[one % len(kinds)], 1 + two % 3)
    if name in ("disable", "enable", "without", "unmerge", "unload"):
        return (name,)
    if name == "resize":
        return (name, 1 + one % 4)
    if name == "reload":
        return (name, CHOICES["dtype"][one % 4] if one > LARGEST // 2 else "same")
    return _of_adapters(state, free, name, (one, two, three)) if known else None


def _of_adapters(
    state: State, free: list[str], name: str, numbers: tuple[int, int, int]
) -> Step | None:
    """A step about adapters that are there."""
    one, two, three = numbers
    idle = [n for n in state.names if n not in state.active]
    plain = [placed.name for placed in state.adapters if placed.plain]
    apart = [n for n in state.names if state.merged and n not in state.merged]
    pool = {
        "set": idle,
        "delete": [*idle, *state.merged],
        "weighted": plain,
        "merge_and_unload": apart,
    }.get(name)
    known = pool or list(state.names)
    chosen, other = known[one % len(known)], known[(one + 1) % len(known)]
    if name in ("set", "delete", "native"):
        return (name, chosen)
    if name == "load":
        return (name, chosen, free[two % len(free)])
    if name == "reopen":
        return (name, CHOICES["way"][one % 2])
    if name in ("merge", "merge_and_unload"):
        often = 1 if name == "merge_and_unload" and apart else 0
        some = ((), (chosen,), (chosen, other))[(0, often, 1, 2)[three % 4]]
        return (name, tuple(dict.fromkeys(some)))
    if other == chosen or name not in ("activate", "weighted"):
        return None
    if name == "activate":
        return (name, (chosen, other))
    return (name, free[two % len(free)], (chosen, other), CHOICES["kind"][three % 3])


_number = st.integers(0, LARGEST)
_wish = st.tuples(st.sampled_from(WISHED), _number, _number, _number, _number)
_first = st.tuples(st.just("put"), _number, _number, _number, _number)


@st.composite
def programs(
    draw: st.DrawFn,
    stratum: ProgramStratum,
    families: tuple[str, ...] = DECODERS,
    most: int = MOST,
) -> Program:
    """Programs of one stratum over the given families, of at most ``most`` steps."""
    order = [name for name in SIMPLEST if name in families]
    family = draw(st.sampled_from((*order, *(name for name in families if name not in order))))
    without = FAMILIES[family].without_dtypes
    assert set(without) < set(CASE_CHOICES["dtype"])
    dtype = draw(st.sampled_from(tuple(one for one in DTYPES if one not in without)))
    program = Program(
        device=stratum.device,
        tied=stratum.tied,
        ensure=stratum.ensure,
        family=family,
        dtype=dtype,
        autocast=draw(st.sampled_from((True, False))),
        seed=draw(st.integers(0, 99)),
    )
    state = beginning(program)
    steps: list[Step] = []
    for number in range(WISHES * most):
        # what is drawn after the last step would only make equal programs look different
        if len(steps) == most:
            break
        step = granted(state, draw(_wish if number else _first))
        found = None if step is None else outcome(state, step)
        if step is not None and found is not None:
            state = found.state
            steps.append(step)
    event(f"family: {family}")
    event(f"dtype: {dtype}")
    return Program(**{**vars(program), "steps": tuple(steps)})
