"""Calls of PEFT that one case is enough for: of hot-swapping, of turning into LoRA, of sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.upstream.names import ADAPTER, part_of_adapter

if TYPE_CHECKING:
    from torch import Tensor


def parts(model: Any, name: str) -> dict[str, Tensor]:
    """Copies of an adapter's tensors, as ``<module> <part>``."""
    named = ((part_of_adapter(key), one) for key, one in model.named_parameters())
    return {
        f"{part[1]} {part[2]}": one.detach().cpu().clone()
        for part, one in named
        if part is not None and part[0] == name
    }


def prepare_swap(model: Any, rank: int) -> int:
    """``prepare_model_for_compiled_hotswap`` of a model that is not compiled; its config's rank."""
    from peft.utils.hotswap import prepare_model_for_compiled_hotswap

    prepare_model_for_compiled_hotswap(
        model, target_rank=rank, config=model.peft_config, check_compiled="ignore"
    )
    return int(model.peft_config[ADAPTER].r)


def swap_half(model: Any, source: Any) -> None:
    """``hotswap_adapter_from_state_dict`` of the A of each layer; those of ``source`` go in."""
    from peft.utils.hotswap import hotswap_adapter_from_state_dict

    half = {key: one for key, one in source.state_dict().items() if f".lora_A.{ADAPTER}." in key}
    hotswap_adapter_from_state_dict(
        model, half, ADAPTER, model.peft_config[ADAPTER], parameter_prefix="lora_A"
    )


def zero_half(model: Any) -> None:
    """Make the A of each layer zero."""
    import torch

    with torch.no_grad():
        for key, one in model.named_parameters():
            if f".lora_A.{ADAPTER}." in key:
                one.zero_()


def says_it_converts(model: Any, name: str) -> tuple[bool, bool]:
    """``supports_lora_conversion`` of an adapter: what the model says of it, and what the tuner."""
    tuner = model.base_model
    return (
        bool(model.supports_lora_conversion(adapter_name=name)),
        bool(tuner.supports_lora_conversion(adapter_name=name)),
    )


def save_as_lora_shown(model: Any, folder: str, name: str) -> bool:
    """``save_as_lora`` of an adapter by name, its progress shown; whether it is done."""
    from peft import save_as_lora

    try:
        save_as_lora(folder, model, rank=1.0, adapter_name=name, progressbar=True)
    except TypeError:  # documented: of what cannot be converted
        return False
    return True


def merge_shown(model: Any) -> Any:
    """``merge_and_unload``, its progress shown."""
    return model.merge_and_unload(progressbar=True)


def sum_with(model: Any, other: str, name: str, how: str, **more: Any) -> None:
    """``add_weighted_adapter`` of the adapter and another one."""
    model.add_weighted_adapter([ADAPTER, other], [1.0, 1.0], name, combination_type=how, **more)
