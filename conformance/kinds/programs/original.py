"""A model that a copy was made of: what it was then, and what is otherwise now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.bits import same_bits

if TYPE_CHECKING:
    from torch import Tensor

    from conformance.kinds.programs.observation import Compared


class Original:
    """The model that was left, with its tensors and its logits as they were."""

    def __init__(self, number: int, model: Any, seen: Compared) -> None:
        self.number, self.model, self.seen = number, model, seen
        self._were = {name: one.detach().clone() for name, one in tensors(model).items()}
        self._trained = _trainable(model)

    def shared(self, other: Any) -> frozenset[str]:
        """The names of the other model whose tensors lie where one of the original does."""
        mine = {_place(one) for one in tensors(self.model).values()}
        return frozenset(
            n for n, one in tensors(other).items() if one.numel() and _place(one) in mine
        )

    def changed(self) -> frozenset[str]:
        """The names of what has other bits now, is gone or new, or trains otherwise."""
        now = tensors(self.model)
        same = {
            name
            for name, one in now.items()
            if name in self._were and same_bits(self._were[name], one.detach())
        }
        others = frozenset(now) | frozenset(self._were)
        return (others - same) | (self._trained ^ _trainable(self.model))


def tensors(model: Any) -> dict[str, Tensor]:
    """All parameters and buffers, every name of a shared one."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _trainable(model: Any) -> frozenset[str]:
    named = model.named_parameters(remove_duplicate=False)
    return frozenset(name for name, one in named if one.requires_grad)
