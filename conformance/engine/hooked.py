"""A plain model that computes something more: what an adapter adds to some of its modules.

For what no weights stand for, since it depends on the place of a token, on a draw or on a router:
the outputs of single modules are changed while the model runs, in a few lines of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

    from conformance.core.observation import Snapshot

Added = Callable[["Tensor"], "Tensor"]
"""From what goes into a module to what is added to that which comes out of it."""


@contextmanager
def adding(plain: nn.Module, added: Mapping[str, Added]) -> Iterator[None]:
    """Let each of these modules give what it gives and what is added to it."""

    def hook(more: Added) -> Callable[[nn.Module, Any, Tensor], Tensor]:
        return lambda _module, given, out: out + more(given[0])

    hooks = [
        plain.get_submodule(name).register_forward_hook(hook(one)) for name, one in added.items()
    ]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()


def factors(trained: Snapshot) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B of every linear module that LoRA stands on."""
    return {
        name.removesuffix(" lora_A"): (tensor, trained.weights[name.removesuffix("A") + "B"])
        for name, tensor in trained.weights.items()
        if name.endswith(" lora_A")
    }


def from_token(x: Tensor, starts: list[int | None]) -> Tensor:
    """One for each token from the one its row starts at, zero before; ``None`` starts nowhere."""
    import torch

    places = torch.arange(x.shape[1])
    rows = [places >= (x.shape[1] if start is None else start) for start in starts]
    return torch.stack(rows)[..., None].to(x)


def regrouped(x: Tensor, groups: int, scale: float) -> Tensor:
    """What VeLoRA keeps of an activation for the way back, arXiv:2405.17991.

    Of each group of features, its projection on the mean group of the batch, of length one.
    """
    parts = x.reshape(-1, groups, x.shape[-1] // groups)
    mean = parts.mean(dim=(0, 1))
    mean = mean / mean.norm()
    kept: Tensor = (parts @ mean)[..., None] * mean * scale
    return kept.reshape(x.shape)


def nearest(x: Tensor, experts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """What Arrow adds with one expert a token, arXiv:2405.11157.

    That is the B A whose first right singular vector is most along the token, whatever its sign.
    """
    import torch

    deltas = [second @ first for first, second in experts]
    along = [(x @ torch.linalg.svd(delta.double())[2][0].to(x)).abs() for delta in deltas]
    chosen = torch.stack(along).argmax(dim=0)
    found = torch.zeros_like(x @ deltas[0].T)
    for number, delta in enumerate(deltas):
        found = found + (chosen == number)[..., None] * (x @ delta.T)
    return found
