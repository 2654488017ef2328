"""How PEFT names things: its wrappers, the parameters of adapters, and the plain model below."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

PREFIX = "base_model.model."
NAMES = 4096  # names kept as they were read: each is met at every stage of every life
ADAPTER = "default"
SECOND = "second"  # one beside it
SUMS: tuple[str, ...] = (
    "linear",
    "cat",
    "svd",
    "ties",
    "ties_svd",
    "dare_ties",
    "dare_ties_svd",
    "dare_linear",
    "dare_linear_svd",
    "magnitude_prune",
    "magnitude_prune_svd",
)
"""The kinds of ``add_weighted_adapter``."""
# How each wrapper hides the plain module: LoRA, trainable tokens, modules_to_save.
# They can stand inside each other: trained tokens under the LoRA of a tied head.
TOKENS = ".token_adapter"
"""What follows the name of a module whose tokens are trained."""
_HIDDEN = re.compile(r"(\.token_adapter)?\.(base_layer|original_module)(?=\.|$)")
# An adapter may be called like one of PEFT's parts: what is read first counts.
_NAME = r"(?P<adapter>[^.]+)"
_LORA = re.compile(
    r"^(?P<module>.+?)\.(?P<part>lora_A|lora_B|lora_embedding_A|lora_embedding_B"
    rf"|lora_magnitude_vector)\.{_NAME}(\.weight|\.(?P<bias>bias))?$"
)
_SAVED = re.compile(rf"^(?P<module>.+?)\.modules_to_save\.{_NAME}\.(?P<part>.+)$")
_TOKENS = re.compile(
    rf"^(?P<module>.+?)(\.token_adapter)?\.(?P<part>trainable_tokens_delta)\.{_NAME}$"
)
# Every other tuner's parts: each is a dictionary with the adapter's name as key.
_ANY = re.compile(rf"^(?P<module>.+?)\.(?P<part>[^.]+)\.{ADAPTER}(?P<rest>(\..+)?)$")


@lru_cache(NAMES)
def plain_name(name: str) -> str:
    """The name a parameter or module of a wrapped model has in the plain model."""
    return _HIDDEN.sub("", name.removeprefix(PREFIX))


@lru_cache(NAMES)
def adapter_part(name: str) -> tuple[str, str] | None:
    """``(module, part)`` of a parameter of the adapter ``default``; None for any other."""
    found = part_of_adapter(name)
    return found[1:] if found and found[0] == ADAPTER else None


@lru_cache(NAMES)
def part_of_adapter(name: str) -> tuple[str, str, str] | None:
    """``(adapter, module, part)`` of an adapter's parameter; None for one of the base."""
    for pattern, kind in ((_SAVED, "saved "), (_TOKENS, ""), (_LORA, "")):
        match = pattern.match(name.removeprefix(PREFIX))
        if match:
            bias = " bias" if match.groupdict().get("bias") else ""  # of LoRA's own: lora_bias
            return match["adapter"], plain_name(match["module"]), kind + match["part"] + bias
    other = _ANY.match(name.removeprefix(PREFIX))
    if other is None:
        return None
    part = other["part"] + other["rest"].removesuffix(".weight")
    return ADAPTER, plain_name(other["module"]), part


def plain_parameters(model: Any) -> dict[str, torch.Tensor]:
    """The base's parameters of an adapted model by plain names; saved modules replace theirs."""
    base: dict[str, torch.Tensor] = {}
    saved: dict[str, torch.Tensor] = {}
    # of what is tied every name: one of the two may be replaced
    for name, parameter in model.named_parameters(remove_duplicate=False):
        part = adapter_part(name)
        if part is None:
            base[plain_name(name)] = parameter.detach()
        elif part[1].startswith("saved "):
            saved[f"{part[0]}.{part[1].removeprefix('saved ')}"] = parameter.detach()
    return base | saved


def is_wrapper(module: nn.Module) -> bool:
    """Whether the class of this module is PEFT's own."""
    return type(module).__module__.split(".")[0] == "peft"


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")


def _hooked(module: nn.Module) -> bool:
    """Whether anyone but transformers has hooks on this module.

    Transformers puts its own on a vision tower, to capture hidden states, when it is first called.
    """
    hooks = [hook for kind in HOOKS for hook in (vars(module).get(kind) or {}).values()]
    return any(not (hook.__module__ or "").startswith("transformers.") for hook in hooks)


def traces(model: nn.Module) -> frozenset[str]:
    """What PEFT left on a model it has been taken off from: modules, attributes, hooks, mode.

    ``_hf_peft_config_loaded`` is transformers' own flag and counts when it is true.
    """
    left: set[str] = set()
    for name, module in model.named_modules():
        if is_wrapper(module):
            left.add(f"module {name}: {type(module).__name__}")
        where = name or "the model"
        if "peft_config" in vars(module):
            left.add(f"attribute peft_config on {where}")
        if vars(module).get("_hf_peft_config_loaded"):
            left.add(f"attribute _hf_peft_config_loaded on {where}")
        if _hooked(module):
            left.add(f"hook on {where}")
    if model.training:
        left.add("the model is in training mode")
    return frozenset(left)
