"""Situations: combinations of steps that are known to go wrong somewhere, by plan alone.

Causes name them, and programs are drawn to meet them now and then only:
whatever comes after one of them in a program is hard to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from conformance.core.placements import ENDS, LOOKED_FOR
from conformance.kinds.programs.operations import Operation, read
from conformance.kinds.programs.operations.adapters import Add, Train
from conformance.kinds.programs.operations.base import MergeAndUnload, Unload
from conformance.kinds.programs.operations.batches import Mixed
from conformance.kinds.programs.operations.combining import Delete, Merge, Weighted
from conformance.kinds.programs.operations.files import Load, Reopen
from conformance.kinds.programs.operations.native import NativeAdd
from conformance.kinds.programs.operations.switching import Activate, Set
from conformance.kinds.programs.operations.whole import Cast, Copy
from conformance.kinds.programs.plan import beginning, outcomes
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.sides import order_of, smallest_side
from conformance.kinds.programs.stale import (
    counts_stale_tokens,
    deletes_stale_tokens,
    merges_beside_stale_tokens,
    still_stale,
    tokens_go_stale,
    trains_beside_stale_tokens,
)
from conformance.kinds.programs.state import HALF, Placed, State, kinds
from conformance.kinds.programs.turn import Meets, Turn
from tiny_models.families import FAMILIES

PARTS = ("weight", "lora_A")
"""Names by which PEFT's own keys are mistaken for an adapter's."""


def _loads_as_a_part(turn: Turn) -> bool:
    """An adapter of such a name is loaded beside an active one that is not disabled."""
    if isinstance(turn.taken, Reopen):
        return any(one in PARTS for one in turn.before.names if one != turn.before.active[0])
    loaded = isinstance(turn.taken, Load) and turn.taken.name in PARTS
    return loaded and turn.before.enabled


def _linear(one: Placed) -> bool:
    """Whether it has LoRA on linear modules, whose factors are called lora_A.<name>.weight."""
    return bool(set(one.target) - {"embedding"})


def _loads_lora_as_a_part(turn: Turn) -> bool:
    """An adapter of such a name is loaded, with LoRA on linear modules."""
    if isinstance(turn.taken, Reopen):
        return any(one.name in PARTS and _linear(one) for one in turn.saved)
    if isinstance(turn.taken, NativeAdd):  # the first of them is saved, and loaded by PEFT
        first = turn.before.named(*turn.taken.names[:1])
        return any(one.name in PARTS and _linear(one) for one in first)
    loaded = isinstance(turn.taken, Load) and turn.taken.name in PARTS
    return loaded and any(map(_linear, turn.saved))


def _saved_beside(turn: Turn, name: str) -> tuple[Placed, ...]:
    """The adapters that are saved while there is another of this name."""
    found = tuple(one for one in turn.saved if one.name != name)
    return found if name in turn.before.names else ()


def _saves_beside_lora_a(turn: Turn) -> bool:
    """LoRA on linear modules is saved where there is another adapter called lora_A."""
    return any(map(_linear, _saved_beside(turn, "lora_A")))


def _saves_beside_weight(turn: Turn) -> bool:
    """The same, or a saved module, where there is one called weight."""
    return any(_linear(one) or one.save for one in _saved_beside(turn, "weight"))


def _saves_a_module_as_weight(turn: Turn) -> bool:
    """An adapter that is itself called weight is saved with a module."""
    return any(one.name == "weight" and one.save for one in turn.saved)


def _weighted_within_a_name(turn: Turn) -> bool:
    """The new name is part of that of a parameter of an active adapter.

    Such names are made of PEFT's words and of modules' names as well as of the adapter's own.
    """
    roles = FAMILIES[turn.before.family].roles
    return isinstance(turn.taken, Weighted) and any(
        turn.taken.name in word
        for one in turn.before.named(*turn.before.active)
        for word in (one.name, *_words(one), *_modules(one, roles))
    )


def _modules(one: Placed, roles: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The names of the modules that an adapter is on."""
    for role in {*one.target, *one.save}:
        yield from roles.get(role, ())


