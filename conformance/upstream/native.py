"""Adapters on a model of transformers itself, by its own methods or by the calls they consist of.

``add_adapter``, ``set_adapter`` and ``save_pretrained`` of transformers refuse a PEFT that is older
than they ask for; transformers 5.24 asks for one that nobody can install yet. There the low-level
functions of PEFT do the same, which those methods call.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from packaging.version import Version

from conformance.core.versions import installed
from conformance.upstream import calls


@cache
def refused() -> bool:
    """Whether transformers refuses to put adapters on with the installed PEFT."""
    from transformers.integrations import peft as integration

    return Version(installed("peft")) < Version(integration.MIN_PEFT_VERSION)


def add(model: Any, config: Any, name: str) -> None:
    """``add_adapter``: the adapter is the active one."""
    if not refused():
        model.add_adapter(config, adapter_name=name)
        return
    from peft import inject_adapter_in_model

    inject_adapter_in_model(config, model, name)
    activate(model, name)


def activate(model: Any, name: str) -> None:
    """``set_adapter``."""
    if not refused():
        model.set_adapter(name)
        return
    from peft.functional import set_adapter

    set_adapter(model, name)


def save(model: Any, config: Any, name: str, folder: str) -> None:
    """``save_pretrained`` of the active adapter."""
    if not refused():
        model.save_pretrained(folder)
        return
    from pathlib import Path

    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    config.save_pretrained(folder)
    kept = {
        f"base_model.model.{key}": tensor.detach().clone()
        for key, tensor in get_peft_model_state_dict(model, adapter_name=name).items()
    }
    save_file(kept, Path(folder) / "adapter_model.safetensors", metadata={"format": "pt"})


def load(model: Any, folder: str, name: str) -> None:
    """``load_adapter``, which asks for no version."""
    model.load_adapter(folder, adapter_name=name)


def wrapped(model: Any, folder: str, name: str) -> Any:
    """``PeftModel.from_pretrained`` of what transformers saved."""
    return calls.load_adapter(model, folder, low_cpu_mem_usage=False, is_trainable=False, name=name)
