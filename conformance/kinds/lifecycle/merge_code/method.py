"""What another merger does in a life: in place of ``merge_and_unload`` and saving."""

from __future__ import annotations

import json
import os
import shutil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.kinds.lifecycle.merge_code.load import Merger
from tiny_models import build as tiny
from tiny_models.checkpoints import SHARD
from tiny_models.compat import auto_class
from tiny_models.seeding import reseed

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

BASE = "base-to-merge"
ABSENT = MappingProxyType({"merged-otherwise": "another merger has no other way of merging"})
"""Stages that a life with another merger does not have, with the reason."""


def merged(life: Life, merger: Merger) -> Any:
    """Save the base, have it merged with the saved adapter, and load what was made of them."""
    base = life.fresh_base().to("cpu")
    options = {"max_shard_size": SHARD} if life.case.sharded else {}
    base.save_pretrained(life.folder_for(BASE), **options)
    merge(life, merger, "merged")
    out = life.folder / "merged"
    cls: Any = auto_class(life.family.shape) if life.case.loader == "auto" else None
    cls = cls or tiny.model_class(life.case.model)
    reseed(life.case.seed + 3)  # of what the file lacks
    model, _ = tiny.load(
        cls, out, dtype=life.case.dtype, safetensors=any(out.glob("*.safetensors"))
    )
    # transformers wraps nn.Module.to without its types
    return model.to(life.device)  # type: ignore[arg-type]


def merge(life: Life, merger: Merger, name: str) -> None:
    """Merge into a new folder of the life; the merger gets the adapter as a copy of its own."""
    base, adapter = life.folder / BASE, life.folder / f"adapter-for-{name}"
    shutil.copytree(life.folder / "adapter", adapter)
    config = adapter / "adapter_config.json"
    fields = json.loads(config.read_text()) | {"base_model_name_or_path": os.fspath(base)}
    config.write_text(json.dumps(fields, indent=2))
    merger(base, adapter, life.folder / name)
