"""What a planted fault is, the registry that names all of them, and how they are planted.

A fault changes what PEFT or transformers does, never our code, our records or our cases.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

Plant = Callable[[], AbstractContextManager[None]]
Wrapper = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """One small bug that a PEFT or a transformers could have.

    ``caught_by`` are ids of invariants, each of which must break on every stratum of ``strata``;
    ``says`` is a pattern that what they found must match.
    """

    id: str
    story: str
    plant: Plant
    caught_by: tuple[str, ...]
    strata: tuple[str, ...]
    says: str = ""


FAULTS: dict[str, Fault] = {}


def fault(
    name: str,
    story: str,
    *,
    caught_by: tuple[str, ...],
    strata: tuple[str, ...],
    says: str = "",
) -> Callable[[Plant], Plant]:
    """Register the decorated function, which plants the fault, under this id."""

    def register(plant: Plant) -> Plant:
        if name in FAULTS:
            raise ValueError(f"there is already a fault {name!r}")
        FAULTS[name] = Fault(name, story, plant, caught_by, strata, says)
        return plant

    return register


@contextmanager
def replaced(owner: Any, name: str, make: Callable[[Wrapper], Wrapper]) -> Iterator[None]:
    """Put ``make(original)`` in the place of the function ``owner.name``, for a with block.

    Static and class methods stay what they are; an inherited one is inherited again afterwards.
    """
    own = vars(owner).get(name)
    kind = type(own) if isinstance(own, (staticmethod, classmethod)) else None
    original = own.__func__ if kind else getattr(owner, name)
    new = functools.wraps(original)(make(original))
    setattr(owner, name, kind(new) if kind else new)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


@contextmanager
def all_of(*plants: AbstractContextManager[None]) -> Iterator[None]:
    """Several changes that are one fault."""
    with ExitStack() as stack:
        for plant in plants:
            stack.enter_context(plant)
        yield


def then(change: Callable[..., Any]) -> Callable[[Wrapper], Wrapper]:
    """Run ``change`` on the first argument after the original; its result is the original's."""

    def make(original: Wrapper) -> Wrapper:
        def both(subject: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(subject, *args, **kwargs)
            change(subject)
            return result

        return both

    return make


def passed_through(change: Callable[[Any], Any]) -> Callable[[Wrapper], Wrapper]:
    """Return ``change(result)`` instead of the original's result."""

    def make(original: Wrapper) -> Wrapper:
        return lambda *args, **kwargs: change(original(*args, **kwargs))

    return make


def called(owner: Any, name: str, change: Callable[[dict[str, Any]], object]) -> Plant:
    """Plant another call of a function: its keyword arguments are changed."""

    def make(original: Wrapper) -> Wrapper:
        def call(*args: Any, **kwargs: Any) -> Any:
            change(kwargs)
            return original(*args, **kwargs)

        return call

    return lambda: replaced(owner, name, make)


def given_back(owner: Any, name: str, change: Callable[[Any], Any]) -> Plant:
    """Plant another answer of a function."""
    return lambda: replaced(owner, name, passed_through(change))


def skipped(owner: Any, name: str) -> Plant:
    """Plant a function that does nothing."""
    return lambda: replaced(owner, name, lambda _: lambda *_args, **_kwargs: None)


def no_context(owner: Any, name: str) -> Plant:
    """Plant a context that changes nothing."""
    return lambda: replaced(owner, name, lambda _: lambda *_args, **_kwargs: nullcontext())


def after_wrapping(change: Callable[[Any], None]) -> AbstractContextManager[None]:
    """Do something to the wrapped model, as the last act of ``get_peft_model``."""
    from peft import PeftModel  # each task's own class calls this one's

    return replaced(PeftModel, "__init__", then(change))


def after_taking_off(
    change: Callable[[Any], Any], *, merging: bool
) -> AbstractContextManager[None]:
    """Do something to the plain model that merging, or unloading, hands back."""
    from peft.tuners.tuners_utils import BaseTuner

    def make(original: Wrapper) -> Wrapper:
        def off(self: Any, *args: Any, merge: bool = True, **kwargs: Any) -> Any:
            model = original(self, *args, merge=merge, **kwargs)
            if merge == merging:
                change(model)
            return model

        return off

    return replaced(BaseTuner, "_unload_and_optionally_merge", make)


def after_loading_adapter(change: Callable[[Any], Any]) -> AbstractContextManager[None]:
    """Do something to the wrapped model that ``PeftModel.from_pretrained`` hands back."""
    from peft import PeftModel

    def make(original: Wrapper) -> Wrapper:
        def from_pretrained(*args: Any, **kwargs: Any) -> Any:
            model = original(*args, **kwargs)
            change(model)
            return model

        return from_pretrained

    return replaced(PeftModel, "from_pretrained", make)


@contextmanager
def saving_merged(change: Callable[[dict[str, Any], Any], Any]) -> Iterator[None]:
    """Change the tensors of a checkpoint on their way to the file, for merged models alone.

    ``change`` gets the state dict and the model. Plain models are saved as ever: otherwise the
    bases of the lives would be wrong, and not what becomes of them.
    """
    from transformers import modeling_utils

    merged: weakref.WeakSet[Any] = weakref.WeakSet()

    def make(original: Wrapper) -> Wrapper:
        def without_ties(state_dict: dict[str, Any], model: Any) -> dict[str, Any]:
            kept: dict[str, Any] = dict(original(state_dict, model))
            if model in merged:
                change(kept, model)
            return kept

        return without_ties

    with (
        after_taking_off(merged.add, merging=True),
        replaced(modeling_utils, "remove_tied_weights_from_state_dict", make),
    ):
        yield


def untie(model: Any) -> None:
    """Give the head a copy of its weight."""
    import torch

    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone(), requires_grad=False)


def is_half(tensor: Any) -> bool:
    """Whether the tensor has one of the two half precisions."""
    import torch

    return tensor.dtype in (torch.float16, torch.bfloat16)


def swap_first_two(tensors: dict[str, Any], part: str) -> None:
    """Exchange the values of the first two keys that name ``part`` and have one shape."""
    met: dict[Any, str] = {}
    for key in sorted(tensors):
        if part not in key:
            continue
        other = met.setdefault(tensors[key].shape, key)
        if other != key:
            tensors[key], tensors[other] = tensors[other], tensors[key]
            return