def _words(one: Placed) -> Iterator[str]:
    """PEFT's words in the names of an adapter's parameters."""
    if _linear(one):
        yield from ("lora_A.", ".weight")
    if "embedding" in one.target:
        yield "lora_embedding_A"
    if one.save:
        yield ".weight"


def _sums_beyond_a_matrix(turn: Turn) -> bool:
    """A sum by singular values of a higher rank than one of its matrices has any."""
    if not isinstance(turn.taken, Weighted) or turn.taken.how != "svd":
        return False
    family = turn.before.family
    return any(
        one.rank > min(smallest_side(family, role) for role in one.target) for one in turn.new
    )


def _choices(turn: Turn) -> tuple[str, ...]:
    """What each layer makes active when the only active adapter is deleted: the first it has."""
    known = {role for one in turn.before.adapters for role in one.target}
    left = [
        sorted(one.name for one in turn.after.adapters if role in one.target)
        for role in order_of(turn.before.family)
        if role in known
    ]
    return tuple(names[0] if names else "" for names in left)


def _deletes_the_active(turn: Turn) -> bool:
    """The layers do not all choose what the first one does."""
    if not isinstance(turn.taken, Delete) or not turn.after.told:
        return False
    first, *others = _choices(turn)
    return any(one not in ("", first) for one in others)


def _deletes_beside_a_module(turn: Turn) -> bool:
    """What the first layer chooses has a saved module where the deleted adapter had none."""
    if not isinstance(turn.taken, Delete) or not turn.after.told:
        return False
    (gone,), chosen = turn.before.named(turn.taken.name), turn.after.named(_choices(turn)[0])
    return any(set(one.save) - set(gone.save) for one in chosen)


def _deletes_the_last_set(turn: Turn) -> bool:
    """The adapter that was last active by itself is deleted, and not one alone is active after."""
    if not isinstance(turn.taken, Delete) or turn.taken.name in turn.after.names:
        return False
    if turn.after.told:
        return not _choices(turn)[0]
    return turn.taken.name == turn.after.last


def _deletes_beside_several(turn: Turn) -> bool:
    """Several adapters stay active; the deleted one saved a module, or tokens are trained."""
    gone = [one for one in turn.before.adapters if one.name not in turn.after.names]
    tokens = any(how == "trains tokens of" for how, _ in turn.before.worn)
    several = len(turn.after.active) > 1
    return isinstance(turn.taken, Delete) and several and any(one.save or tokens for one in gone)


def _wakes_while_disabled(turn: Turn) -> bool:
    """An adapter that was added on modules of its own while all were disabled is made active.

    Or rows of a batch name it.
    """
    before, taken = turn.before, turn.taken
    if isinstance(taken, Mixed):
        return not before.enabled and bool({*taken.names} & {*before.late})
    return isinstance(taken, Set) and not before.enabled and taken.name in before.late


def _ties_another(turn: Turn) -> bool:
    """An adapter that is promised tied, LoRA or a saved module, where another stands already."""
    if isinstance(turn.taken, Reopen):
        every = turn.after.adapters
        beside = [(one, kinds(*every[:place])) for place, one in enumerate(every)]
    else:
        made = turn.new if isinstance(turn.taken, (Add, Load, Weighted)) else ()
        beside = [(one, turn.before.worn) for one in made]
    return any(worn and one.one and not one.tokens for one, worn in beside)


def _brings_another_tied(turn: Turn) -> bool:
    """The same of one that is not new: loaded, or made of others."""
    return not isinstance(turn.taken, Add) and _ties_another(turn)


def _some_tokens(adapters: tuple[Placed, ...]) -> bool:
    return any(one.tokens for one in adapters)


def _lacks_tokens(chosen: tuple[Placed, ...], state: State) -> bool:
    """Whether one of the chosen trains no tokens of a module where another does, or did."""
    roles = {end for how, end in state.worn if how == "trains tokens of"}
    return any(not roles <= set(one.tokens) for one in chosen)


def _merges_without_tokens(turn: Turn) -> bool:
    """Merging an adapter by name that trains no tokens where another does."""
    if not isinstance(turn.taken, (Merge, MergeAndUnload)):
        return False
    return _lacks_tokens(turn.before.named(*turn.taken.names), turn.before)


