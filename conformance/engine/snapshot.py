"""Snapshots: reading the facts off a live model."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Saved, Snapshot
from conformance.upstream.names import PREFIX, adapter_part, is_wrapper, plain_name, traces

if TYPE_CHECKING:
    import torch
    from torch import nn


def logits(model: Any, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Logits of ``model`` in eval mode as a CPU tensor, (batch, length, vocabulary).

    Of a model without a head, its last hidden states, (batch, length, width).

    Taken with every parameter frozen: torch's CPU convolution picks another kernel for a weight
    that requires a gradient, even under ``no_grad`` (measured on torch 2.13), and a reload would
    then differ in the last bit for a reason that is not ours.
    """
    import torch

    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in trainable:
            parameter.requires_grad_(requires_grad=False)
        with torch.no_grad():
            found = _output(model, inputs)
    finally:
        for parameter in trainable:
            parameter.requires_grad_(requires_grad=True)
    return _copy(found)


def _output(
    model: Any, inputs: Mapping[str, torch.Tensor], *, training: bool = False
) -> torch.Tensor:
    """Logits of ``model`` in eval mode; of one without a head, its last hidden states."""
    import torch

    model.train(training)
    device, dtype = next((p.device, p.dtype) for p in model.parameters())
    if device.type == "meta":  # what lies on the disk is brought to the CPU when it is called
        device = torch.device("cpu")
    given = {
        # features and pictures come in the precision of the model, as a processor hands them over
        name: tensor.to(device, dtype if tensor.is_floating_point() else None)
        for name, tensor in inputs.items()
    }
    out = model(**given)
    found: torch.Tensor = out.logits if "logits" in out else out.last_hidden_state
    return found


def reached(
    model: Any, inputs: Mapping[str, torch.Tensor], *, training: bool = False
) -> frozenset[str]:
    """Names of the trainable parameters that a gradient reaches from what ``model`` computes.

    Whatever loss is made of its output, no step moves the others: they keep PEFT's initial values.
    What counts is whether there is a gradient, not its size: at first lora_B is zero, and so is
    that of lora_A. Taken in eval mode, in which no layer is dropped and nothing counts its calls,
    but for adapters that have parts for ``training``; of tensors that are one, all are reached if
    one is.
    """
    import torch

    every = dict(model.named_parameters(remove_duplicate=False))
    trainable = {name: one for name, one in every.items() if one.requires_grad}
    with torch.enable_grad():
        size = _output(model, inputs, training=training).square().mean()
        if not size.requires_grad:
            return frozenset()
        found = torch.autograd.grad(size, [*trainable.values()], allow_unused=True)
    place = {name: one.untyped_storage().data_ptr() for name, one in trainable.items()}
    met = {place[name] for name, one in zip(trainable, found, strict=True) if one is not None}
    return frozenset(name for name in trainable if place[name] in met)


@contextmanager
def calls(model: nn.Module, also: Collection[str] = ()) -> Iterator[set[str]]:
    """Plain names of the wrapped modules, and of bare ones ``also``, called in this context."""
    met: set[str] = set()
    listened = [(name, model.get_submodule(PREFIX + name)) for name in also]
    listened += [(plain_name(n), one) for n, one in model.named_modules() if is_wrapper(one)]

    def calling(name: str) -> Callable[[nn.Module, object], None]:
        return lambda _module, _given: met.add(name)

    hooks = [module.register_forward_pre_hook(calling(name)) for name, module in listened]
    try:
        yield met
    finally:
        for hook in hooks:
            hook.remove()


def snapshot(model: Any, inputs: Mapping[str, torch.Tensor] | None) -> Snapshot:
    """All facts of one stage; no logits where ``inputs`` is None."""
    left = traces(model)  # before a forward pass puts the model in eval mode
    config = model.config.to_dict()
    parameters: dict[str, torch.Tensor] = {}
    buffers: dict[str, torch.Tensor] = {}
    modules: dict[str, str] = {}
    met: set[nn.Module] = set()
    for where, module in model.named_modules(remove_duplicate=False):  # one walk: it is slow
        dot = f"{where}." if where else ""
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            parameters[canonical(dot + name)] = parameter
        for name, buffer in module.named_buffers(recurse=False, remove_duplicate=False):
            buffers[canonical(dot + name)] = buffer
        if module not in met and not _inside(where, model):
            modules[plain_name(where)] = _class(module)
        met.add(module)
    return Snapshot(
        weights={name: _copy(parameter) for name, parameter in parameters.items()},
        buffers={name: _copy(buffer) for name, buffer in buffers.items()},
        logits=None if inputs is None else _numbers(model, inputs, parameters.values()),
        shares=shares(parameters),
        flags=flags(config),
        modules=modules,
        trainable=frozenset(n for n, p in parameters.items() if p.requires_grad),
        devices={name: p.device.type for name, p in {**parameters, **buffers}.items()},
        traces=left,
        settings=settings(config, model),
    )


