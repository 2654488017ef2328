"""What the checkpoint of a plain model looks like, whatever its sizes."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from safetensors import safe_open

from tiny_models.build import build
from tiny_models.compat import quiet_progress
from tiny_models.spec import ModelSpec

SHARD = "6KB"
"""A shard's size: below that of any tiny checkpoint, above its largest tensor."""


@cache
def plain_keys(family: str, layers: int, *, tied: bool) -> frozenset[str]:
    """The keys transformers writes for an untouched model of this family."""
    with tempfile.TemporaryDirectory(prefix="tiny-models-") as folder, quiet_progress():
        base = build(ModelSpec(family=family, layers=layers, tied=tied), Path(folder))
        target = Path(folder) / "plain"
        base.model.save_pretrained(target)
        keys: set[str] = set()
        for file in target.glob("*.safetensors"):
            with safe_open(file, framework="pt") as opened:
                keys.update(opened.keys())
    return frozenset(keys)
