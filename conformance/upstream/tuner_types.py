"""The tuners that the installed PEFT has, and their configs."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from packaging.version import Version

from conformance.core.versions import installed


def load_adapter_config(folder: str) -> Any:
    """The saved config, ready to train with: PEFT writes ``inference_mode=True``."""
    kind = json.loads((Path(folder) / "adapter_config.json").read_text())["peft_type"]
    config = _config_classes()[kind].from_pretrained(folder)  # PeftConfig knows no kind before 0.4
    config.inference_mode = False
    return config


@cache
def _config_classes() -> Mapping[str, Any]:
    mapping = import_module("peft.mapping").PEFT_TYPE_TO_CONFIG_MAPPING
    return {str(getattr(key, "value", key)): value for key, value in mapping.items()}


def _adds_tokens(config: Any) -> bool:
    """Whether a config class is of prompt learning; the class it derives from moved in 0.6."""
    return any(base.__name__ == "PromptLearningConfig" for base in config.__mro__)


@cache
def tuners() -> Mapping[str, str]:
    """Every tuner that the installed PEFT has, by its type: why it stands on no layer, or ``""``.

    Read off its classes: prompt-learning methods have a config class of their own, and a tuner
    that takes the place of layers can be taken off them again.
    """
    mapping = import_module("peft.mapping")
    models = getattr(mapping, "PEFT_TYPE_TO_TUNER_MAPPING", None)
    models = models or import_module("peft.peft_model").PEFT_TYPE_TO_MODEL_MAPPING
    classes = {str(getattr(key, "value", key)): value for key, value in models.items()}
    found = {}
    for name, config in _config_classes().items():
        reason = ""
        if _adds_tokens(config):
            reason = f"{config.__name__} is a PromptLearningConfig: it adds tokens or a cache"
        elif "target_modules" not in tuner_fields(name):
            reason = f"{config.__name__} has no target_modules"
        elif not hasattr(classes.get(name), "merge_and_unload"):
            reason = f"{config.__name__} is of a tuner without merge_and_unload"
        found[name] = reason
    return MappingProxyType(found)


@cache
def tuner_fields(kind: str) -> frozenset[str]:
    """The fields that the config of a tuner has, none where the installed PEFT lacks the tuner."""
    config = _config_classes().get(kind)
    return frozenset(inspect.signature(config).parameters) if config else frozenset()


# Before these releases a value was taken for True, or refused as unknown.
_STARTS = {
    "gaussian": "0.7",
    "pissa": "0.11",
    "olora": "0.12",
    "eva": "0.14",
    "orthogonal": "0.16",
    "mica": "0.20",
}


def lacks_start(name: str) -> str:
    """Says that the installed PEFT does not know this ``init_lora_weights``, or ``""``."""
    since = _STARTS.get(name.partition("_")[0], "0")
    here = installed("peft")
    return f"PEFT {here} has no init_lora_weights={name!r}" * (Version(here) < Version(since))


def lacks_activation() -> str:
    """Says that the installed transformers lacks what activated LoRA is told by, or ``""``."""
    if find_spec("transformers.modeling_layers") is not None:
        return ""
    return f"transformers {installed('transformers')} has no layers that checkpoint their gradients"


def tuner_config(kind: str, fields: Mapping[str, Any]) -> Any:
    """The config of a tuner; options of the run are an object of their own, of no file."""
    found = dict(fields)
    if "runtime_config" in found:
        found["runtime_config"] = import_module("peft").LoraRuntimeConfig(**found["runtime_config"])
    return _config_classes()[kind](**found)


@cache
def peft_types() -> Mapping[str, bool]:
    """Every ``peft_type`` of the installed PEFT, and whether it changes weights of the model."""
    kinds = _config_classes()
    return MappingProxyType({kind: not _adds_tokens(config) for kind, config in kinds.items()})


def config_class(kind: str) -> str:
    """The name of the config class of a tuner."""
    return str(_config_classes()[kind].__name__)


def default_targets(model_type: str) -> tuple[str, ...]:
    """What LoRA stands on where a config names no targets; nothing for unknown models."""
    found: Any = import_module("peft.utils")
    name = "TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING"
    mapping = getattr(found, name, None) or getattr(import_module("peft.utils.other"), name)
    return tuple(mapping.get(model_type, ()))
