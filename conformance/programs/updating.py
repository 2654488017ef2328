"""What each operation does to the reference: our own few lines for every one that does anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from conformance.programs.observation import Key
from conformance.programs.reference import Reference
from conformance.programs.situations import Turn

if TYPE_CHECKING:
    from torch import Tensor

Found = Mapping[Key, "Tensor"]
"""The values of the model's adapters: what a new one was given, and what training made of them."""


def update(reference: Reference, turn: Turn, found: Found, ends: Mapping[str, Tensor]) -> None:
    """Do to the reference what the step did; ``ends`` are embedding and head as they are now."""
    name, *arguments = turn.step
    if name == "resize":
        _resize(reference, ends)
    elif name in UPDATES:
        UPDATES[name](reference, turn, found, *arguments)


def _resize(reference: Reference, ends: Mapping[str, Tensor]) -> None:
    """The rows that were there, and below them those that we wrote."""
    import torch

    for name, now in ends.items():
        before = reference.base[name]
        reference.base[name] = torch.cat([before, now[len(before) :]])


def _of(found: Found, name: str) -> dict[tuple[str, str], Tensor]:
    return {key[1:]: one for key, one in found.items() if key[0] == name}


def _put(reference: Reference, turn: Turn, found: Found, name: str, *_: object) -> None:
    reference.put(turn.after.named(name)[0], _of(found, name))


def _train(reference: Reference, turn: Turn, found: Found, *_: object) -> None:
    for name in turn.after.active:
        reference.adapters[name] = _of(found, name)


def _merge_and_unload(reference: Reference, turn: Turn, _: Found, names: tuple[str, ...]) -> None:
    before = turn.before
    wanted = (*(names or before.active), *before.merged)
    reference.rebase(one for one in before.names if one in wanted)


UPDATES: Mapping[str, Callable[..., None]] = {
    "wrap": _put,
    "add": _put,
    "train": _train,
    "delete": lambda reference, _turn, _found, name: reference.delete(name),
    "weighted": lambda reference, _turn, _found, *how: reference.weigh(*how),
    "load": lambda reference, _turn, _found, source, name: reference.copy(source, name),
    "merge_and_unload": _merge_and_unload,
    "unload": lambda reference, _turn, _found: reference.strip(),
    "reload": lambda reference, turn, _found, _dtype: reference.cast(turn.after.dtype),
}
