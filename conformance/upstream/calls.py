"""The calls of PEFT, with the arguments that the installed one knows."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from conformance.core.device_names import peft_load_device
from conformance.upstream.capabilities import options
from conformance.upstream.names import ADAPTER
from conformance.upstream.tuner_types import load_adapter_config
from tiny_models.compat import dtype_argument

if TYPE_CHECKING:
    import torch


def lora_config(**fields: Any) -> Any:
    """A ``LoraConfig``; raises TypeError for a field this version lacks (see ``lacks``)."""
    from peft import LoraConfig

    return LoraConfig(**fields)


def wrap(model: Any, config: Any, *, autocast: bool, name: str = ADAPTER) -> Any:
    """``get_peft_model``; ``autocast_adapter_dtype`` came with PEFT 0.12."""
    from peft import get_peft_model

    if "autocast_adapter_dtype" in options():
        return get_peft_model(model, config, name, autocast_adapter_dtype=autocast)
    # 0.3 takes no name
    return get_peft_model(model, config, *(() if name == ADAPTER else (name,)))


def merge_and_unload(model: Any, *, safe: bool) -> Any:
    """``safe_merge`` came with PEFT 0.6, to some tuners later."""
    if "safe_merge" in inspect.signature(model.merge_and_unload).parameters:
        return model.merge_and_unload(safe_merge=safe)
    return model.merge_and_unload()


def save_adapter(model: Any, folder: str, *, save_embedding_layers: str) -> None:
    """``save_embedding_layers`` came with PEFT 0.7."""
    value = {"auto": "auto", "yes": True, "no": False}[save_embedding_layers]
    if "save_embedding_layers" in options():
        model.save_pretrained(folder, save_embedding_layers=value)
    else:
        model.save_pretrained(folder)


def load_adapter(
    base: Any,
    folder: str,
    *,
    low_cpu_mem_usage: bool,
    is_trainable: bool,
    autocast: bool = True,
    name: str = ADAPTER,
    **more: Any,
) -> Any:
    """``PeftModel.from_pretrained``, the adapter going where the base is; ``more`` is handed over.

    ``low_cpu_mem_usage`` came with 0.13, ``autocast_adapter_dtype`` with 0.12, ``torch_device``
    with 0.11: without it PEFT chooses the machine's accelerator even for a base on the CPU.
    """
    from peft import PeftModel

    device = next(base.parameters()).device
    arguments: dict[str, Any] = {"is_trainable": is_trainable, "adapter_name": name, **more}
    if "autocast_adapter_dtype" in options():
        arguments["autocast_adapter_dtype"] = autocast
    if "low_cpu_mem_usage" in options():
        arguments["low_cpu_mem_usage"] = low_cpu_mem_usage
    if "torch_device" in inspect.signature(PeftModel.load_adapter).parameters:
        arguments.setdefault("torch_device", str(device))
    with _reading_onto(arguments.get("torch_device", str(device))):
        return PeftModel.from_pretrained(base, folder, **arguments)


def load_more(model: Any, folder: str, name: str, *, is_trainable: bool = False) -> Any:
    """``PeftModel.load_adapter``, the adapter going where the base is; hands over its report."""
    device = next(model.parameters()).device
    with _reading_onto(str(device)):
        return model.load_adapter(
            folder, adapter_name=name, is_trainable=is_trainable, torch_device=str(device)
        )


def inject(base: Any, folder: str) -> Any:
    """``inject_adapter_in_model``, and the saved adapter read without naming a device."""
    from peft import inject_adapter_in_model, set_peft_model_state_dict
    from peft.utils.save_and_load import load_peft_weights

    model = inject_adapter_in_model(load_adapter_config(folder), base)
    with _reading_onto(str(next(base.parameters()).device)):
        weights = load_peft_weights(folder)
    set_peft_model_state_dict(model, weights)
    return model


def swap(model: Any, folder: str, **more: Any) -> None:
    """``hotswap_adapter``: the saved adapter in the place of the one that is there.

    ``more`` is handed over.
    """
    from peft.utils.hotswap import hotswap_adapter

    device = next(model.parameters()).device
    with _reading_onto(str(device)):
        hotswap_adapter(model, folder, ADAPTER, torch_device=str(device), **more)


def load_with_base(folder: str, name: str, dtype: torch.dtype) -> Any:
    """``AutoPeftModelForCausalLM.from_pretrained``: base and adapter, on the CPU, to be trained."""
    from peft import AutoPeftModelForCausalLM

    precision: dict[str, Any] = {dtype_argument(): dtype}
    return AutoPeftModelForCausalLM.from_pretrained(
        folder, adapter_name=name, is_trainable=True, **precision
    )


@contextmanager
def _reading_onto(device: str) -> Iterator[None]:
    """Let PEFT read an adapter onto a device whose name safetensors refuses.

    Reading on the CPU instead would not be what happens on a device that it knows: PEFT 0.21
    moves what lies beside its base's device, and frozen embedding factors then train.
    """
    save_and_load: Any = import_module("peft.utils.save_and_load")
    if peft_load_device(device.partition(":")[0]) in device:
        yield
        return
    original = save_and_load.safe_load_file

    def read(file: str, device: str = "cpu") -> dict[str, torch.Tensor]:
        return {key: tensor.to(device) for key, tensor in original(file).items()}

    save_and_load.safe_load_file = read
    try:
        yield
    finally:
        save_and_load.safe_load_file = original


@contextmanager
def without_model_card() -> Iterator[None]:
    """Saving an adapter spends nine tenths of its time on a model card; leave it out."""
    from peft import PeftModel

    if not hasattr(PeftModel, "create_or_update_model_card"):  # came with 0.4
        yield
        return
    original = PeftModel.create_or_update_model_card
    PeftModel.create_or_update_model_card = lambda *_args, **_kwargs: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        PeftModel.create_or_update_model_card = original  # type: ignore[method-assign]
