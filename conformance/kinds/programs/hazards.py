"""Situations: combinations of steps that are known to go wrong somewhere, by plan alone.

They name the regions of known failures, and programs are drawn to meet them now and then only:
whatever comes after one of them in a program is hard to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from conformance.kinds.programs.arguments import RESERVED
from conformance.kinds.programs.operations import Operation, read
from conformance.kinds.programs.operations.adapters import Add, Train
from conformance.kinds.programs.operations.base import MergeAndUnload, Unload
from conformance.kinds.programs.operations.combining import Delete, Merge, Unmerge, Weighted
from conformance.kinds.programs.operations.files import Load, Native, Reopen
from conformance.kinds.programs.operations.switching import Activate, Set
from conformance.kinds.programs.plan import beginning, outcomes
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.state import ENDS, HALF, Placed, State


@dataclass(frozen=True)
class Turn:
    """A step with the states around it."""

    before: State
    taken: Operation
    after: State

    @property
    def new(self) -> tuple[Placed, ...]:
        """The adapter that the step makes, if it makes one."""
        return self.after.named(self.taken.new)

    @property
    def saved(self) -> tuple[Placed, ...]:
        """The adapters that the step saves and loads."""
        if isinstance(self.taken, Reopen):
            return self.before.adapters
        if isinstance(self.taken, Load):
            return self.before.named(self.taken.source)
        return self.before.named(self.taken.name) if isinstance(self.taken, Native) else ()


Meets = Callable[[Turn], bool]


PARTS = ("weight", "lora_A")
"""Names by which PEFT's own keys are mistaken for an adapter's."""


def _loads_as_a_part(turn: Turn) -> bool:
    """An adapter of such a name is loaded beside an active one."""
    if isinstance(turn.taken, Reopen):
        return any(one in PARTS for one in turn.before.names if one != turn.before.active[0])
    return isinstance(turn.taken, Load) and turn.taken.name in PARTS


def _saves_beside_a_part(turn: Turn) -> bool:
    """An adapter is saved and loaded where there is one of such a name."""
    return bool(turn.saved) and any(one in PARTS for one in turn.before.names)


def _saves_modules_beside_a_part(turn: Turn) -> bool:
    """The same where what is saved has a saved module."""
    return "weight" in turn.before.names and any(one.save for one in turn.saved)


def _weighted_within_a_name(turn: Turn) -> bool:
    """Names of parameters are made of PEFT's words as well as of the active adapters' names."""
    words = (*turn.before.active, *RESERVED)
    return isinstance(turn.taken, Weighted) and any(turn.taken.name in word for word in words)


def _deletes_the_active(turn: Turn) -> bool:
    return isinstance(turn.taken, Delete) and turn.after.told


def _deletes_the_last_set(turn: Turn) -> bool:
    """Several adapters are active, and the one that was active by itself before is deleted."""
    if not isinstance(turn.taken, Delete) or turn.taken.name in turn.after.names:
        return False
    return turn.taken.name == turn.after.last and not turn.after.told


def _deletes_beside_several(turn: Turn) -> bool:
    """Several adapters stay active; the deleted one saved a module, or tokens are trained."""
    gone = [one for one in turn.before.adapters if one.name not in turn.after.names]
    tokens = any(how == "trains tokens of" for how, _ in turn.before.worn)
    several = len(turn.after.active) > 1
    return isinstance(turn.taken, Delete) and several and any(one.save or tokens for one in gone)


def _wakes_while_disabled(turn: Turn) -> bool:
    """An adapter that was added on modules of its own while all were disabled is made active."""
    before, taken = turn.before, turn.taken
    return isinstance(taken, Set) and not before.enabled and taken.name in before.late


def _ties_another(turn: Turn) -> bool:
    """Another adapter that is promised tied, LoRA or a saved module."""
    return isinstance(turn.taken, (Add, Load, Weighted, Reopen)) and any(
        one.one and not one.tokens for one in (turn.new or turn.after.adapters[1:])
    )


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
    names = turn.taken.names or turn.before.active
    return _lacks_tokens(turn.before.named(*names), turn.before)


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


def _tokens_go_stale(turn: Turn) -> bool:
    """Tokens are merged, and a step other than unmerging unmerges all else."""
    gone = set(turn.before.merged) - set(turn.after.merged)
    own = isinstance(turn.taken, (Unmerge, MergeAndUnload))
    return _some_tokens(turn.before.named(*gone)) and not own


def _merges_another_module(turn: Turn) -> bool:
    """Merging and unloading adapters whose saved modules are not those of the active one."""
    if not isinstance(turn.taken, MergeAndUnload):
        return False
    wanted, active = (
        {one.name for one in turn.before.named(*some) if one.save}
        for some in (turn.taken.names or turn.before.active, turn.before.active)
    )
    return wanted != active


def _merges_a_part(turn: Turn) -> bool:
    """Merged in place and active are not the same."""
    return bool(turn.after.merged) and bool(set(turn.after.active) - set(turn.after.merged))


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
    """An adapter is saved, and loaded, while LoRA on embedding or head is merged."""
    merged = turn.before.named(*turn.before.merged)
    return isinstance(turn.taken, Load) and any(set(one.target) & set(ENDS) for one in merged)


def _trains_tied_lora(turn: Turn) -> bool:
    """LoRA that embedding and head are promised to share."""
    chosen = turn.before.named(*turn.before.active)
    return isinstance(turn.taken, Train) and any(
        one.one and not one.save and not one.tokens for one in chosen
    )


SITUATIONS: Mapping[str, Meets] = MappingProxyType(
    {
        "loads-as-a-part": _loads_as_a_part,
        "saves-beside-a-part": _saves_beside_a_part,
        "saves-modules-beside-a-part": _saves_modules_beside_a_part,
        "weighted-within-a-name": _weighted_within_a_name,
        "deletes-the-active": _deletes_the_active,
        "deletes-the-last-set": _deletes_the_last_set,
        "deletes-beside-several": _deletes_beside_several,
        "wakes-while-disabled": _wakes_while_disabled,
        "ties-another": _ties_another,
        "brings-another-tied": _brings_another_tied,
        "merges-without-tokens": _merges_without_tokens,
        "saves-without-tokens": _saves_without_tokens,
        "refused-halfway": _refused_halfway,
        "adds-tied-tokens": _adds_tied_tokens,
        "merged-tokens-go-stale": _tokens_go_stale,
        "merges-another-module": _merges_another_module,
        "merges-a-part": _merges_a_part,
        "leaves-merged": _leaves_merged,
        "saves-what-is-merged": _saves_what_is_merged,
        "trains-tied-lora": _trains_tied_lora,
        "adds-rows-in-half": _adds_rows_in_half,
        "loads-rows-in-half": _loads_rows_in_half,
    }
)
"""By name."""


def met_at(before: State, taken: Operation, after: State) -> Iterator[str]:
    """The situations that a step leads into."""
    turn = Turn(before, taken, after)
    for name, meets in SITUATIONS.items():
        if meets(turn):
            yield name


def situations(program: Program) -> tuple[str, ...]:
    """The situations that a program meets, in order."""
    before, found = beginning(program), []
    for step, outcome in outcomes(program):
        if outcome is not None:
            found += list(met_at(before, read(step), outcome.state))
            before = outcome.state
    return tuple(dict.fromkeys(found))
