"""Tokens that stay merged where all else is unmerged: what a step meets because of them."""

from __future__ import annotations

from conformance.kinds.programs.operations.adapters import Train
from conformance.kinds.programs.operations.base import MergeAndUnload
from conformance.kinds.programs.operations.batches import Mixed
from conformance.kinds.programs.operations.combining import Delete, Merge, Unmerge
from conformance.kinds.programs.operations.switching import Disable, Without
from conformance.kinds.programs.state import HALF
from conformance.kinds.programs.turn import Turn


def _gone_stale(turn: Turn) -> frozenset[str]:
    """The adapters whose tokens a step leaves merged, where it unmerges all else."""
    if isinstance(turn.taken, (Unmerge, MergeAndUnload, Disable, Without)):
        return frozenset()
    gone = set(turn.before.merged) - set(turn.after.merged)
    return frozenset(one.name for one in turn.before.named(*gone) if one.tokens)


def tokens_go_stale(turn: Turn) -> bool:
    """A step leaves tokens merged, where it unmerges all else."""
    return bool(_gone_stale(turn))


def _stale(turn: Turn) -> frozenset[str]:
    """Those whose tokens are still merged; looking at the disabled model unmerges them, too."""
    unmerges = isinstance(turn.taken, (Unmerge, Disable, Without))
    return frozenset() if unmerges else turn.stale | _gone_stale(turn)


def still_stale(turn: Turn) -> frozenset[str]:
    """Those that are stale after a step."""
    return _stale(turn) - set(turn.after.merged)


def trains_beside_stale_tokens(turn: Turn) -> bool:
    """Gradients are compared in full precision."""
    return bool(_stale(turn)) and isinstance(turn.taken, Train) and turn.before.dtype not in HALF


def merges_beside_stale_tokens(turn: Turn) -> bool:
    """Something is merged while tokens are stale."""
    return bool(_stale(turn)) and isinstance(turn.taken, Merge)


def deletes_stale_tokens(turn: Turn) -> bool:
    """The adapter whose tokens are stale is deleted."""
    return isinstance(turn.taken, Delete) and turn.taken.name in _stale(turn)


def counts_stale_tokens(turn: Turn) -> bool:
    """Stale tokens count in the logits where they should not."""
    taken, after = turn.taken, turn.after
    if isinstance(taken, Mixed) and after.enabled:
        return any(not _stale(turn) <= {name} for name in taken.names)
    if isinstance(taken, (Train, Merge)) or deletes_stale_tokens(turn):
        return False
    counted = after.active if after.enabled else ()
    if isinstance(taken, MergeAndUnload):
        counted = taken.taken(turn.before)
    return not _stale(turn) <= {*counted}
