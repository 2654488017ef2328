"""The abstract state of a program: which operations are possible next, and what they lead to.

Plain data, with neither PEFT nor torch: programs are valid by construction, whatever is
installed. What upstream documents that it refuses is part of the plan as a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

from conformance.case import Case, body_roles
from conformance.placements import PLACEMENTS
from conformance.programs.program import PLACED, TOKENS, WORDS, Program, Step
from conformance.programs.state import ENDS, HALF, Outcome, Placed, State, kinds
from conformance.promises import adapters_tied
from tiny_models.families import FAMILIES

MOST_ADAPTERS = 4
UNTIED = tuple(PLACED)
BODIES = ("body", "mlp", "both-bodies")
TIED = (*BODIES, "target:both", "target:head", "save:both", "tokens:list")
SHARED = (*TIED, "save:embedding", "save:head")
"""Placements on an untied base, on a tied one, and on a tied one with ``ensure_weight_tying``."""


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
    name, *arguments = step
    if state.wrapped == (name in ON_PLAIN) and name != "resize":
        return None
    if state.told and name != "set":
        return None
    if not state.enabled and name not in WHILE_DISABLED:
        return None
    found = RULES[name](state, *arguments)
    return Outcome(found) if isinstance(found, State) else found


ON_PLAIN = ("wrap", "reload")
WHILE_DISABLED = ("enable", "set", "add", "load", "reopen")


def placements(state: State) -> tuple[str, ...]:
    """Where an adapter may stand now.

    On a tied base only where PEFT documents that both ends stay what they are promised to be:
    what goes wrong with the others, single lives show.
    """
    allowed = UNTIED if not state.tied else SHARED if state.ensure else TIED
    family = FAMILIES[state.family]
    if state.tied and state.ensure and family.embedding.rpartition(".")[2] != "embed_tokens":
        allowed = (*BODIES, "tokens:list")  # PEFT documents that it goes by that name
    if state.tied and state.ensure and state.dtype in HALF:
        allowed = tuple(name for name in allowed if not PLACED[name].target or name in BODIES)
    if state.family == "phi":  # single lives show what becomes of a head's bias
        allowed = tuple(name for name in allowed if not (PLACED[name].tokens or PLACED[name].save))
    body, worn = body_roles(state.family), {how for how, _ in state.worn}
    return tuple(
        name
        for name in allowed
        if (not PLACED[name].target or set(PLACED[name].target) <= {*ENDS, *body})
        and (not worn or {how for how, _ in kinds(placed(state, "", name, 1, 1))} <= worn)
    )


def placed(state: State, name: str, placement: str, rank: int, alpha: int) -> Placed:
    """An adapter put on now."""
    place = PLACED[placement]
    case = Case(tied=state.tied, ensure=state.ensure, placement=placement)
    one = placement in PLACEMENTS and adapters_tied(case)
    tokens = {"list": ("embedding",), "same": ENDS}.get(place.tokens, ())
    rows = TOKENS[WORDS.index(name) % len(TOKENS)] if name and tokens else ()
    both = ENDS if one else ()
    return Placed(
        name,
        placement,
        rank,
        alpha,
        target=tuple(dict.fromkeys((*place.target, *(both if _ends(place.target) else ())))),
        save=(both or place.save) if place.save else (),
        tokens=(both or tokens) if tokens else (),
        rows=rows,
        one=one,
    )


def _ends(roles: tuple[str, ...]) -> bool:
    return bool(set(roles) & set(ENDS))


def mergeable(state: State, names: tuple[str, ...]) -> bool:
    """Whether merging these is promised anything.

    LoRA on a tied base's embedding or head is not: PEFT warns of it. Rows that two adapters train
    are not, and PEFT refuses them halfway.
    """
    chosen = state.named(*names, *state.merged)
    if not chosen or (state.tied and any(_ends(one.target) for one in chosen)):
        return False
    return not any(one.clashes(other) for one, other in combinations(chosen, 2))


def _wrap(state: State, name: str, placement: str, rank: int, alpha: int) -> State | None:
    if placement not in placements(state):
        return None
    one = placed(state, name, placement, rank, alpha)
    start = replace(state, wrapped=True, adapters=(one,), merged=(), enabled=True)
    return replace(start, active=(name,), last=name, late=(), worn=kinds(one))


def _add(state: State, name: str, placement: str, rank: int, alpha: int) -> State | None:
    if not _new(state, name) or placement not in placements(state):
        return None
    one = placed(state, name, placement, rank, alpha)
    return _with(state, one)


def _with(state: State, one: Placed) -> State:
    """The state with one more adapter, which is not active; what was merged is so no more."""
    before = [other for other in state.adapters if other.name not in state.late]
    known = {layer for other in before for layer in _layers(other)}
    alone = not state.enabled and not _layers(one) <= known
    late = (*state.late, one.name) if alone else state.late
    worn = state.worn | kinds(one)
    return replace(state, adapters=(*state.adapters, one), merged=(), late=late, worn=worn)


def _layers(one: Placed) -> set[str]:
    """What PEFT makes a layer of: a role that is targeted or saved, and one with tokens beside."""
    return {*one.target, *one.save, *(f"tokens of {end}" for end in one.tokens)}


def _new(state: State, name: str) -> bool:
    return name not in state.names and len(state.adapters) < MOST_ADAPTERS


def _train(state: State, _optimizer: str, _count: int) -> State | None:
    return state if state.active and not state.merged else None


def _set(state: State, name: str) -> State | None:
    if name not in state.names or (state.active == (name,) and not state.merged):
        return None
    return replace(state, active=(name,), merged=(), told=False, last=name)


def _activate(state: State, names: tuple[str, ...]) -> State | Outcome | None:
    chosen = state.named(*names)
    if len(names) < 2 or len(chosen) != len(names):  # noqa: PLR2004  several
        return None
    if any(one.clashes(other) for one, other in combinations(chosen, 2)):
        return Outcome(state, "Only one adapter can be set at a time")
    return None if names == state.active else replace(state, active=names, merged=())


def _disable(state: State) -> State:
    return replace(state, enabled=False, merged=())


def _enable(state: State) -> State | None:
    return None if state.enabled else replace(state, enabled=True, late=())


def _without(state: State) -> State:
    return replace(state, merged=())


def _merge(state: State, names: tuple[str, ...]) -> State | None:
    wanted = names or state.active
    known = len(state.named(*wanted)) == len(wanted)
    if not known or not mergeable(state, wanted) or set(wanted) <= set(state.merged):
        return None
    if any(one.save and one.name not in state.active for one in state.named(*wanted)):
        return None  # a module is not merged in place: it counts where its adapter is active
    return replace(state, merged=(*state.merged, *(n for n in wanted if n not in state.merged)))


def _unmerge(state: State) -> State | None:
    return replace(state, merged=()) if state.merged else None


def _delete(state: State, name: str) -> State | Outcome | None:
    left = tuple(one for one in state.adapters if one.name != name)
    if len(left) == len(state.adapters) or not left:
        return None
    if name in state.merged:
        return Outcome(state, "Cannot delete adapter")
    active = tuple(one for one in state.active if one != name)
    last = active[0] if len(active) == 1 else state.last
    return replace(state, adapters=left, active=active, told=not active, last=last)


def _weighted(state: State, name: str, names: tuple[str, ...], how: str) -> State | None:
    sources = tuple(one for n in names for one in state.named(n))
    if not _new(state, name) or len(sources) != len(names) or len(sources) < 2:  # noqa: PLR2004
        return None
    ranks = [one.rank for one in sources]
    if not all(one.plain for one in sources) or len(set(names)) != len(names):
        return None
    if how == "linear" and len(set(ranks)) > 1:
        return None
    # "svd" finds what a rank can hold: enough of it for the sum
    rank = ranks[0] if how == "linear" else sum(ranks)
    target = tuple(dict.fromkeys(role for one in sources for role in one.target))
    one = Placed(name, "", rank, rank, target, one=state.tied and state.ensure and _ends(target))
    return replace(state, adapters=(*state.adapters, one), merged=())


def _load(state: State, source: str, name: str) -> State | None:
    if source not in state.names or not _new(state, name):
        return None
    (one,) = state.named(source)
    return _with(state, replace(one, name=name))


def _reopen(state: State, _way: str) -> State | None:
    if not state.active or state.merged:
        return None
    first = state.active[0]
    order = (*state.named(first), *(one for one in state.adapters if one.name != first))
    fresh = replace(state, adapters=order, merged=(), enabled=True, late=(), worn=kinds(*order))
    return replace(fresh, active=(first,), last=first)


def _native(state: State, name: str) -> State | None:
    return state if name in state.names and not state.merged else None


def _resize(state: State, count: int) -> State | None:
    if state.worn or state.merged:
        return None
    return replace(state, rows=state.rows + count)


def _merge_and_unload(state: State, names: tuple[str, ...]) -> State | None:
    wanted = names or state.active
    if len(state.named(*wanted)) != len(wanted) or not mergeable(state, wanted):
        return None
    merged = state.named(*wanted, *state.merged)
    apart = any(one.ends and not one.one for one in merged)
    return replace(_bare(state), tied=state.tied and not apart)


def _bare(state: State) -> State:
    off = replace(state, wrapped=False, adapters=(), active=(), merged=(), enabled=True)
    return replace(off, worn=frozenset())


def _unload(state: State) -> State | None:
    # single lives show that the saved module of an active adapter stays
    return None if any(one.save for one in state.named(*state.active)) else _bare(state)


def _reload(state: State, dtype: str) -> State:
    return state if dtype == "same" else replace(state, dtype=dtype)


RULES: dict[str, Callable[..., State | Outcome | None]] = {
    "wrap": _wrap,
    "add": _add,
    "train": _train,
    "set": _set,
    "activate": _activate,
    "disable": _disable,
    "enable": _enable,
    "without": _without,
    "merge": _merge,
    "unmerge": _unmerge,
    "delete": _delete,
    "weighted": _weighted,
    "load": _load,
    "reopen": _reopen,
    "native": _native,
    "resize": _resize,
    "merge_and_unload": _merge_and_unload,
    "unload": _unload,
    "reload": _reload,
}
