"""The fields of a LoRA config: which are followed, what each may hold, which others are told of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.core.user_files import InputError, shown

MOST_RANK = 2**16
MOST_NAMES = 2**14
TASKS = ("CAUSAL_LM", "SEQ_2_SEQ_LM", "FEATURE_EXTRACTION")
OTHER_TASKS = ("SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS")


def _number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _names(value: object) -> bool:
    few = isinstance(value, list) and len(value) <= MOST_NAMES
    return few and all(_text(item) and item for item in value)  # type: ignore[attr-defined]


def _names_or_text(value: object) -> bool:
    return _text(value) or _names(value)


def _layers(value: object) -> bool:
    return _number(value) or (isinstance(value, list) and all(_number(item) for item in value))


def _rank(value: object) -> bool:
    return _number(value) and 1 <= value <= MOST_RANK  # type: ignore[operator]


def _alpha(value: object) -> bool:
    real = _number(value) or isinstance(value, float)
    return real and math.isfinite(value) and 0 < value <= MOST_RANK  # type: ignore[arg-type,operator]


def _ranks(value: object) -> bool:
    return isinstance(value, Mapping) and all(_rank(item) for item in value.values())


def _alphas(value: object) -> bool:
    return isinstance(value, Mapping) and all(_alpha(item) for item in value.values())


def _dropout(value: object) -> bool:
    return (_number(value) or isinstance(value, float)) and 0 <= value < 1  # type: ignore[operator]


def _rows(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(rows, list) and _rows(rows) for rows in value.values())
    return isinstance(value, list) and 0 < len(value) <= 2**20 and all(map(_number, value))


FOLLOWED: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "r": (_rank, f"a whole number from 1 to {MOST_RANK}"),
    "lora_alpha": (_alpha, "a positive number"),
    "target_modules": (_names_or_text, "names, a regular expression or all-linear"),
    "exclude_modules": (_names_or_text, "names or a regular expression"),
    "lora_dropout": (_dropout, "a number from 0 to below 1"),
    "fan_in_fan_out": (_flag, "true or false"),
    "bias": (lambda value: value in ("none", "all", "lora_only"), "none, all or lora_only"),
    "use_rslora": (_flag, "true or false"),
    "use_dora": (_flag, "true or false"),
    "lora_bias": (_flag, "true or false"),
    "modules_to_save": (_names, "a list of names"),
    "layers_to_transform": (_layers, "a layer's number or a list of them"),
    "layers_pattern": (_names_or_text, "a name or a list of names"),
    "rank_pattern": (_ranks, "ranks by names"),
    "alpha_pattern": (_alphas, "positive numbers by names"),
    "trainable_token_indices": (_rows, "token indices, or lists of them by names"),
    "target_parameters": (_names, "a list of names"),
    "ensure_weight_tying": (_flag, "true or false"),
    # of tuners other than LoRA
    "feedforward_modules": (_names_or_text, "names or a regular expression"),
    "token_indices": (_rows, "token indices"),
}
"""What makes the adapter, and what each may hold."""
OF_LORA = tuple(name for name in FOLLOWED if name not in ("feedforward_modules", "token_indices"))

FEED_FORWARD = "feedforward_modules"  # IA3's
OF_TUNERS = (
    "target_modules",
    "exclude_modules",
    "modules_to_save",
    "layers_to_transform",
    "layers_pattern",
    "fan_in_fan_out",
    "ensure_weight_tying",
    "token_indices",
    FEED_FORWARD,
)
"""What says where a tuner stands."""
BOOKKEEPING = {
    "peft_type",
    "task_type",
    "auto_mapping",
    "peft_version",
    "base_model_name_or_path",
    "revision",
    "inference_mode",
    "megatron_core",
    "qalora_group_size",
    "runtime_config",
}
"""What neither changes the adapter nor is followed: classes to import, names to fetch."""


def checked(raw: Mapping[str, Any], what: str, names: Sequence[str] = OF_LORA) -> dict[str, Any]:
    """The fields of these names that are given; raises InputError for one of the wrong type."""
    found = {}
    for name in names:
        accepts, accepted = FOLLOWED[name]
        value = raw.get(name)
        if value is None or value in ({}, []):
            continue
        if not accepts(value):
            raise InputError(f"{what}: {name} accepts {accepted}, not {shown(value)}")
        found[name] = value
    task = raw.get("task_type")
    if task in OTHER_TASKS:
        raise InputError(
            f"{what}: task_type {task} puts another head on the model, which is not covered; "
            f"covered are {', '.join(TASKS)}"
        )
    if task is not None:
        if task not in TASKS:
            raise InputError(
                f"{what}: task_type accepts {', '.join((*TASKS, *OTHER_TASKS))}, not {shown(task)}"
            )
        found["task_type"] = task
    if raw.get("megatron_config"):
        raise InputError(f"{what}: megatron_config names code to import, which is never run here")
    for name, default in (("r", 8), ("lora_alpha", 8), ("lora_dropout", 0.0)):
        if name in names:
            found.setdefault(name, default)  # as PEFT has them; 0.3 has None
    return found


def not_followed(raw: Mapping[str, Any]) -> list[str]:
    """The fields that say something and are left out of what is judged."""
    default = {"init_lora_weights": True, "loftq_config": {}}
    return [
        name
        for name, value in raw.items()
        if name not in OF_LORA
        and name not in BOOKKEEPING
        and name != "megatron_config"
        and value not in (None, False, {}, [], default.get(name))
    ]
