"""Functions that scripts are made of: read as text, one by one, and never imported.

A script gets those its other lines call, so each must be short, and clear to a reader who knows
nothing of this suite. The constants are stand-ins, and so is ``logits``: each script has its own.
"""
# ruff: noqa: T201, SLF001  scripts print; vectors have one dimension; hooks are private

from __future__ import annotations

import copy
import hashlib
import logging
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

INPUTS = {"input_ids": torch.tensor([[0]])}
EPS = torch.finfo(torch.float32).eps
ROUNDINGS, NUDGES, TURNS = 1.0, 1.0, "123"
SEED = 0
MEMBERS = ("embedding.weight", "head.weight")
DELTA_ROUNDINGS = 10
ADAPTER_PAIRS = [("embedding", "head", True)]
BROKEN: list[str] = []


def check(what: str, kept: bool, found: object = "") -> None:  # noqa: FBT001
    """Print one comparison, and remember it if it is broken."""
    print("ok    " if kept else "BROKEN", f"{what}: {found}" if found else what)
    if not kept:
        BROKEN.append(what)


def values(name: str, shape: torch.Size) -> torch.Tensor:
    """Normal values that depend on nothing but the name."""
    digest = hashlib.sha256(f"{SEED}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return torch.randn(shape, generator=generator)


def logits(model: torch.nn.Module) -> torch.Tensor:
    """Stands for each script's own."""
    raise NotImplementedError


def reached(model: Any) -> set[int]:
    """Where in memory lies what a gradient reaches: no training moves anything else."""
    every = [one for one in model.parameters() if one.requires_grad]
    given = {name: tensor.to(every[0].device) for name, tensor in INPUTS.items()}
    size = model.eval()(**given)[0].square().mean()
    if not size.requires_grad:
        return set()
    grads = torch.autograd.grad(size, every, allow_unused=True)
    return {e.untyped_storage().data_ptr() for e, g in zip(every, grads) if g is not None}  # noqa: B905


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest absolute difference; infinite between different shapes."""
    if one.shape != other.shape:
        return float("inf")
    return float((one.double() - other.double()).abs().max())


def rounding(model: torch.nn.Module) -> float:
    """How much rounding may change the logits: by count, or by moving each weight by one eps."""
    found, kept, moved = logits(model), copy.deepcopy(model.state_dict()), []
    for turn in TURNS:
        for name, parameter in model.named_parameters():
            step = torch.finfo(parameter.dtype).eps * values(turn + name, parameter.shape).sign()
            parameter.data.copy_(parameter.double() * (1 + step.to(parameter.device)))
        moved.append(distance(found, logits(model)))
        model.load_state_dict(kept)
    nudged = math.sqrt(sum(one**2 for one in moved) / len(TURNS))
    return max(ROUNDINGS * EPS * float(found.abs().max()), NUDGES * nudged)


def check_logits(what: str, one: torch.Tensor, other: torch.Tensor, allowed: float) -> None:
    """Compare two sets of logits, no more apart than rounding explains."""
    moved = distance(one, other)
    check(what, moved <= allowed, f"they differ by {moved:.3g}, rounding explains {allowed:.3g}")


def plain_name(name: str) -> str:
    """The name a module or parameter of the wrapped model has in the base."""
    hidden = r"(\.token_adapter)?\.(base_layer|original_module)(?=\.|$)"
    return re.sub(hidden, "", name.removeprefix("base_model.model."))


def parameters(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter by its plain name, shared ones under each of their names."""
    found = model.named_parameters(remove_duplicate=False)
    return {plain_name(name): parameter.detach() for name, parameter in found}


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Copies of all parameters, by plain name."""
    return {name: tensor.cpu().clone() for name, tensor in parameters(model).items()}


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors agree in dtype and in every bit."""
    return one.dtype == other.dtype and torch.equal(one, other)


def check_weights(what: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Compare weights bit for bit."""
    gone = [name for name in before if name not in after]
    check(f"{what}: none is gone", not gone, ", ".join(gone[:4]))
    changed = [n for n in before if n in after and not same(before[n], after[n])]
    worst = max((distance(before[name], after[name]) for name in changed), default=0.0)
    found = f"{', '.join(changed[:4])} by up to {worst:.3g}" if changed else ""
    check(f"{what}: none has changed", not changed, found)


def buffers(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Copies of all buffers."""
    return {name: buffer.cpu().clone() for name, buffer in model.named_buffers()}


def check_close_weights(
    what: str, before: dict[str, Any], after: dict[str, Any], *via: dict[str, Any], cycles: int = 1
) -> None:
    """Compare weights that were reached by adding a delta in two ways, ``cycles`` times over."""
    for name, weight in before.items():
        if name not in after:
            check(f"{what}: {name} is there", kept=False)
            continue
        moved = distance(weight, after[name])
        sizes = sum(float(found[name].abs().max()) for found in (before, after, *via))
        allowed = cycles * DELTA_ROUNDINGS * EPS / 2 * sizes
        if not moved <= allowed:
            found = f"differs by {moved:.3g}, rounding explains {allowed:.3g}"
            check(f"{what}: {name}", kept=False, found=found)
    check(f"{what}: {len(before)} weights compared", kept=True)


def shared(model: torch.nn.Module) -> set[frozenset[str]]:
    """Groups of names whose parameters lie in one storage."""
    groups = defaultdict(set)
    for name, tensor in parameters(model).items():
        groups[tensor.untyped_storage().data_ptr()].add(name)
    return {frozenset(names) for names in groups.values() if len(names) > 1}


def are_one(model: torch.nn.Module, *names: str) -> bool:
    """Whether the named parameters lie in one storage."""
    found = parameters(model)
    places = {found[n].untyped_storage().data_ptr() if n in found else n for n in names}
    return len(places) == 1


def idle(model: Any, adapter: dict[str, str]) -> set[str]:
    """Modules that no forward pass calls, of those that own the named parts of an adapter."""
    called = set()
    for name, module in model.named_modules():
        if type(module).__module__.startswith("peft."):
            plain = plain_name(name)
            module.register_forward_pre_hook(lambda *_, plain=plain: called.add(plain))
    logits(model)
    found = set(adapter.values()) - called
    for group in shared(model):  # what is one with a called module's takes part with it
        owners = {adapter[name] for name in group if name in adapter}
        if owners & called:
            found -= owners
    return found


def check_flags(stage: str, model: Any) -> None:
    """Compare every tie flag of the model's config with its weights."""
    tied = are_one(model, MEMBERS[0], MEMBERS[-1])
    for path, flag in flags(model.config.to_dict()).items():
        state = "one tensor" if tied else "two tensors"
        check(f"{stage}: {path}={flag}", bool(flag) == tied, f"the weights are {state}")


def check_tie(stage: str, model: torch.nn.Module) -> None:
    """All that is tied must be one tensor."""
    check(f"{stage}: {' and '.join(MEMBERS)} are one tensor", are_one(model, *MEMBERS))


def check_untied(stage: str, model: torch.nn.Module) -> None:
    """Embedding and head must be two tensors."""
    names = (MEMBERS[0], MEMBERS[-1])
    check(f"{stage}: {' and '.join(names)} are two tensors", not are_one(model, *names))


def check_tied_adapters(stage: str, model: torch.nn.Module) -> None:
    """The adapters of embedding and head must be one, here transposed where they are LoRA's."""
    found = parameters(model)
    for one, other, turned in ADAPTER_PAIRS:
        what = f"{stage}: {one} and {other} are one tensor"
        if one not in found or other not in found:
            check(what, kept=False, found="they are not both there")
            continue
        expected = found[one].T if turned else found[one]
        apart = f"they differ by {distance(expected, found[other]):.3g}"
        check(what, are_one(model, one, other) and same(expected, found[other]), apart)


def check_dtypes(stage: str, base: torch.nn.Module, model: torch.nn.Module) -> None:
    """Every parameter must have the dtype it has in the base."""
    found = parameters(model)
    changed = {
        name: f"{tensor.dtype} became {found[name].dtype}"
        for name, tensor in parameters(base).items()
        if name in found and found[name].dtype != tensor.dtype
    }
    check(f"{stage}: dtypes are as in the base", not changed, changed)


def check_devices(stage: str, base: torch.nn.Module, model: torch.nn.Module) -> None:
    """Every tensor must be on the device of the base."""
    home = next(base.parameters()).device
    tensors = [*model.named_parameters(), *model.named_buffers()]
    away = [f"{name} is on {tensor.device}" for name, tensor in tensors if tensor.device != home]
    check(f"{stage}: every tensor is on {home}", not away, ", ".join(away))


def trainable(model: torch.nn.Module) -> set[str]:
    """Plain names of what requires a gradient."""
    found = model.named_parameters(remove_duplicate=False)
    return {plain_name(name) for name, parameter in found if parameter.requires_grad}


def kinds(model: torch.nn.Module) -> dict[str, str]:
    """The class of each module, by plain name; of a wrapped one, the wrapper's."""
    found: dict[str, str] = {}
    for name, module in model.named_modules():
        found.setdefault(plain_name(name), type(module).__name__)
    return found


def flags(config: dict[str, Any], path: str = "") -> dict[str, bool | None]:
    """Every tie_word_embeddings of a config, those of nested configs that have a vocabulary too."""
    found: dict[str, bool | None] = {}
    for key, value in config.items():
        if key == "tie_word_embeddings":
            if not path or "vocab_size" in config:
                found[path + key] = value
        elif isinstance(value, dict):
            found |= flags(value, f"{path}{key}.")
    return found


def tensors_in(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a checkpoint, by key."""
    files = sorted(folder.glob("*.safetensors"))
    return {key: tensor for file in files for key, tensor in load_file(file).items()}


def digests(folder: Path) -> dict[str, str]:
    """A digest of every file."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files}


@contextmanager
def logged() -> Iterator[list[str]]:
    """The lines that transformers logs as warnings."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.extend(record.getMessage().splitlines())  # type: ignore[method-assign]
    logging.getLogger("transformers").addHandler(handler)
    yield lines
    logging.getLogger("transformers").removeHandler(handler)


def traces(model: torch.nn.Module) -> list[str]:
    """What PEFT has left on a model it was taken off from."""
    found = []
    for name, module in model.named_modules():
        if type(module).__module__.startswith("peft."):
            found.append(f"{name} is a {type(module).__name__}")
        if "peft_config" in vars(module) or vars(module).get("_hf_peft_config_loaded"):
            found.append(f"{name or 'the model'} keeps a PEFT config")
        kinds = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        hooks = [hook for kind in kinds for hook in kind.values()]
        # transformers has its own, to capture hidden states
        if any(not hook.__module__.startswith("transformers.") for hook in hooks):
            found.append(f"{name or 'the model'} keeps a hook")
    return [*found, "the model is in training mode"] if model.training else found


def without_flags(value: Any) -> Any:
    """A config without its tie flags, nested configs included."""
    if not isinstance(value, dict):
        return value
    return {k: without_flags(v) for k, v in value.items() if k != "tie_word_embeddings"}


def check_settings(stage: str, base: Any, model: Any) -> None:
    """Whatever the configs say, tie flags aside, must be as in the base."""
    for kind in ("config", "generation_config"):
        found = [getattr(one, kind, None) for one in (base, model)]
        was, now = (without_flags(config.to_dict()) if config else {} for config in found)
        for key in sorted({*was, *now} - {"_name_or_path"}):
            one, other = was.get(key), now.get(key)
            if key != "_from_model_config" and repr(one) != repr(other):
                check(f"{stage}: {kind}.{key}", kept=False, found=f"it was {one} and is {other}")


def about_the_tie(heard: list[Any]) -> list[str]:
    """Those of the warnings that speak of weight tying."""
    texts = {str(warning.message): None for warning in heard}
    return [text for text in texts if re.search(r"\btie|weight.tying", text, re.IGNORECASE)]


@contextmanager
def completes(name: str) -> Iterator[None]:
    """Report how this part of the life ended, and go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  any error ends a life
        check(f"{name} completes", kept=False, found=f"{type(error).__name__}: {error}")
    else:
        check(f"{name} completes", kept=True)
