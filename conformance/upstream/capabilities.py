"""What the installed PEFT can do, knows and documents; what it lacks is a reason to skip."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING

from packaging.version import Version

from conformance.core.case import Case
from conformance.core.placements import PLACEMENTS
from conformance.core.versions import installed
from tiny_models.compat import has_family, runs
from tiny_models.families import FAMILIES

if TYPE_CHECKING:
    from tiny_models.families import Family


# Wordings of the tying warnings changed in 0.13, 0.18, 0.19 and 0.20; these words stayed.
ABOUT_TYING = re.compile(r"\btie|\btied|weight_tying|weight tying", re.IGNORECASE)

OLDEST_TRIED = "0.21.0.dev0"
"""The oldest PEFT that programs, and the ways of adapters, were tried on."""


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
    from peft.utils.save_and_load import get_peft_model_state_dict

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
    if "local_config_exists" not in get_peft_model_state_dict.__code__.co_varnames:
        reasons["local configs"] = f"{peft} looks for the config of a base on the hub alone"
    if unconverted := converts_no_names():
        reasons["older-names"] = unconverted
    if Version(installed("peft")) < Version("0.19.0.dev0"):  # the documentation's, not the code's
        reasons["weight-tying tables"] = f"{peft} documents no weight-tying tables"
    return MappingProxyType(reasons)


def converts_no_names() -> str:
    """Says that an adapter's names are not brought up to those of transformers, or ``""``."""
    both = ("peft.utils.transformers_weight_conversion", "transformers.conversion_mapping")
    missing = next((module for module in both if find_spec(module) is None), None)
    return f"names of adapters are not converted without {missing}" if missing else ""


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