def _numbers(
    model: Any, inputs: Mapping[str, torch.Tensor], parameters: Iterable[torch.Tensor]
) -> torch.Tensor:
    """Logits; no numbers where one of its parameters was left on the meta device.

    torch computes on with whatever lies in memory.
    """
    found = logits(model, inputs)
    return found.fill_(float("nan")) if any(one.is_meta for one in parameters) else found


def canonical(name: str) -> str:
    """The name that an observation has for a parameter: ``module part`` of an adapter's."""
    part = adapter_part(name)
    return plain_name(name) if part is None else " ".join(part)


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU; what was left on the meta device has no values, and is no number."""
    import torch

    if tensor.is_meta:
        nothing = float("nan") if tensor.is_floating_point() else 0
        return torch.full_like(tensor, nothing, device="cpu")
    return tensor.detach().to("cpu", copy=True)


def _class(module: nn.Module) -> str:
    kind = type(module)
    return f"{kind.__module__.split('.')[0]}.{kind.__name__}"


def _inside(name: str, model: nn.Module) -> bool:
    """Whether a wrapper stands at the same plain name, hiding this module."""
    if name.removeprefix(PREFIX) == plain_name(name):
        return False  # no wrapper's part in it
    parent = name.rpartition(".")[0]
    while parent:
        if plain_name(parent) == plain_name(name) and is_wrapper(model.get_submodule(parent)):
            return True
        parent = parent.rpartition(".")[0]
    return False


def shares(tensors: Mapping[str, torch.Tensor]) -> frozenset[frozenset[str]]:
    """Groups of two and more names whose tensors lie in one storage."""
    groups = defaultdict(set)
    for name, tensor in tensors.items():
        if tensor.numel() and tensor.device.type != "meta":
            groups[tensor.device.type, tensor.untyped_storage().data_ptr()].add(name)
    return frozenset(frozenset(names) for names in groups.values() if len(names) > 1)


def flags(config: Mapping[str, Any], path: str = "") -> dict[str, bool | None]:
    """Every ``tie_word_embeddings`` of a config, by dotted path, nested configs included.

    That of a part without a vocabulary, as a vision tower's in transformers 4, decides nothing.
    """
    found: dict[str, bool | None] = {}
    for key, value in config.items():
        where = f"{path}.{key}" if path else key
        if key == "tie_word_embeddings":
            if not path or "vocab_size" in config:
                found[where] = value
        elif isinstance(value, Mapping):
            found |= flags(value, where)
    return found


def without_flags(value: Any) -> Any:
    """A config, or what it holds, without the flags of ties, which ``flags`` has."""
    if not isinstance(value, Mapping):
        return value
    return {k: without_flags(v) for k, v in value.items() if k != "tie_word_embeddings"}


def settings(config: Mapping[str, Any], model: Any) -> dict[str, str]:
    """Every setting but the flags of ties, as text; names of folders left out."""
    generation = getattr(model, "generation_config", None)
    configs = {"config": config}
    if generation is not None:
        configs["generation_config"] = generation.to_dict()
    found = {
        f"{name}.{key}": value
        for name, one in configs.items()
        for key, value in without_flags(one).items()
    }
    skipped = ("_name_or_path", "_from_model_config")
    return {key: repr(value) for key, value in found.items() if not key.endswith(skipped)}


def saved(folder: Path, *, config_name: str = "config.json") -> Saved:
    """What lies in ``folder``: every tensor of its files, its config, its digests.

    PEFT up to 0.6 writes adapters as ``.bin``; they are read as tensors alone, never unpickled.
    """
    import torch
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(file)
    for file in sorted(folder.glob("*.bin")):
        tensors |= torch.load(file, map_location="cpu", weights_only=True)
    config = json.loads((folder / config_name).read_text())
    digests = {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    return Saved(tensors=tensors, config=config, digests=digests, flags=flags(config))
