"""Handed: state dicts, lists and mappings that PEFT's calls are given, and what becomes of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from conformance.core.bits import same_bits
from conformance.core.observation import LoadReport
from conformance.upstream import handing

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life


def handed(life: Life) -> None:
    """Each call that takes one, with a copy kept beside it; what was changed is told by name."""
    folder, changed = os.fspath(life.folder / "adapter"), []
    model = life.adapted()
    with life.at("handed"):
        for name, thing, call in handing.calls(
            model, folder, life.fresh_base, merges="merged" in life.stages
        ):
            before = _copied(thing)
            call(thing)
            changed += [] if _same(before, thing) else [name]
            life.loading["handed"] = LoadReport(mismatched=tuple(changed))


def _copied(thing: Any) -> Any:
    """A copy whose tensors nobody else reaches."""
    if isinstance(thing, Mapping):
        return {key: _copied(one) for key, one in thing.items()}
    if isinstance(thing, list):
        return list(thing)
    return thing.detach().clone() if hasattr(thing, "detach") else thing


def _same(before: Any, after: Any) -> bool:
    """Whether nothing was taken out, put in or written to, the order of keys included."""
    if isinstance(before, dict):
        return list(before) == list(after) and all(_same(before[k], after[k]) for k in before)
    return same_bits(before, after) if hasattr(before, "detach") else bool(before == after)
