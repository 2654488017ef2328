"""Whether diffusers is there, and has what a Wan pipeline needs."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec

from conformance.versions import installed

PACKAGE = "diffusers"
EXTRA = "pip install 'peft-conformance[diffusers]'"
CLASSES = (
    "DiffusionPipeline",
    "WanPipeline",
    "AutoencoderKLWan",
    "WanTransformer3DModel",
    "FlowMatchEulerDiscreteScheduler",
)


def missing() -> str:
    """Why there can be no pipeline here, in one sentence, or ``""``."""
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
        beside = ", ".join(f"{name} {installed(name)}" for name in ("transformers", "torch"))
        cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
        reason = re.sub(r"\S*site-packages/", "(", " ".join(str(cause).split()))
        return f"{here} cannot be imported beside {beside} ({type(cause).__name__}: {reason})"
    return ""
