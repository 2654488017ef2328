"""Faults of the adapter's config: as saved, and as handed over by the caller."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from peft.config import PeftConfigMixin
from peft.tuners.lora.model import LoraModel

from faults.fault import Wrapper, fault, replaced

BODY = ("cpu-untied-default-body",)
ENSURED = ("cpu-untied-ensure-body",)
SAVED = ("cpu-untied-default-save:both",)


def _written(change: Any) -> AbstractContextManager[None]:
    """Change adapter_config.json as it is written."""

    def make(original: Wrapper) -> Wrapper:
        def save_pretrained(self: Any, save_directory: str, **kwargs: Any) -> None:
            original(self, save_directory, **kwargs)
            path = Path(save_directory) / "adapter_config.json"
            config = json.loads(path.read_text())
            change(config)
            path.write_text(json.dumps(config, indent=2, sort_keys=True))

        return save_pretrained

    return replaced(PeftConfigMixin, "save_pretrained", make)


@fault(
    "config-file-lacks-modules-to-save",
    "adapter_config.json is written without modules_to_save",
    caught_by=("adapter-config-round-trips",),
    strata=SAVED,
)
def config_file_lacks_modules_to_save() -> AbstractContextManager[None]:
    return _written(lambda config: config.update(modules_to_save=None))


@fault(
    "config-file-has-another-alpha",
    "adapter_config.json holds the scaling already multiplied by r",
    caught_by=("adapter-keeps-logits",),
    strata=BODY,
)
def config_file_has_another_alpha() -> AbstractContextManager[None]:
    return _written(lambda config: config.update(lora_alpha=2 * config["lora_alpha"]))


@fault(
    "config-file-loses-rslora",
    "adapter_config.json says use_rslora false",
    caught_by=("adapter-keeps-logits",),
    strata=ENSURED,
)
def config_file_loses_rslora() -> AbstractContextManager[None]:
    return _written(lambda config: config.update(use_rslora=False))


@fault(
    "config-file-loses-a-target",
    "adapter_config.json lists one target module too few",
    caught_by=("adapter-config-round-trips",),
    strata=BODY,
    says="was peft.Linear",
)
def config_file_loses_a_target() -> AbstractContextManager[None]:
    def change(config: dict[str, Any]) -> None:
        targets = config["target_modules"]
        if isinstance(targets, list) and len(targets) > 1:
            config["target_modules"] = sorted(targets)[1:]

    return _written(change)


@fault(
    "config-file-loses-ensure-weight-tying",
    "adapter_config.json says ensure_weight_tying false",
    caught_by=("adapter-config-round-trips",),
    strata=("cpu-tied-ensure-save:both",),
    says="lost-tie",
)
def config_file_loses_ensure_weight_tying() -> AbstractContextManager[None]:
    return _written(lambda config: config.update(ensure_weight_tying=False, modules_to_tie=None))


@fault(
    "config-file-is-for-training",
    "adapter_config.json says inference_mode false",
    caught_by=("saved-config-says-what-was-trained",),
    strata=BODY,
    says="inference_mode is saved as False",
)
def config_file_is_for_training() -> AbstractContextManager[None]:
    return _written(lambda config: config.update(inference_mode=False))


@fault(
    "config-file-names-another-class",
    "adapter_config.json names a class of the base, of another family, beside its task",
    caught_by=("saved-config-says-what-was-trained",),
    strata=BODY,
    says="auto_mapping is",
)
def config_file_names_another_class() -> AbstractContextManager[None]:
    mapping = {"base_model_class": "OPTForCausalLM", "parent_library": "transformers.models.opt"}
    return _written(lambda config: config.update(auto_mapping=mapping))


@fault(
    "callers-list-grows",
    "wrapping appends to the caller's own modules_to_save",
    caught_by=("caller-config-is-untouched",),
    strata=SAVED,
    says="the list modules_to_save was",
)
def callers_list_grows() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def prepare(self: Any, peft_config: Any, model_config: Any) -> Any:
            if peft_config.modules_to_save:
                peft_config.modules_to_save.append(peft_config.modules_to_save[0])
            return original(self, peft_config, model_config)

        return prepare

    return replaced(LoraModel, "_prepare_adapter_config", make)
