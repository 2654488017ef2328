"""Calls of PEFT that leave an adapter what it is, beside those of every life."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conformance.upstream.names import ADAPTER, part_of_adapter
from conformance.upstream.tuner_types import load_adapter_config


def add_nothing(model: Any, name: str) -> None:
    """``add_adapter`` of one like that which is there, and all of it made zero."""
    model.add_adapter(name, copy.deepcopy(model.peft_config[ADAPTER]))
    zero(model, name)


def zero(model: Any, name: str) -> None:
    """Make an adapter's tensors zero, but for those of saved modules."""
    import torch

    with torch.no_grad():
        for key, parameter in model.named_parameters():
            part = part_of_adapter(key)
            if part is not None and part[0] == name and not part[2].startswith("saved "):
                parameter.zero_()


def sum_with_nothing(model: Any, nothing: str, how: str, name: str, rank: int) -> None:
    """``add_weighted_adapter`` of the adapter and one that is zero, and no value pruned.

    Of one alone, PEFT makes a linear sum, whatever it was asked for.
    """
    more: dict[str, Any] = {}
    if how not in ("linear", "cat", "svd"):
        more["density"] = 1.0
    if "ties" in how:
        more["majority_sign_method"] = "frequency"
    if "svd" in how:
        more |= {"svd_rank": rank, "svd_full_matrices": False}
    model.add_weighted_adapter([ADAPTER, nothing], [1.0, 1.0], name, combination_type=how, **more)


@contextmanager
def rescaled(model: Any, by: float) -> Iterator[None]:
    """``rescale_adapter_scale``."""
    from peft.helpers import rescale_adapter_scale

    with rescale_adapter_scale(model, by):
        yield


def scaling(model: Any) -> list[Any]:
    """The layers that can be scaled, as diffusers finds them."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [one for one in model.modules() if isinstance(one, BaseTunerLayer)]


@contextmanager
def uncast(model: Any, *, active: bool = True) -> Iterator[None]:
    """``disable_input_dtype_casting``."""
    from peft.helpers import disable_input_dtype_casting

    with disable_input_dtype_casting(model, active=active):
        yield


def sign(model: Any) -> None:
    """``update_signature``: forward and generate say what the base's take."""
    from peft.helpers import update_signature

    for method in ("forward", "generate"):
        update_signature(model, method)


def wrap_without_memory(base: Any, folder: str) -> Any:
    """``get_peft_model`` without memory for first values, and the saved ones assigned."""
    from peft import get_peft_model

    model = get_peft_model(base, load_adapter_config(folder), low_cpu_mem_usage=True)
    return _assigned(model, folder, ADAPTER)


def add_without_memory(model: Any, folder: str, name: str) -> Any:
    """``add_adapter`` in the same way."""
    model.add_adapter(name, load_adapter_config(folder), low_cpu_mem_usage=True)
    return _assigned(model, folder, name)


def inject_without_memory(base: Any, folder: str) -> Any:
    """``inject_adapter_in_model`` in the same way."""
    from peft import inject_adapter_in_model

    config = load_adapter_config(folder)
    return _assigned(inject_adapter_in_model(config, base, low_cpu_mem_usage=True), folder, ADAPTER)


def _assigned(model: Any, folder: str, name: str) -> Any:
    from peft import load_peft_weights, set_peft_model_state_dict

    weights = load_peft_weights(folder, device="cpu")
    set_peft_model_state_dict(model, weights, adapter_name=name, low_cpu_mem_usage=True)
    return model


def give_base(source: Any, target: Any, *, strict: bool) -> None:
    """``get_base_model_state_dict`` of one model, set in another."""
    from peft import get_base_model_state_dict, set_base_model_state_dict

    set_base_model_state_dict(target, get_base_model_state_dict(source), strict=strict)


def load_mixed(base: Any, folder: str) -> Any:
    """``PeftMixedModel.from_pretrained``."""
    from peft import PeftMixedModel

    return PeftMixedModel.from_pretrained(base, folder)


def wrap_mixed(base: Any, source: Any, folder: str) -> Any:
    """``get_peft_model`` with ``mixed``, and the adapter's values from the model that has them."""
    from peft import get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    model = get_peft_model(base, load_adapter_config(folder), mixed=True)
    held = get_peft_model_state_dict(source, state_dict=source.state_dict())
    set_peft_model_state_dict(model, held)
    return model


def save_as_lora(model: Any, folder: str) -> None:
    """``save_as_lora``, of the rank at which nothing of a layer is lost."""
    from peft import save_as_lora

    save_as_lora(folder, model, rank=1.0)
