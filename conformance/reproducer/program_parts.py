"""Functions that scripts of programs take over as they stand: a plain reference, and the checks.

They use names that a script imports or defines before them: those of PEFT, ``PLAIN`` and the
dictionaries of the reference.
"""

from __future__ import annotations

import copy
import re
import tempfile
from typing import Any

import torch
from safetensors.torch import save_file

from conformance.reproducer.parts import INPUTS, check, distance, logits, reached, values

BASE: dict[str, torch.Tensor] = {}
ADAPTERS: dict[str, dict[tuple[str, str], torch.Tensor]] = {}
SCALING: dict[str, float] = {}
ROWS: dict[str, list[int]] = {}
PLAIN: list[Any] = []
ORIGINALS: list[Any] = []
get_peft_model_state_dict: Any = None
inject_adapter_in_model: Any = None
set_adapter: Any = None
"""PEFT's, which scripts import."""
HEAD, EPS, ROUNDINGS, NUDGES = "lm_head", 0.0, 0.0, 0.0


def named(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Every parameter by the name it has without PEFT's prefix, both names of a tie."""
    every = model.named_parameters(remove_duplicate=False)
    return {name.removeprefix("base_model.model."): one for name, one in every}


def part(name: str) -> tuple[str, str, str] | None:
    """Adapter, module and part of an adapter's parameter; None for one of the base."""
    for pattern, kind in (
        (r"(.+?)\.(modules_to_save)\.([^.]+)\.(.+)", "saved"),
        (r"(.+?)(?:\.token_adapter)?\.(trainable_tokens_delta)\.([^.]+)()", "tokens"),
        (r"(.+?)\.(lora_A|lora_B|lora_embedding_A|lora_embedding_B)\.([^.]+)()(?:\.weight)?", ""),
        (r"(.+?)\.(lora_magnitude_vector)\.([^.]+)()\.weight", ""),
    ):
        match = re.fullmatch(pattern, name)
        if match:
            module = re.sub(
                r"(\.token_adapter)?\.(base_layer|original_module)(?=\.|$)", "", match[1]
            )
            return match[3], module, f"{kind} {match[4]}" if kind else match[2]
    return None


def parts(model: torch.nn.Module, adapter: str) -> dict[tuple[str, str], torch.nn.Parameter]:
    """The parameters of one adapter, by module and part."""
    found = {part(name): one for name, one in named(model).items()}
    return {key[1:]: one for key, one in found.items() if key and key[0] == adapter}


def taken(tensor: torch.Tensor) -> torch.Tensor:
    """A copy that nothing reaches which happens to the model."""
    return tensor.detach().to("cpu", torch.float64, copy=True)


def begin(model: Any) -> None:
    """Remember a plain model: its weights, and a copy whose head is its own."""
    plain = copy.deepcopy(model).cpu()
    head = plain.get_submodule(HEAD)
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    PLAIN[:] = [plain]
    if not BASE:
        BASE.update({name: taken(one) for name, one in named(model).items()})


def read(model: Any, adapter: str) -> None:
    """Take over an adapter's values."""
    ADAPTERS[adapter] = {key: taken(one) for key, one in parts(model, adapter).items()}


def give_values(model: Any, alone: Any, adapter: str, scaling: float, rows: list[int]) -> None:
    """Give a new adapter values from its name, as if it had been trained.

    What no gradient reaches where it is ``alone`` keeps its first values.
    """
    met, found = reached(alone), parts(alone, adapter)
    live = {key for key, one in found.items() if one.untyped_storage().data_ptr() in met}
    done = set()  # tensors that are one get one value
    for (module, kind), one in parts(model, adapter).items():
        place = one.untyped_storage().data_ptr()
        if (module, kind) in live and place not in done:
            done.add(place)
            noise = 0.3 * values(f"{adapter} {module} {kind}", one.shape).to(one)
            if kind == "lora_magnitude_vector":
                one.data.mul_(1 + noise.tanh())
            else:
                one.data.copy_(noise if kind.startswith("lora") else one.data + noise)
    SCALING[adapter], ROWS[adapter] = scaling, rows
    read(model, adapter)


def same_as(source: str, adapter: str) -> None:
    """An adapter under another name."""
    ADAPTERS[adapter] = dict(ADAPTERS[source])
    SCALING[adapter], ROWS[adapter] = SCALING[source], ROWS[source]


def effective(adapters: list[str]) -> dict[str, torch.Tensor]:
    """The weights of a plain model that computes what the base does with these adapters."""
    found = dict(BASE)
    for adapter in adapters:
        for (module, kind), tensor in ADAPTERS[adapter].items():
            weight = f"{module}.weight"
            if kind.startswith("saved "):
                found[f"{module}.{kind.removeprefix('saved ')}"] = tensor
            elif kind.startswith("tokens"):
                found[weight] = found[weight].index_copy(0, torch.tensor(ROWS[adapter]), tensor)
            elif kind.endswith("_A"):
                factors = ADAPTERS[adapter]
                delta = SCALING[adapter] * factors[module, kind[:-1] + "B"] @ tensor
                turned = "embedding" in kind or delta.shape != found[weight].shape
                turned = turned or type(PLAIN[0].get_submodule(module)).__name__ == "Conv1D"
                found[weight] = found[weight] + (delta.T if turned else delta)
                if (module, "lora_magnitude_vector") in factors:  # DoRA
                    norm = (BASE[weight] + (delta.T if turned else delta)).norm(dim=1 - turned)
                    by = factors[module, "lora_magnitude_vector"].flatten() / norm
                    found[weight] = found[weight] * (by[None, :] if turned else by[:, None])
    return found


def weigh(adapter: str, sources: list[str], weights: list[float], *, linear: bool) -> None:
    """A weighted sum of adapters, of what they add or of their factors."""
    found: dict[tuple[str, str], torch.Tensor] = {}
    for source, weight in zip(sources, weights, strict=True):
        by = weight * SCALING[source]
        for key, tensor in ADAPTERS[source].items():
            first = key[1].endswith("_A")
            term = by**0.5 * tensor if linear else by * tensor if first else tensor
            if key not in found:
                found[key] = term
            else:
                found[key] = (
                    found[key] + term if linear else torch.cat([found[key], term], 1 - first)
                )
    ADAPTERS[adapter], SCALING[adapter], ROWS[adapter] = found, 1.0, []


def rebase(adapters: list[str]) -> None:
    """The base takes up these adapters, and all are gone."""
    BASE.update(effective(adapters))
    for known in (ADAPTERS, SCALING, ROWS):
        known.clear()


def logits_of(weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """What the plain model computes with these weights."""
    for name, one in PLAIN[0].named_parameters(remove_duplicate=False):
        one.data.copy_(weights[name])
    return logits(PLAIN[0])


def check_rows(
    what: str, model: Any, names: list[str], adapters: list[list[str]], *, generates: bool
) -> None:
    """Compare each row of a batch with what a plain model computes that has its adapters."""
    rows = [row % 2 for row in range(len(names))]
    given = {name: tensor[rows] for name, tensor in INPUTS.items()}
    with torch.no_grad():
        if generates:
            greedy = {"max_new_tokens": 2, "do_sample": False, "pad_token_id": 0}
            told = {"output_logits": True, "return_dict_in_generate": True}
            made = model.eval().generate(**given, adapter_names=names, **greedy, **told)
            found, ids = torch.stack(made.logits, 1), made.sequences[:, :-1]
            given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        else:
            found = model.eval()(**given, adapter_names=names).logits
    before = dict(INPUTS)
    for row, counted in enumerate(adapters):
        INPUTS.update({name: tensor[row : row + 1] for name, tensor in given.items()})
        compare(f"{what}: row {row}", found[row : row + 1], counted, last=found.shape[1])
    INPUTS.update(before)


def check_model(what: str, model: Any, adapters: list[str]) -> None:
    """Compare logits with those of a plain model that holds base and adapters."""
    found = logits(model)
    compare(what, found, adapters, last=found.shape[1])


def compare(what: str, found: torch.Tensor, adapters: list[str], *, last: int) -> None:
    """Compare these logits, which are of the last tokens, with those of a plain model."""
    weights = effective(adapters)
    moved = {n: one * (1 + EPS * values(n, one.shape).sign()) for n, one in weights.items()}
    expected, nudged, base = (logits_of(one)[:, -last:] for one in (weights, moved, BASE))
    largest = max(float(one.abs().max()) for one in (expected, found, base))
    allowed = 3 * max(ROUNDINGS * EPS * largest, NUDGES * distance(expected, nudged))
    off = distance(expected, found)
    check(f"{what}: logits", off <= allowed, f"off by {off:.3g}, rounding explains {allowed:.3g}")


def tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """All parameters and buffers, every name of a shared one."""
    every = dict(model.named_parameters(remove_duplicate=False))
    return {**every, **dict(model.named_buffers(remove_duplicate=False))}


def copied(model: Any) -> Any:
    """A copy of the model, which is to share nothing with it; the original is remembered."""
    other, mine = copy.deepcopy(model), tensors(model)
    ORIGINALS.append((model, {name: one.detach().clone() for name, one in mine.items()}))
    places = {one.untyped_storage().data_ptr() for one in mine.values() if one.numel()}
    shared = [n for n, one in tensors(other).items() if one.untyped_storage().data_ptr() in places]
    check("a copy shares nothing with its original", not shared, ", ".join(shared[:3]))
    return other


def cast(model: Any, base: Any, dtype: torch.dtype) -> None:
    """Everything is to be in another precision."""
    for one in (model, base):
        one.to(dtype)
    begin(base)
    BASE.update({name: taken(one.to(dtype)) for name, one in BASE.items()})
    for factors in ADAPTERS.values():
        factors.update({key: taken(one.to(dtype)) for key, one in factors.items()})
    every = tensors(model).items()
    wrong = [n for n, one in every if one.is_floating_point() and one.dtype != dtype]
    check(f"everything is in {dtype}", not wrong, ", ".join(wrong[:3]))


def native(model: Any, config: Any, name: str, base: Any, work: Any) -> Any:
    """Put an adapter on as transformers does, and hand over what is saved and loaded again.

    transformers 5.24 refuses a PEFT below 0.22, so this is what its methods call.
    """
    inject_adapter_in_model(config, model, name)
    set_adapter(model, name)
    for key, one in parts(model, name).items():
        one.data.copy_(ADAPTERS[name][key])
    folder = tempfile.mkdtemp(dir=work)
    config.save_pretrained(folder)
    kept = get_peft_model_state_dict(model, adapter_name=name)
    kept = {f"base_model.model.{key}": one.contiguous().clone() for key, one in kept.items()}
    save_file(kept, f"{folder}/adapter_model.safetensors", metadata={"format": "pt"})
    again = copy.deepcopy(base)
    again.load_adapter(folder, adapter_name=name)
    return again


def check_originals(what: str) -> None:
    """What copies were made of is to stay as it was."""
    for model, were in ORIGINALS:
        now = tensors(model)
        wrong = [n for n in {**now, **were} if n not in now or not torch.equal(now[n], were[n])]
        check(f"{what}: the original of a copy", not wrong, ", ".join(wrong[:3]))


def check_step(what: str, model: Any, adapters: list[str], trains: list[str] | None) -> None:
    """Compare logits, the adapters' values, and which adapters train."""
    check_model(what, model, adapters)
    check_originals(what)
    for name, expected in ADAPTERS.items():
        found = parts(model, name)
        wrong = [" ".join(key) for key in expected if key not in found]
        wrong += [
            " ".join(key)
            for key, one in found.items()
            if key not in expected or not torch.equal(taken(one), expected[key])
        ]
        check(f"{what}: values of {name}", not wrong, ", ".join(wrong[:3]))
    if trains is not None:
        every = {n: part(n) for n, one in named(model).items() if one.requires_grad}
        strange = [n for n, key in every.items() if key is None or key[0] not in trains]
        strange += [
            " ".join(key)
            for name in trains
            for key, one in parts(model, name).items()
            if not one.requires_grad
        ]
        check(
            f"{what}: {', '.join(trains) or 'nothing'} trains", not strange, ", ".join(strange[:3])
        )


def train(model: Any, optimizer: torch.optim.Optimizer, steps: int) -> None:
    """Optimizer steps on next-token loss."""
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model(**INPUTS, labels=INPUTS["input_ids"]).loss.backward()
        optimizer.step()
    model.zero_grad()
    model.eval()


def trained(model: Any) -> list[torch.nn.Parameter]:
    """What an optimizer is given."""
    return [one for one in model.parameters() if one.requires_grad]


def folder_of(folder: Any, adapter: str) -> str:
    """Where PEFT puts an adapter of this name."""
    return str(folder if adapter == "default" else folder / adapter)
