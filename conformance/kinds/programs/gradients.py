"""Training, and the gradients that the definition of an adapter gives by the chain rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from conformance.core.bits import same_bits
from conformance.core.tolerances import SUMMED_IN_THEMSELVES
from conformance.kinds.programs.observation import Trained
from conformance.kinds.programs.reference import MAGNITUDE
from conformance.kinds.programs.state import Key, State

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from conformance.kinds.programs.model import Live
    from conformance.kinds.programs.reference import Reference

RATES = {"sgd": 0.1, "adamw": 0.02}


def train(live: Live, state: State, optimizer: str, count: int) -> dict[str, Any]:
    """Optimizer steps on next-token loss, as ``training.steps``; what was seen on the way."""
    import torch

    model, parts = live.model, live.parts()
    every = dict(model.named_parameters(remove_duplicate=False))
    before = {name: one.detach().clone() for name, one in every.items()}
    trainable = [one for one in model.parameters() if one.requires_grad]
    batch = {name: one.to(live.device) for name, one in live.inputs.items()}
    made: torch.optim.Optimizer
    if optimizer == "sgd":
        made = torch.optim.SGD(trainable, lr=RATES[optimizer], foreach=False)
    else:
        made = torch.optim.AdamW(trainable, lr=RATES[optimizer], foreach=False)
    model.train()
    gradients: dict[Key, Tensor] = {}
    for number in range(count):
        made.zero_grad()
        model(**batch, labels=batch["input_ids"]).loss.backward()
        if number == 0:
            gradients = {
                key: one.grad.detach().clone() for key, one in parts.items() if one.grad is not None
            }
        made.step()
    model.zero_grad()
    model.eval()
    held = [one for group in made.param_groups for one in group["params"]]
    where = [one.untyped_storage().data_ptr() for one in held]
    kept = {name for name, one in every.items() if same_bits(before[name], one.detach())}
    return {
        "gradients": gradients if state.dtype in SUMMED_IN_THEMSELVES else {},
        "changed": frozenset(n for n, one in every.items() if not one.requires_grad) - kept,
        "still": frozenset(n for n, one in every.items() if one.requires_grad) & kept,
        "twice": frozenset(
            " ".join(key)
            for key, one in parts.items()
            if where.count(one.untyped_storage().data_ptr()) > 1
        ),
    }


def defined(
    plain: Any, weights: Mapping[str, Tensor], live: Live, state: State, reference: Reference
) -> dict[Key, Tensor]:
    """The gradient of each part of each active adapter, by the chain rule from a plain model.

    ``plain`` is untied and gets ``weights``. Where embedding and head are promised one adapter,
    both uses count.
    """
    import torch

    named = dict(plain.named_parameters(remove_duplicate=False))
    with torch.no_grad():
        for name, one in named.items():
            one.copy_(weights[name])
    for one in named.values():
        one.requires_grad_(requires_grad=True)
        one.grad = None
    embedding = plain.get_submodule(live.roles["embedding"][0])
    pad, embedding.padding_idx = embedding.padding_idx, None
    plain.train()
    batch = {name: one.to(live.device) for name, one in live.inputs.items()}
    plain(**batch, labels=batch["input_ids"]).loss.backward()
    plain.eval()
    embedding.padding_idx = pad
    first = live.roles["embedding"][0]
    found = {
        (name, module, part): _chain(
            reference,
            name,
            (module, part),
            named,
            state.active,
            pad=pad if module == first else None,
        )
        for name in state.active
        for module, part in reference.adapters[name]
    }
    ends = {first, live.roles["head"][0]}
    for one in state.named(*state.active):
        if one.one:
            shared = {k: v for k, v in found.items() if k[0] == one.name and k[1] in ends}
            found |= {key: _summed(key, shared) for key in shared}
    return found


def _summed(key: Key, shared: Mapping[Key, Tensor]) -> Tensor:
    """The gradient of a part that embedding and head share: both uses' together."""
    total = shared[key]
    for other, more in shared.items():
        if other != key and {key[2], other[2]} in PAIRS:
            total = total + (more.T if key[2] != other[2] else more)
    return total


# LoRA's A on a head is its B on an embedding, turned round.
PAIRS = (
    {"lora_A", "lora_embedding_B"},
    {"lora_B", "lora_embedding_A"},
    {"saved weight"},
    {"trainable_tokens_delta"},
)


def _chain(
    reference: Reference,
    name: str,
    where: tuple[str, str],
    named: Mapping[str, Any],
    active: tuple[str, ...],
    *,
    pad: int | None,
) -> Tensor:
    """``pad`` is the row of an embedding that torch gives no gradient, or None."""
    module, part = where
    parts = reference.adapters[name]
    kept = part.removeprefix("saved ") if part.startswith("saved ") else "weight"
    grad: Tensor = named[f"{module}.{kept}"].grad.double().cpu().clone()
    if pad is not None and part not in ("lora_embedding_B", MAGNITUDE):  # which are no row's own
        grad[pad] = 0
    if part.startswith("saved "):
        return grad
    if part == "trainable_tokens_delta":
        return grad[list(reference.rows[name])]
    grad = reference.as_kept(name, module, grad)
    matrix = reference.as_kept(name, module, reference.base[f"{module}.weight"])
    others = [one for one in active if module in reference.deltas(one)]
    for one in others[: others.index(name)]:
        matrix = reference.scaled(one, module, matrix)
    for one in others[others.index(name) + 1 :]:
        grad = reference.factor(one, module) * grad
    factor = reference.factor(name, module)
    if part == MAGNITUDE:  # the norm counts as a constant, as section 4.3 of the paper has it
        scaled = reference.scaled(name, module, matrix)
        total: Tensor = (grad * scaled).sum(dim=1) / parts[module, part].flatten()
        return total.reshape(parts[module, part].shape)
    grad, kind = factor * grad, part[:-1]
    by = reference.scaling[name]
    if part.endswith("A"):
        return by * parts[module, f"{kind}B"].T @ grad
    return by * grad @ parts[module, f"{kind}A"].T


def seen(
    facts: Mapping[str, Any],
    expected: Mapping[Key, Tensor],
    nudged: tuple[Mapping[Key, Tensor], ...],
) -> Trained:
    """The facts of training, its gradients beside those defined."""
    import torch

    gradients = {
        key: (
            facts["gradients"].get(key, torch.zeros_like(one)).cpu(),
            one.cpu(),
            tuple(other[key].cpu() for other in nudged),
        )
        for key, one in expected.items()
    }
    return Trained(**{**facts, "gradients": gradients})
