"""The source of a model of our own, which scripts carry with them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import tiny_models

OWN = Path(tiny_models.__file__).with_name("own.py")
OWN_NEEDS = {
    **dict.fromkeys(("AutoConfig", "AutoModelForCausalLM", "GenerationMixin"), "transformers"),
    **dict.fromkeys(("PretrainedConfig", "PreTrainedModel"), "transformers"),
    "CausalLMOutput": "transformers.modeling_outputs",
}
"""What it imports beside torch, and from where."""


@cache
def own_classes() -> str:
    """All of ``tiny_models.own`` but its imports; read and not imported, since it needs torch."""
    source = OWN.read_text(encoding="utf-8")
    return re.sub(r"  # (noqa|type: ignore).*", "", source[source.index("class ") :]).strip()