def _saves_without_tokens(turn: Turn) -> bool:
    """Saving an adapter that trains no tokens where another does."""
    return _lacks_tokens(turn.saved, turn.before)


def _refused_halfway(turn: Turn) -> bool:
    """Adapters that clash on the head are activated, and on the embedding it is another's turn."""
    if not isinstance(turn.taken, Activate) or turn.after != turn.before:
        return False
    wanted, active = (turn.before.named(*some) for some in (turn.taken.names, turn.before.active))
    clash = set.intersection(*({*one.save, *one.tokens} for one in wanted))
    return "embedding" not in clash and _on_embedding(wanted) != _on_embedding(active)


def _on_embedding(adapters: tuple[Placed, ...]) -> set[str]:
    return {one.name for one in adapters if "embedding" in (*one.save, *one.tokens)}


def _adds_tied_tokens(turn: Turn) -> bool:
    """The first adapter that trains tokens of a tied model comes beside an active one."""
    first = isinstance(turn.taken, Add) and not _some_tokens(turn.before.adapters)
    return first and any(one.tokens and one.one for one in turn.new)


def _merges_another_module(turn: Turn) -> bool:
    """Merging and unloading adapters whose saved modules are not those of the active one.

    What is merged in place counts with them.
    """
    if not isinstance(turn.taken, MergeAndUnload):
        return False
    before = turn.before
    wanted, active = (
        {one.name for one in before.named(*some) if one.save}
        for some in ((*(turn.taken.names or before.active), *before.merged), before.active)
    )
    return wanted != active


def _merges_a_part(turn: Turn) -> bool:
    """A layer has an adapter merged in place, and another active that is not."""
    merged, others = (
        {role for one in turn.after.named(*names) for role in one.target}
        for names in (turn.after.merged, set(turn.after.active) - set(turn.after.merged))
    )
    return bool(merged & others)


def _merges_idle_tokens(turn: Turn) -> bool:
    """Tokens of an adapter are merged in place that is not active."""
    return _some_tokens(turn.after.named(*set(turn.after.merged) - set(turn.after.active)))


def _leaves_merged(turn: Turn) -> bool:
    return isinstance(turn.taken, Unload) and bool(turn.before.merged)


def _adds_rows_in_half(turn: Turn) -> bool:
    """An inactive adapter with LoRA on the embedding, or tokens, over a base in half precision."""
    new = turn.after.adapters[1:] if isinstance(turn.taken, Reopen) else turn.new
    half = turn.before.dtype in HALF and isinstance(turn.taken, (Add, Load, Reopen))
    return half and any("embedding" in one.target or one.tokens for one in new)


def _loads_rows_in_half(turn: Turn) -> bool:
    """The same of one that is loaded, which PEFT casts though the first was not."""
    return not isinstance(turn.taken, Add) and _adds_rows_in_half(turn)


def _saves_what_is_merged(turn: Turn) -> bool:
    """LoRA on embedding or head is merged, and an adapter is saved that takes the base's along.

    That is one which targets either by a name that PEFT knows.
    """
    merged = turn.before.named(*turn.before.merged)
    family = FAMILIES[turn.before.family]
    known = [
        role
        for role, path in (("embedding", family.embedding), ("head", family.head))
        if path.rpartition(".")[2] in LOOKED_FOR
    ]
    taken_along = any(set(one.target) & set(known) for one in turn.saved)
    on_either = any(set(one.target) & set(ENDS) for one in merged)
    return isinstance(turn.taken, Load) and taken_along and on_either


def _trains_tied_lora(turn: Turn) -> bool:
    """LoRA that embedding and head are promised to share."""
    chosen = turn.before.named(*turn.before.active)
    return isinstance(turn.taken, Train) and _has_tied_lora(chosen)


def _mixes_what_is_refused(turn: Turn) -> bool:
    """A batch of several adapters is refused, since something is merged, or one of them is DoRA."""
    before, taken = turn.before, turn.taken
    if not isinstance(taken, Mixed):
        return False
    return bool(before.merged) or (
        before.enabled and any(one.dora for one in before.named(*taken.names))
    )


