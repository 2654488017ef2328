"""Training: values filled from names where a gradient can put them, and real optimizer steps."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.core.magnitudes import DELTA, DELTA_OF_EMBEDDING, SIZES, WIDE
from conformance.upstream.names import adapter_part
from tiny_models.families import FAMILIES
from tiny_models.values import named_values

if TYPE_CHECKING:
    import torch

    from conformance.core.case import Case

STEPS = 2


def distinct(model: Any, names: Container[str]) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """Every parameter of these names; of tensors that are one, the first."""
    done: set[int] = set()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        where = parameter.untyped_storage().data_ptr()
        if name in names and where not in done:
            done.add(where)
            yield name, parameter


def trained_values(model: Any, case: Case, names: Container[str]) -> None:
    """Give every parameter of these names a value from its own; tensors that are one get one."""
    import torch

    with torch.no_grad():
        for name, parameter in distinct(model, names):
            part = adapter_part(name)
            parameter.copy_(value(name, part[1] if part else "bias", parameter, case))


def value(name: str, part: str, parameter: torch.Tensor, case: Case) -> torch.Tensor:
    """What training could have made of a part of an adapter, from a name and the part's kind."""
    kind = part.split(maxsplit=1)[0]
    noise = named_values(case.seed, name, tuple(parameter.shape))
    noise = noise.to(parameter.device, parameter.dtype)
    if kind == "lora_magnitude_vector":
        return parameter * (1 + SIZES[kind] * noise.tanh())
    if kind in SIZES:
        return parameter + SIZES[kind] * noise
    # Entries of B A have the standard deviation sqrt(rank) a b, those of the base 1 / sqrt(width):
    # the factor that knows the width takes it. A delta of one size for every width would sharpen
    # the attention of wide models of low rank, and rounding would say more than the adapter.
    delta = DELTA_OF_EMBEDDING[case.dtype] if kind.startswith("lora_embedding") else DELTA
    width = WIDE.get(kind)
    size = math.sqrt(delta / (case.scaling * math.sqrt(case.rank)))
    return noise * (size if width is None else size / math.sqrt(parameter.shape[width]))


def steps(model: Any, inputs: Mapping[str, torch.Tensor], case: Case, count: int = STEPS) -> None:
    """A few optimizer steps on the loss of the model's own task, as a trainer does them.

    One parameter after the other, which is torch's choice on the CPU. Its choice on CUDA steps all
    in one kernel: what becomes of two Parameters over one storage, as PEFT makes them of a tied
    adapter, is then another thing each time (known failure ``ensured-lora-is-held-twice``).
    """
    import torch

    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        return  # a tuner may stand on nothing
    device = trainable[0].device
    batch = {name: tensor.to(device) for name, tensor in inputs.items()}
    optimizer: torch.optim.Optimizer
    if case.training == "sgd":
        optimizer = torch.optim.SGD(trainable, lr=0.1, foreach=False)
    else:
        optimizer = torch.optim.AdamW(trainable, lr=0.02, foreach=False)
    model.train()
    for _ in range(count):
        optimizer.zero_grad()
        loss = _loss(model, batch, case)
        if not loss.requires_grad:
            break  # no gradient reaches anything: there is no step to take
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    model.zero_grad()
    model.eval()


def _loss(model: Any, batch: Mapping[str, torch.Tensor], case: Case) -> torch.Tensor:
    """What the model computes from labels; of one without a head, the size of its output."""
    loss: torch.Tensor
    if FAMILIES[case.family].head:
        labels = batch["decoder_input_ids" if "decoder_input_ids" in batch else "input_ids"]
        loss = model(**batch, labels=labels).loss
    else:
        loss = model(**batch).last_hidden_state.square().mean()
    return loss
