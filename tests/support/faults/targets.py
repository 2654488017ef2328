"""Faults of which modules the adapter is put on."""

from __future__ import annotations

import copy
import re
from contextlib import AbstractContextManager
from typing import Any

from peft.tuners import tuners_utils

from faults.fault import Wrapper, fault, replaced

ENSURED = ("cpu-untied-ensure-body",)


@fault(
    "excluded-modules-are-adapted",
    "exclude_modules is ignored",
    caught_by=("config-wraps-what-it-names",),
    strata=ENSURED,
    says="carries LoRA and is not asked for",
)
def excluded_modules_are_adapted() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def check(config: Any, key: str) -> Any:
            deaf = copy.copy(config)
            deaf.exclude_modules = None
            return original(deaf, key)

        return check

    return replaced(tuners_utils, "check_target_module_exists", make)


@fault(
    "second-layer-is-never-matched",
    "the modules of the layer after the first are passed over",
    caught_by=("config-wraps-what-it-names",),
    strata=ENSURED,
    says=r"\.1\..* is asked for and carries no LoRA",
)
def second_layer_is_never_matched() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def check(config: Any, key: str) -> Any:
            layer = re.search(r"\.(\d+)\.", key)
            return original(config, key) if layer is None or layer[1] != "1" else False

        return check

    return replaced(tuners_utils, "check_target_module_exists", make)
