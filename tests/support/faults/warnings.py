"""Faults of what the user is told, and when."""

from __future__ import annotations

import copy
import warnings
from contextlib import AbstractContextManager
from typing import Any

from peft.tuners import tuners_utils
from peft.tuners.tuners_utils import BaseTuner

from faults.fault import Wrapper, fault, replaced


@fault(
    "tying-warning-is-silenced",
    "the warning that a tied layer is adapted is no longer given when wrapping",
    caught_by=("documented-contract",),
    strata=("cpu-tied-default-save:both", "cpu-tied-default-target:both"),
    says="missing-warning",
)
def tying_warning_is_silenced() -> AbstractContextManager[None]:
    return replaced(BaseTuner, "_check_tied_modules", _silenced)


@fault(
    "tying-warning-comes-late",
    "LoRA on a tied head breaks the merge as ever, and wrapping does not warn any more",
    caught_by=("trouble-is-announced-early",),
    strata=("cpu-tied-default-target:head",),
)
def tying_warning_comes_late() -> AbstractContextManager[None]:
    return replaced(BaseTuner, "_check_tied_modules", _silenced)


@fault(
    "tying-is-denied",
    "wrapping ties the adapters as asked, and warns that nothing is tied",
    caught_by=("tie-warnings-are-true", "documented-contract"),
    strata=("cpu-tied-ensure-target:both", "cpu-tied-ensure-save:head"),
    says="false-report",
)
def tying_is_denied() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def check(*args: Any) -> None:
            original(*args)
            warnings.warn("ensure_weight_tying: no tied modules were found", stacklevel=2)

        return check

    return replaced(BaseTuner, "_check_tied_modules", make)


@fault(
    "merging-does-not-warn",
    "the warning that LoRA on a tied layer is merged is no longer given",
    caught_by=("documented-contract",),
    strata=("cpu-tied-default-target:head", "cpu-tied-ensure-target:both"),
    says="missing-warning",
)
def merging_does_not_warn() -> AbstractContextManager[None]:
    return replaced(BaseTuner, "_check_merge_allowed", _silenced)


def _silenced(original: Wrapper) -> Wrapper:
    def check(*args: Any) -> None:
        with warnings.catch_warnings(record=True):
            original(*args)

    return check


@fault(
    "conflicting-tokens-are-accepted",
    "different tokens for tied layers under ensure_weight_tying raise no error any more",
    caught_by=("documented-contract",),
    strata=("cpu-tied-ensure-tokens:different",),
    says="missing-error",
)
def conflicting_tokens_are_accepted() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def setup(*args: Any, peft_config: Any, **kwargs: Any) -> None:
            lenient = copy.copy(peft_config)
            lenient.ensure_weight_tying = False
            original(*args, peft_config=lenient, **kwargs)

        return setup

    return replaced(tuners_utils, "set_additional_trainable_modules", make)


@fault(
    "saving-tied-modules-is-refused",
    "wrapping refuses what the documentation says it only warns of",
    caught_by=("life-completes",),
    strata=("cpu-tied-default-save:both",),
    says="unexpected-error",
)
def saving_tied_modules_is_refused() -> AbstractContextManager[None]:
    def make(_: Wrapper) -> Wrapper:
        def check(_self: Any, _model: Any, _config: Any) -> None:
            raise ValueError("tied layers cannot be part of the adapter")

        return check

    return replaced(BaseTuner, "_check_tied_modules", make)