def _copies_tied_lora(turn: Turn) -> bool:
    """A model is copied that has, or had, LoRA which embedding and head are promised to share."""
    before = turn.before
    tied = before.tied and before.ensure and ("targets", "embedding") in before.worn
    return isinstance(turn.taken, Copy) and tied


def _has_tied_lora(adapters: tuple[Placed, ...]) -> bool:
    return any(one.one and not one.save and not one.tokens for one in adapters)


def _casts_tied_lora(turn: Turn) -> bool:
    """LoRA that embedding and head are promised to share is brought into another precision."""
    another = turn.before.dtype != turn.after.dtype
    return isinstance(turn.taken, Cast) and another and _has_tied_lora(turn.before.adapters)


def _merges_tied_lora(turn: Turn) -> bool:
    """LoRA that embedding and head are promised to share is merged at both."""
    if not isinstance(turn.taken, (Merge, MergeAndUnload)):
        return False
    wanted = turn.before.named(*(turn.taken.names or turn.before.active))
    return turn.before.tied and _has_tied_lora(wanted)


SITUATIONS: Mapping[str, Meets] = MappingProxyType(
    {
        "loads-as-a-part": _loads_as_a_part,
        "loads-lora-as-a-part": _loads_lora_as_a_part,
        "saves-beside-lora-a": _saves_beside_lora_a,
        "saves-beside-weight": _saves_beside_weight,
        "saves-a-module-as-weight": _saves_a_module_as_weight,
        "weighted-within-a-name": _weighted_within_a_name,
        "sums-beyond-a-matrix": _sums_beyond_a_matrix,
        "deletes-the-active": _deletes_the_active,
        "deletes-beside-a-module": _deletes_beside_a_module,
        "deletes-the-last-set": _deletes_the_last_set,
        "deletes-beside-several": _deletes_beside_several,
        "wakes-while-disabled": _wakes_while_disabled,
        "ties-another": _ties_another,
        "brings-another-tied": _brings_another_tied,
        "merges-without-tokens": _merges_without_tokens,
        "saves-without-tokens": _saves_without_tokens,
        "refused-halfway": _refused_halfway,
        "adds-tied-tokens": _adds_tied_tokens,
        "merged-tokens-go-stale": tokens_go_stale,
        "trains-beside-stale-tokens": trains_beside_stale_tokens,
        "merges-beside-stale-tokens": merges_beside_stale_tokens,
        "deletes-stale-tokens": deletes_stale_tokens,
        "counts-stale-tokens": counts_stale_tokens,
        "merges-another-module": _merges_another_module,
        "merges-a-part": _merges_a_part,
        "merges-idle-tokens": _merges_idle_tokens,
        "leaves-merged": _leaves_merged,
        "saves-what-is-merged": _saves_what_is_merged,
        "trains-tied-lora": _trains_tied_lora,
        "adds-rows-in-half": _adds_rows_in_half,
        "loads-rows-in-half": _loads_rows_in_half,
        "mixes-what-is-refused": _mixes_what_is_refused,
        "copies-tied-lora": _copies_tied_lora,
        "casts-tied-lora": _casts_tied_lora,
        "merges-tied-lora": _merges_tied_lora,
    }
)
"""By name."""


def met_at(
    before: State, taken: Operation, after: State, stale: frozenset[str] = frozenset()
) -> Iterator[str]:
    """The situations that a step leads into."""
    turn = Turn(before, taken, after, stale)
    for name, meets in SITUATIONS.items():
        if meets(turn):
            yield name


def situations(program: Program) -> tuple[str, ...]:
    """The situations that a program meets, in order."""
    before, found, stale = beginning(program), [], frozenset[str]()
    for step, outcome in outcomes(program):
        if outcome is not None:
            turn = Turn(before, read(step), outcome.state, stale)
            found += list(met_at(turn.before, turn.taken, turn.after, stale))
            before, stale = outcome.state, still_stale(turn)
    return tuple(dict.fromkeys(found))
