"""Whether diffusers is there, and has what a Wan pipeline needs."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from conformance.core.versions import installed

PACKAGE = "diffusers"
EXTRA = "pip install 'peft-conformance[diffusers]'"
CLASSES = (
    "DiffusionPipeline",
    "WanPipeline",
    "AutoencoderKLWan",
    "WanTransformer3DModel",
    "FlowMatchEulerDiscreteScheduler",
)


@cache
def missing() -> str:
    """Why there can be no pipeline here, in one sentence, or ``""``.

    Asked once: what diffusers could not import the first time may come half imported the next.
    """
    if find_spec(PACKAGE) is None:
        return f"{PACKAGE} is not installed: {EXTRA}"
    here = f"{PACKAGE} {installed(PACKAGE)}"
    try:
        module = import_module(PACKAGE)
        absent = next((name for name in CLASSES if name not in dir(module)), "")
        if absent:
            return f"{here} has no {absent}"
        for name in CLASSES:
            getattr(module, name)  # imported when it is asked for
    except (ImportError, AttributeError, RuntimeError) as error:
        beside = " and ".join(f"{name} {installed(name)}" for name in ("transformers", "torch"))
        return f"{here} cannot be imported beside {beside} ({_first(error)})"
    return ""


def _first(error: BaseException) -> str:
    """The error that the others came of, on one line and without the machine's folders."""
    while error.__cause__ is not None:
        error = error.__cause__
    reason = re.sub(r"\S*site-packages/", "(", " ".join(str(error).split()))
    return f"{type(error).__name__}: {reason}"
