"""Every difference between PEFT versions, in one place; how PEFT names things is in ``naming``.

transformers' differences are in ``tiny_models.compat``, which knows nothing of PEFT. No other
module asks for a version number or spells one of PEFT's attribute names.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from conformance.case import Case
from conformance.devices import peft_load_device
from conformance.naming import ADAPTER
from conformance.placements import PLACEMENTS
from conformance.versions import installed
from tiny_models.compat import dtype_argument, forget_warned_once, has_family, quiet_progress, runs
from tiny_models.families import FAMILIES

if TYPE_CHECKING:
    import torch

    from tiny_models.families import Family

__all__ = ["forget_warned_once", "quiet_progress"]

# Wordings of the tying warnings changed in 0.13, 0.18, 0.19 and 0.20; these words stayed.
ABOUT_TYING = re.compile(r"\btie|\btied|weight_tying|weight tying", re.IGNORECASE)

OLDEST_TRIED = "0.21.0.dev0"
"""The oldest PEFT that programs, and the ways of adapters, were tried on."""


def lora_config(**fields: Any) -> Any:
    """A ``LoraConfig``; raises TypeError for a field this version lacks (see ``lacks``)."""
    from peft import LoraConfig

    return LoraConfig(**fields)


def lacks(case: Case) -> str:
    """What a case asks for that the installed versions do not have, in a few words; or ``""``.

    Only what makes another model or another adapter. An option of a call that a version does not
    have (``safe_merge``, ``low_cpu_mem_usage``, ...) is left out of the call.
    """
    base = lacks_base(case)
    if base:
        return base
    asked = {
        "ensure_weight_tying": case.ensure,
        "trainable_token_indices": bool(PLACEMENTS[case.placement].tokens),
        "use_rslora": case.rslora,
        "use_dora": case.dora,
        "exclude_modules": case.excluded,
        "all-linear": case.writing == "all-linear",
    }
    found = options()
    missing = next((name for name, wants in asked.items() if wants and name not in found), None)
    return f"PEFT {installed('peft')} has no {missing}" if missing else ""


def lacks_program(base: Case) -> str:
    """Why programs cannot be judged on this base here, or ``""``."""
    if Version(installed("peft")) < Version(OLDEST_TRIED):
        return f"PEFT {installed('peft')} is older than programs were ever tried on"
    return lacks_base(base)


def lacks_family(wanted: Family) -> str:
    """Says that the installed transformers does not have a family, or ``""``."""
    here = f"transformers {installed('transformers')}"
    return "" if has_family(wanted) else f"{here} has no {wanted.model}"


def lacks_base(case: Case) -> str:
    """What the base of a case asks of transformers that the installed one does not have."""
    wanted = FAMILIES[case.family]
    missing = lacks_family(wanted)
    if missing:
        return missing
    if not runs(wanted, case.dtype):
        return f"transformers {installed('transformers')} cannot run {wanted.model} in {case.dtype}"
    return ""


SURVEYED = {"peft": "0.21.0.dev0", "transformers": "5.23.0.dev0"}
"""From which versions on the failures of architectures beyond decoders are declared."""


def not_surveyed() -> str:
    """Says that the other architectures are not judged on such old versions, or ``""``."""
    for package, since in SURVEYED.items():
        if Version(installed(package)) < Version(since):
            first = since.removesuffix(".0.dev0")
            return f"beyond decoder-only families, lives are judged from {package} {first} on"
    return ""


@cache
def options() -> frozenset[str]:
    """What the installed PEFT can be asked for, by the names of its own arguments."""
    import peft
    from peft import LoraConfig, PeftModel, get_peft_model
    from peft.tuners.lora import LoraModel

    found: set[str] = set()
    for function in (
        LoraConfig,
        get_peft_model,
        PeftModel.from_pretrained,
        PeftModel.save_pretrained,
        LoraModel.merge_and_unload,
    ):
        found |= set(inspect.signature(function).parameters)
    if hasattr(peft.utils, "INCLUDE_LINEAR_LAYERS_SHORTHAND"):  # came with 0.8
        found.add("all-linear")
    if hasattr(LoraModel, "unload"):  # came with 0.4
        found.add("unload")
    if "safe_merge" in inspect.signature(LoraModel.merge_adapter).parameters:  # came with 0.12
        found.add("safe_merge in place")
    return frozenset(found)


@cache
def absent() -> Mapping[str, str]:
    """Stages and options that the installed PEFT does not have, with the reason."""
    peft, found = f"PEFT {installed('peft')}", options()
    reasons = {}
    for option, without in (
        ("unload", "unloaded"),
        ("safe_merge", "merged-otherwise"),
        ("autocast_adapter_dtype", "autocast_adapter_dtype"),
        ("save_embedding_layers", "save_embedding_layers"),
        ("path_initial_model_for_weight_conversion", "converted"),
    ):
        if option not in found:
            reasons[without] = f"{peft} has no {option}"
    if Version(installed("peft")) < Version(OLDEST_TRIED):
        reasons["ways"] = f"{peft} is older than the ways of adapters were ever tried on"
    if Version(installed("peft")) < Version("0.19.0.dev0"):  # the documentation's, not the code's
        reasons["weight-tying tables"] = f"{peft} documents no weight-tying tables"
    return MappingProxyType(reasons)


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


def swap(model: Any, folder: str) -> None:
    """``hotswap_adapter``: the saved adapter in the place of the one that is there."""
    from peft.utils.hotswap import hotswap_adapter

    device = next(model.parameters()).device
    with _reading_onto(str(device)):
        hotswap_adapter(model, folder, ADAPTER, torch_device=str(device))


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


def finds_no_adapter(files: Iterable[str]) -> str:
    """Why the installed PEFT finds no adapter among these files, or ``""``."""
    import peft.utils

    if hasattr(peft.utils, "SAFETENSORS_WEIGHTS_NAME") or "adapter_model.bin" in files:
        return ""
    return f"PEFT {installed('peft')} reads no .safetensors"  # 0.3


def older_than(saver: str) -> str:
    """Says that the installed PEFT is older than the one that saved, or ``""``.

    PEFT promises to read what older versions wrote, and nothing of newer ones.
    """
    here = installed("peft")
    return f"PEFT {here} is not promised to read what {saver} wrote" * (
        Version(here) < Version(saver)
    )


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


def tuner_config(kind: str, fields: Mapping[str, Any]) -> Any:
    """The config of a tuner."""
    return _config_classes()[kind](**fields)


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
