"""Where adapters may stand, and what a state is with one more of them, or with none."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from conformance.core.case import Case, body_roles
from conformance.core.expected_ties import adapters_tied
from conformance.core.placements import ENDS, PLACEMENTS
from conformance.kinds.programs.arguments import DORA, PLACED, TOKENS, WORDS
from conformance.kinds.programs.state import HALF, Placed, State, kinds
from tiny_models.families import FAMILIES

MOST_ADAPTERS = 4
UNTIED = tuple(name for name in PLACED if not name.endswith(DORA))
BODIES = ("body", "mlp", "both-bodies")
TIED = (*BODIES, "target:both", "target:head", "save:both", "tokens:list")
SHARED = (*TIED, "save:embedding", "save:head")
"""Placements on an untied base, on a tied one, and on a tied one with ``ensure_weight_tying``."""
TURNED = ("gpt2",)
"""Families whose linear modules are Conv1D."""


def placements(state: State) -> tuple[str, ...]:
    """Where an adapter may stand now.

    On a tied base only where PEFT documents that both ends stay what they are promised to be:
    what goes wrong with the others, single lives show.
    """
    allowed = UNTIED if not state.tied else SHARED if state.ensure else TIED
    if state.tied and state.ensure and not tied_by_name(state.family):
        allowed = (*BODIES, "tokens:list")
    if state.tied and state.ensure and state.dtype in HALF:
        allowed = tuple(name for name in allowed if not PLACED[name].target or name in BODIES)
    if state.family == "phi":  # single lives show what becomes of a head's bias
        allowed = tuple(name for name in allowed if not (PLACED[name].tokens or PLACED[name].save))
    body, worn = body_roles(state.family), {how for how, _ in state.worn}
    found = tuple(
        name
        for name in allowed
        if (not PLACED[name].target or set(PLACED[name].target) <= {*ENDS, *body})
        and (not worn or {how for how, _ in kinds(placed(state, "", name, 1, 1))} <= worn)
    )
    return (*found, *(f"{name}{DORA}" for name in found if _may_be_dora(state, name)))


def tied_by_name(family: str) -> bool:
    """Whether the embedding has the name that PEFT documents it goes by."""
    return FAMILIES[family].embedding.rpartition(".")[2] == "embed_tokens"


def _may_be_dora(state: State, name: str) -> bool:
    """Whether an adapter there may be DoRA, which is LoRA alone.

    Single lives show what becomes of it on embedding and head of a tied base, and on a Conv1D.
    """
    if f"{name}{DORA}" not in PLACED or state.family in TURNED:
        return False
    return not (state.tied and at_ends(PLACED[name].target))


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
        target=tuple(dict.fromkeys((*place.target, *(both if at_ends(place.target) else ())))),
        save=(both or place.save) if place.save else (),
        tokens=(both or tokens) if tokens else (),
        rows=rows,
        one=one,
        dora=placement.endswith(DORA),
    )


def at_ends(roles: tuple[str, ...]) -> bool:
    """Whether embedding or head is among these roles."""
    return bool(set(roles) & set(ENDS))


def mergeable(state: State, names: tuple[str, ...]) -> bool:
    """Whether merging these is promised anything.

    LoRA on a tied base's embedding or head is not, but where both are promised one: PEFT warns of
    it. Modules that two adapters save or train rows of are not.
    """
    chosen = state.named(*names, *state.merged)
    return _is_promised(state, chosen) and not any(
        one.clashes(other) for one, other in combinations(chosen, 2)
    )


def overlapping(state: State, names: tuple[str, ...]) -> bool:
    """Whether merging these is refused at once: the embedding comes first, and they share a row.

    PEFT refuses a row of the head, too, when all before it is merged already.
    """
    chosen = state.named(*names, *state.merged)
    return _is_promised(state, chosen) and any(
        "embedding" in {*one.tokens} & {*other.tokens} and {*one.rows} & {*other.rows}
        for one, other in combinations(chosen, 2)
    )


def _is_promised(state: State, chosen: tuple[Placed, ...]) -> bool:
    """Whether PEFT merges such adapters without a warning."""
    apart = any(at_ends(one.target) and not one.one for one in chosen)
    return bool(chosen) and not (state.tied and apart)


def joined(state: State, one: Placed) -> State:
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


def is_new(state: State, name: str) -> bool:
    """Whether there is room for one more adapter, and none of this name."""
    return name not in state.names and len(state.adapters) < MOST_ADAPTERS


def bare(state: State) -> State:
    """The state of the plain model that is left when all adapters are off."""
    off = replace(state, wrapped=False, adapters=(), active=(), merged=(), enabled=True)
    return replace(off, worn=frozenset())
